import { Button, Form, InputNumber, Radio } from "antd";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, ifMatch } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { type GuardsItem, readGuards } from "../api/queries";
import { CountriesInput } from "../rules/CountriesInput";
import { countriesText } from "../rules/meaning";
import { EditDialog } from "../ui/EditDialog";
import { useEdit } from "../ui/useEdit";
import { CountryCaps } from "./CountryCaps";
import { bodyOf, type Draft, draftOf, fieldOf, type GuardsInput, suggest } from "./values";

const bounds = constraints.GuardsInput;

interface Props {
  guards: GuardsItem;
  onClose: () => void;
}

/** GuardsDialog edits the settings of all guards. */
export function GuardsDialog({ guards, onClose }: Props) {
  const { t, i18n } = useTranslation();
  const [form] = Form.useForm<Draft>();
  const hasPrefixCap = Boolean(Form.useWatch("prefix_cap", form));
  const edit = useEdit<GuardsItem, Draft, GuardsInput>({
    of: "guards",
    item: guards,
    form,
    read: () => readGuards(),
    write: async (body, base) => {
      const header = ifMatch(base?.version ?? guards.version);
      const saved = await answered(api.PUT("/v1/guards", { params: { header }, body }));
      return { ...guards, ...saved };
    },
    valuesOf: draftOf,
    bodyOf,
    fieldOf,
    onSaved: onClose,
  });
  const countries = (list: string[] | undefined) => countriesText({ countries: list ?? [] }, t, i18n.language);
  const number = (value: number | null | undefined) => (value ? String(value) : t("guards.off"));
  return (
    <EditDialog
      edit={edit}
      name="guards"
      first="allow"
      title={t("guards.dialog")}
      width={680}
      fields={[
        { name: "allow", label: t("guards.allow"), show: ({ allow }) => countries(allow) },
        {
          name: "block",
          label: t("guards.block"),
          show: ({ block }) => (block?.length ? countries(block) : t("guards.none")),
        },
        {
          name: "watch",
          label: t("guards.watch"),
          show: ({ watch }) => (watch?.length ? countries(watch) : t("guards.none")),
        },
        { name: "recipient_cap", label: t("guards.names.recipient_cap"), show: (draft) => number(draft.recipient_cap) },
        { name: "prefix_cap", label: t("guards.names.prefix_cap"), show: (draft) => number(draft.prefix_cap) },
        { name: "prefix_digits", label: t("guards.digits"), show: (draft) => number(draft.prefix_digits) },
        { name: "country_cap", label: t("guards.names.country_cap"), show: (draft) => number(draft.country_cap) },
        {
          name: "country_caps",
          label: t("guards.countryCaps"),
          show: ({ country_caps }) =>
            country_caps?.map(({ country, cap }) => `${country}: ${cap ?? 0}`).join(", ") || t("guards.none"),
        },
        { name: "same_text_seconds", label: t("guards.sameText"), show: (draft) => number(draft.same_text_seconds) },
        {
          name: "same_text_answer",
          label: t("guards.answer"),
          show: ({ same_text_answer }) => t(`guards.answers.${same_text_answer ?? "first"}`),
        },
      ]}
      onClose={onClose}
    >
      <p className="hint">
        <Button size="small" onClick={() => form.setFieldsValue(suggest(form.getFieldsValue() as Draft))}>
          {t("guards.suggest")}
        </Button>{" "}
        {t("guards.suggestMeans")}
      </p>
      <Countries
        name="allow"
        label={t("guards.allow")}
        extra={t("guards.allowMeans")}
        empty={t("guards.allCountries")}
      />
      <Countries name="block" label={t("guards.block")} empty={t("guards.noCountry")} />
      <Countries name="watch" label={t("guards.watch")} extra={t("guards.watchMeans")} empty={t("guards.noCountry")} />
      <div className="account-limits">
        <Amount name="recipient_cap" label={t("guards.names.recipient_cap")} extra={t("guards.capMeans")} />
        <Amount name="country_cap" label={t("guards.names.country_cap")} />
      </div>
      <CountryCaps />
      <div className="account-limits">
        <Amount name="prefix_cap" label={t("guards.names.prefix_cap")} extra={t("guards.prefixMeans")} />
        <Amount
          name="prefix_digits"
          label={t("guards.digits")}
          required={hasPrefixCap}
          wanted={hasPrefixCap ? t("guards.digitsWanted") : undefined}
        />
      </div>
      <Amount name="same_text_seconds" label={t("guards.sameText")} extra={t("guards.sameTextMeans")} />
      <Form.Item name="same_text_answer" label={t("guards.answer")}>
        <Radio.Group
          className="choices"
          options={bounds.same_text_answer.enum.map((value) => ({ value, label: t(`guards.answers.${value}`) }))}
        />
      </Form.Item>
    </EditDialog>
  );
}

interface CountriesProps {
  name: "allow" | "block" | "watch";
  label: string;
  extra?: string;
  empty: string;
}

function Countries({ name, label, extra, empty }: CountriesProps) {
  const { t } = useTranslation();
  const typed = useRef("");
  return (
    <Form.Item
      name={name}
      label={label}
      extra={extra}
      validateTrigger="onSubmit"
      rules={[
        {
          validator: () =>
            typed.current
              ? Promise.reject(new Error(t("rules.countryTyped", { text: typed.current })))
              : Promise.resolve(),
        },
      ]}
    >
      <CountriesInput typed={typed} placeholder={empty} />
    </Form.Item>
  );
}

interface AmountProps {
  name: "recipient_cap" | "prefix_cap" | "prefix_digits" | "country_cap" | "same_text_seconds";
  label: string;
  extra?: string;
  required?: boolean;
  wanted?: string | undefined; // what an empty field that is required says
}

function Amount({ name, label, extra, required = false, wanted }: AmountProps) {
  const { t } = useTranslation();
  return (
    <Form.Item
      name={name}
      label={label}
      extra={extra}
      required={required}
      dependencies={name === "prefix_digits" ? ["prefix_cap"] : []}
      rules={[
        {
          validator: (_, value?: number | null) =>
            wanted && !value ? Promise.reject(new Error(wanted)) : Promise.resolve(),
        },
      ]}
    >
      <InputNumber
        className="limit"
        min={bounds[name].minimum}
        max={bounds[name].maximum}
        precision={0}
        placeholder={t("guards.off")}
      />
    </Form.Item>
  );
}
