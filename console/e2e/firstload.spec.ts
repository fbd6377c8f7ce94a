// The first view on a slow line. Bytes are tested, because they do not depend on the machine; `make firstload` prints the times.
import { measureFirstLoad } from "./firstload/slowline";
import { expect, recipient, test } from "./test";

const budget = 204 * 1024; // bytes for the first numbers: 4.1 s at 50 KB/s

test("the first numbers of the overview need few bytes", async ({ api, page }) => {
  const policy = await api.policy([await api.rule()]);
  const send = await api.send(policy, recipient("01"));
  await expect.poll(async () => (await api.get(send)).outcome, { timeout: 20_000 }).toBe("whatsapp");
  const { bytes } = await measureFirstLoad(page);
  expect(bytes).toBeLessThan(budget);
});
