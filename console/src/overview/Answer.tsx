import type { UseQueryResult } from "@tanstack/react-query";
import { Skeleton } from "antd";
import type { ReactNode } from "react";
import { OutageNotice, useOutage } from "../ui/outage";
import { ProblemAlert } from "../ui/ProblemView";

interface Props<T> {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}

/**
 * Answer shows the answer to a query of its own in a part of the page: a skeleton until the first answer, and dimmed while another
 * one loads or cannot be had.
 */
export function Answer<T>({ query, children }: Props<T>) {
  const outage = useOutage(query);
  const { data, isPlaceholderData } = query;
  if (outage && (data === undefined || isPlaceholderData)) {
    return <ProblemAlert error={outage.error} retry={outage.retry} />;
  }
  if (data === undefined) {
    return <Skeleton active title={false} paragraph={{ rows: 4 }} />;
  }
  return (
    <>
      {outage && <OutageNotice outage={outage} />}
      <div className={outage ? "outdated" : isPlaceholderData ? "former" : ""} inert={isPlaceholderData}>
        {children(data)}
      </div>
    </>
  );
}
