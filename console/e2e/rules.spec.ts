import type { Page } from "@playwright/test";
import { answers, apiKey, choose, expect, pick, recipient, test, unique } from "./test";

const dialogOf = (page: Page) => page.getByRole("dialog", { name: "Sending Rule Settings" });
const conflictOf = (page: Page) =>
  page.getByRole("dialog", { name: "Somebody else changed it while you were editing" });
const rowOf = (page: Page, name: string) =>
  page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });

/** submit saves without moving the scroll position, as a click on a button out of view would. */
async function submit(page: Page) {
  await page.locator("form#rule").evaluate((form) => (form as HTMLFormElement).requestSubmit());
}

test("a rule is added, edited and deleted", async ({ page }) => {
  const name = unique("Code");
  await page.goto("rules");
  await page.getByRole("button", { name: "Add rule" }).first().click();
  const dialog = dialogOf(page);
  await dialog.getByLabel("Rule Name").fill(name);
  await dialog.getByRole("radio", { name: /^Unread/ }).check();
  await dialog.getByLabel("SendID").fill("ACME");
  await expect(
    dialog.getByText("If the message fails or is not read within 10 min, send it by SMS from ACME."),
  ).toBeVisible();
  await choose(page, dialog.getByLabel("Unit of the wait"), "hours");
  await expect(dialog.getByText("not read within 10 h")).toBeVisible();
  await choose(page, dialog.getByRole("combobox", { name: "SMS accounts" }), "twilio");
  await dialog.getByLabel("Countries").fill("kingdom");
  await pick(page, "United Kingdom (GB)", 1);
  await expect(dialog.getByText("Only to recipients in United Kingdom.")).toBeVisible();
  await page.keyboard.press("Tab"); // leaves the list of countries without adding one
  await dialog.getByRole("button", { name: "Add" }).click();
  await expect(page.getByText(`The rule “${name}” is added`)).toBeVisible();
  await expect(dialog).toBeHidden();
  const row = rowOf(page, name);
  for (const text of ["Unread", "10 h", "ACME", "United Kingdom", "No policy"]) {
    await expect(row.getByRole("cell", { name: text, exact: true })).toBeVisible();
  }

  await page.getByRole("button", { name: `Edit ${name}` }).click();
  await expect(dialog.getByLabel("Rule Name")).toHaveValue(name);
  await dialog.getByRole("radio", { name: /^Send failed/ }).check();
  await dialog.getByLabel("Wait", { exact: true }).fill("");
  await expect(
    dialog.getByText("If the provider reports that the message failed, send it by SMS from ACME."),
  ).toBeVisible();
  await dialog.getByRole("button", { name: /^(loading )?Save$/ }).click();
  await expect(row.getByRole("cell", { name: "On failure only" })).toBeVisible();

  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await page.getByRole("dialog", { name: "Delete rule" }).getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText(`The rule “${name}” is deleted`)).toBeVisible();
  await expect(row).toBeHidden();
});

test("each field shows what is wrong while it is typed", async ({ page }) => {
  await page.goto("rules");
  await page.getByRole("button", { name: "Add rule" }).first().click();
  const dialog = dialogOf(page);
  await dialog.getByRole("button", { name: "Add" }).click();
  await expect(dialog.getByText("Enter a name")).toBeVisible();
  await expect(dialog.getByText("Enter the SMS sender ID")).toBeVisible();
  await expect(dialog.getByLabel("Rule Name")).toBeFocused();
  for (const [name, reason] of [
    [" x", "must not begin or end with a space"],
    ["x".repeat(65), "at most 64 characters"],
  ] as const) {
    await dialog.getByLabel("Rule Name").fill(name);
    await expect(dialog.getByText(reason)).toBeVisible();
  }
  for (const sendID of ["12", "123456789", "TWELVELETTER", "Ünïcode", "+0123456789"]) {
    await dialog.getByLabel("SendID").fill(sendID);
    await expect(dialog.getByText("1 to 11 letters, digits")).toBeVisible();
  }
  for (const sendID of ["ACME", "12345", "+447400123456", "A&B"]) {
    await dialog.getByLabel("SendID").fill(sendID);
    await expect(dialog.getByText("1 to 11 letters, digits")).toBeHidden();
  }
  await choose(page, dialog.getByLabel("Unit of the wait"), "days");
  await expect(dialog.getByText("not delivered within 10 d")).toBeVisible();
  await dialog.getByLabel("Wait", { exact: true }).fill("31");
  await expect(dialog.getByText("From 1 second to 30 days")).toBeVisible();
  await dialog.getByLabel("Wait", { exact: true }).fill("");
  await dialog.getByRole("radio", { name: /^Unread/ }).check();
  await expect(dialog.getByText("A rule of this type needs a wait")).toBeVisible();
});

