import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Button, Card, Collapse, Space, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import type { Schemas } from "../api/client";
import { messageQuery, messageVersionsQuery } from "../api/queries";
import { May } from "../session/may";
import { ButtonLink } from "../ui/ButtonLink";
import { DeleteDialog } from "../ui/DeleteDialog";
import { FactsCard } from "../ui/FactsCard";
import { ItemActions } from "../ui/ItemActions";
import { SendOutlined } from "../ui/icons";
import { LoadedItem } from "../ui/LoadedItem";
import { PageHeader } from "../ui/PageHeader";
import { ProblemAlert } from "../ui/ProblemView";
import { TimeText } from "../ui/TimeText";
import { type Message, parametersText } from "./draft";
import { MessageDialog } from "./MessageDialog";
import { MessagePreview } from "./MessagePreview";

/** MessagePage shows one message: what goes out by it, its variables, and its versions. */
export default function MessagePage() {
  const { id = "" } = useParams();
  const message = useQuery(messageQuery(id));
  return (
    <LoadedItem of="messages" id={id} query={message}>
      {(loaded) => <Shown message={loaded} />}
    </LoadedItem>
  );
}

function Shown({ message }: { message: Message }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<"edit" | "delete">();
  const close = () => setDialog(undefined);
  return (
    <>
      <PageHeader
        title={message.name}
        path={[{ title: t("messages.title"), to: "/messages" }]}
        actions={
          <ItemActions
            edit={() => setDialog("edit")}
            remove={() => setDialog("delete")}
            history={`/audit?kind=message&target=${message.id}`}
          >
            <May scope="sends:write">
              <ButtonLink to={`/sends/new?message=${message.id}`} type="primary" icon={<SendOutlined />}>
                {t("templates.send")}
              </ButtonLink>
            </May>
          </ItemActions>
        }
      />
      <div className="columns">
        <div>
          <Card size="small" title={<h2>{t("messages.preview")}</h2>}>
            <MessagePreview content={message} />
          </Card>
        </div>
        <div>
          <Facts message={message} />
          <Versions id={message.id} version={message.version} />
        </div>
      </div>
      {dialog === "edit" && <MessageDialog message={message} onClose={close} />}
      {dialog === "delete" && (
        <DeleteDialog of="messages" item={message} onClose={close} onDeleted={() => navigate("/messages")} />
      )}
    </>
  );
}

function Facts({ message: { category, sms, variables, ...message } }: { message: Message }) {
  const { t } = useTranslation();
  const facts = [
    {
      label: t("messages.variables"),
      children: (
        <Space size={4} wrap>
          {variables.length > 0 ? variables.map((name) => <Tag key={name}>{name}</Tag>) : t("messages.noVariables")}
        </Space>
      ),
    },
    { label: t("sends.category"), children: category ? t(`category.${category}`) : t("newSend.noCategory") },
    { label: t("newSend.maxSegments"), children: sms.max_segments ?? t("newSend.anyNumber") },
    { label: t("messages.version"), children: message.version },
  ];
  return <FactsCard item={message} before={facts} />;
}

/** Versions lists the versions, the newest first. Each unfolds to its texts. */
function Versions({ id, version }: { id: string; version: number }) {
  const { t } = useTranslation();
  const versions = useInfiniteQuery(messageVersionsQuery(id, version));
  const items = versions.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Card size="small" title={<h2>{t("messages.versions")}</h2>}>
      <p className="hint">{t("messages.versionsMean")}</p>
      {versions.error && <ProblemAlert error={versions.error} />}
      <Collapse
        size="small"
        items={items.map((one) => ({
          key: one.version,
          label: (
            <>
              {t("messages.versionNumber", { number: one.version })} · <TimeText at={one.created_at} />
            </>
          ),
          children: <Version version={one} />,
        }))}
      />
      {versions.hasNextPage && (
        <Button type="link" loading={versions.isFetchingNextPage} onClick={() => versions.fetchNextPage()}>
          {t("messages.moreVersions")}
        </Button>
      )}
    </Card>
  );
}

function Version({ version: { name, whatsapp, sms } }: { version: Schemas["MessageVersion"] }) {
  const { t } = useTranslation();
  const { template } = whatsapp;
  return (
    <dl className="version">
      <dt>{t("messages.name")}</dt>
      <dd>{name}</dd>
      <dt>{t("channel.whatsapp")}</dt>
      <dd className="pre">
        {template ? `${template.name} · ${template.language}\n${parametersText(template)}` : whatsapp.text}
      </dd>
      <dt>{t("channel.sms")}</dt>
      <dd className="pre">{sms.text}</dd>
    </dl>
  );
}
