// What can be done about a send.
import { App, Button, Dropdown, type MenuProps } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Send, Session } from "../api/client";
import { useMay } from "../session/may";
import { ButtonLink } from "../ui/ButtonLink";
import { copyText } from "../ui/copyText";
import {
  CheckCircleOutlined,
  CloseCircleOutlined,
  CopyOutlined,
  DownOutlined,
  ExportOutlined,
  LinkOutlined,
  RedoOutlined,
  UnorderedListOutlined,
} from "../ui/icons";
import { useNarrow } from "../ui/useMedia";
import { type End, EndDialog } from "./EndDialog";
import { sendsPath } from "./filter";
import { RepeatDialog } from "./RepeatDialog";
import { isBeforeStart } from "./schedule";

interface Props {
  send: Send;
  summary: () => string;
  session: Session;
}

/** SendActions are the buttons of a send. In a narrow window all but the first are in a menu. */
export function SendActions({ send, summary, session }: Props) {
  const { t } = useTranslation();
  const isNarrow = useNarrow();
  const copy = useCopy();
  const [isRepeating, setIsRepeating] = useState(false);
  const copyLink = () => copy(window.location.href);
  const repeat = () => setIsRepeating(true);
  const [end, setEnd] = useState<End>();
  const mayWrite = useMay("sends:write");
  const ends = (mayWrite ? endsOf(send) : []).map((key) => ({
    key,
    icon: endIcons[key],
    label: t(`sendActions.${key}`),
    onClick: () => setEnd(key),
  }));
  const sameNumber = sendsPath({ to: send.to });
  const run = runAddress(send, session);
  const more: MenuProps["items"] = [
    ...ends,
    { key: "link", icon: <LinkOutlined />, label: t("sendActions.copyLink"), onClick: copyLink },
    ...(mayWrite ? [{ key: "repeat", icon: <RedoOutlined />, label: t("sendActions.repeat"), onClick: repeat }] : []),
    {
      key: "number",
      icon: <UnorderedListOutlined />,
      label: <Link to={sameNumber}>{t("sendActions.sameNumber")}</Link>,
    },
    ...(run
      ? [
          {
            key: "run",
            icon: <ExportOutlined />,
            label: (
              <a href={run} target="_blank" rel="noreferrer">
                {t("sends.run")}
              </a>
            ),
          },
        ]
      : []),
  ];
  return (
    <>
      <Button type="primary" icon={<CopyOutlined />} onClick={() => copy(summary())}>
        {t("sendActions.copySummary")}
      </Button>
      {isNarrow ? (
        <Dropdown trigger={["click"]} menu={{ items: more }}>
          <Button icon={<DownOutlined />} iconPlacement="end">
            {t("sendActions.more")}
          </Button>
        </Dropdown>
      ) : (
        <>
          {ends.map(({ key, icon, label, onClick }) => (
            <Button key={key} icon={icon} onClick={onClick}>
              {label}
            </Button>
          ))}
          <Button icon={<LinkOutlined />} onClick={copyLink}>
            {t("sendActions.copyLink")}
          </Button>
          {mayWrite && (
            <Button icon={<RedoOutlined />} onClick={repeat}>
              {t("sendActions.repeat")}
            </Button>
          )}
          <ButtonLink to={sameNumber} icon={<UnorderedListOutlined />}>
            {t("sendActions.sameNumber")}
          </ButtonLink>
          {run && (
            <Button icon={<ExportOutlined />} href={run} target="_blank" rel="noreferrer">
              {t("sends.run")}
            </Button>
          )}
        </>
      )}
      {isRepeating && <RepeatDialog send={send} isSandbox={session.sandbox} onClose={() => setIsRepeating(false)} />}
      {end && <EndDialog send={send} end={end} onClose={() => setEnd(undefined)} />}
    </>
  );
}

const endIcons: Record<End, React.ReactNode> = {
  confirm: <CheckCircleOutlined />,
  cancel: <CloseCircleOutlined />,
};

/** endsOf returns how a user can end the send now. A send whose SMS is out cannot be cancelled. */
function endsOf({ finished_at, sms }: Send): End[] {
  if (finished_at) {
    return [];
  }
  return sms && sms.status !== "queued" && sms.status !== "failed" ? ["confirm"] : ["confirm", "cancel"];
}

function useCopy(): (text: string) => void {
  const { t } = useTranslation();
  const { message } = App.useApp();
  return async (text) => {
    if (await copyText(text)) {
      message.success(t("sends.copied"));
    } else {
      message.error(t("sendActions.notCopied"));
    }
  };
}

/** runAddress is the address of the send's workflow in the Temporal UI, if there is one. A scheduled send has none before its start. */
function runAddress(send: Send, session: Session): string | undefined {
  if (!session.temporal_ui_url || isBeforeStart(send)) {
    return undefined;
  }
  const namespace = encodeURIComponent(session.temporal_namespace);
  const workflow = encodeURIComponent(`send/${send.id}`);
  return `${session.temporal_ui_url.replace(/\/$/, "")}/namespaces/${namespace}/workflows/${workflow}`;
}
