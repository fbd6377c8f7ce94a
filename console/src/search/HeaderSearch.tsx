import { Button, Drawer, type InputRef } from "antd";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { CloseOutlined, SearchOutlined } from "../ui/icons";
import { useMedia } from "../ui/useMedia";
import { SearchPanel } from "./SearchPanel";

/**
 * HeaderSearch is the search of the whole console: a field in the header, or a layer behind an icon in a narrow window. It opens
 * when asked rises above 0, or rises further.
 */
export function HeaderSearch({ asked }: { asked: number }) {
  const { t } = useTranslation();
  const hasRoom = useMedia("(min-width: 768px)");
  const [isOpen, setOpen] = useState(false);
  const field = useRef<InputRef>(null);
  const box = useRef<HTMLDivElement>(null);
  const open = useCallback(() => {
    setOpen(true);
    field.current?.focus({ cursor: "all" });
  }, []);
  useEffect(() => {
    if (asked > 0) {
      open();
    }
  }, [asked, open]);
  const panel = { field, isOpen, onOpen: () => setOpen(true), onClose: () => setOpen(false) };
  if (hasRoom) {
    return (
      <search
        ref={box}
        className="header-search"
        onBlur={(event) => !box.current?.contains(event.relatedTarget) && setOpen(false)}
      >
        <SearchPanel {...panel} hint={<kbd aria-hidden>/</kbd>} />
      </search>
    );
  }
  return (
    <>
      <span className="shell-gap" />
      <Button type="text" icon={<SearchOutlined />} aria-label={t("search.label")} onClick={open} />
      <Drawer
        open={isOpen}
        onClose={() => setOpen(false)}
        afterOpenChange={(shown) => shown && field.current?.focus()}
        placement="top"
        size="100dvh"
        closable={false}
        destroyOnHidden
        aria-label={t("search.label")}
        className="search-layer"
      >
        <SearchPanel
          {...panel}
          onOpen={() => {}} // a layer that closes may get the focus once more
          beside={
            <Button
              type="text"
              icon={<CloseOutlined />}
              aria-label={t("search.close")}
              onClick={() => setOpen(false)}
            />
          }
        />
      </Drawer>
    </>
  );
}
