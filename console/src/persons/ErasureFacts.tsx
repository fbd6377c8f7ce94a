import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";

/** ErasureFacts has the report of an erasure: the sends that were cancelled and the rows by table. */
export function ErasureFacts({ erasure }: { erasure: Schemas["Erasure"] }) {
  const { t, i18n } = useTranslation();
  const format = new Intl.NumberFormat(i18n.language);
  const rows = Object.entries(erasure.changed).sort(([a], [b]) => a.localeCompare(b));
  return (
    <ul className="inline-list">
      <li>{t("persons.cancelled", { count: erasure.cancelled_sends })}</li>
      {rows.map(([table, count]) => (
        <li key={table}>
          <code>{table}</code>: {format.format(count)}
        </li>
      ))}
    </ul>
  );
}
