import { Modal, Spin } from "antd";
import { useTranslation } from "react-i18next";
import type { Provider } from "../api/client";

interface Props {
  providers: Provider[] | undefined; // undefined while they load
  onChoose: (provider: Provider) => void;
  onClose: () => void;
}

/** ProviderChoice asks for the provider of a new account. */
export function ProviderChoice({ providers, onChoose, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal open className="edit-dialog" title={t("accounts.choose")} width={680} onCancel={onClose} footer={null}>
      {!providers && <Spin className="page-spin" />}
      <ul className="provider-cards">
        {providers?.map((provider) => (
          <li key={provider.name}>
            <button type="button" onClick={() => onChoose(provider)}>
              <strong>{provider.title}</strong>
              <small>{provider.channels.map((channel) => t(`channel.${channel}`)).join(" · ")}</small>
            </button>
          </li>
        ))}
      </ul>
    </Modal>
  );
}
