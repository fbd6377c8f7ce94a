import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, Checkbox, Form, Input, Modal } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, type Schemas } from "../api/client";
import { erasuresKey } from "../api/queries";
import { bareNumber } from "../rules/checks";
import { ProblemAlert } from "../ui/ProblemView";
import { useFocusReturn } from "../ui/useFocusReturn";

interface Props {
  number: string;
  person: Schemas["PersonalData"];
  onClose: () => void;
  onErased: (erasure: string) => void;
}

/** EraseDialog erases a person, after the user has typed the number once more. */
export function EraseDialog({ number, person, onClose, onErased }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  useFocusReturn();
  const [typed, setTyped] = useState("");
  const [keepsOptOut, setKeepsOptOut] = useState(true);
  const field = useId();
  const erase = useMutation({
    mutationFn: () => answered(api.POST("/v1/erasures", { body: { to: number, keep_opt_out: keepsOptOut } })),
    onSuccess: ({ id }) => {
      client.invalidateQueries({ queryKey: [erasuresKey] });
      onErased(id);
    },
  });
  return (
    <Modal
      open
      title={t("persons.eraseNumber", { number })}
      okText={t("persons.eraseNow")}
      okButtonProps={{ danger: true, loading: erase.isPending, disabled: bareNumber(typed) !== number }}
      onOk={() => erase.mutate()}
      onCancel={onClose}
    >
      <Alert className="problem" type="warning" showIcon title={t("persons.eraseMeans")} />
      {person.open_sends > 0 && <p>{t("persons.cancels", { count: person.open_sends })}</p>}
      <p>
        <Checkbox checked={keepsOptOut} onChange={({ target }) => setKeepsOptOut(target.checked)}>
          {t("persons.keepOptOut")}
        </Checkbox>
      </p>
      <p className="hint">{t("persons.keepOptOutMeans")}</p>
      <Form.Item label={t("persons.typeNumber")} htmlFor={field} layout="vertical">
        <Input
          id={field}
          type="tel"
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      </Form.Item>
      {erase.error && <ProblemAlert error={erase.error} />}
    </Modal>
  );
}
