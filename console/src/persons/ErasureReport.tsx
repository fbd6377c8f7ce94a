import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert } from "antd";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { erasureQuery, erasuresKey } from "../api/queries";
import { ProblemAlert } from "../ui/ProblemView";
import { ErasureFacts } from "./ErasureFacts";

/** ErasureReport shows how far an erasure has come, until it is done. */
export function ErasureReport({ id }: { id: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const report = useQuery(erasureQuery(id));
  const state = report.data?.state;
  useEffect(() => {
    if (state === "done") {
      client.invalidateQueries({ queryKey: [erasuresKey] });
    }
  }, [client, state]);
  if (!report.data) {
    return report.error && <ProblemAlert error={report.error} />;
  }
  const { pending_sends: pending } = report.data;
  return (
    <Alert
      className="problem"
      type={state === "done" ? "success" : "info"}
      showIcon
      role="status"
      title={
        state === "done"
          ? t("persons.done")
          : pending > 0
            ? t("persons.waits", { count: pending })
            : t("persons.running")
      }
      description={<ErasureFacts erasure={report.data} />}
    />
  );
}
