// The fields of a new send that are for the caller's own systems: the correlation id and the metadata.
import { Button, Checkbox, Form, Input, Space } from "antd";
import { useTranslation } from "react-i18next";
import { constraints } from "../api/constraints.gen";
import { fits, validator } from "../rules/checks";
import { DeleteOutlined, PlusOutlined } from "../ui/icons";
import type { Draft } from "./draft";
import { checkKey, mostKey, mostPairs, mostText, type Pair } from "./metadata";

const { correlation_id } = constraints.SendInput;

export function CallerFields() {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item
        name="correlation_id"
        label={t("sends.correlation")}
        extra={t("newSend.correlationMeans")}
        rules={[
          validator((id: string | undefined) =>
            id?.trim() && !fits(id.trim(), correlation_id) ? t("newSend.correlationForm") : undefined,
          ),
        ]}
      >
        <Input autoComplete="off" maxLength={correlation_id.maxLength} />
      </Form.Item>
      <Form.Item noStyle dependencies={["correlation_id"]}>
        {({ getFieldValue }) => (
          <Form.Item name="correlation_unique" valuePropName="checked">
            <Checkbox disabled={!getFieldValue("correlation_id")?.trim()}>{t("newSend.correlationUnique")}</Checkbox>
          </Form.Item>
        )}
      </Form.Item>
      <Form.Item label={t("sends.metadata")} extra={t("newSend.metadataMeans")}>
        <Form.List name="metadata">
          {(rows, { add, remove }) => (
            <>
              {rows.map(({ key, name }, index) => (
                <PairFields key={key} name={name} number={index + 1} onRemove={() => remove(name)} />
              ))}
              <Button icon={<PlusOutlined />} disabled={rows.length >= mostPairs} onClick={() => add({})}>
                {t("newSend.addPair")}
              </Button>
            </>
          )}
        </Form.List>
      </Form.Item>
    </>
  );
}

function PairFields({ name, number, onRemove }: { name: number; number: number; onRemove: () => void }) {
  const { t } = useTranslation();
  const form = Form.useFormInstance<Draft>();
  const pairs = () => form.getFieldValue("metadata") as Pair[] | undefined;
  return (
    <Space align="start" className="pair">
      <Form.Item name={[name, "key"]} rules={[validator(() => checkKey(pairs(), name, t))]}>
        <Input
          autoComplete="off"
          maxLength={mostKey}
          placeholder={t("newSend.pairKey")}
          aria-label={t("newSend.pairKeyOf", { number })}
        />
      </Form.Item>
      <Form.Item name={[name, "text"]}>
        <Input
          autoComplete="off"
          maxLength={mostText}
          placeholder={t("newSend.pairText")}
          aria-label={t("newSend.pairTextOf", { number })}
        />
      </Form.Item>
      <Button
        type="text"
        icon={<DeleteOutlined />}
        aria-label={t("newSend.removePair", { number })}
        onClick={onRemove}
      />
    </Space>
  );
}
