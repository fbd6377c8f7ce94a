import { Button, Space } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { May, useMay } from "../session/may";
import { ButtonLink } from "./ButtonLink";
import { DeleteOutlined, EditOutlined } from "./icons";

interface Props {
  edit: () => void;
  remove: () => void;
  children?: ReactNode; // what else can be done with the item
}

/** ItemActions are the buttons on the page of a rule, a policy or a message. The history is the address of the item's audit log. */
export function ItemActions({ edit, remove, history, children }: Props & { history: string }) {
  const { t } = useTranslation();
  return (
    <Space wrap>
      {children}
      <May scope="admin">
        <ButtonLink to={history}>{t("audit.history")}</ButtonLink>
      </May>
      <May scope="settings:write">
        <Button icon={<EditOutlined />} onClick={edit}>
          {t("list.edit")}
        </Button>
        <Button danger icon={<DeleteOutlined />} onClick={remove}>
          {t("list.delete")}
        </Button>
      </May>
    </Space>
  );
}

/** RowActions are the buttons in the row of a rule or a policy. */
export function RowActions({ name, edit, remove, children }: Props & { name: string }) {
  const { t } = useTranslation();
  if (!useMay("settings:write")) {
    return <span className="row-actions">{children}</span>;
  }
  return (
    <span className="row-actions">
      <Button
        type="text"
        icon={<EditOutlined />}
        onClick={edit}
        title={t("list.edit")}
        aria-label={t("list.editNamed", { name })}
      />
      {children}
      <Button
        type="text"
        danger
        icon={<DeleteOutlined />}
        onClick={remove}
        title={t("list.delete")}
        aria-label={t("list.deleteNamed", { name })}
      />
    </span>
  );
}
