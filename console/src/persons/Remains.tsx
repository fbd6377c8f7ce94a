import { Card } from "antd";
import { useTranslation } from "react-i18next";

const parts = ["optOut", "underWay", "statuses", "orphans", "elsewhere"] as const;

/** Remains says what an erasure does not remove, and why, in the words of docs/retention.md. */
export function Remains() {
  const { t } = useTranslation();
  return (
    <Card size="small" title={<h2>{t("persons.remains.title")}</h2>}>
      <ul>
        {parts.map((part) => (
          <li key={part}>{t(`persons.remains.${part}`)}</li>
        ))}
      </ul>
    </Card>
  );
}
