import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Modal } from "antd";
import { useTranslation } from "react-i18next";
import { answered, api, type Schemas } from "../api/client";
import { optOutsKey } from "../api/queries";
import { ProblemAlert } from "../ui/ProblemView";
import { useFocusReturn } from "../ui/useFocusReturn";

interface Props {
  entry: Schemas["OptOut"];
  onClose: () => void;
}

/** RemoveDialog removes an entry of the list, after the user has confirmed it. */
export function RemoveDialog({ entry: { to, category, source }, onClose }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const opener = useFocusReturn();
  const remove = useMutation({
    mutationFn: () => answered(api.DELETE("/v1/opt-outs", { params: { query: { to, category } } })),
    onSuccess: () => {
      client.invalidateQueries({ queryKey: [optOutsKey] });
      opener.current = null; // the button goes with the entry
      message.success(t("optOuts.removed", { number: to }));
      onClose();
    },
  });
  const isOfPerson = source === "message" || source === "preference" || source === "provider";
  return (
    <Modal
      open
      title={t("optOuts.remove")}
      okText={t("optOuts.removeNow")}
      okButtonProps={{ danger: true, loading: remove.isPending }}
      onOk={() => remove.mutate()}
      onCancel={onClose}
    >
      <p>{t("optOuts.removeQuestion", { number: to, category: t(`optOuts.categories.${category}`) })}</p>
      {isOfPerson && <Alert className="problem" type="warning" showIcon title={t("optOuts.removeCaution")} />}
      {remove.error && <ProblemAlert error={remove.error} />}
    </Modal>
  );
}
