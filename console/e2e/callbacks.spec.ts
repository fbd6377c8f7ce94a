// Callbacks to a receiver in this process, which fails until it is told to answer.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import { apiKey, consoleURL, expect, recipient, test } from "./test";

let server: Server;
let status = 500;
const received: { id: string; type: string }[] = [];

test.beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      received.push({ id: String(request.headers["webhook-id"]), type: JSON.parse(body).type });
      response.writeHead(status).end(status === 500 ? "<b>no database</b>" : "thanks");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

test.afterAll(() => new Promise((resolve) => server.close(resolve)));

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;

const row = (page: Page, event: string) =>
  page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: event, exact: true }) });

test("a failed callback shows its tries, and is replayed", async ({ page, api, request }) => {
  const policy = await api.policy([await api.rule()]);
  const answer = await request.post(new URL("/v1/sends", consoleURL()).href, {
    headers: { Authorization: `Bearer ${apiKey()}` },
    data: {
      to: recipient("01"),
      whatsapp: { text: "Your parcel comes today." },
      fallback: { policy_id: policy.id, text: "Parcel today." },
      callback: { url: url(), events: ["accepted", "delivered"] },
    },
  });
  expect(answer.status(), await answer.text()).toBe(202);
  const send = await answer.json();
  await expect.poll(() => received.length, { timeout: 20_000 }).toBeGreaterThan(0);
  await expect.poll(async () => (await api.get(send)).whatsapp.status, { timeout: 20_000 }).toMatch(/delivered|read/);

  await page.goto(`sends/${send.id}`);
  await page.getByRole("link", { name: url() }).click();
  await expect(page.getByRole("heading", { name: "Callbacks", level: 1 })).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`send=${send.id}`));
  await expect(row(page, "accepted").getByText("Pending")).toBeVisible();
  await expect(row(page, "accepted").getByText("500")).toBeVisible();
  await expect(row(page, "delivered").getByText("Pending")).toBeVisible();
  await expect(row(page, "delivered").getByText("500")).toHaveCount(0); // it waits for the one before
  await expect(page.getByText(`Failing: ${url()}`)).toBeVisible();

  await row(page, "accepted")
    .getByRole("button", { name: /expand/i })
    .click();
  await expect(page.getByRole("cell", { name: "<b>no database</b>" }).first()).toBeVisible();

  status = 200;
  await row(page, "accepted")
    .getByRole("button", { name: /^Replay/ })
    .click();
  await expect(page.getByText("It is posted again")).toBeVisible();
  await expect(row(page, "accepted").getByText("Delivered")).toBeVisible({ timeout: 20_000 });
  await expect(row(page, "delivered").getByText("Delivered", { exact: true })).toBeVisible({ timeout: 20_000 });
  await expect(page.getByText(`Failing: ${url()}`)).toHaveCount(0, { timeout: 20_000 });
  const types = received.map(({ type }) => type);
  expect(types.lastIndexOf("accepted")).toBeLessThan(types.indexOf("delivered"));

  await page.getByRole("searchbox", { name: /Search by URL/ }).fill("http://nobody.example/");
  await expect(page.getByText("Nothing matches")).toBeVisible();
});

test("without callbacks the page says how to get them", async ({ page }) => {
  await page.route("**/v1/callbacks?*", (route) => route.fulfill({ json: { items: [] } }));
  await page.route("**/v1/callbacks", (route) => route.fulfill({ json: { items: [] } }));
  await page.goto("callbacks");
  await expect(page.getByText("No callbacks yet")).toBeVisible();
  await expect(page.getByText("BACKSTOP_CALLBACK_URL")).toBeVisible();
});
