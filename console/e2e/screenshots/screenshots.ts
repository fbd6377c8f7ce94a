// The screenshots of the documentation: the real program, in light and dark. The sends are real sends to the simulated
// providers; history.sql copies them over a day. The files are docs/images/<page>-<look>.png.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Locator, Page } from "@playwright/test";
import type { components } from "../../src/api/schema";
import { apiKey, consoleURL, expect, test } from "../test";

type Schemas = components["schemas"];

const looks = ["light", "dark"] as const;

/** recipients have numbers for examples; the scenario is their last two digits. */
const recipients = (scenario: string) => [
  `+4474001234${scenario}`,
  `+4474001244${scenario}`,
  `+49151000001${scenario}`,
  `+120255501${scenario}`,
];

async function call<T>(method: string, path: string, data?: unknown): Promise<T> {
  const answer = await fetch(new URL(path, consoleURL()), {
    method,
    headers: {
      Authorization: `Bearer ${apiKey()}`,
      "Content-Type": "application/json",
      ...(method === "DELETE" ? { "If-Match": "*" } : {}),
    },
    ...(data === undefined ? {} : { body: JSON.stringify(data) }),
  });
  expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

/** removeExample removes what `backstop dev` has made for a first try. */
async function removeExample() {
  const policies = await call<{ items: Schemas["Policy"][] }>("GET", "/v1/policies");
  for (const policy of policies.items) {
    await call("DELETE", `/v1/policies/${policy.id}`);
  }
  const rules = await call<{ items: Schemas["Rule"][] }>("GET", "/v1/rules");
  for (const rule of rules.items) {
    await call("DELETE", `/v1/rules/${rule.id}`);
  }
}

function makeRule(input: Schemas["RuleInput"]) {
  return call<Schemas["Rule"]>("POST", "/v1/rules", input);
}

function makePolicy(name: string, ...rules: Schemas["Rule"][]) {
  return call<Schemas["Policy"]>("POST", "/v1/policies", { name, rule_ids: rules.map((rule) => rule.id) });
}

/** send sends one message. A wait in place of the rules' own makes an old fallback quick to have. */
function send(policy: Schemas["Policy"], to: string, text: string, wait?: number) {
  return call<Schemas["SendAccepted"]>("POST", "/v1/sends", {
    to,
    category: "utility",
    whatsapp: { text },
    fallback: { policy_id: policy.id, text, ...(wait === undefined ? {} : { wait_seconds: wait }) },
  });
}

async function outcome(accepted: Schemas["SendAccepted"]) {
  return (await call<Schemas["Send"]>("GET", `/v1/sends/${accepted.id}`)).outcome;
}

async function shoot(page: Page, name: string, look: string, part: Page | Locator = page) {
  await page.waitForLoadState("networkidle");
  await part.screenshot({ path: `../docs/images/${name}-${look}.png`, animations: "disabled" });
}

test("screenshots of the documentation", async ({ browser }) => {
  test.setTimeout(300_000);
  await removeExample();
  const code = await makeRule({
    name: "Not delivered in 20 s",
    type: "undelivered",
    wait_seconds: 20,
    send_id: "MyShop",
  });
  const spare = await makeRule({ name: "Spare sender", type: "undelivered", wait_seconds: 60, send_id: "MyShop2" });
  const unread = await makeRule({ name: "Not read in 10 min", type: "unread", wait_seconds: 600, send_id: "MyShop" });
  const failed = await makeRule({
    name: "Failures only",
    type: "send_failed",
    send_id: "MyShop",
    countries: ["GB", "US"],
  });
  const late = await makeRule({
    name: "Not delivered in 4 h",
    type: "undelivered",
    wait_seconds: 14_400,
    send_id: "MyShop",
  });
  const codes = await makePolicy("Login codes", code, spare);
  const parcels = await makePolicy("Parcel updates", unread, late);
  const receipts = await makePolicy("Order receipts", failed, late);

  const fallen = await send(codes, "+447400123403", "482910 is your MyShop code. It expires in 10 minutes.");
  const sends: Promise<Schemas["SendAccepted"]>[] = [];
  for (const scenario of ["01", "02", "03", "04", "06", "12", "13", "16"]) {
    for (const [i, to] of recipients(scenario).entries()) {
      const policy = [parcels, codes, parcels, receipts][i] ?? codes;
      sends.push(send(policy, to, "Your parcel comes today between 2 and 4 pm.", 4));
    }
  }
  const all = [fallen, ...(await Promise.all(sends))];
  await expect
    .poll(async () => (await Promise.all(all.map(outcome))).filter((o) => o === "pending").length, {
      timeout: 120_000,
      intervals: [2000],
    })
    .toBe(0);
  expect(await outcome(fallen)).toBe("sms");
  execFileSync(
    "psql",
    [
      process.env.BACKSTOP_DATABASE_URL ?? "",
      "--no-psqlrc",
      "--quiet",
      "--set=ON_ERROR_STOP=1",
      `--file=${fileURLToPath(new URL("history.sql", import.meta.url))}`,
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );

  for (const look of looks) {
    const page = await browser.newPage({
      colorScheme: look,
      baseURL: consoleURL(),
      viewport: { width: 1440, height: 900 },
    });
    await page.request.post(new URL("session", consoleURL()).href, { data: { api_key: apiKey() } });
    await page.goto("");
    await page.locator("main h1").waitFor();
    await shoot(page, "overview", look);
    await page.goto(`sends/${fallen.id}`);
    await page.locator(".connection.live").waitFor();
    await shoot(page, "send", look);
    await page.goto(`policies?search=${encodeURIComponent(codes.name)}`);
    await page.locator("tbody .anticon-edit").first().click();
    await shoot(page, "policy", look, page.getByRole("dialog"));
    await page.close();
  }
});
