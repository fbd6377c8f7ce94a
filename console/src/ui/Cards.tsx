// A list in a narrow window: a card for each row.
import { Button, Select, Spin, type TableProps } from "antd";
import { Fragment, type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { DownOutlined, UpOutlined } from "./icons";
import { cellOf, type ListColumn, type Order, type Role, roleOf } from "./listColumns";

interface Props<Row> {
  items: Row[];
  loading: boolean;
  columns: ListColumn<Row>[];
  expandable?: NonNullable<TableProps<Row>["expandable"]>;
  onChange?: NonNullable<TableProps<Row>["onChange"]>;
}

export function Cards<Row extends { id: string }>({ items, loading, columns, expandable, onChange }: Props<Row>) {
  return (
    <Spin spinning={loading}>
      {onChange && <OrderSelect columns={columns} items={items} onChange={onChange} />}
      <ul className="cards">
        {items.map((row, i) => (
          <RowCard key={row.id} row={row} index={i} columns={columns} more={expandable?.expandedRowRender} />
        ))}
      </ul>
    </Spin>
  );
}

interface CardProps<Row> {
  row: Row;
  index: number;
  columns: ListColumn<Row>[];
  more: NonNullable<TableProps<Row>["expandable"]>["expandedRowRender"];
}

/** RowCard unfolds what a table shows in an expanded row. */
function RowCard<Row>({ row, index, columns, more }: CardProps<Row>) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const cells = (role: Role) =>
    columns
      .filter((column) => roleOf(column) === role)
      .map((column) => ({ key: nameOf(column), title: column.title as ReactNode, cell: cellOf(column, row, index) }))
      .filter(({ cell }) => cell !== undefined);
  const shown = ({ key, cell }: { key: string; cell: ReactNode }) => <Fragment key={key}>{cell}</Fragment>;
  const [meta, actions] = [cells("meta"), cells("actions")];
  return (
    <li className="card">
      <div className="card-head">
        <h2>{cells("title").map(shown)}</h2>
        {cells("status").map(shown)}
      </div>
      <dl>
        {meta.map(({ key, title, cell }) => (
          <div key={key}>
            <dt>{title}</dt>
            <dd>{cell}</dd>
          </div>
        ))}
      </dl>
      {(more || actions.length > 0) && (
        <div className="card-actions">
          {more && (
            <Button
              type="text"
              icon={isOpen ? <UpOutlined /> : <DownOutlined />}
              aria-expanded={isOpen}
              aria-controls={id}
              onClick={() => setOpen(!isOpen)}
            >
              {t("list.details")}
            </Button>
          )}
          <span className="shell-gap" />
          {actions.map(shown)}
        </div>
      )}
      {more && (
        <div id={id} className="card-more">
          {isOpen && more(row, index, 0, true)}
        </div>
      )}
    </li>
  );
}

const bothOrders: Order[] = ["ascend", "descend"];

/** OrderSelect chooses one of the orders of the table's columns. It is empty if no column can sort. */
function OrderSelect<Row>({ columns, items, onChange }: Required<Pick<Props<Row>, "columns" | "items" | "onChange">>) {
  const { t } = useTranslation();
  const options = columns
    .filter(({ sorter }) => sorter)
    .flatMap((column) =>
      (column.sortDirections ?? bothOrders)
        .filter((order, i, all): order is Order => order !== null && all.indexOf(order) === i)
        .map((order) => ({
          value: `${nameOf(column)} ${order}`,
          label: column.orders?.[order] ?? `${column.title} ${order === "ascend" ? "↑" : "↓"}`,
          column,
          order,
        })),
    );
  if (options.length === 0) {
    return null;
  }
  const current = options.find(({ column, order }) => column.sortOrder === order);
  return (
    <Select
      className="card-order"
      aria-label={t("list.order")}
      value={current?.value ?? null}
      placeholder={t("list.order")}
      options={options}
      onChange={(value) => {
        const { column, order } = options.find((option) => option.value === value) ?? {};
        if (column && order) {
          const sorter = { column, order, columnKey: column.key, field: nameOf(column) };
          onChange({}, {}, sorter as Parameters<typeof onChange>[2], { action: "sort", currentDataSource: items });
        }
      }}
    />
  );
}

function nameOf<Row>(column: ListColumn<Row>): string {
  return String(column.key ?? ("dataIndex" in column ? column.dataIndex : ""));
}
