import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Send } from "../api/client";
import { optOutsQuery } from "../api/queries";
import { TimeText } from "../ui/TimeText";
import { SourceText } from "./SourceText";

/** SendOptOuts lists what the recipient of a send has opted out of, with the source and the time of each entry. */
export function SendOptOuts({ send: { to } }: { send: Send }) {
  const { t } = useTranslation();
  const entries = useQuery({ ...optOutsQuery({ to, limit: 10 }), refetchInterval: 30_000 }).data?.items;
  if (!entries || entries.length === 0) {
    return entries ? t("optOuts.ofSendNone") : "–";
  }
  return (
    <ul className="plain-list">
      {entries.map((entry) => (
        <li key={entry.id}>
          <Link to={`/opt-outs?to=${encodeURIComponent(to)}`}>{t(`optOuts.categories.${entry.category}`)}</Link>{" "}
          <TimeText at={entry.since} />, <SourceText origin={entry} />
        </li>
      ))}
    </ul>
  );
}
