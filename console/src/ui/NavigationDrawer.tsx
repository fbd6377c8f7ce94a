import { Drawer } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  open: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** NavigationDrawer has the navigation on a narrow screen. */
export default function NavigationDrawer({ open, onClose, children }: Props) {
  const { t } = useTranslation();
  return (
    <Drawer
      open={open}
      onClose={onClose}
      placement="left"
      size={264}
      title={t("shell.navigation")}
      styles={{ body: { padding: 8 } }}
    >
      {children}
    </Drawer>
  );
}
