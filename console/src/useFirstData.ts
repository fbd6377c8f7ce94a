import type { Query, QueryClient } from "@tanstack/react-query";
import { type ComponentType, lazy, useEffect, useState } from "react";
import { sessionQuery } from "./api/queries";

const patience = 10_000; // ms, for a page without data

let announce: () => void = () => {};
const firstData = new Promise<void>((resolve) => {
  announce = resolve;
});

/**
 * useFirstData returns whether the first page has its data, an error, or the sign-in. Until then all bytes of a slow line are for
 * the first numbers; files that the page can do without are loaded afterwards.
 */
export function useFirstData(client: QueryClient): boolean {
  const [isThere, setIsThere] = useState(false);
  useEffect(() => {
    const end = () => {
      announce();
      setIsThere(true);
    };
    const timer = setTimeout(end, patience);
    const stop = client.getQueryCache().subscribe(({ query }) => isFirstData(query) && end());
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [client]);
  return isThere;
}

function isFirstData({ queryKey, state }: Query): boolean {
  return queryKey[0] === sessionQuery.queryKey[0] ? state.status === "error" : state.status !== "pending";
}

/** lazyLater is lazy, for a part of a page that is loaded after the first data. */
// biome-ignore lint/suspicious/noExplicitAny: as in the type of lazy
export function lazyLater<T extends ComponentType<any>>(load: () => Promise<{ default: T }>) {
  return lazy(() => firstData.then(load));
}
