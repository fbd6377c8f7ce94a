// The picture of a policy: in time, WhatsApp at 0 and each rule at the end of its wait; below, what follows a failure.

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { countryName } from "../rules/countries";
import { condition } from "../rules/meaning";
import { MessageOutlined, ThunderboltOutlined, WhatsAppOutlined } from "../ui/icons";
import { ToneTag } from "../ui/ToneTag";
import { duration } from "../ui/time";
import { type First, type PictureRule, pictureOf } from "./picture";

interface Props {
  rules: PictureRule[];
  fired?: string | undefined; // the name of the rule that fired
}

interface Stop {
  key: string;
  at: number; // seconds after acceptance
  when: string;
  icon: ReactNode;
  title: string;
  rule?: PictureRule;
}

/** gapFor returns the space between two stops. It grows with the logarithm of the time, so a minute and a month fit. */
function gapFor(seconds: number): number {
  return Math.round(10 + 7 * Math.log2(1 + seconds / 10));
}

export function PolicyTimeline({ rules, fired }: Props) {
  const { t } = useTranslation();
  const { timed, firsts, isPartial, hasNext } = pictureOf(rules);
  const stops: Stop[] = [
    { key: "start", at: 0, when: "0", icon: <WhatsAppOutlined />, title: t("policies.picture.whatsapp") },
    ...timed.map((rule) => ({
      key: rule.id,
      at: rule.wait_seconds ?? 0,
      when: duration(rule.wait_seconds ?? 0, t),
      icon: <MessageOutlined />,
      title: condition(rule, t),
      rule,
    })),
  ];
  const chain = rules.map(({ name, wait_seconds }) =>
    wait_seconds ? name : t("policies.picture.onFailureOnly", { rule: name }),
  );
  return (
    <figure className="picture" aria-label={t("policies.picture.title")}>
      <ol className="picture-stops">
        {stops.map((stop, i) => (
          <li
            key={stop.key}
            className={stop.rule && stop.rule.name === fired ? "fired" : ""}
            style={{ paddingBlockEnd: gapFor((stops[i + 1]?.at ?? stop.at) - stop.at) }}
          >
            <span className="picture-when">{stop.when}</span>
            <span className="picture-dot" aria-hidden="true">
              {stop.icon}
            </span>
            <span>
              {stop.title} {stop.rule && <small>{stop.rule.name}</small>} <Chips codes={stop.rule?.countries ?? []} />
              {stop.rule && stop.rule.name === fired && <strong> {t("policies.picture.fired")}</strong>}
            </span>
          </li>
        ))}
      </ol>
      {rules.length > 0 && (
        <figcaption>
          <Failure firsts={firsts} />
          {isPartial && <p>{t("policies.picture.refused")}</p>}
          <p>
            <MessageOutlined />{" "}
            {hasNext ? t("policies.picture.next", { order: chain.join(" → ") }) : t("policies.picture.noneLeft")}
          </p>
        </figcaption>
      )}
    </figure>
  );
}

/** Failure shows which rule fires if WhatsApp fails, for each country if they differ. */
function Failure({ firsts }: { firsts: First[] }) {
  const { t } = useTranslation();
  const words = ({ rule }: First) => ({ sender: rule.send_id, rule: rule.name });
  const [only] = firsts;
  if (only && firsts.length === 1 && only.countries.length === 0) {
    return (
      <p>
        <ThunderboltOutlined /> {t("policies.picture.failure", words(only))}
      </p>
    );
  }
  return (
    <>
      <p>
        <ThunderboltOutlined /> {t("policies.picture.failureByCountry")}
      </p>
      <ul className="picture-failure">
        {firsts.map((first) => (
          <li key={first.rule.id}>
            <Chips codes={first.countries} others /> {t("policies.picture.bySMS", words(first))}
          </li>
        ))}
      </ul>
    </>
  );
}

const shownCountries = 4;

/** Chips names countries. Without one it names all the others, or is empty. */
function Chips({ codes, others = false }: { codes: string[]; others?: boolean }) {
  const { t, i18n } = useTranslation();
  const names = codes.map((code) => countryName(code, i18n.language));
  const shown = names.slice(0, shownCountries);
  if (names.length > shown.length) {
    shown.push(t("rules.moreCountries", { count: names.length - shown.length }));
  }
  if (names.length === 0 && others) {
    shown.push(t("policies.picture.otherCountries"));
  }
  return (
    <span className="chips" title={names.join(", ")}>
      {shown.map((name) => (
        <ToneTag key={name} tone="quiet">
          {name}
        </ToneTag>
      ))}
    </span>
  );
}
