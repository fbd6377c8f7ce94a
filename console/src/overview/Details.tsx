// The tables below the numbers, as tabs. The page loads this file after its numbers.
import { useQuery } from "@tanstack/react-query";
import { Card, Tabs } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas, Stats } from "../api/client";
import { messageStatsQuery } from "../api/queries";
import { useParam } from "../ui/useFilters";
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

export default function Details(props: Props) {
  const { t } = useTranslation();
  const [tab, setTab] = useParam("table");
  const tabs: Record<string, [label: string, table: ReactNode]> = {
    policy: [t("sends.policy"), <ByPolicy key="policy" {...props} />],
    rule: [t("rules.one"), <ByRule key="rule" {...props} />],
    sender: [
      t("overview.tabs.sender"),
      <Messages key="sender" {...props}>
        {({ by_sender }) => <Senders senders={by_sender} />}
      </Messages>,
    ],
    country: [t("sends.country"), <ByCountry key="country" {...props} />],
    reason: [t("overview.reason"), <ByReason key="reason" {...props} />],
    code: [
      t("overview.tabs.code"),
      <Messages key="code" {...props}>
        {({ by_code }) => <Codes codes={by_code} />}
      </Messages>,
    ],
    type: [t("overview.tabs.type"), <ByType key="type" {...props} />],
    time: [t("overview.tabs.time"), <Times key="time" {...props} />],
  };
  return (
    <Card size="small" className="details">
      <h2 className="visually-hidden">{t("overview.details")}</h2>
      <Tabs
        activeKey={tab in tabs ? tab : "policy"}
        onChange={(next) => setTab(next === "policy" ? "" : next)}
        destroyOnHidden
        items={Object.entries(tabs).map(([key, [label, children]]) => ({ key, label, children }))}
      />
    </Card>
  );
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
