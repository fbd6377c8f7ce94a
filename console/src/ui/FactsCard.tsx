import { Card, Descriptions, Typography } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { TimeText } from "./TimeText";

interface Fact {
  label: string;
  children: ReactNode;
}

interface Props {
  item: { id: string; created_at: string; updated_at: string };
  before?: Fact[];
  after?: Fact[];
}

/** FactsCard has the facts of a rule or a policy, with its id and its times. */
export function FactsCard({ item, before = [], after = [] }: Props) {
  const { t } = useTranslation();
  const facts: Fact[] = [
    ...before,
    {
      label: t("sends.id"),
      children: (
        <Typography.Text copyable={{ tooltips: [t("sends.copy"), t("sends.copied")] }}>{item.id}</Typography.Text>
      ),
    },
    { label: t("list.created"), children: <TimeText at={item.created_at} /> },
    { label: t("list.updated"), children: <TimeText at={item.updated_at} /> },
    ...after,
  ];
  return (
    <Card size="small" title={<h2>{t("list.facts")}</h2>}>
      <Descriptions size="small" column={1} items={facts.map((fact) => ({ ...fact, key: fact.label }))} />
    </Card>
  );
}
