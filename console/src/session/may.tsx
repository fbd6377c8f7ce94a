// What the session may do. The server refuses the rest: a page only leaves out the buttons that would be refused.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Schemas } from "../api/client";
import { sessionQuery } from "../api/queries";

export type Scope = Schemas["KeyScope"];

/** useMay reports whether the session has a scope. */
export function useMay(scope: Scope): boolean {
  const { data } = useQuery({ ...sessionQuery, enabled: false });
  return data?.scopes.includes(scope) ?? false;
}

/** May shows its children if the session has a scope. */
export function May({ scope, children }: { scope: Scope; children: ReactNode }) {
  return useMay(scope) && children;
}
