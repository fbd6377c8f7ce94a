import { Select } from "antd";
import { type RefObject, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { countries, countryName } from "./countries";

interface Props {
  id?: string; // from Form.Item
  value?: string[] | undefined;
  onChange?: (codes: string[]) => void;
  placeholder?: string; // without a country
  typed: RefObject<string>; // a text that is no chosen country: the form refuses it once
}

/** CountriesInput chooses countries by their names or codes. Enter or Tab takes the first that matches what was typed. */
export function CountriesInput({ id, value, onChange, placeholder, typed }: Props) {
  const { t, i18n } = useTranslation();
  const [isTyping, setIsTyping] = useState(false);
  const field = useRef<HTMLDivElement>(null);
  const options = countries
    .map((code) => ({ value: code, label: `${countryName(code, i18n.language)} (${code})` }))
    .sort((a, b) => a.label.localeCompare(b.label, i18n.language));
  const keep = (text: string) => {
    typed.current = text.trim();
    setIsTyping(typed.current !== "");
  };
  const search = (text: string) => {
    if (text !== "" || field.current?.contains(document.activeElement)) {
      keep(text); // without the focus antd has dropped the text
    }
  };
  return (
    <div ref={field}>
      <Select
        {...(id ? { id } : {})}
        mode="multiple"
        allowClear
        value={value ?? []}
        onChange={(codes: string[]) => {
          keep("");
          onChange?.(codes);
        }}
        onFocus={() => keep("")}
        defaultActiveFirstOption={isTyping} // without a text Tab only leaves the field
        placeholder={placeholder ?? t("rules.everywhere")}
        showSearch={{ optionFilterProp: "label", onSearch: search }}
        maxTagCount="responsive"
        options={options}
      />
    </div>
  );
}
