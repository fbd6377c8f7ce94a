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
}

/** DeleteDialog deletes the shown version of an item, after the user has confirmed it. */
export function DeleteDialog({ of, item, obstacle, onClose }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const opener = useFocusReturn();
  const refresh = () => {
    client.invalidateQueries({ queryKey: ["rules"] });
    client.invalidateQueries({ queryKey: ["policies"] });
  };
  const remove = useMutation({
    mutationFn: () => {
      const params = { path: { id: item.id }, header: ifMatch(item.version) };
      return of === "rules"
        ? answered(api.DELETE("/v1/rules/{id}", { params }))
        : answered(api.DELETE("/v1/policies/{id}", { params }));
    },
    onSuccess: () => {
      refresh();
      opener.current = null; // the button is in the row that goes
      message.success(t(`${of}.deleted`, { name: item.name }));
      onClose();
    },
    onError: (error) => {
      refresh();
      if (error instanceof ProblemError && error.is("not_found")) {
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
