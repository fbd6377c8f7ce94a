import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { answered, api } from "../api/client";
import { RedoOutlined } from "../ui/icons";
import { ProblemAlert } from "../ui/ProblemView";

interface Props {
  where: { send?: string; url?: string };
}

/** ReplayFailed replays all failed callbacks of a send or a URL, or of all, after the user has confirmed it. */
export function ReplayFailed({ where }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const replay = useMutation({
    mutationFn: () => replayAll(where),
    onSuccess: (count) => {
      setOpen(false);
      message.success(t("callbacks.replayedCount", { count }));
      return client.invalidateQueries({ queryKey: ["callbacks"] });
    },
  });
  return (
    <>
      <Button icon={<RedoOutlined />} onClick={() => setOpen(true)}>
        {t("callbacks.replayFailed")}
      </Button>
      <Modal
        open={isOpen}
        title={t("callbacks.replayFailedQuestion")}
        okText={t("callbacks.replay")}
        okButtonProps={{ loading: replay.isPending }}
        onOk={() => replay.mutate()}
        onCancel={() => setOpen(false)}
      >
        <p>{t("callbacks.replayFailedMeans")}</p>
        {replay.error && <ProblemAlert error={replay.error} />}
      </Modal>
    </>
  );
}

/** replayAll repeats the request until no more callbacks follow, and returns how many are replayed. */
async function replayAll(where: Props["where"]): Promise<number> {
  let count = 0;
  let cursor: string | undefined;
  do {
    const body = { ...where, state: "failed" as const, ...(cursor ? { cursor } : {}) };
    const { replayed, next_cursor } = await answered(api.POST("/v1/callbacks/replay", { body }));
    count += replayed;
    cursor = next_cursor;
  } while (cursor);
  return count;
}
