import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { LeftOutlined, RightOutlined } from "./icons";

/** useCursor keeps the cursors of the pages before the current one. A new query starts at the first page. */
export function useCursor(query: string) {
  const [visited, setVisited] = useState<{ query: string; cursors: string[] }>({ query, cursors: [] });
  const cursors = visited.query === query ? visited.cursors : [];
  return {
    cursor: cursors.at(-1),
    page: cursors.length + 1,
    next: (cursor: string) => setVisited({ query, cursors: [...cursors, cursor] }),
    back: () => setVisited({ query, cursors: cursors.slice(0, -1) }),
  };
}

interface Props {
  pages: ReturnType<typeof useCursor>;
  nextCursor: string | undefined;
  loading: boolean;
}

/** Pager has the buttons for the next and the previous page. It is empty if the list has one page. */
export function Pager({ pages, nextCursor, loading }: Props) {
  const { t } = useTranslation();
  if (pages.page === 1 && !nextCursor) {
    return null;
  }
  return (
    <nav className="pager" aria-label={t("list.pages")}>
      <Button icon={<LeftOutlined />} disabled={pages.page === 1 || loading} onClick={pages.back}>
        {t("list.newer")}
      </Button>
      <span>{t("list.page", { page: pages.page })}</span>
      <Button
        icon={<RightOutlined />}
        iconPlacement="end"
        disabled={!nextCursor || loading}
        onClick={() => nextCursor && pages.next(nextCursor)}
      >
        {t("list.older")}
      </Button>
    </nav>
  );
}
