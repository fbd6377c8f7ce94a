import { Form, Input } from "antd";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { validator } from "../rules/checks";
import { contentOf } from "./content";
import { checkParameter, fieldsOf, type ParameterField, type Template } from "./parameters";
import { mediaText } from "./TemplatePreview";

/** ParameterFields has a field for each parameter of a template. */
export function ParameterFields({ template }: { template: Template }) {
  const { t } = useTranslation();
  const fields = fieldsOf(template);
  const isPartial = template.parameters.unchecked;
  return (
    <fieldset className="parameters">
      <legend>{t("templates.parameters")}</legend>
      {isPartial && <p className="attention">{t("templates.partial")}</p>}
      {fields.length === 0 && !isPartial && <p className="hint">{t("templates.noParameters")}</p>}
      {fields.map((field) => (
        <Form.Item
          key={field.key}
          name={["values", field.key]}
          label={labelOf(field, template, t)}
          required={!field.isOptional}
          extra={extraOf(field, t)}
          rules={[
            validator((text: string | undefined) => {
              const wrong = checkParameter(field, text);
              return wrong && t(`templates.wrong.${wrong}`);
            }),
          ]}
          validateDebounce={400}
        >
          <Input autoComplete="off" maxLength={1024} {...(field.kind === "link" ? { inputMode: "url" } : {})} />
        </Form.Item>
      ))}
    </fieldset>
  );
}

function labelOf({ key, kind, name }: ParameterField, template: Template, t: TFunction): string {
  switch (kind) {
    case "header":
    case "body":
      return t(`templates.parameter.${kind}`, { place: `{{${name}}}` });
    case "button": {
      const button = contentOf(template).buttons[Number(key.split(".")[1])]?.text ?? "";
      return t("templates.parameter.button", { button });
    }
    case "link":
      return t("templates.parameter.link", { media: mediaText(name, t) });
    default:
      return t(`templates.parameter.${kind}`);
  }
}

function extraOf({ kind, name }: ParameterField, t: TFunction): string | undefined {
  return kind === "link" ? t("templates.linkMeans") : kind === "button" ? name : undefined;
}
