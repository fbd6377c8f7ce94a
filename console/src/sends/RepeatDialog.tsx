import { useMutation } from "@tanstack/react-query";
import { Alert, Descriptions, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { answered, api, type Send } from "../api/client";
import { policyName } from "../policies/policyName";
import { ProblemAlert } from "../ui/ProblemView";
import { useFocusReturn } from "../ui/useFocusReturn";

interface Props {
  send: Send;
  isSandbox: boolean;
  onClose: () => void;
}

/** RepeatDialog sends the message of a send again, after the user has confirmed it, and opens the new send. */
export function RepeatDialog({ send, isSandbox, onClose }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const opener = useFocusReturn();
  // One key for the dialog: a second press, or one after a lost answer, makes no second send.
  const [key] = useState(() => `console-${crypto.randomUUID()}`);
  const repeat = useMutation({
    mutationFn: () =>
      answered(
        api.POST("/v1/sends/{id}/repeat", { params: { path: { id: send.id }, header: { "Idempotency-Key": key } } }),
      ),
    onSuccess: ({ id }) => {
      opener.current = null; // the button belongs to the page that goes
      onClose();
      navigate(`/sends/${id}`);
    },
  });
  const caution = cautionOf(send);
  const items = [
    { key: "to", label: t("sends.to"), children: send.to },
    { key: "policy", label: t("sends.policy"), children: policyName(send.plan, t) },
    ...(send.template ? [{ key: "template", label: t("sends.template"), children: send.template.name }] : []),
  ];
  return (
    <Modal
      open
      title={t("sendActions.repeat")}
      okText={t("sendActions.repeatNow")}
      okButtonProps={{ loading: repeat.isPending }}
      onOk={() => repeat.mutate()}
      onCancel={onClose}
    >
      <Descriptions size="small" column={1} items={items} />
      <p>
        {t("verdict.sentences", {
          first: t(send.plan.policy_id ? "sendActions.repeatByPolicy" : "sendActions.repeatByOwn"),
          second: t(isSandbox ? "sendActions.repeatMeansTest" : "sendActions.repeatMeans"),
        })}
      </p>
      {caution && <Alert className="problem" type="warning" showIcon title={t(`sendActions.cautions.${caution}`)} />}
      {repeat.error && <ProblemAlert error={repeat.error} />}
    </Modal>
  );
}

/** cautionOf returns why a repetition may be a mistake, or refused; undefined if the message surely did not arrive. */
function cautionOf({ outcome, whatsapp, sms, events }: Send) {
  if (events.some(({ kind }) => kind === "opted_out")) {
    return "optedOut";
  }
  if (sms?.status === "delivered" || whatsapp.status === "delivered" || whatsapp.status === "read") {
    return "arrived";
  }
  if (outcome === "confirmed") {
    return outcome;
  }
  return outcome === "pending" || outcome === "unconfirmed" ? outcome : undefined;
}
