// Sign-in at an identity provider: a second API with a real OpenID Connect provider, on the same database.
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { test as base, expect, type Page } from "@playwright/test";

const callback = "/console/session/oidc/callback";
const patience = 30_000; // ms

/** freePort returns a port that nobody listens at now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}

/** started starts a program, and returns it with the text of the first line that it prints that fits a pattern. */
async function started(name: string, args: string[], env: NodeJS.ProcessEnv, line: RegExp) {
  const program = spawn(fileURLToPath(new URL(`../../bin/${name}`, import.meta.url)), args, {
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
  const text = await new Promise<string>((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => reject(new Error(`${name} did not start:\n${said}`)), patience);
    program.once("exit", (code) => reject(new Error(`${name} ended with ${code}:\n${said}`)));
    program.stdout.on("data", (data) => {
      said += data;
      const found = line.exec(said);
      if (found) {
        clearTimeout(timer);
        resolve(found[0]);
      }
    });
  });
  return { program, text };
}

function stop(program: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    program.once("exit", () => resolve());
    program.kill("SIGINT");
  });
}

/** company is the address of an API whose people sign in at the provider, for all tests of this file. */
const test = base.extend<object, { company: string }>({
  company: [
    // biome-ignore lint/correctness/noEmptyPattern: the form of a fixture
    async ({}, use) => {
      const url = `http://127.0.0.1:${await freePort()}`;
      const provider = await started("oidctest", [url + callback, `${url}/console/`], process.env, /http:\S+/);
      const api = await started(
        "backstop",
        ["api"],
        {
          ...process.env,
          BACKSTOP_LISTEN: new URL(url).host,
          BACKSTOP_PUBLIC_URL: url,
          BACKSTOP_OIDC_ISSUER: provider.text,
          BACKSTOP_OIDC_CLIENT_ID: "backstop",
          BACKSTOP_OIDC_CLIENT_SECRET: "secret-of-the-test-client",
          BACKSTOP_OIDC_NAME: "ACME",
          BACKSTOP_OIDC_VIEWERS: "viewers",
          BACKSTOP_OIDC_OPERATORS: "operators",
          BACKSTOP_OIDC_ADMINS: "admins",
        },
        /"listening"/,
      );
      await use(url);
      await stop(api.program);
      await stop(provider.program);
    },
    { scope: "worker" },
  ],
});

/** signIn signs in at the provider. The page is that of sign-in. */
async function signIn(page: Page, name: string) {
  await page.getByRole("link", { name: "Sign in with ACME" }).click();
  await page.locator("input[name=username]").fill(name);
  await page.locator("input[name=password]").fill("a-password");
  await page.keyboard.press("Enter");
}

const rows = (page: Page) => page.getByRole("row").filter({ has: page.getByRole("rowheader") });

test("a viewer signs in, sees no button that changes something, and an administrator ends the session", async ({
  page,
  browser,
  company,
}) => {
  await page.goto(`${company}/console/rules`);
  await signIn(page, "vera");
  await expect(page).toHaveURL(`${company}/console/rules`);
  await expect(page.getByRole("heading", { name: "Fallback Rule", level: 1 })).toBeVisible();
  await expect(page.getByRole("link", { name: "vera@example.com" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Add rule" })).toHaveCount(0);
  await expect(page.getByRole("link", { name: "API keys" })).toHaveCount(0);
  const [cookie] = await page.context().cookies(company);
  expect(cookie).toMatchObject({ name: "backstop_session", httpOnly: true, sameSite: "Strict" });

  await page.getByRole("link", { name: "Sessions" }).click();
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText("vera@example.com this browser");
  await expect(rows(page)).toContainText("Viewer");

  const admin = await (await browser.newContext()).newPage();
  await admin.goto(`${company}/console/sessions`);
  await signIn(admin, "ada");
  await admin.getByRole("button", { name: "End the session of vera@example.com" }).click();
  await admin.getByRole("tooltip").getByRole("button", { name: "End", exact: true }).click();
  await expect(rows(admin).filter({ hasText: "vera@example.com" })).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole("link", { name: "Sign in with ACME" })).toBeVisible();

  await admin.getByRole("link", { name: "Audit log" }).click();
  const ended = rows(admin).filter({ hasText: "Session vera@example.com" }).filter({ hasText: "Ended" });
  await expect(ended.first()).toContainText("ada@example.com");
  await admin.getByRole("link", { name: "Fallback Rule" }).click();
  await expect(admin.getByRole("button", { name: "Add rule" }).first()).toBeVisible();
  await admin.context().close();
});

test("a person without a role is refused, and may sign out of the provider", async ({ page, company }) => {
  await page.goto(`${company}/console/`);
  await signIn(page, "nobody");
  await expect(page.getByRole("alert")).toContainText("You have no role here");
  await page.getByRole("link", { name: "Sign out of ACME" }).click();
  await expect(page).toHaveURL(`${company}/console/`);
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("a session that has ended is renewed in another tab, and the page goes on", async ({ page, context, company }) => {
  await page.goto(`${company}/console/sends/new`);
  await signIn(page, "otto");
  await page.getByLabel("Recipient").fill("+447400123456");
  await context.clearCookies();
  await page.getByRole("link", { name: "Sessions" }).click();
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  const [tab] = await Promise.all([
    context.waitForEvent("page"),
    dialog.getByRole("link", { name: "Sign in with ACME" }).click(),
  ]);
  await tab.locator("input[name=username]").fill("otto");
  await tab.locator("input[name=password]").fill("a-password");
  await tab.keyboard.press("Enter");
  await expect(tab.getByRole("link", { name: "otto@example.com" })).toBeVisible();
  await tab.close();
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await expect(dialog).toHaveCount(0);
  await expect(rows(page).first()).toContainText("otto@example.com this browser");
});
