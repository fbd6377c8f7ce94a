// The columns of a list, and what they become on the cards of a narrow window.
import type { TableProps } from "antd";
import type { ReactNode } from "react";

/**
 * A role is the place of a column on a card. Without one, the head of the row is the title, a column with the key "actions" has the
 * actions, and the others are lines with their heads in front.
 */
export type Role = "title" | "status" | "meta" | "actions" | "hidden";

export type ListColumn<Row> = NonNullable<TableProps<Row>["columns"]>[number] & {
  role?: Role;
  orders?: Record<Order, string>; // how the cards name the orders of a column that can sort
};

export type Order = "ascend" | "descend";

/** none stands in a cell without a value. A card leaves the line out. */
export const none = "–";

export function roleOf<Row>({ role, rowScope, key }: ListColumn<Row>): Role {
  return role ?? (rowScope === "row" ? "title" : key === "actions" ? "actions" : "meta");
}

/** cellOf returns the content of a cell, as the table would show it; undefined if there is none. */
export function cellOf<Row>(column: ListColumn<Row>, row: Row, index: number): ReactNode {
  const path = "dataIndex" in column ? [column.dataIndex].flat() : [];
  const value = path.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[String(name)], row);
  const cell = column.render ? column.render(value, row, index) : value;
  return cell === none || cell === null || cell === false || cell === "" ? undefined : (cell as ReactNode);
}
