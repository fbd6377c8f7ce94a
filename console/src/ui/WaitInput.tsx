import { InputNumber, Select, Space } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Unit, unitOf, units } from "./time";

interface Props {
  id?: string; // from Form.Item, for its label
  value?: number | undefined; // seconds; undefined is no wait
  onChange?: (seconds: number | undefined) => void;
}

/** WaitInput is a field for a wait: a number and its unit. Empty is no wait. */
export function WaitInput({ id, value, onChange }: Props) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<Unit>();
  // The chosen unit stays while the wait is a whole number of it.
  const unit =
    chosen && (value === undefined || value % units[chosen] === 0) ? chosen : value ? unitOf(value) : "minute";
  return (
    <Space.Compact block>
      <InputNumber<number>
        {...(id ? { id } : {})}
        className="grow"
        min={0}
        precision={0}
        value={value === undefined ? null : value / units[unit]}
        placeholder={t("rules.noWait")}
        onChange={(count) => {
          setChosen(unit);
          onChange?.(count === null ? undefined : count * units[unit]);
        }}
      />
      <Select<Unit>
        className="wait-unit"
        aria-label={t("rules.unit")}
        value={unit}
        options={(Object.keys(units) as Unit[]).map((key) => ({ value: key, label: t(`duration.units.${key}`) }))}
        onChange={(next) => {
          setChosen(next);
          onChange?.(value === undefined ? undefined : (value / units[unit]) * units[next]);
        }}
      />
    </Space.Compact>
  );
}
