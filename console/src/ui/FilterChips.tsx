import { Button } from "antd";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { CloseOutlined } from "./icons";

export interface FilterChip {
  key: string;
  label: string; // the filter in words: "Outcome: Failed"
  onRemove: () => void;
}

/** FilterChips shows the active filters of a list. Each can be removed alone, or all at once. */
export function FilterChips({ chips, onClear }: { chips: FilterChip[]; onClear: () => void }) {
  const { t } = useTranslation();
  const list = useRef<HTMLUListElement>(null);
  const removed = useRef<number>(undefined); // the place of the chip that the user has just removed
  // biome-ignore lint/correctness/useExhaustiveDependencies: the focus moves when a chip is gone
  useEffect(() => {
    if (removed.current === undefined) {
      return;
    }
    const buttons = list.current?.querySelectorAll("button");
    const next = buttons?.[Math.min(removed.current, buttons.length - 1)] ?? document.getElementById("main");
    removed.current = undefined;
    next?.focus({ preventScroll: true });
  }, [chips.length]);
  if (chips.length === 0) {
    return null;
  }
  return (
    <div className="filter-chips">
      <ul ref={list} aria-label={t("list.filters")}>
        {chips.map(({ key, label, onRemove }, i) => (
          <li key={key}>
            <span>{label}</span>
            <button
              type="button"
              aria-label={t("list.removeFilter", { filter: label })}
              onClick={() => {
                removed.current = i;
                onRemove();
              }}
            >
              <CloseOutlined />
            </button>
          </li>
        ))}
      </ul>
      <Button
        type="link"
        onClick={() => {
          removed.current = 0;
          onClear();
        }}
      >
        {t("list.clearAll")}
      </Button>
    </div>
  );
}
