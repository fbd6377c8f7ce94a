import { useQuery } from "@tanstack/react-query";
import { Button, Card, Descriptions, Spin } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { guardsQuery } from "../api/queries";
import { countryName } from "../rules/countries";
import { countriesText } from "../rules/meaning";
import { May } from "../session/may";
import { EditOutlined } from "../ui/icons";
import { OutageNotice, useOutage } from "../ui/outage";
import { PageHeader } from "../ui/PageHeader";
import { ProblemAlert } from "../ui/ProblemView";
import { TimeText } from "../ui/TimeText";
import { GuardResults } from "./GuardResults";
import { GuardsDialog } from "./GuardsDialog";
import type { Guards } from "./values";

/** GuardsPage shows the settings of the guards, and what they did. */
export default function GuardsPage() {
  const { t } = useTranslation();
  const guards = useQuery(guardsQuery);
  const outage = useOutage(guards);
  const [isEdited, setIsEdited] = useState(false);
  return (
    <>
      <PageHeader
        title={t("guards.title")}
        about={t("guards.about")}
        actions={
          <May scope="settings:write">
            <Button type="primary" icon={<EditOutlined />} disabled={!guards.data} onClick={() => setIsEdited(true)}>
              {t("guards.edit")}
            </Button>
          </May>
        }
      />
      {guards.data ? (
        <>
          {outage && <OutageNotice outage={outage} />}
          <div className="columns">
            <Settings guards={guards.data} />
            <GuardResults />
          </div>
        </>
      ) : outage ? (
        <ProblemAlert error={outage.error} retry={outage.retry} />
      ) : (
        <Spin className="page-spin" />
      )}
      {isEdited && guards.data && <GuardsDialog guards={guards.data} onClose={() => setIsEdited(false)} />}
    </>
  );
}

function Settings({ guards }: { guards: Guards }) {
  const { t, i18n } = useTranslation();
  const list = (countries: string[]) =>
    countries.length > 0 ? countriesText({ countries }, t, i18n.language) : t("guards.noCountry");
  const cap = (most: number) => (most > 0 ? t("guards.perHour", { count: most }) : t("guards.off"));
  const { country_caps: caps, same_text_seconds: seconds, updated_at: updated } = guards;
  const facts = [
    {
      label: t("guards.allow"),
      children: guards.allow.length > 0 ? list(guards.allow) : t("guards.allCountries"),
    },
    { label: t("guards.block"), children: list(guards.block) },
    { label: t("guards.watch"), children: list(guards.watch) },
    { label: t("guards.names.recipient_cap"), children: cap(guards.recipient_cap) },
    {
      label: t("guards.names.prefix_cap"),
      children:
        guards.prefix_cap > 0
          ? t("guards.prefix", { cap: cap(guards.prefix_cap), count: guards.prefix_digits ?? 0 })
          : t("guards.off"),
    },
    { label: t("guards.names.country_cap"), children: cap(guards.country_cap) },
    ...(caps.length > 0 ? [{ label: t("guards.countryCaps"), children: capsText() }] : []),
    {
      label: t("guards.names.same_text"),
      children:
        seconds > 0
          ? t("guards.sameTextFor", { answer: t(`guards.answers.${guards.same_text_answer}`), count: seconds })
          : t("guards.off"),
    },
    { label: t("guards.changed"), children: updated ? <TimeText at={updated} /> : t("guards.never") },
  ];
  return (
    <Card size="small" title={<h2>{t("guards.settings")}</h2>}>
      <Descriptions size="small" column={1} items={facts.map((fact) => ({ ...fact, key: fact.label }))} />
    </Card>
  );

  function capsText() {
    return (
      <ul className="inline-list">
        {caps.map(({ country, cap: most }) => (
          <li key={country}>
            {t("guards.capOfCountry", {
              country: countryName(country, i18n.language),
              cap: most > 0 ? cap(most) : t("guards.noCap"),
            })}
          </li>
        ))}
      </ul>
    );
  }
}
