import { Alert, Button, Space } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  name: string; // as it is now
  children: ReactNode; // what it means now
  onSettle: (takeTheirs: boolean) => void;
}

/** Conflict tells what somebody else has made of it meanwhile; nothing is overwritten unless that is chosen. */
export function Conflict({ name, children, onSettle }: Props) {
  const { t } = useTranslation();
  return (
    <Alert
      className="problem"
      type="warning"
      showIcon
      role="alert"
      title={t("dialog.conflict")}
      description={
        <>
          <p>
            {t("dialog.itIsNow")} <b>{name}</b>: {children}
          </p>
          <Space wrap>
            <Button onClick={() => onSettle(true)}>{t("dialog.takeTheirs")}</Button>
            <Button onClick={() => onSettle(false)}>{t("dialog.keepMine")}</Button>
          </Space>
        </>
      }
    />
  );
}
