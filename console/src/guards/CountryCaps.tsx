import { Button, Form, InputNumber, Select, Space } from "antd";
import { useTranslation } from "react-i18next";
import { constraints } from "../api/constraints.gen";
import { countries, countryName } from "../rules/countries";
import { DeleteOutlined, PlusOutlined } from "../ui/icons";
import type { Draft } from "./values";

const { country_caps: bounds, country_cap } = constraints.GuardsInput;

/** CountryCaps are the caps of certain countries in the form of the guards. */
export function CountryCaps() {
  const { t, i18n } = useTranslation();
  const form = Form.useFormInstance<Draft>();
  const chosen = Form.useWatch("country_caps", form) ?? [];
  const options = countries
    .map((code) => ({ value: code, label: `${countryName(code, i18n.language)} (${code})` }))
    .sort((a, b) => a.label.localeCompare(b.label, i18n.language));
  return (
    <Form.Item label={t("guards.countryCaps")} htmlFor="guards_add_country" extra={t("guards.countryCapsMean")}>
      <Form.List name="country_caps">
        {(fields, { add, remove }) => (
          <>
            {fields.map(({ key, name }) => {
              const code = chosen[name]?.country;
              const country = code ? countryName(code, i18n.language) : t("guards.country");
              return (
                <Space key={key} align="start" wrap>
                  <Form.Item name={[name, "country"]} rules={[{ required: true, message: t("guards.countryWanted") }]}>
                    <Select
                      className="guard-country"
                      aria-label={t("guards.country")}
                      placeholder={t("guards.country")}
                      showSearch={{ optionFilterProp: "label" }}
                      options={options.filter(
                        ({ value }) => value === code || !chosen.some((one) => one?.country === value),
                      )}
                    />
                  </Form.Item>
                  <Form.Item name={[name, "cap"]}>
                    <InputNumber
                      aria-label={t("guards.capOf", { country })}
                      placeholder={t("guards.noCap")}
                      min={country_cap.minimum}
                      max={country_cap.maximum}
                      precision={0}
                    />
                  </Form.Item>
                  <Button
                    type="text"
                    icon={<DeleteOutlined />}
                    aria-label={t("guards.removeCountry", { country })}
                    onClick={() => remove(name)}
                  />
                </Space>
              );
            })}
            <Button
              id="guards_add_country"
              aria-label={t("guards.addCountry")} // the label of the list is not its name
              icon={<PlusOutlined />}
              disabled={fields.length >= bounds.maxItems}
              onClick={() => add({})}
            >
              {t("guards.addCountry")}
            </Button>
          </>
        )}
      </Form.List>
    </Form.Item>
  );
}
