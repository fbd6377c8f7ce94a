import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Modal } from "antd";
import { useTranslation } from "react-i18next";
import { answered, api } from "../api/client";
import type { KeyItem } from "../api/queries";
import { invalidateItems } from "../ui/invalidateItems";
import { ProblemAlert } from "../ui/ProblemView";
import { useFocusReturn } from "../ui/useFocusReturn";

/** RevokeDialog revokes a key, after the user has confirmed it. */
export function RevokeDialog({ item: { id, name }, onClose }: { item: KeyItem; onClose: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const opener = useFocusReturn();
  const revoke = useMutation({
    mutationFn: () => answered(api.DELETE("/v1/keys/{id}", { params: { path: { id } } })),
    onSuccess: () => {
      opener.current = null; // the button goes with the key
      message.success(t("keys.revoked", { name }));
      onClose();
    },
    onSettled: () => invalidateItems(client),
  });
  return (
    <Modal
      open
      title={t("keys.revokeNamed", { name })}
      okText={t("keys.revoke")}
      okButtonProps={{ danger: true, loading: revoke.isPending }}
      onOk={() => revoke.mutate()}
      onCancel={onClose}
    >
      <p>{t("keys.revokeQuestion", { name })}</p>
      {revoke.error && <ProblemAlert error={revoke.error} />}
    </Modal>
  );
}
