import { Button, Card } from "antd";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  title: string;
  summary: string; // what the chart shows, in a sentence
  table: ReactNode; // the same in numbers
  children: ReactNode; // the chart
}

/** Figure is a chart for those who see it, a sentence for those who hear it, and a table for both. */
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