test("Enter in a field saves the rule, and the focus returns to the button", async ({ page }) => {
  const name = unique("By Enter");
  await page.goto("rules");
  const add = page.getByRole("button", { name: "Add rule" }).first();
  await add.click();
  const dialog = dialogOf(page);
  await dialog.getByLabel("Rule Name").fill(name);
  await page.keyboard.press("Enter");
  await expect(dialog.getByText("Enter the SMS sender ID")).toBeVisible();
  await dialog.getByLabel("SendID").fill("ACME");
  await page.keyboard.press("Enter");
  await expect(page.getByText(`The rule “${name}” is added`)).toBeVisible();
  await expect(dialog).toBeHidden();
  await expect(rowOf(page, name)).toHaveCount(1); // added once
  await expect(add).toBeFocused();

  const edit = page.getByRole("button", { name: `Edit ${name}` });
  await edit.click();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(edit).toBeFocused();
  const remove = page.getByRole("button", { name: `Delete ${name}` });
  await remove.click();
  const question = page.getByRole("dialog", { name: "Delete rule" });
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(remove).toBeFocused();
  await remove.click();
  await question.getByRole("button", { name: "Delete" }).click();
  await expect(remove).toBeHidden();
  await expect(page.getByRole("main")).toBeFocused(); // the button is gone
});

for (const reducedMotion of ["reduce", "no-preference"] as const) {
  test.describe(`motion: ${reducedMotion}`, () => {
    test.use({ contextOptions: { reducedMotion } });
    test("a dialog opens with an animation only if the system allows it", async ({ page }) => {
      await page.goto("rules");
      await page.evaluate(() =>
        document.addEventListener("animationstart", ({ target }) => {
          if ((target as Element).matches(".ant-modal")) document.body.classList.add("moved");
        }),
      );
      await page.getByRole("button", { name: "Add rule" }).first().click();
      await expect(dialogOf(page).getByLabel("Rule Name")).toBeFocused(); // after the animation
      expect(await page.evaluate(() => document.body.classList.contains("moved"))).toBe(reducedMotion !== "reduce");
    });
  });
}

test("a dialog asks before it drops what was typed", async ({ page, api }) => {
  const rule = await api.rule();
  await page.goto(`rules?search=${encodeURIComponent(rule.name)}`);
  const edit = page.getByRole("button", { name: `Edit ${rule.name}` });
  const dialog = dialogOf(page);
  const question = page.getByRole("dialog", { name: "Discard your changes?" });
  const exits: [string, () => Promise<void>][] = [
    ["Esc", () => page.keyboard.press("Escape")],
    ["a click outside", () => page.mouse.click(20, 600)],
    ["the cross", () => dialog.getByRole("button", { name: "Close" }).click()],
  ];
  for (const [name, leave] of exits) {
    await test.step(name, async () => {
      await edit.click();
      await expect(dialog.getByLabel("Rule Name")).toBeFocused();
      await leave(); // nothing was typed
      await expect(dialog).toBeHidden();
      await expect(edit).toBeFocused();

      await edit.click();
      await dialog.getByLabel("Rule Name").fill("Typed");
      await leave();
      await expect(question.getByRole("button", { name: "Keep editing" })).toBeFocused();
      await page.keyboard.press("Enter");
      await expect(question).toBeHidden();
      await expect(dialog.getByLabel("Rule Name")).toHaveValue("Typed");
      await expect(page.locator(".ant-modal-mask:visible")).toHaveCount(1); // that of the question takes no click any more
      await expect(dialog.locator(":focus")).toHaveCount(1);
      await leave();
      await question.getByRole("button", { name: "Discard" }).click();
      await expect(dialog).toBeHidden();
      await expect(edit).toBeFocused();
    });
  }
});

test.describe("after the end of the session", () => {
  test.use({ mayFail: answers(401) });

  test("the dialog stays open, and the save goes on by itself after a new sign-in", async ({ page, context, api }) => {
    const rule = await api.rule();
    await page.goto(`rules?search=${encodeURIComponent(rule.name)}`);
    await page.getByRole("button", { name: `Edit ${rule.name}` }).click();
    const dialog = dialogOf(page);
    await dialog.getByLabel("SendID").fill("TYPED");
    await context.clearCookies();
    await submit(page);
    const signIn = page.getByRole("dialog", { name: "Sign in again" });
    await expect(signIn.getByLabel("API key", { exact: true })).toBeFocused();
    await page.keyboard.press("Escape"); // there is no way around it
    await expect(signIn).toBeVisible();
    await page.keyboard.type("not the key");
    await page.keyboard.press("Enter");
    await expect(signIn.getByText("This is not the API key of this installation")).toBeVisible();
    await signIn.getByLabel("API key", { exact: true }).fill(apiKey());
    await page.keyboard.press("Enter");
    await expect(signIn).toBeHidden();
    await expect(page.getByText(`The rule “${rule.name}” is saved`)).toBeVisible();
    await expect(rowOf(page, rule.name).getByRole("cell", { name: "TYPED", exact: true })).toBeVisible();
  });
});

