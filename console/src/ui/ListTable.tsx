import type { UseQueryResult } from "@tanstack/react-query";
import { Card, Table, type TableProps } from "antd";
import type { ReactNode } from "react";
import { OutageNotice, useOutage } from "./outage";
import { ProblemAlert } from "./ProblemView";

interface Props<Row> {
  list: UseQueryResult<{ items: Row[] }>;
  empty: ReactNode; // in the place of an empty list
  columns: NonNullable<TableProps<Row>["columns"]>;
  expandable?: NonNullable<TableProps<Row>["expandable"]>;
}

/** ListTable shows a page of a list, or that the list is empty, or why it could not be loaded. */
export function ListTable<Row extends { id: string }>({ list, empty, columns, expandable }: Props<Row>) {
  const outage = useOutage(list);
  const isLoaded = list.data !== undefined && !list.isPlaceholderData;
  if (outage && !isLoaded) {
    return <ProblemAlert error={outage.error} retry={outage.retry} />;
  }
  return (
    <>
      {outage && <OutageNotice outage={outage} />}
      <div className={outage ? "outdated" : ""}>
        {isLoaded && list.data?.items.length === 0 ? (
          <Card>{empty}</Card>
        ) : (
          <Table<Row>
            rowKey="id"
            columns={columns}
            dataSource={list.data?.items ?? []}
            loading={!isLoaded}
            pagination={false}
            scroll={{ x: "max-content" }}
            locale={{ emptyText: " " }} // while it loads
            {...(expandable ? { expandable } : {})}
          />
        )}
      </div>
    </>
  );
}
