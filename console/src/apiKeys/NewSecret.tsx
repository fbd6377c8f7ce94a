import { Alert, App, Button, Modal } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { copyText } from "../ui/copyText";
import { CopyOutlined } from "../ui/icons";
import { TimeText } from "../ui/TimeText";
import { useFocusReturn } from "../ui/useFocusReturn";

/** NewSecret shows the secret of a new or rotated key, once. Only its button closes it. */
export function NewSecret({ made: { key, secret }, onClose }: { made: Schemas["NewKey"]; onClose: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  useFocusReturn();
  const copy = async () => {
    if (await copyText(secret)) {
      message.success(t("sends.copied"));
    } else {
      message.error(t("sendActions.notCopied"));
    }
  };
  return (
    <Modal
      open
      closable={false}
      mask={{ closable: false }}
      keyboard={false}
      title={t("keys.secretOf", { name: key.name })}
      onOk={onClose}
      okText={t("keys.stored")}
      footer={(_, { OkBtn }) => <OkBtn />}
    >
      <Alert className="problem" type="warning" showIcon title={t("keys.once")} />
      <p>
        <code className="break">{secret}</code>
      </p>
      <Button icon={<CopyOutlined />} onClick={copy} autoFocus>
        {t("keys.copy")}
      </Button>
      {key.former_until && (
        <p className="hint">
          {t("keys.formerUntil")} <TimeText at={key.former_until} />
        </p>
      )}
    </Modal>
  );
}
