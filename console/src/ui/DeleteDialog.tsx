import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Modal } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, ifMatch, ProblemError } from "../api/client";
import { ProblemAlert } from "./ProblemView";
import { useFocusReturn } from "./useFocusReturn";

interface Props {
  of: "rules" | "policies";
  item: { id: string; name: string; version: number };
  obstacle?: ReactNode; // why the item cannot be deleted
  onClose: () => void;
  onDeleted?: () => void; // if the page of the item itself is open
}

/** DeleteDialog deletes the shown version of an item, after the user has confirmed it. */
export function DeleteDialog({ of, item, obstacle, onClose, onDeleted }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const opener = useFocusReturn();
  // The item itself is not loaded again: its page closes.
  const refresh = () => {
    const isGone = (key: readonly unknown[]) => key[0] === of && key[1] === item.id;
    client.invalidateQueries({ queryKey: [of, item.id], refetchType: "none" });
    client.invalidateQueries({
      predicate: ({ queryKey }) => ["rules", "policies"].includes(String(queryKey[0])) && !isGone(queryKey),
    });
  };
  const remove = useMutation({
    mutationFn: () => {
      const params = { path: { id: item.id }, header: ifMatch(item.version) };
      return of === "rules"
        ? answered(api.DELETE("/v1/rules/{id}", { params }))
        : answered(api.DELETE("/v1/policies/{id}", { params }));
    },
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
        <Alert type="warning" showIcon title={t("rules.inUse", { name: item.name })} description={obstacle} />
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
