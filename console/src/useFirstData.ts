import type { Query, QueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { sessionQuery } from "./api/queries";

const patience = 10_000; // ms, for a page without data

/**
 * useFirstData returns whether the first page has its data, an error, or the sign-in. Until then all bytes of a slow line are for
 * the first numbers; files that the page can do without are loaded afterwards.
 */
export function useFirstData(client: QueryClient): boolean {
  const [isThere, setIsThere] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsThere(true), patience);
    const stop = client.getQueryCache().subscribe(({ query }) => isFirstData(query) && setIsThere(true));
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
