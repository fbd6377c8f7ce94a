import type { TFunction } from "i18next";
import { Link } from "react-router";
import { type ListColumn, none, type Order } from "./listColumns";
import { Name } from "./Name";
import { TimeText } from "./TimeText";

interface Item {
  id: string;
  name: string;
  updated_at?: string; // absent if the environment gives the item
}

type OrderOf = (field: "name" | "updated_at") => Order | null;

/** nameColumn is the column of the names of items, which link to their pages. */
export function nameColumn<Row extends Item>(
  of: "rules" | "policies" | "accounts" | "messages",
  width: number,
  orderOf: OrderOf,
  t: TFunction,
): ListColumn<Row> {
  return {
    title: t(`${of}.name`),
    dataIndex: "name",
    rowScope: "row",
    className: "name-cell",
    width,
    sorter: true,
    sortOrder: orderOf("name"),
    orders: { ascend: t("list.byName"), descend: t("list.byNameBackwards") },
    render: (_, { id, name }) => (
      <Link to={`/${of}/${id}`}>
        <Name>{name}</Name>
      </Link>
    ),
  };
}

/** updatedColumn is the column of the times of the last changes. */
export function updatedColumn<Row extends Item>(width: number, orderOf: OrderOf, t: TFunction): ListColumn<Row> {
  return {
    title: t("list.updated"),
    dataIndex: "updated_at",
    width,
    sorter: true,
    sortOrder: orderOf("updated_at"),
    sortDirections: ["descend", "ascend"],
    orders: { ascend: t("list.oldestChange"), descend: t("list.newestChange") },
    render: (_, { updated_at }) => (updated_at ? <TimeText at={updated_at} /> : none),
  };
}
