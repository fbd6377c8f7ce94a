import type { UseQueryResult } from "@tanstack/react-query";
import { Card, Table, type TableProps } from "antd";
import type { ReactNode } from "react";
import { Cards } from "./Cards";
import type { ListColumn } from "./listColumns";
import { OutageNotice, useOutage } from "./outage";
import { ProblemAlert } from "./ProblemView";
import { ScrollTable } from "./ScrollTable";
import { useNarrow } from "./useMedia";

interface Props<Row> {
  list: UseQueryResult<{ items: Row[] }>;
  empty: ReactNode; // in the place of an empty list
  columns: ListColumn<Row>[];
  label?: string; // of a table without links and buttons: it can have the focus itself, so that the keyboard can scroll it
  expandable?: NonNullable<TableProps<Row>["expandable"]>;
  onChange?: NonNullable<TableProps<Row>["onChange"]>; // if a column can sort
}

/**
 * ListTable shows a page of a list, or that the list is empty, or why it could not be loaded. In a narrow window it shows cards. If
 * each column has a width in pixels, the columns stay where they are from page to page.
 */
export function ListTable<Row extends { id: string }>({ list, empty, columns, label, ...props }: Props<Row>) {
  const outage = useOutage(list);
  const isNarrow = useNarrow();
  const isLoaded = list.data !== undefined && !list.isPlaceholderData;
  if (outage && !isLoaded) {
    return <ProblemAlert error={outage.error} retry={outage.retry} />;
  }
  const items = list.data?.items ?? [];
  const table: TableProps<Row> = {
    rowKey: "id",
    columns,
    dataSource: items,
    loading: !isLoaded,
    locale: { emptyText: " " }, // while it loads
    ...props,
  };
  return (
    <>
      {outage && <OutageNotice outage={outage} />}
      <div className={outage ? "outdated" : ""}>
        {isLoaded && items.length === 0 ? (
          <Card>{empty}</Card>
        ) : isNarrow ? (
          <Cards items={items} loading={!isLoaded} columns={columns} {...props} />
        ) : label ? (
          <ScrollTable<Row> label={label} {...table} />
        ) : (
          <Table<Row> size="small" pagination={false} {...table} {...widthsOf(columns)} />
        )}
      </div>
    </>
  );
}

function widthsOf<Row>(columns: ListColumn<Row>[]): Pick<TableProps<Row>, "className" | "tableLayout" | "scroll"> {
  const widths = columns.map(({ width }) => width);
  return widths.every((width) => typeof width === "number")
    ? {
        className: "list-table fixed-columns",
        tableLayout: "fixed",
        scroll: { x: widths.reduce((sum, width) => sum + width, 0) },
      }
    : { className: "list-table", scroll: { x: "max-content" } };
}
