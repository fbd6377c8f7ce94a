// The picture of a policy, in two lanes. In time: WhatsApp at 0 and each rule at the end of its wait. On a failure: each rule in the
// order of the policy. On a send, the plan is grey, and what happened is on top of it.

import { Alert, Select } from "antd";
import { type ReactNode, useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { firstSender } from "../accounts/routes";
import { countries, countryName } from "../rules/countries";
import { condition } from "../rules/meaning";
import type { Tone } from "../theme";
import { ClockCircleOutlined, MessageOutlined, ThunderboltOutlined, WhatsAppOutlined } from "../ui/icons";
import { ToneTag } from "../ui/ToneTag";
import { duration } from "../ui/time";
import {
  type Fired,
  type Happened,
  isByTime,
  type Picture,
  type PictureRule,
  pictureOf,
  type Stop,
  type Warning,
} from "./picture";

interface Props {
  rules: PictureRule[];
  happened?: Happened | undefined; // of a send
}

export function PolicyPicture({ rules, happened }: Props) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState("");
  const named = [...new Set(rules.flatMap((rule) => rule.countries ?? []))];
  const country = named.length > 0 ? chosen : "";
  const picture = pictureOf(rules, country);
  return (
    <figure className={`picture${happened ? " picture-past" : ""}`} aria-label={t("policies.picture.title")}>
      {named.length > 0 && <CountrySelect named={named} value={country} onChange={setChosen} />}
      {picture.chain.length > 0 && (
        <div className="picture-lanes">
          <TimeLane picture={picture} happened={happened} />
          <FailureLane picture={picture} happened={happened} />
        </div>
      )}
      {!happened && <Warnings warnings={picture.warnings} country={country} />}
    </figure>
  );
}

function TimeLane({ picture: { timed }, happened }: { picture: Picture; happened: Happened | undefined }) {
  const { t } = useTranslation();
  const elapsed = useElapsed(happened);
  const stops: LaneStop[] = [
    {
      key: "start",
      at: 0,
      icon: <WhatsAppOutlined />,
      content: t("policies.picture.whatsapp"),
      isPast: happened !== undefined,
    },
    ...timed.map((stop) => timeStop(stop, happened)),
  ];
  const last = stops.at(-1)?.at ?? 0;
  if (elapsed !== undefined && elapsed < last) {
    stops.splice(
      stops.findIndex(({ at }) => at > elapsed),
      0,
      {
        key: "now",
        at: elapsed,
        icon: <ClockCircleOutlined />,
        content: <strong>{t("policies.picture.now")}</strong>,
        isPast: true,
      },
    );
  }
  return (
    <Lane icon={<ClockCircleOutlined />} title={t("policies.picture.inTime")} about={t("policies.picture.inTimeMeans")}>
      <ol className="picture-stops">
        {stops.map((stop, i) => (
          <li
            key={stop.key}
            className={`${stop.isPast ? "past" : ""} ${stop.key === "now" ? "now" : ""}`}
            style={{ paddingBlockEnd: gapFor((stops[i + 1]?.at ?? stop.at) - stop.at) }}
          >
            <span className="picture-when">{stop.at === 0 ? "0" : duration(Math.round(stop.at), t)}</span>
            <span className="picture-dot" aria-hidden="true">
              {stop.icon}
            </span>
            <span>{stop.content}</span>
          </li>
        ))}
      </ol>
      {timed.length === 0 && <p className="hint">{t("policies.picture.noWait")}</p>}
      {timed.length > 1 && <p className="hint">{t("policies.picture.afterSMS")}</p>}
    </Lane>
  );
}

/** useElapsed returns the seconds since a send was accepted, and counts on. */
function useElapsed(happened: Happened | undefined): number | undefined {
  const start = happened?.now?.getTime();
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    setSeconds(0);
    if (start === undefined) {
      return;
    }
    const timer = setInterval(() => setSeconds((before) => before + 1), 1000);
    return () => clearInterval(timer);
  }, [start]);
  return happened && start !== undefined ? (start - happened.acceptedAt.getTime()) / 1000 + seconds : undefined;
}

interface LaneStop {
  key: string;
  at: number; // seconds after acceptance
  icon: ReactNode;
  content: ReactNode;
  isPast: boolean;
}

function timeStop({ rule, spareOf }: Stop, happened: Happened | undefined): LaneStop {
  const fired = firedOf(rule, happened, true);
  return {
    key: rule.id ?? rule.name,
    at: rule.wait_seconds ?? 0,
    icon: <MessageOutlined />,
    content: (
      <RuleText rule={rule} title="condition" spareOf={spareOf} fired={fired} acceptedAt={happened?.acceptedAt} />
    ),
    isPast: fired !== undefined,
  };
}