test.describe("a window of 1440 x 600", () => {
  test.use({ viewport: { width: 1440, height: 600 }, mayFail: /status of (412|503)/ });

  test("a conflict and a failed save are in view", async ({ page, api }) => {
    const rule = await api.rule();
    await page.goto(`rules?search=${encodeURIComponent(rule.name)}`);
    await page.getByRole("button", { name: `Edit ${rule.name}` }).click();
    const dialog = dialogOf(page);
    await dialog.getByLabel("SendID").fill("MINE");
    await page.route(/v1\/rules\//, (route) =>
      route.request().method() === "PUT"
        ? route.fulfill({
            status: 503,
            contentType: "application/problem+json",
            json: { code: "unavailable", status: 503, detail: "the database is away", request_id: "1" },
          })
        : route.continue(),
    );
    await submit(page);
    await expect(dialog.getByText("the database is away")).toBeInViewport({ ratio: 1 });
    await expect(dialog.getByRole("button", { name: /^(loading )?Save$/ })).toBeInViewport({ ratio: 1 });
    await page.unroute(/v1\/rules\//);

    await api.replaceRule(rule, { send_id: "THEIRS" });
    await submit(page);
    const conflict = conflictOf(page);
    await expect(conflict.getByText("Somebody else changed it while you were editing")).toBeInViewport({ ratio: 1 });
    for (const choice of [
      "Use their version, discard mine",
      "Keep my version, overwrite theirs on save",
      "Continue with the chosen values",
    ]) {
      await expect(conflict.getByRole("button", { name: choice })).toBeInViewport({ ratio: 1 });
    }
  });
});

test.describe("what the API refuses", () => {
  test.use({ mayFail: answers(409, 412) });

  test("the reason for a name that is in use appears at the name", async ({ page, api }) => {
    const rule = await api.rule();
    await page.goto("rules");
    await page.getByRole("button", { name: "Add rule" }).first().click();
    const dialog = dialogOf(page);
    await dialog.getByLabel("Rule Name").fill(rule.name.toUpperCase());
    await dialog.getByLabel("SendID").fill("ACME");
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(dialog.locator(".ant-form-item-explain-error")).toContainText(/name/);
    await expect(dialog).toBeVisible();
  });

  test("the version that somebody else saved is shown, not overwritten", async ({ page, api }) => {
    const rule = await api.rule();
    await page.goto(`rules?search=${encodeURIComponent(rule.name)}`);
    await page.getByRole("button", { name: `Edit ${rule.name}` }).click();
    const dialog = dialogOf(page);
    const conflict = conflictOf(page);
    await dialog.getByLabel("SendID").fill("MINE");
    await api.replaceRule(rule, { send_id: "THEIRS" });
    await dialog.getByRole("button", { name: /^(loading )?Save$/ }).click();
    await expect(conflict.getByRole("group", { name: "SendID" })).toContainText("THEIRS");
    await conflict.getByRole("button", { name: "Use their version, discard mine" }).click();
    await expect(dialog.getByLabel("SendID")).toHaveValue("THEIRS");

    await dialog.getByLabel("SendID").fill("MINE");
    await api.replaceRule(rule, { send_id: "AGAIN" });
    await dialog.getByRole("button", { name: /^(loading )?Save$/ }).click();
    await conflict.getByRole("button", { name: "Keep my version, overwrite theirs on save" }).click();
    await expect(dialog.getByLabel("SendID")).toHaveValue("MINE");
    await dialog.getByRole("button", { name: /^(loading )?Save$/ }).click();
    await expect(page.getByText(`The rule “${rule.name}” is saved`)).toBeVisible();
    await expect(rowOf(page, rule.name).getByRole("cell", { name: "MINE", exact: true })).toBeVisible();
  });

  test("two edits of one rule are merged field by field", async ({ page, api }) => {
    const rule = await api.rule({ send_id: "BEFORE", wait_seconds: 60 });
    await page.goto(`rules?search=${encodeURIComponent(rule.name)}`);
    await page.getByRole("button", { name: `Edit ${rule.name}` }).click();
    const dialog = dialogOf(page);
    await dialog.getByLabel("SendID").fill("MINE");
    await dialog.getByLabel("Wait", { exact: true }).fill("2");
    await api.replaceRule(rule, { send_id: "THEIRS", type: "unread" });
    await dialog.getByRole("button", { name: /^(loading )?Save$/ }).click();
    const conflict = conflictOf(page);
    const field = (name: string) => conflict.getByRole("group", { name });
    await expect(conflict.getByRole("group")).toHaveCount(3); // the name is the same
    await expect(field("SendID")).toContainText(/BEFORE.*MINE.*THEIRS/);
    await expect(field("Wait").getByRole("radio", { name: "Mine 2 min" })).toBeChecked(); // only this side has changed it
    await expect(field("Type").getByRole("radio", { name: "Stored Unread" })).toBeChecked();
    const go = conflict.getByRole("button", { name: "Continue with the chosen values" });
    await expect(go).toBeDisabled(); // both sides have changed the sender
    await page.keyboard.press("Escape"); // back to the form, with nothing lost
    await expect(conflict).toBeHidden();
    await expect(dialog.getByLabel("SendID")).toHaveValue("MINE");
    await dialog.getByRole("button", { name: /^(loading )?Save$/ }).click();
    await field("SendID").getByRole("radio", { name: "Stored THEIRS" }).check();
    await go.click();
    await expect(dialog.getByLabel("SendID")).toHaveValue("THEIRS");
    await expect(dialog.getByText("not read within 2 min, send it by SMS from THEIRS")).toBeVisible();
    await dialog.getByRole("button", { name: /^(loading )?Save$/ }).click();
    await expect(page.getByText(`The rule “${rule.name}” is saved`)).toBeVisible();
    for (const text of ["Unread", "2 min", "THEIRS"]) {
      await expect(rowOf(page, rule.name).getByRole("cell", { name: text, exact: true })).toBeVisible();
    }
  });
});

test("a rule has a page with its sentence, its policies and the sends in which it fired", async ({ page, api }) => {
  const rule = await api.rule({ type: "unread", wait_seconds: 2, countries: ["GB"] });
  const policy = await api.policy([rule]);
  const to = recipient("02");
  const send = await api.send(policy, to);
  await expect.poll(async () => (await api.get(send)).outcome, { timeout: 20_000 }).toBe("sms");
  await page.goto(`rules?search=${encodeURIComponent(rule.name)}`);
  await rowOf(page, rule.name).getByRole("link", { name: rule.name }).click();
  await expect(page).toHaveURL(new RegExp(`/rules/${rule.id}$`));
  await expect(page.getByRole("heading", { level: 1, name: rule.name })).toBeVisible();
  await expect(
    page.getByText("If the message fails or is not read within 2 s, send it by SMS from ACME."),
  ).toBeVisible();
  await expect(page.getByRole("main")).toContainText(rule.id);
  await page.getByRole("link", { name: "Show the sends" }).click();
  await expect(page.getByRole("link", { name: to })).toBeVisible();
  await page.goBack();
  await page.getByRole("link", { name: policy.name }).click();
  await expect(page.getByRole("heading", { level: 1, name: policy.name })).toBeVisible();
  await page.goBack();

  await page.getByRole("button", { name: "Edit", exact: true }).click();
  await dialogOf(page).getByLabel("SendID").fill("OTHER");
  await page.keyboard.press("Enter");
  await expect(page.getByText("send it by SMS from OTHER").first()).toBeVisible();
  await expect(page.getByRole("button", { name: "Edit", exact: true })).toBeFocused();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText(`The rule “${rule.name}” is in use`)).toBeVisible();
});

