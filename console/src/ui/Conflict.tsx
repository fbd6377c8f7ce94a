import { Alert, Button, Space } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  name: string; // of the newer version
  children: ReactNode; // the meaning of the newer version
  onResolve: (takeTheirs: boolean) => void;
}

/** Conflict shows the version that somebody else saved during the edit. The user chooses which version stays. */
export function Conflict({ name, children, onResolve }: Props) {
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
            <Button onClick={() => onResolve(true)}>{t("dialog.takeTheirs")}</Button>
            <Button onClick={() => onResolve(false)}>{t("dialog.keepMine")}</Button>
          </Space>
        </>
      }
    />
  );
}
