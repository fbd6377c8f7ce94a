import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { LeftOutlined, RightOutlined } from "./icons";

/** useCursor keeps the way through a list by its cursors. A list that is asked for otherwise begins anew. */
export function useCursor(question: string) {
  const [way, setWay] = useState<{ question: string; cursors: string[] }>({ question, cursors: [] });
  const cursors = way.question === question ? way.cursors : [];
  return {
    cursor: cursors.at(-1),
    page: cursors.length + 1,
    next: (cursor: string) => setWay({ question, cursors: [...cursors, cursor] }),
    back: () => setWay({ question, cursors: cursors.slice(0, -1) }),
  };
}

interface Props {
  way: ReturnType<typeof useCursor>;
  nextCursor: string | undefined;
  loading: boolean;
}

/** Pager goes through a list page by page; a list of one page needs none. */
export function Pager({ way, nextCursor, loading }: Props) {
  const { t } = useTranslation();
  if (way.page === 1 && !nextCursor) {
    return null;
  }
  return (
    <nav className="pager" aria-label={t("list.pages")}>
      <Button icon={<LeftOutlined />} disabled={way.page === 1 || loading} onClick={way.back}>
        {t("list.newer")}
      </Button>
      <span>{t("list.page", { page: way.page })}</span>
      <Button
        icon={<RightOutlined />}
        iconPlacement="end"
        disabled={!nextCursor || loading}
        onClick={() => nextCursor && way.next(nextCursor)}
      >
        {t("list.older")}
      </Button>
    </nav>
  );
}
