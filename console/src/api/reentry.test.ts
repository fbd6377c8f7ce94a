import { expect, test, vi } from "vitest";
import { Reentry } from "./reentry";

const never = new AbortController().signal;

test("a request waits for the sign-in, and asks for it", async () => {
  const reentry = new Reentry();
  const onEnd = vi.fn();
  reentry.listen(onEnd);
  const waits = [reentry.wait(never), reentry.wait(never)];
  expect(onEnd).toHaveBeenCalledTimes(2);
  reentry.resume();
  expect(await Promise.all(waits)).toEqual([true, true]);
});

test("a sign-out ends the wait, and a later sign-in does not send the request", async () => {
  const reentry = new Reentry();
  const wait = reentry.wait(never);
  reentry.cancel();
  reentry.resume();
  expect(await wait).toBe(false);
});

test("a request that its page gave up does not wait", async () => {
  const reentry = new Reentry();
  const page = new AbortController();
  const wait = reentry.wait(page.signal);
  page.abort(new DOMException("", "AbortError"));
  await expect(wait).rejects.toMatchObject({ name: "AbortError" });
});
