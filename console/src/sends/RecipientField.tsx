import { Input } from "antd";
import { useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { recipientFilter } from "./recipient";

interface Props {
  to: string;
  toEnds: string;
  onChange: (filter: { to: string; to_ends: string }) => void;
}

/** RecipientField filters by a number as people write it, on Enter or when the field loses the focus. */
export function RecipientField({ to, toEnds, onChange }: Props) {
  const { t } = useTranslation();
  const value = to || toEnds;
  const [text, setText] = useState(value);
  const [isTried, setTried] = useState(value !== ""); // whether the text, or the beginning of it, was searched for
  useEffect(() => setText(value), [value]);
  const filter = recipientFilter(text);
  const refusal = isTried && "refusal" in filter ? filter.refusal : undefined;
  const refusalId = useId();
  const submit = () => {
    setTried(text !== "");
    if (!("refusal" in filter) && (filter.to !== to || filter.to_ends !== toEnds)) {
      onChange(filter);
    }
  };
  const change = (next: string) => {
    setText(next);
    if (next === "") {
      setTried(false);
      onChange({ to: "", to_ends: "" });
    }
  };
  return (
    <div className="recipient">
      <Input.Search
        type="tel"
        allowClear
        aria-label={t("sends.to")}
        aria-describedby={refusalId}
        aria-invalid={refusal !== undefined}
        placeholder={t("sends.toExample")}
        value={text}
        status={refusal ? "error" : ""}
        onChange={(event) => change(event.target.value)}
        onSearch={submit}
        onBlur={submit}
      />
      <div id={refusalId} role="status" className="refusal">
        {refusal && t(`sends.toRefused.${refusal}`)}
      </div>
    </div>
  );
}