function FailureLane({ picture: { chain }, happened }: { picture: Picture; happened: Happened | undefined }) {
  const { t } = useTranslation();
  const isMixed = chain.some((rule) => rule.countries?.length);
  return (
    <Lane
      icon={<ThunderboltOutlined />}
      title={t("policies.picture.onFailure")}
      about={t("policies.picture.onFailureMeans")}
    >
      <ol className="picture-chain">
        {chain.map((rule, i) => {
          const fired = firedOf(rule, happened, false);
          return (
            <li key={rule.id ?? rule.name} className={fired ? "past" : ""}>
              <span className="picture-dot" aria-hidden="true">
                <MessageOutlined />
              </span>
              <span>
                <RuleText rule={rule} title="sender" fired={fired} acceptedAt={happened?.acceptedAt} />
                <small className="picture-then">
                  {t(i < chain.length - 1 ? "policies.picture.ifSMSFails" : "policies.picture.noneLeft")}
                </small>
              </span>
            </li>
          );
        })}
      </ol>
      {isMixed && <p className="hint">{t("policies.picture.skipped")}</p>}
    </Lane>
  );
}

/** firedOf returns what became of a rule, if it fired in this lane. */
function firedOf(rule: PictureRule, happened: Happened | undefined, byTime: boolean): Fired | undefined {
  return happened?.fired.find((one) => one.rule === rule.name && isByTime(one, rule, happened.acceptedAt) === byTime);
}

function Lane({
  icon,
  title,
  about,
  children,
}: {
  icon: ReactNode;
  title: string;
  about: string;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section className="picture-lane" aria-labelledby={id}>
      <h3 id={id}>
        {icon} {title}
      </h3>
      <p className="hint">{about}</p>
      {children}
    </section>
  );
}

interface RuleTextProps {
  rule: PictureRule;
  title: "condition" | "sender";
  spareOf?: PictureRule | undefined;
  fired: Fired | undefined;
  acceptedAt: Date | undefined;
}

const resultTones: Record<Fired["result"], Tone> = {
  delivered: "good",
  failed: "bad",
  waiting: "wait",
  averted: "quiet",
};

function RuleText({ rule, title, spareOf, fired, acceptedAt }: RuleTextProps) {
  const { t } = useTranslation();
  return (
    <>
      {title === "condition" ? condition(rule, t) : t("policies.picture.sms", { sender: firstSender(rule) })}{" "}
      <small className="picture-rule">
        {rule.name}
        {spareOf && <> · {t("policies.picture.spare", { rule: spareOf.name })}</>}
      </small>{" "}
      <Chips codes={rule.countries ?? []} />
      {fired && acceptedAt && (
        <span className="picture-fired">
          <ToneTag tone={resultTones[fired.result]}>{t(`policies.picture.results.${fired.result}`)}</ToneTag>{" "}
          <small>
            {t("policies.picture.firedAfter", {
              time: duration(Math.max(0, Math.round((fired.at.getTime() - acceptedAt.getTime()) / 1000)), t),
            })}
          </small>
        </span>
      )}
    </>
  );
}

/** gapFor returns the space between two stops. It grows with the logarithm of the time, so a minute and a month fit. */
function gapFor(seconds: number): number {
  return Math.round(10 + 4 * Math.log2(1 + seconds / 10));
}

interface CountryProps {
  named: string[]; // in the rules
  value: string;
  onChange: (country: string) => void;
}

function CountrySelect({ named, value, onChange }: CountryProps) {
  const { t, i18n } = useTranslation();
  const id = useId();
  const optionOf = (code: string) => ({ value: code, label: `${countryName(code, i18n.language)} (${code})` });
  const others = countries.filter((code) => !named.includes(code));
  return (
    <div className="picture-country">
      <label htmlFor={id}>{t("policies.picture.forCountry")}</label>
      <Select
        id={id}
        value={value}
        onChange={onChange}
        showSearch={{ optionFilterProp: "label" }}
        popupMatchSelectWidth={false}
        options={[
          { value: "", label: t("policies.picture.allCountries") },
          { label: t("policies.picture.inRules"), options: named.map(optionOf) },
          { label: t("policies.picture.otherCountries"), options: others.map(optionOf) },
        ]}
      />
    </div>
  );
}

function Warnings({ warnings, country }: { warnings: Warning[]; country: string }) {
  const { t, i18n } = useTranslation();
  const words = (warning: Warning): string => {
    switch (warning.kind) {
      case "refused":
        return country
          ? t("policies.picture.refusedHere", { country: countryName(country, i18n.language) })
          : t("policies.picture.refused");
      case "noWait":
        return t("policies.picture.onlyOnFailure");
      case "sameSender":
        return t("policies.picture.sameSender", {
          rule: warning.rule.name,
          other: warning.other.name,
          sender: firstSender(warning.rule),
        });
    }
  };
  return warnings.map((warning) => {
    const text = words(warning);
    return <Alert key={text} className="problem" type="warning" showIcon title={text} />;
  });
}

const shownCountries = 4;

/** Chips names countries. */
function Chips({ codes }: { codes: string[] }) {
  const { t, i18n } = useTranslation();
  if (codes.length === 0) {
    return null;
  }
  const names = codes.map((code) => countryName(code, i18n.language));
  const shown = names.slice(0, shownCountries);
  if (names.length > shown.length) {
    shown.push(t("rules.moreCountries", { count: names.length - shown.length }));
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
