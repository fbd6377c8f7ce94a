import { Checkbox, Form } from "antd";
import { useTranslation } from "react-i18next";

/** ExclusiveField makes the fallback of a new send exclusive. */
export function ExclusiveField() {
  const { t } = useTranslation();
  return (
    <Form.Item name="exclusive" valuePropName="checked" extra={t("exclusive.means")}>
      <Checkbox>{t("exclusive.field")}</Checkbox>
    </Form.Item>
  );
}
