import { Button, Card } from "antd";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  title: string;
  summary: string; // the chart in one sentence
  table: ReactNode; // the same in numbers
  children: ReactNode; // the chart
}

/** Figure is a chart with a sentence for screen readers, and a table in its place on request. */
export function Figure({ title, summary, table, children }: Props) {
  const { t } = useTranslation();
  const [asTable, setAsTable] = useState(false);
  const about = useId();
  return (
    <Card
      size="small"
      className="figure"
      title={<h2>{title}</h2>}
      extra={
        <Button size="small" onClick={() => setAsTable(!asTable)}>
          {t(asTable ? "overview.asChart" : "overview.asTable")}
        </Button>
      }
    >
      {asTable ? (
        table
      ) : (
        <div role="img" aria-label={title} aria-describedby={about}>
          {children}
        </div>
      )}
      <p id={about} className="hint">
        {summary}
      </p>
    </Card>
  );
}
