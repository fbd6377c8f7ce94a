// The filters of the list of sends: the common ones are always in view, the others are added from a menu.
import { Button, Dropdown, Input, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { constraints } from "../api/constraints.gen";
import { FilterBar, FilterField } from "../ui/FilterBar";
import { PlusOutlined } from "../ui/icons";
import { dayOf, RangePicker } from "../ui/RangePicker";
import { useNarrow } from "../ui/useMedia";
import { MoreField } from "./MoreField";
import { PolicySelect } from "./PolicySelect";
import { RecipientField } from "./RecipientField";
import { isSendRange, type SendRange, sendRanges } from "./range";
import { isYesNo, type MoreFilter, moreFilters, type SendsFilter, type YesNoFilter } from "./useSendsFilter";

export function SendFilters({ filter, active }: { filter: SendsFilter; active: number }) {
  const { t } = useTranslation();
  const { values, set, added } = filter;
  const shown = moreFilters.filter((name) => values[name] !== "" || added.includes(name));
  return (
    <FilterBar active={active}>
      <TimeField filter={filter} />
      <FilterField label={t("sends.outcome")}>
        <Select
          className="filter"
          mode="multiple"
          maxTagCount={1}
          maxTagPlaceholder={(omitted) => `+${omitted.length}`}
          showSearch={false}
          allowClear
          aria-label={t("sends.outcome")}
          placeholder={t("sends.outcome")}
          value={values.outcome ? values.outcome.split(",") : []}
          onChange={(chosen) => set({ outcome: chosen.join(",") })}
          options={constraints.Outcome.enum.map((value) => ({ value, label: t(`outcome.${value}`) }))}
        />
      </FilterField>
      <FilterField label={t("sends.policy")}>
        <PolicySelect
          value={values.policy || undefined}
          onChange={(value) => set({ policy: value ?? "" })}
          label={t("sends.policy")}
        />
      </FilterField>
      <FilterField label={t("sends.to")}>
        <RecipientField to={values.to} toEnds={values.to_ends} onChange={set} />
      </FilterField>
      <FilterField label={t("sends.filter.names.fell_back")}>
        <YesNo filter={filter} name="fell_back" />
      </FilterField>
      {shown.map((name) => (
        <FilterField key={name} label={t(`sends.filter.names.${name}`)}>
          {isYesNo(name) ? (
            <YesNo filter={filter} name={name} />
          ) : (
            <MoreField
              name={name}
              value={values[name]}
              isNew={added.includes(name) && values[name] === ""}
              onChange={(value) => set(name === "code" ? { code: value, provider: "" } : { [name]: value })}
            />
          )}
        </FilterField>
      ))}
      <AddFilter filter={filter} shown={shown} />
    </FilterBar>
  );
}

function AddFilter({ filter, shown }: { filter: SendsFilter; shown: MoreFilter[] }) {
  const { t } = useTranslation();
  const left = moreFilters.filter((name) => !shown.includes(name));
  const add = (name: MoreFilter) => {
    if (isYesNo(name)) {
      filter.set({ [name]: "true" });
    } else {
      filter.add(name);
    }
  };
  if (left.length === 0) {
    return null;
  }
  return (
    <Dropdown
      trigger={["click"]}
      menu={{
        items: left.map((name) => ({ key: name, label: t(`sends.filter.names.${name}`) })),
        onClick: ({ key }) => add(key as MoreFilter),
      }}
    >
      <Button icon={<PlusOutlined />} aria-haspopup="menu">
        {t("sends.filter.add")}
      </Button>
    </Dropdown>
  );
}

function YesNo({ filter, name }: { filter: SendsFilter; name: "fell_back" | YesNoFilter }) {
  const { t } = useTranslation();
  const label = t(`sends.filter.names.${name}`);
  return (
    <Select
      className="filter short"
      allowClear
      aria-label={label}
      placeholder={label}
      value={filter.values[name] || null}
      onChange={(value) => (value ? filter.set({ [name]: value }) : filter.remove(name))}
      options={[
        { value: "true", label: t(`sends.filter.${name}.yes`) },
        { value: "false", label: t(`sends.filter.${name}.no`) },
      ]}
    />
  );
}

function TimeField({ filter: { values, set } }: { filter: SendsFilter }) {
  const { t } = useTranslation();
  const [isOwn, setOwn] = useState(false);
  const hasBounds = values.from !== "" || values.until !== "";
  const shown = isSendRange(values.range) ? values.range : isOwn || hasBounds ? "own" : null;
  const choose = (value: SendRange | "own" | null | undefined) => {
    setOwn(value === "own");
    if (value !== "own") {
      set({ range: value ?? "", from: "", until: "" });
    } else {
      set({ range: "" });
    }
  };
  return (
    <>
      <FilterField label={t("sends.filter.time")}>
        <Select<SendRange | "own" | null>
          className="filter short"
          allowClear
          aria-label={t("sends.filter.time")}
          placeholder={t("sends.filter.always")}
          value={shown}
          onChange={choose}
          options={[
            ...sendRanges.map((value) => ({ value, label: t(`sends.filter.ranges.${value}`) })),
            { value: "own" as const, label: t("sends.filter.own") },
          ]}
        />
      </FilterField>
      {shown === "own" && (
        <OwnRange from={values.from} until={values.until} onChange={(bounds) => set({ range: "", ...bounds })} />
      )}
    </>
  );
}

interface Bounds {
  from: string;
  until: string;
}

/** OwnRange has two native fields in a narrow window, where the two months of antd's picker have no room. */
export function OwnRange({ from, until, onChange }: Bounds & { onChange: (bounds: Partial<Bounds>) => void }) {
  const { t } = useTranslation();
  const isNarrow = useNarrow();
  if (!isNarrow) {
    return (
      <RangePicker
        from={from}
        until={until}
        mayLackFrom
        label={t("sends.range")}
        placeholder={[t("sends.fromTime"), t("sends.untilTime")]}
        onChange={(from = "", until = "") => onChange({ from, until })}
      />
    );
  }
  return (["from", "until"] as const).map((name) => {
    const label = t(name === "from" ? "sends.fromTime" : "sends.untilTime");
    return (
      <FilterField key={name} label={label}>
        <Input
          type="datetime-local"
          aria-label={label}
          value={dayOf(name === "from" ? from : until)?.format("YYYY-MM-DDTHH:mm") ?? ""}
          onChange={(event) => onChange({ [name]: dayOf(event.target.value)?.toISOString() ?? "" })}
        />
      </FilterField>
    );
  });
}
