import { Badge, Button, Drawer } from "antd";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { FilterOutlined } from "./icons";
import { useNarrow } from "./useMedia";

interface Props {
  active: number; // how many filters are set
  always?: ReactNode; // what stays in view in a narrow window too, such as the search
  children: ReactNode;
}

/** FilterBar has the filters of a list: in a row, or in a narrow window behind one button. */
export function FilterBar({ active, always, children }: Props) {
  const { t } = useTranslation();
  const isNarrow = useNarrow();
  const [isOpen, setOpen] = useState(false);
  if (!isNarrow) {
    return (
      <div className="toolbar">
        {always}
        {children}
      </div>
    );
  }
  return (
    <div className="toolbar">
      {always}
      <Button
        className="filter-button"
        icon={<FilterOutlined />}
        aria-haspopup="dialog"
        aria-label={t("list.filterButton", { count: active })}
        onClick={() => setOpen(true)}
      >
        {t("list.filters")}
        {active > 0 && <Badge count={active} color="var(--accent)" />}
      </Button>
      <Drawer
        open={isOpen}
        onClose={() => setOpen(false)}
        placement="bottom"
        size="85dvh"
        title={t("list.filters")}
        footer={
          <Button type="primary" block onClick={() => setOpen(false)}>
            {t("list.showResults")}
          </Button>
        }
      >
        <div className="filter-drawer">{children}</div>
      </Drawer>
    </div>
  );
}

/** FilterField gives a filter a label. In a row it is hidden, because the field itself has the same text. */
export function FilterField({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="filter-field">
      <span aria-hidden>{label}</span>
      {children}
    </div>
  );
}
