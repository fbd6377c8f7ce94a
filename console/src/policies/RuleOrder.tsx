import { arrayMove } from "@dnd-kit/sortable";
import { useTranslation } from "react-i18next";
import type { Rule } from "../api/client";
import { meaning } from "../rules/meaning";
import { SortableList } from "../ui/SortableList";

interface Props {
  rules: Rule[];
  onChange: (rules: Rule[]) => void;
}

/** RuleOrder has the ordered rules of a policy, with their meaning. */
export function RuleOrder({ rules, onChange }: Props) {
  const { t, i18n } = useTranslation();
  return (
    <SortableList
      label={t("policies.included")}
      items={rules.map((rule) => ({
        id: rule.id,
        name: rule.name,
        content: (
          <>
            <strong>{rule.name}</strong>
            <br />
            <small>{meaning(rule, t, i18n.language)}</small>
          </>
        ),
      }))}
      onMove={(from, to) => onChange(arrayMove(rules, from, to))}
      onRemove={(index) => onChange(rules.filter((_, i) => i !== index))}
    />
  );
}
