import { useQuery } from "@tanstack/react-query";
import { Button, Select, Space } from "antd";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Rule } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { rulesQuery } from "../api/queries";
import { RuleDialog } from "../rules/RuleDialog";
import { RuleOrder } from "./RuleOrder";

const maxRules = constraints.PolicyInput.rule_ids.maxItems;

interface Props {
  id?: string; // from Form.Item
  value?: Rule[];
  onChange?: (rules: Rule[]) => void;
}

/** RulePicker selects the rules of a policy and their order. */
export function RulePicker({ id, value = [], onChange }: Props) {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const [making, setMaking] = useState(false);
  const found = useQuery(rulesQuery({ search: useDeferredValue(search) || undefined, limit: 50 }));
  const free = (found.data?.items ?? []).filter((rule) => !value.some((taken) => taken.id === rule.id));
  const add = (rule: Rule | undefined) => rule && onChange?.([...value, rule]);
  const full = value.length >= maxRules;
  return (
    <>
      <RuleOrder rules={value} onChange={(rules) => onChange?.(rules)} />
      <Space.Compact block>
        <Select<string>
          {...(id ? { id } : {})}
          className="grow"
          value={null as unknown as string}
          disabled={full}
          loading={found.isFetching}
          placeholder={full ? t("policies.full", { most: maxRules }) : t("policies.pick")}
          showSearch={{ filterOption: false, onSearch: setSearch }}
          notFoundContent={found.isSuccess ? t(search ? "list.nothingFound" : "policies.noRuleLeft") : null}
          options={free.map((rule) => ({ value: rule.id, label: rule.name }))}
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
