// The fixtures of every test: a browser with a session, the API to set things up, and a guard. The guard fails a test if a page
// violates its Content-Security-Policy, sends a request to another host, or has an uncaught error.
import { type APIRequestContext, test as base, expect, type Locator, type Page } from "@playwright/test";
import type { components } from "../src/api/schema";

type Schemas = components["schemas"];

export const consoleURL = () => process.env.CONSOLE_URL ?? "";
/** sandboxURL is the address of the simulated providers. */
export const sandboxURL = () => process.env.SANDBOX_URL ?? "";
export const apiKey = () => process.env.BACKSTOP_API_KEY ?? "";

let made = 0;

/** unique returns a name that no other test and no earlier run uses. */
export function unique(name: string): string {
  made += 1;
  return `${name} ${Date.now().toString(36)}${process.env.TEST_PARALLEL_INDEX ?? ""}${made}`;
}

/** uniqueAccount returns the name of an account that no other test uses. */
export function uniqueAccount(name: string): string {
  return unique(name).replace(" ", "-");
}

/** recipient returns a number. Its last two digits select what the simulated providers do. */
export function recipient(scenario: string): string {
  made += 1;
  const digits = String((Date.now() + made * 7919) % 1_000_000).padStart(6, "0");
  return `+4474${digits}${scenario}`.slice(0, 13);
}

export class API {
  constructor(private readonly request: APIRequestContext) {}

