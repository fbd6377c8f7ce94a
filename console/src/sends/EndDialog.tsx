import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, Descriptions, Modal } from "antd";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { answered, api, ProblemError, type Send } from "../api/client";
import { sendQuery } from "../api/queries";
import { ProblemAlert } from "../ui/ProblemView";
import { useFocusReturn } from "../ui/useFocusReturn";

/** End is what a user does to end a send: cancel it, or confirm that the recipient has acted. */
export type End = "cancel" | "confirm";

interface Props {
  send: Send;
  end: End;
  onClose: () => void;
}

/** EndDialog ends a send after the user has confirmed it. If it is too late to cancel the send, it says why. */
export function EndDialog({ send, end, onClose }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  useFocusReturn();
  const show = (state: Send) => queries.setQueryData(sendQuery(send.id).queryKey, state);
  const request = useMutation({
    mutationFn: () => {
      const params = { path: { id: send.id } };
      return answered(
        end === "cancel"
          ? api.POST("/v1/sends/{id}/cancel", { params })
          : api.POST("/v1/sends/{id}/confirm", { params }),
      );
    },
    onSuccess: (state) => {
      show(state);
      onClose();
    },
    onError: (error) => {
      const state = stateOf(error);
      if (state) {
        show(state);
      }
    },
  });
  const late = stateOf(request.error);
  return (
    <Modal
      open
      title={t(`sendActions.${end}`)}
      okText={t(`sendActions.${end}`)}
      okButtonProps={{ loading: request.isPending, danger: end === "cancel", disabled: Boolean(late) }}
      cancelText={t("sendActions.leave")}
      onOk={() => request.mutate()}
      onCancel={onClose}
    >
      <Descriptions
        size="small"
        column={1}
        items={[
          { key: "to", label: t("sends.to"), children: send.to },
          { key: "policy", label: t("sends.policy"), children: send.plan.policy_name },
        ]}
      />
      <p>
        {t(end === "cancel" ? `sendActions.cancelMeans.${isOut(send) ? "out" : "queued"}` : "sendActions.confirmMeans")}
      </p>
      {late ? (
        <Alert className="problem" type="warning" showIcon role="alert" title={lateText(late, t)} />
      ) : (
        request.error && <ProblemAlert error={request.error} />
      )}
    </Modal>
  );
}

/** stateOf returns the present state of the send if it cannot be cancelled any more. */
function stateOf(error: unknown): Send | undefined {
  return error instanceof ProblemError && error.is("conflict") ? error.problem?.send : undefined;
}

function lateText({ finished_at, outcome }: Send, t: TFunction): string {
  return finished_at
    ? t("sendActions.tooLate.ended", { outcome: t(`outcome.${outcome}`) })
    : t("sendActions.tooLate.sms");
}

/** isOut reports whether WhatsApp has, or may have, the message. */
function isOut({ whatsapp, attempts }: Send): boolean {
  return (
    whatsapp.status !== "queued" ||
    attempts.some(({ channel, state }) => channel === "whatsapp" && (state === "calling" || state === "unknown"))
  );
}
