// The fields of the filters that are added from the menu.
import { useQuery } from "@tanstack/react-query";
import { AutoComplete, Select } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { constraints } from "../api/constraints.gen";
import { routesQuery, rulesQuery } from "../api/queries";
import { countries, countryName } from "../rules/countries";
import { ruleTypes } from "../rules/meaning";
import { explain, providerName } from "./explanation";
import { noCountry } from "./useFilterWords";
import { useReader } from "./useReader";
import type { MoreFilter, YesNoFilter } from "./useSendsFilter";

const { correlation_id } = constraints.SendInput;

type Name = Exclude<MoreFilter, YesNoFilter>;

interface Props<N extends Name = Name> {
  name: N;
  value: string;
  isNew: boolean; // it has just been added, so it takes the focus
  onChange: (value: string) => void;
}

export function MoreField({ name, ...props }: Props) {
  switch (name) {
    case "rule":
      return <RuleField name={name} {...props} />;
    case "sender":
      return <SenderField name={name} {...props} />;
    case "code":
      return <CodeField name={name} {...props} />;
    case "route":
      return <RouteField name={name} {...props} />;
    case "correlation_id":
      return <TextField name={name} {...props} options={[]} maxLength={correlation_id.maxLength} />;
    case "country":
      return <CountryField name={name} {...props} />;
    default:
      return <ChoiceField name={name} {...props} />;
  }
}

const reasons = ["failed", "not_sent", "not_delivered", "not_read", "too_late"] as const;
const results = ["delivered", "failed", "no_receipt"] as const;

function ChoiceField(props: Props<"reason" | "rule_type" | "sms_result">) {
  const { t } = useTranslation();
  const options = {
    reason: reasons.map((value) => ({ value, label: t(`overview.reasons.${value}`) })),
    rule_type: ruleTypes.map((value) => ({ value, label: t(`rules.types.${value}`) })),
    sms_result: results.map((value) => ({ value, label: t(`sends.filter.results.${value}`) })),
  }[props.name];
  return <Choice {...props} options={options} isMultiple={props.name === "reason"} />;
}

function CountryField(props: Props<"country">) {
  const { t, i18n } = useTranslation();
  const named = countries.map((value) => ({ value, label: countryName(value, i18n.language) }));
  named.sort((a, b) => a.label.localeCompare(b.label, i18n.language));
  return <Choice {...props} options={[...named, { value: noCountry, label: t("overview.noCountry") }]} />;
}

function RouteField(props: Props<"route">) {
  const routes = useQuery(routesQuery);
  return <Choice {...props} options={(routes.data?.items ?? []).map(({ name }) => ({ value: name, label: name }))} />;
}

interface Option {
  value: string;
  label?: string;
}

function Choice({
  name,
  value,
  isNew,
  onChange,
  options,
  isMultiple,
}: Props & { options: Option[]; isMultiple?: boolean }) {
  const { t } = useTranslation();
  const label = t(`sends.filter.names.${name}`);
  const shared = { className: "filter", allowClear: true, "aria-label": label, placeholder: label, options };
  const opened = { autoFocus: isNew, defaultOpen: isNew };
  return isMultiple ? (
    <Select
      {...shared}
      {...opened}
      mode="multiple"
      maxTagCount={1}
      maxTagPlaceholder={(omitted) => `+${omitted.length}`}
      value={value ? value.split(",") : []}
      onChange={(chosen) => onChange(chosen.join(","))}
    />
  ) : (
    <Select
      {...shared}
      {...opened}
      showSearch={{ optionFilterProp: "label" }}
      value={value || null}
      onChange={(chosen) => onChange(chosen ?? "")}
    />
  );
}

function RuleField(props: Props<"rule">) {
  const [search, setSearch] = useState("");
  const rules = useQuery(rulesQuery({ search: search || undefined, limit: 20 }));
  const names = new Set(rules.data?.items.map((rule) => rule.name));
  return <TextField {...props} options={[...names].map((value) => ({ value }))} onSearch={setSearch} />;
}

function SenderField(props: Props<"sender">) {
  const rules = useQuery(rulesQuery({ limit: 200 }));
  const senders = new Set(rules.data?.items.map((rule) => rule.send_id));
  return <TextField {...props} options={[...senders].sort().map((value) => ({ value }))} />;
}

/** CodeField proposes the codes that the console can explain. Their provider is part of the words only. */
function CodeField(props: Props<"code">) {
  const reader = useReader();
  const options = reader.codes.map(({ provider, code }) => ({
    value: code,
    label: `${code} · ${providerName(provider, reader.providers)} · ${explain({ kind: "rejected", code }, provider, reader).cause}`,
  }));
  return <TextField {...props} options={options} />;
}

interface TextProps extends Props<"rule" | "sender" | "code" | "correlation_id"> {
  options: Option[];
  maxLength?: number;
  onSearch?: (text: string) => void;
}

/** TextField takes any text, because old sends have names that are gone. It filters on Enter, or when it loses the focus. */
function TextField({ name, value, isNew, onChange, options, maxLength = 64, onSearch }: TextProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const label = t(`sends.filter.names.${name}`);
  const submit = (next: string) => {
    if (next.trim() !== value) {
      onChange(next.trim());
    }
  };
  return (
    <AutoComplete
      className="filter"
      popupMatchSelectWidth={name === "code" ? 420 : true}
      allowClear
      autoFocus={isNew}
      aria-label={label}
      placeholder={label}
      maxLength={maxLength}
      defaultActiveFirstOption={false}
      showSearch={{
        filterOption: (typed, option) =>
          `${option?.value} ${option?.label ?? ""}`.toLowerCase().includes(typed.toLowerCase()),
        ...(onSearch ? { onSearch } : {}),
      }}
      options={options}
      value={text}
      onChange={(next?: string) => {
        setText(next ?? "");
        if (!next) {
          submit("");
        }
      }}
      onSelect={(chosen) => submit(chosen ?? "")}
      onBlur={() => submit(text)}
      onKeyDown={(event) => event.key === "Enter" && submit(text)}
    />
  );
}
