import type { Query, QueryClient } from "@tanstack/react-query";

const kinds = ["rules", "policies", "accounts", "routes", "messages", "guards", "keys"];

/** invalidateItems makes the lists and pages of items load again, because one kind shows the others: a rule lists its policies. */
export function invalidateItems(client: QueryClient, isLeftOut: (query: Query) => boolean = () => false): void {
  client.invalidateQueries({
    predicate: (query) => kinds.includes(String(query.queryKey[0])) && !isLeftOut(query),
  });
}
