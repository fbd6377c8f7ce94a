import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useTranslation } from "react-i18next";
import { type TemplateItem, templatesQuery } from "../api/queries";
import { useSearch } from "../ui/useSearch";
import type { Template } from "./parameters";
import { categoryText, isSendable, languageText, qualityText, whyNot } from "./template";

interface Props {
  id?: string; // from Form.Item
  value?: string | undefined; // the name of the template
  language: string | undefined;
  account: string;
  onPick: (template: Template) => void;
}

function useTemplates(search: string, account: string) {
  const name = search.trim().toLowerCase(); // the names at Meta have small letters
  return useQuery({
    ...templatesQuery({ account, limit: 100, ...(name && { name }) }),
    enabled: account !== "",
  });
}

/** TemplatePicker selects a template of an account, in one language. One that is not approved is visible, with the reason. */
export function TemplatePicker({ id, value, language, account, onPick }: Props) {
  const { t, i18n } = useTranslation();
  const { items, empty, props } = useSearch<TemplateItem>(useTemplates, undefined, account);
  const options = items.map((template) => ({
    value: keyOf(template.name, template.language),
    label: labelOf(template.name, template.language),
    disabled: !isSendable(template),
    about: [
      whyNot(template, t),
      categoryText(template.category, t),
      template.quality && `${t("templates.quality")}: ${qualityText(template.quality, t)}`,
      languageText(template.language, i18n.language),
    ]
      .filter(Boolean)
      .join(" · "),
  }));
  const current = value ? { value: keyOf(value, language), label: labelOf(value, language) } : null;
  return (
    <Select<{ value: string; label: string } | null, (typeof options)[number]>
      {...(id ? { id } : {})}
      {...props}
      labelInValue
      placeholder={t("templates.pick")}
      value={current}
      onChange={(option) => {
        const found = items.find((one) => keyOf(one.name, one.language) === option?.value);
        if (found) {
          onPick(found);
        }
      }}
      options={options}
      optionRender={({ label, data }) => (
        <>
          {label}
          <small className="option-about">{data.about}</small>
        </>
      )}
      notFoundContent={empty}
    />
  );
}

function keyOf(name: string, language = ""): string {
  return `${name} ${language}`;
}

function labelOf(name: string, language = ""): string {
  return `${name} · ${language}`;
}
