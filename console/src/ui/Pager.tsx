import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { LeftOutlined, RightOutlined } from "./icons";

/**
 * useCursor keeps the cursors of the pages from the second to the current one in the address, so that Back, a reload and a link
 * show the same page. The API has no cursor of a previous page. A new filter removes them (useFilters).
 */
export function useCursor() {
  const [params, setParams] = useSearchParams();
  const cursors = params.getAll("cursor");
  const show = (next: string[]) => setParams((before) => withCursors(before, next));
  return {
    cursor: cursors.at(-1),
    page: cursors.length + 1,
    next: (cursor: string) => show([...cursors, cursor]),
    back: () => show(cursors.slice(0, -1)),
    first: () => show([]),
  };
}

function withCursors(before: URLSearchParams, cursors: string[]): URLSearchParams {
  const next = new URLSearchParams(before);
  next.delete("cursor");
  for (const cursor of cursors) {
    next.append("cursor", cursor);
  }
  return next;
}

interface Props {
  pages: ReturnType<typeof useCursor>;
  nextCursor: string | undefined;
  loading: boolean; // the list still shows another page; a refresh of the shown one must not swallow a click
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
        {t("list.previous")}
      </Button>
      <span>{t("list.page", { page: pages.page })}</span>
      <Button
        icon={<RightOutlined />}
        iconPlacement="end"
        disabled={!nextCursor || loading}
        onClick={() => nextCursor && pages.next(nextCursor)}
      >
        {t("list.next")}
      </Button>
    </nav>
  );
}
