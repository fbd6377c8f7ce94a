import type { TFunction } from "i18next";

/** curlMeans says what the command does. In a sandbox the providers are simulated. */
export function curlMeans(isSandbox: boolean, t: TFunction): string {
  return t(isSandbox ? "policies.curlMeansTest" : "policies.curlMeans");
}

/** curlOf returns a command that sends by a policy. The number, the texts and the key of the order are examples. */
export function curlOf(policy: string, origin: string): string {
  const body = {
    to: "+447400123456",
    whatsapp: { text: "Your parcel comes today." },
    fallback: { policy_id: policy, text: "Your parcel comes today." },
  };
  return [
    `curl ${origin}/v1/sends \\`,
    `  -H "Authorization: Bearer $BACKSTOP_API_KEY" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -H "Idempotency-Key: order-$(date +%s)" \\`,
    `  -d '${JSON.stringify(body, null, 2).replaceAll("\n", "\n  ")}'`,
  ].join("\n");
}
