import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../api/client";

type Origin = Pick<Schemas["OptOut"], "source" | "channel" | "account" | "code" | "send">;

/** SourceText says how an opt-out, or its end, became known: with the channel, the account and the send, if it has them. */
export function SourceText({ origin: { source, channel, account, code, send } }: { origin: Origin }) {
  const { t } = useTranslation();
  const more = [channel && t(`channel.${channel}`), account, code].filter(Boolean).join(" · ");
  return (
    <>
      {send ? (
        <Link className="source-link" to={`/sends/${send}`}>
          {t(`optOuts.sources.${source}`)}
        </Link>
      ) : (
        t(`optOuts.sources.${source}`)
      )}
      {more && <small className="source-of"> {more}</small>}
    </>
  );
}
