import { useQuery } from "@tanstack/react-query";
import { Spin } from "antd";
import { useTranslation } from "react-i18next";
import { optOutHistoryQuery } from "../api/queries";
import { useOutage } from "../ui/outage";
import { ProblemAlert } from "../ui/ProblemView";
import { TimeText } from "../ui/TimeText";
import { SourceText } from "./SourceText";

/** History lists when a number opted out and in again, and how that became known. */
export function History({ number }: { number: string }) {
  const { t } = useTranslation();
  const history = useQuery(optOutHistoryQuery(number));
  const outage = useOutage(history);
  if (!history.data) {
    return outage ? <ProblemAlert error={outage.error} retry={outage.retry} /> : <Spin />;
  }
  return (
    <section className="opt-out-history" aria-label={t("optOuts.historyOf", { number })}>
      <strong>{t("optOuts.history")}</strong>
      <ul>
        {history.data.items.map((change) => (
          <li key={change.id}>
            <TimeText at={change.at} withZone /> {t(`optOuts.changes.${change.change}`)}{" "}
            {t(`optOuts.categories.${change.category}`)}, <SourceText origin={change} />
            {change.note && <q>{change.note}</q>}
          </li>
        ))}
      </ul>
      {history.data.next_cursor && <p>{t("optOuts.older")}</p>}
    </section>
  );
}
