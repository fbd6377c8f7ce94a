import { Descriptions, Modal } from "antd";
import { useTranslation } from "react-i18next";
import type { SendInput, SendPreview } from "../api/client";
import { policyName } from "../policies/policyName";
import { countryName } from "../rules/countries";
import { zonedTime } from "../ui/time";

interface Props {
  input: SendInput | undefined; // undefined: closed
  preview: SendPreview | undefined;
  onConfirm: (input: SendInput) => void;
  onClose: () => void;
}

/** ConfirmSend asks once before a message goes to a real person: to whom, by which policy, and what it may cost. */
export function ConfirmSend({ input, preview, onConfirm, onClose }: Props) {
  const { t, i18n } = useTranslation();
  return (
    <Modal
      open={input !== undefined}
      title={t("newSend.confirm")}
      okText={t(input?.send_at ? "newSend.confirmedLater" : "newSend.confirmed")}
      cancelText={t("newSend.back")}
      onOk={() => input && onConfirm(input)}
      onCancel={onClose}
      destroyOnHidden
    >
      {input && (
        <Descriptions
          column={1}
          size="small"
          items={[
            {
              key: "to",
              label: t("sends.to"),
              children: [input.to, preview?.country && countryName(preview.country, i18n.language)]
                .filter(Boolean)
                .join(" · "),
            },
            {
              key: "policy",
              label: t("sends.policy"),
              children: preview ? policyName(preview.plan, t) : (input.fallback.policy_id ?? t("sends.ownRules")),
            },
            ...(input.send_at
              ? [{ key: "sendAt", label: t("sends.sendAt"), children: zonedTime(input.send_at, i18n.language) }]
              : []),
            {
              key: "whatsapp",
              label: t("channel.whatsapp"),
              children: input.whatsapp?.template
                ? t("newSend.costOfTemplate", { name: input.whatsapp.template.name })
                : t("newSend.costOfText"),
            },
            {
              key: "sms",
              label: t("channel.sms"),
              children: preview && t("newSend.costOfSMS", { count: preview.sms.segments }),
            },
          ]}
        />
      )}
    </Modal>
  );
}
