import type { UseQueryResult } from "@tanstack/react-query";
import { Spin } from "antd";
import type { ReactNode } from "react";
import { ItemProblem } from "./ItemProblem";
import { OutageNotice, useOutage } from "./outage";

interface Props<Item> {
  of: "rules" | "policies" | "accounts" | "messages";
  id: string; // from the address of the page
  query: UseQueryResult<Item>;
  children: (item: Item) => ReactNode;
}

/** LoadedItem shows the item of a page: dimmed during an outage, and why there is none if it could not be loaded. */
export function LoadedItem<Item>({ of, id, query, children }: Props<Item>) {
  const outage = useOutage(query);
  if (query.data !== undefined) {
    return (
      <>
        {outage && <OutageNotice outage={outage} />}
        <div className={outage ? "outdated" : ""}>{children(query.data)}</div>
      </>
    );
  }
  return outage ? (
    <ItemProblem of={of} id={id} error={outage.error} retry={outage.retry} />
  ) : (
    <Spin className="page-spin" />
  );
}
