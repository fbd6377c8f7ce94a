// Sends of the tests of the overview.
import type { components } from "../src/api/schema";
import { expect, recipient, type test } from "./test";

type Policy = components["schemas"]["Policy"];
export type API = Parameters<Parameters<typeof test>[2]>[0]["api"];

export const second = 1000; // ms

/** sendAll sends to numbers of scenarios, and waits until no send is pending. */
export async function sendAll(api: API, policy: Policy, scenarios: string[]): Promise<void> {
  const sends = await Promise.all(scenarios.map((scenario) => api.send(policy, recipient(scenario))));
  for (const send of sends) {
    await expect.poll(async () => (await api.get(send)).outcome, { timeout: 30 * second }).not.toBe("pending");
  }
}

/** riseOf sends in two ranges of equal length, the second with more fallbacks. It returns the address of the second. */
export async function riseOf(api: API) {
  const policy = await api.policy([await api.rule({ type: "send_failed" })]);
  const start = Date.now();
  await sendAll(api, policy, ["01", "01", "04", "01"]);
  const middle = Date.now();
  await sendAll(api, policy, ["04", "04", "01", "14"]);
  const length = Math.max(middle - start, Date.now() - middle) + second;
  const iso = (time: number) => encodeURIComponent(new Date(time).toISOString());
  return { policy, path: `?policy=${policy.id}&from=${iso(middle)}&until=${iso(middle + length)}` };
}
