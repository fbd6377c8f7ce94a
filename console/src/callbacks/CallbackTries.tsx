import { useQuery } from "@tanstack/react-query";
import { Spin, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { type CallbackItem, callbackQuery } from "../api/queries";
import { none } from "../ui/listColumns";
import { ProblemAlert } from "../ui/ProblemView";
import { ScrollTable } from "../ui/ScrollTable";
import { TimeText } from "../ui/TimeText";
import { Answer } from "./CallbackTags";

/** CallbackTries shows each try of a callback, newest first. */
export function CallbackTries({ callback }: { callback: CallbackItem }) {
  const { t } = useTranslation();
  const detail = useQuery(callbackQuery(callback));
  if (detail.error && !detail.data) {
    return <ProblemAlert error={detail.error} retry={detail.refetch} />;
  }
  if (!detail.data) {
    return <Spin />;
  }
  const { tries } = detail.data;
  return (
    <>
      <p className="hint break">
        {t("callbacks.url")}: {callback.url}
        <br />
        webhook-id: <Typography.Text code>{callback.id}</Typography.Text>
      </p>
      {tries.length === 0 ? (
        <p>{t("callbacks.noTries")}</p>
      ) : (
        <ScrollTable
          rowKey="number"
          label={t("callbacks.ofCallback", { event: callback.event })}
          dataSource={tries}
          columns={[
            { title: t("callbacks.number"), dataIndex: "number" },
            { title: t("callbacks.at"), dataIndex: "at", render: (at: string) => <TimeText at={at} /> },
            { title: t("callbacks.status"), key: "status", render: (_, tried) => <Answer of={tried} /> },
            {
              title: t("callbacks.body"),
              dataIndex: "answer",
              render: (text?: string) => (text ? <span className="break">{text}</span> : none),
            },
          ]}
        />
      )}
    </>
  );
}
