import { Alert, Card, Descriptions } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Account, Schemas } from "../api/client";
import { qualityText, qualityTone } from "../templates/template";
import type { Tone } from "../theme";
import { TimeText } from "../ui/TimeText";
import { ToneTag } from "../ui/ToneTag";
import { concernsOf, limitConcern, limitText, numberTone, recipientsText, statusText, throughputText } from "./profile";

type Profile = Schemas["AccountProfile"];

/** NumberProfile shows what the provider last reported of the account's number. */
export function NumberProfile({ account: { name, profile } }: { account: Account }) {
  return profile ? <Shown name={name} profile={profile} /> : null;
}

function Shown({ name, profile }: { name: string; profile: Profile }) {
  const { t } = useTranslation();
  const facts = useFacts(name, profile);
  return (
    <Card size="small" title={<h2>{t("number.title")}</h2>}>
      {profile.fault && (
        <Alert
          className="problem"
          type="warning"
          showIcon
          title={t("templates.readFailed", { account: name })}
          description={<span lang="en">{profile.fault}</span>}
        />
      )}
      <Descriptions size="small" column={1} items={facts.map((fact) => ({ ...fact, key: fact.label }))} />
    </Card>
  );
}

/** NumberConcerns warns of a low quality, of a number that is not connected, and of a messaging limit that is used up. */
export function NumberConcerns({ account: { profile } }: { account: Account }) {
  const { t, i18n } = useTranslation();
  const recipients = profile ? recipientsText(profile, t, i18n.language) : "";
  return concernsOf(profile).map(({ key, type, status }) => (
    <Alert
      key={key}
      className="problem"
      type={type}
      showIcon
      role="alert"
      title={t(`number.${key}`, { status: statusText(status, t), recipients })}
      description={t(`number.${key}Means`)}
    />
  ));
}

function limitTone(profile: Profile): Tone {
  const concern = limitConcern(profile);
  return concern === "limitReached" ? "bad" : concern ? "warn" : "quiet";
}

function useFacts(name: string, profile: Profile): { label: string; children: ReactNode }[] {
  const { t, i18n } = useTranslation();
  const { display_number, verified_name, name_status, status, quality, throughput, messaging_limit } = profile;
  const recipients = recipientsText(profile, t, i18n.language);
  const fact = (label: string, children: ReactNode) => (children ? [{ label, children }] : []);
  return [
    ...fact(t("number.displayNumber"), display_number && <span className="nowrap">{display_number}</span>),
    ...fact(t("number.verifiedName"), verified_name),
    ...fact(t("number.nameStatus"), name_status && statusText(name_status, t)),
    ...fact(t("number.status"), status && <ToneTag tone={numberTone(status)}>{statusText(status, t)}</ToneTag>),
    ...fact(t("number.quality"), quality && <ToneTag tone={qualityTone(quality)}>{qualityText(quality, t)}</ToneTag>),
    ...fact(t("number.throughput"), throughput && throughputText(throughput, t)),
    ...fact(t("number.limit"), messaging_limit && limitText(messaging_limit, t, i18n.language)),
    ...fact(t("number.recipients"), recipients && <ToneTag tone={limitTone(profile)}>{recipients}</ToneTag>),
    ...fact(t("number.readAt"), profile.read_at && <TimeText at={profile.read_at} />),
    ...fact(
      t("number.templatesReadAt"),
      profile.templates_read_at ? <TimeText at={profile.templates_read_at} /> : t("number.templatesNotRead"),
    ),
    ...fact(
      t("templates.title"),
      profile.templates_read_at && (
        <Link to={`/templates?${new URLSearchParams({ account: name })}`}>{t("number.templates")}</Link>
      ),
    ),
  ];
}
