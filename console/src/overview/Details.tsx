// The tables below the numbers. The page loads this file after its numbers.
import { useQuery } from "@tanstack/react-query";
import { Card } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import type { Schemas, Stats } from "../api/client";
import { messageStatsQuery } from "../api/queries";
import { withChanges } from "../ui/useFilters";
import { Answer } from "./Answer";
import { Codes } from "./Codes";
import type { ChosenRange } from "./range";
import { ByCountry, ByPolicy, ByReason, ByRule, ByType } from "./rates";
import { Senders } from "./Senders";
import { ScopeProvider } from "./scope";
import { Times } from "./Times";

interface Props {
  stats: Stats;
  previous: Stats | undefined;
  chosen: ChosenRange;
  policy: string | undefined;
}

const tables = ["policy", "rule", "sender", "country", "reason", "code", "type", "time"] as const;

/** Details shows one table at a time. Each has an address, so the tabs are links. */
export default function Details(props: Props) {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const current = tables.find((table) => table === params.get("table")) ?? "policy";
  return (
    <Card size="small">
      <h2 className="visually-hidden">{t("overview.details")}</h2>
      <nav className="tabs" aria-label={t("overview.details")}>
        {tables.map((table) => (
          <Link
            key={table}
            to={{ search: `${withChanges(params, { table: table === "policy" ? "" : table })}` }}
            replace
            preventScrollReset
            aria-current={table === current ? "true" : undefined}
          >
            {t(`overview.tabs.${table}`)}
          </Link>
        ))}
      </nav>
      <Content table={current} {...props} />
    </Card>
  );
}

function Content({ table, ...props }: Props & { table: (typeof tables)[number] }) {
  switch (table) {
    case "policy":
      return <ByPolicy {...props} />;
    case "rule":
      return <ByRule {...props} />;
    case "country":
      return <ByCountry {...props} />;
    case "reason":
      return <ByReason {...props} />;
    case "type":
      return <ByType {...props} />;
    case "time":
      return <Times {...props} />;
    case "sender":
      return <Messages {...props}>{({ by_sender }) => <Senders senders={by_sender} />}</Messages>;
    case "code":
      return <Messages {...props}>{({ by_code }) => <Codes codes={by_code} />}</Messages>;
  }
}

/** Messages shows a table of the statistics of messages, which are asked for only while such a table is shown. */
function Messages({
  chosen,
  policy,
  children,
}: Pick<Props, "chosen" | "policy"> & { children: (stats: Schemas["MessageStats"]) => ReactNode }) {
  const messages = useQuery(messageStatsQuery(chosen, policy));
  return (
    <Answer query={messages}>
      {(data) => (
        <ScopeProvider value={{ from: data.from, until: data.until, policy: policy ?? "" }}>
          {children(data)}
        </ScopeProvider>
      )}
    </Answer>
  );
}
