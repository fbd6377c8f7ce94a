// The SMS accounts of a rule.
import type { Schemas } from "../api/client";

export type Route = Schemas["Route"];

interface Routed {
  send_id: string;
  routes?: Route[] | undefined;
}

export function namesAccount({ routes }: Pick<Routed, "routes">, account: string): boolean {
  return Boolean(routes?.some((route) => route.account === account));
}

/** firstSender returns the sender ID of a rule's SMS by its first account. */
export function firstSender({ send_id, routes }: Routed): string {
  return routes?.[0]?.send_id ?? send_id;
}

/** routesText names the accounts of a rule in their order, each with the sender ID that it has in place of the rule's. */
export function routesText(routes: Route[] | undefined): string {
  return (routes ?? []).map(({ account, send_id }) => (send_id ? `${account} (${send_id})` : account)).join(" → ");
}

/** sendersOf returns each pair of an account and a sender ID that a rule may use. The default account has no name. */
export function sendersOf({ send_id, routes }: Routed): string[] {
  return routes?.length
    ? routes.map((route) => JSON.stringify([route.account, route.send_id ?? send_id]))
    : [JSON.stringify(["", send_id])];
}
