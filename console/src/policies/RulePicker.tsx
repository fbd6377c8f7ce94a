import { useQuery } from "@tanstack/react-query";
import { Button, Select, Space } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Rule } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { rulesQuery } from "../api/queries";
import { summary } from "../rules/meaning";
import { RuleDialog } from "../rules/RuleDialog";
import { useSearch } from "../ui/useSearch";
import { RuleOrder } from "./RuleOrder";

const maxRules = constraints.PolicyInput.rule_ids.maxItems;

interface Props {
  id?: string; // from Form.Item
  value?: Rule[];
  onChange?: (rules: Rule[]) => void;
}

const useRules = (search: string) => useQuery(rulesQuery({ search: search || undefined, limit: 50 }));

/** RulePicker selects the rules of a policy and their order. */
export function RulePicker({ id, value = [], onChange }: Props) {
  const { t, i18n } = useTranslation();
  const isFree = (rule: Rule) => !value.some((taken) => taken.id === rule.id);
  const { search, setSearch, items: free, empty, props } = useSearch(useRules, isFree);
  const [making, setMaking] = useState(false);
  const add = (rule: Rule | undefined) => rule && onChange?.([...value, rule]);
  const full = value.length >= maxRules;
  return (
    <>
      <RuleOrder rules={value} onChange={(rules) => onChange?.(rules)} />
      <Space.Compact block>
        <Select<string, { value: string; label: string; about: string }>
          {...(id ? { id } : {})}
          className="grow"
          value={null as unknown as string}
          disabled={full}
          placeholder={full ? t("policies.full", { most: maxRules }) : t("policies.pick")}
          {...props}
          notFoundContent={search === "" && !props.loading ? t("policies.noRuleLeft") : empty}
          options={free.map((rule) => ({ value: rule.id, label: rule.name, about: summary(rule, t, i18n.language) }))}
          optionRender={({ label, data }) => (
            <>
              {label}
              <small className="option-about">{data.about}</small>
            </>
          )}
          onSelect={(picked: string) => {
            add(free.find((rule) => rule.id === picked));
            setSearch("");
          }}
        />
        <Button disabled={full} onClick={() => setMaking(true)}>
          {t("policies.newRule")}
        </Button>
      </Space.Compact>
      {making && <RuleDialog rule={undefined} onClose={() => setMaking(false)} onSaved={add} />}
    </>
  );
}
