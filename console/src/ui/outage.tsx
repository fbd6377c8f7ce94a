// An outage: a page keeps what it has, says since when it is not connected, and its queries go on trying.
import { type QueryClient, type UseQueryResult, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ProblemError } from "../api/client";
import { healthQuery } from "../api/queries";
import { clock } from "./time";

export interface Outage {
  error: Error;
  since: number; // when the first request failed
  retry: () => void; // at once
}

/** useOutage returns why the newest requests of a query have failed; undefined after a success. */
export function useOutage(query: UseQueryResult<unknown>): Outage | undefined {
  const client = useQueryClient();
  const error = query.failureReason;
  const [since, setSince] = useState<number>();
  if (error && since === undefined) {
    setSince(Date.now());
  }
  if (!error && since !== undefined) {
    setSince(undefined);
  }
  return error ? { error, since: since ?? Date.now(), retry: () => retryFailed(client) } : undefined;
}

/** retryFailed repeats the failed queries of the page without the delay that they wait for. */
function retryFailed(client: QueryClient): void {
  const failed = client
    .getQueryCache()
    .findAll({ type: "active", predicate: ({ state }) => state.fetchFailureReason !== null });
  for (const query of failed) {
    query.cancel({ revert: true }).then(() => client.refetchQueries({ queryKey: query.queryKey, exact: true }));
  }
}

/** OutageNotice stands above data that may be old. */
export function OutageNotice({ outage: { error, since, retry } }: { outage: Outage }) {
  const { t, i18n } = useTranslation();
  // A part that is away may be the cause: HealthNotice shows it.
  useQuery({ ...healthQuery, refetchOnMount: "always", refetchInterval: 5_000 });
  const at = clock(since, i18n.language);
  const detail = error instanceof ProblemError ? error.problem?.detail : error.message;
  return (
    <Alert
      className="problem"
      type="warning"
      showIcon
      role="status"
      title={detail ? t("problem.failing", { at, detail }) : t("problem.disconnected", { at })}
      action={
        <button type="button" className="button" onClick={retry}>
          {t("problem.retry")}
        </button>
      }
    />
  );
}