  private async call<T>(
    method: string,
    path: string,
    data?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const answer = await this.request.fetch(new URL(path, consoleURL()).href, {
      method,
      headers: { Authorization: `Bearer ${apiKey()}`, ...headers },
      ...(data === undefined ? {} : { data }),
    });
    expect(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`).toBe(true);
    return (answer.status() === 204 ? undefined : await answer.json()) as T;
  }

  rule(input: Partial<Schemas["RuleInput"]> = {}) {
    const rule = { name: unique("Rule"), type: "undelivered", wait_seconds: 600, send_id: "ACME", ...input };
    return this.call<Schemas["Rule"]>("POST", "/v1/rules", rule);
  }

  replaceRule(rule: Schemas["Rule"], change: Partial<Schemas["RuleInput"]>) {
    const { name, type, wait_seconds, send_id } = rule;
    return this.call<Schemas["Rule"]>(
      "PUT",
      `/v1/rules/${rule.id}`,
      { name, type, wait_seconds, send_id, ...change },
      { "If-Match": "*" },
    );
  }

  getRule({ id }: Schemas["Rule"]) {
    return this.call<Schemas["Rule"]>("GET", `/v1/rules/${id}`);
  }

  /** account makes an account at the simulated Twilio, unless the input says otherwise. The provider is not asked. */
  account({ settings, ...input }: Partial<Schemas["AccountInput"]> = {}) {
    const twilio = { account_sid: "AC00000000000000000000000000000000", auth_token: "sandbox-auth-token" };
    const account = { name: uniqueAccount("sms"), provider: "twilio", channel: "sms", ...input };
    return this.call<Schemas["Account"]>("POST", "/v1/accounts?check=false", {
      ...account,
      settings: { ...(account.provider === "twilio" ? twilio : {}), base_url: sandboxURL(), ...settings },
    });
  }

  getAccount({ name }: Schemas["Account"]) {
    return this.call<Schemas["Account"]>("GET", `/v1/accounts/${name}`);
  }

  replaceAccount({ name, settings }: Schemas["Account"], change: Partial<Schemas["AccountChangeInput"]>) {
    const path = `/v1/accounts/${name}?check=false`;
    return this.call<Schemas["Account"]>("PUT", path, { settings, ...change }, { "If-Match": "*" });
  }

  async deleteAccount(account: Schemas["Account"]) {
    const { name } = await this.replaceAccount(account, { disabled: true });
    await this.call("DELETE", `/v1/accounts/${name}`, undefined, { "If-Match": "*" });
  }

  policy(rules: Schemas["Rule"][], name = unique("Policy")) {
    return this.call<Schemas["Policy"]>("POST", "/v1/policies", { name, rule_ids: rules.map((rule) => rule.id) });
  }

  replacePolicy(policy: Schemas["Policy"], rules: Schemas["Rule"][]) {
    const body = { name: policy.name, rule_ids: rules.map((rule) => rule.id) };
    return this.call<Schemas["Policy"]>("PUT", `/v1/policies/${policy.id}`, body, { "If-Match": "*" });
  }

  message(input: Partial<Schemas["MessageInput"]> = {}) {
    const message = {
      name: unique("Message"),
      whatsapp: { text: "Hello {{name}}" },
      sms: { text: "{{name}}: {{code}}" },
      ...input,
    };
    return this.call<Schemas["Message"]>("POST", "/v1/messages", message);
  }

  getMessage({ id }: { id: string }) {
    return this.call<Schemas["Message"]>("GET", `/v1/messages/${id}`);
  }

  key(input: Partial<Schemas["KeyInput"]> = {}) {
    const key = { name: unique("Key"), scopes: ["sends:write", "sends:read"], ...input };
    return this.call<Schemas["NewKey"]>("POST", "/v1/keys", key);
  }

  send(policy: Schemas["Policy"], to = recipient("01")) {
    const body = {
      to,
      whatsapp: { text: "Your parcel comes today." },
      fallback: { policy_id: policy.id, text: "Parcel today." },
    };
    return this.call<Schemas["SendAccepted"]>("POST", "/v1/sends", body);
  }

  optOut(to: string, category: Schemas["OptOutCategory"] = "all") {
    return this.call<Schemas["OptOut"]>("PUT", "/v1/opt-outs", { to, category });
  }

  replaceGuards(guards: Schemas["GuardsInput"]) {
    return this.call<Schemas["Guards"]>("PUT", "/v1/guards", guards, { "If-Match": "*" });
  }

  end(send: Schemas["SendAccepted"], how: "cancel" | "confirm") {
    return this.call<Schemas["Send"]>("POST", `/v1/sends/${send.id}/${how}`);
  }

  schedule(policy: Schemas["Policy"], at: Date, to = recipient("01")) {
    const body = {
      to,
      send_at: at.toISOString(),
      whatsapp: { text: "Your parcel comes today." },
      fallback: { policy_id: policy.id, text: "Parcel today." },
    };
    return this.call<Schemas["SendAccepted"]>("POST", "/v1/sends", body);
  }

  get(send: Schemas["SendAccepted"]) {
    return this.call<Schemas["Send"]>("GET", `/v1/sends/${send.id}`);
  }
}

/** guard watches a page, and returns a function that lists what the page did wrong so far. */
function guard(page: Page, mayFail: RegExp): () => string[] {
  const broken: string[] = [];
  page.on("pageerror", (error) => broken.push(`an uncaught error: ${error.message}`));
  page.on("console", (message) => {
    const text = `${message.text()} ${message.location().url}`;
    if (message.type() === "error" && !mayFail.test(text)) {
      broken.push(`an error in the console: ${text}`);
    }
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (/^(https?|wss?):$/.test(url.protocol) && url.origin !== new URL(consoleURL()).origin) {
      broken.push(`a request to another host: ${request.url()}`);
    }
  });
  return () => broken;
}

interface Fixtures {
  api: API;
  signedIn: boolean; // whether the browser has a session at the start
  mayFail: RegExp; // the errors that a test provokes, as the browser writes them to its console
}

export const test = base.extend<Fixtures>({
  signedIn: [true, { option: true }],
  mayFail: [/(?!)/, { option: true }], // nothing
  api: async ({ request }, use) => use(new API(request)),
  baseURL: async ({ browserName: _ }, use) => use(consoleURL()),
  page: async ({ page, signedIn, mayFail }, use) => {
    if (signedIn) {
      const answer = await page.request.post(new URL("session", consoleURL()).href, { data: { api_key: apiKey() } });
      expect(answer.status()).toBe(200);
    }
    const broken = guard(page, mayFail);
    await use(page);
    expect(broken()).toEqual([]);
  },
});

/** choose opens a select and picks an option. */
export async function choose(page: Page, field: Locator, option: string) {
  await field.click();
  await pick(page, option);
}

/** pick clicks an option of the open list, after the list is unfolded and has the given number of options, if any. */
export async function pick(page: Page, option: string, among?: number): Promise<void> {
  const list = page.locator(".ant-select-dropdown:not(.ant-select-dropdown-hidden)");
  await expect(list).toHaveCount(1); // the previous list is closed
  await expect(list).not.toHaveClass(/slide/);
  if (among !== undefined) {
    await expect(list.locator(".ant-select-item-option")).toHaveCount(among);
  }
  await list.getByTitle(option, { exact: true }).click();
}

/** answers matches the text that Chromium writes about an answer with one of these statuses. */
export function answers(...statuses: number[]): RegExp {
  return new RegExp(`status of (${statuses.join("|")})`);
}

export { expect };
