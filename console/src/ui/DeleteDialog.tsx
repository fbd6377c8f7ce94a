import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Modal } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, ifMatch, ProblemError } from "../api/client";
import { invalidateItems } from "./invalidateItems";
import { ProblemAlert } from "./ProblemView";
import { useFocusReturn } from "./useFocusReturn";

interface Props {
  of: "rules" | "policies" | "accounts" | "messages";
  item: { id: string; name: string; version: number };
  obstacle?: { title: string; about?: ReactNode } | undefined; // why the item cannot be deleted
  onClose: () => void;
  onDeleted?: () => void; // if the page of the item itself is open
}

type Removed = Props["item"];

const removers: Record<Props["of"], (item: Removed) => Promise<unknown>> = {
  rules: ({ id, version }) => answered(api.DELETE("/v1/rules/{id}", paramsOf({ id }, version))),
  policies: ({ id, version }) => answered(api.DELETE("/v1/policies/{id}", paramsOf({ id }, version))),
  messages: ({ id, version }) => answered(api.DELETE("/v1/messages/{id}", paramsOf({ id }, version))),
  accounts: ({ name, version }) => answered(api.DELETE("/v1/accounts/{name}", paramsOf({ name }, version))),
};

function paramsOf<Path>(path: Path, version: number) {
  return { params: { path, header: ifMatch(version) } };
}

/** DeleteDialog deletes the shown version of an item, after the user has confirmed it. */
export function DeleteDialog({ of, item, obstacle, onClose, onDeleted }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const opener = useFocusReturn();
  // The item itself is not loaded again: its page closes.
  const refresh = () => {
    client.invalidateQueries({ queryKey: [of, item.id], refetchType: "none" });
    invalidateItems(client, ({ queryKey }) => queryKey[0] === of && queryKey[1] === item.id);
  };
  const remove = useMutation({
    mutationFn: () => removers[of](item),
    onSuccess: () => {
      onDeleted?.();
      refresh();
      opener.current = null; // the button goes with the item
      message.success(t(`${of}.deleted`, { name: item.name }));
      onClose();
    },
    onError: (error) => {
      refresh();
      if (error instanceof ProblemError && error.is("not_found")) {
        onDeleted?.();
        onClose(); // somebody else has deleted it
      }
    },
  });
  if (obstacle) {
    return (
      <Modal open title={t(`${of}.delete`)} onCancel={onClose} onOk={onClose} footer={(_, { OkBtn }) => <OkBtn />}>
        <Alert type="warning" showIcon title={obstacle.title} description={obstacle.about} />
      </Modal>
    );
  }
  return (
    <Modal
      open
      title={t(`${of}.delete`)}
      okText={t("list.delete")}
      okButtonProps={{ danger: true, loading: remove.isPending }}
      onOk={() => remove.mutate()}
      onCancel={onClose}
    >
      <p>{t(`${of}.deleteQuestion`, { name: item.name })}</p>
      {remove.error && <ProblemAlert error={remove.error} />}
    </Modal>
  );
}
