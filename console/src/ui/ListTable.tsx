import type { UseQueryResult } from "@tanstack/react-query";
import { Card, Table, type TableProps } from "antd";
import type { ReactNode } from "react";
import { ProblemAlert } from "./ProblemView";

interface Props<Row> {
  list: UseQueryResult<{ items: Row[] }>;
  empty: ReactNode; // in the place of an empty list
  columns: NonNullable<TableProps<Row>["columns"]>;
  expandable?: NonNullable<TableProps<Row>["expandable"]>;
}

/** ListTable shows a page of a list, or that the list is empty, or why it could not be loaded. */
export function ListTable<Row extends { id: string }>({ list, empty, columns, expandable }: Props<Row>) {
  if (list.error) {
    return <ProblemAlert error={list.error} retry={() => list.refetch()} />;
  }
  if (list.data?.items.length === 0 && !list.isPlaceholderData) {
    return <Card>{empty}</Card>;
  }
  return (
    <Table<Row>
      rowKey="id"
      columns={columns}
      dataSource={list.data?.items ?? []}
      loading={list.isPending || list.isPlaceholderData}
      pagination={false}
      scroll={{ x: "max-content" }}
      locale={{ emptyText: " " }} // while it loads
      {...(expandable ? { expandable } : {})}
    />
  );
}