test("the page of a deleted rule gives way to the list", async ({ page, api }) => {
  const rule = await api.rule();
  await page.goto(`rules/${rule.id}`);
  await expect(page.getByText("No policy includes this rule")).toBeVisible();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog", { name: "Delete rule" }).getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/rules$/);
  await expect(page.getByText(`The rule “${rule.name}” is deleted`)).toBeVisible();
});

test("a rule in use is not deleted, and links to its policies", async ({ page, api }) => {
  const rule = await api.rule();
  const policy = await api.policy([rule]);
  await page.goto(`rules?search=${encodeURIComponent(rule.name)}`);
  await page.getByRole("button", { name: `Delete ${rule.name}` }).click();
  const dialog = page.getByRole("dialog", { name: "Delete rule" });
  await expect(dialog.getByText(`The rule “${rule.name}” is in use`)).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Delete" })).toBeHidden();
  await dialog.getByRole("link", { name: policy.name }).click();
  await expect(page.getByRole("heading", { level: 1, name: policy.name })).toBeVisible();
});

test("Enter takes the country that was typed, and a text that is no country is not dropped", async ({ page, api }) => {
  const { name } = await api.rule();
  await page.goto(`rules?search=${encodeURIComponent(name)}`);
  await page.getByRole("button", { name: `Edit ${name}` }).click();
  const dialog = page.getByRole("dialog");
  const field = dialog.getByLabel("Countries");
  await field.fill("Germany");
  await field.press("Enter");
  await expect(dialog.locator(".ant-select-selection-item", { hasText: "Germany (DE)" })).toBeVisible();
  await field.fill("Atlantis");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("“Atlantis” is no chosen country.")).toBeVisible();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText("Germany").first()).toBeVisible();
});
