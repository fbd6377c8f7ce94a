import { expect, test } from "vitest";
import { answered, ProblemError } from "./client";
import { newQueryClient } from "./queries";

const answer = (status: number, parts: { data?: string; error?: unknown }) =>
  answered(Promise.resolve({ ...parts, response: new Response(null, { status }) }));

test("answered returns the data of a success", async () => {
  expect(await answer(200, { data: "ok" })).toBe("ok");
  expect(await answer(204, {})).toBeUndefined();
});

test("answered throws the problem that the API answered", async () => {
  const problem = { code: "stale", detail: "it has changed" };
  const error = await answer(412, { error: problem }).catch((e: ProblemError) => e);
  expect(error).toMatchObject({ message: "it has changed", problem });
  expect(error instanceof ProblemError && error.is("stale")).toBe(true);
});

test("answered throws a ProblemError without a problem if a proxy or nobody answers", async () => {
  await expect(answer(502, { error: "<html>" })).rejects.toMatchObject({ problem: undefined });
  await expect(answered(Promise.reject(new TypeError("no network")))).rejects.toBeInstanceOf(ProblemError);
});

test("answered passes on that a request was cancelled", async () => {
  const aborted = new DOMException("", "AbortError");
  await expect(answered(Promise.reject(aborted))).rejects.toBe(aborted);
});

test("a query is retried while the server is away, with longer and longer delays, up to 30 s", () => {
  const { retry, retryDelay } = newQueryClient().getDefaultOptions().queries ?? {};
  const retries = (failures: number, error: Error) => typeof retry === "function" && retry(failures, error);
  const withStatus = (status: number) => new ProblemError({ status, detail: "" } as ProblemError["problem"] & object);
  expect(retries(2, new ProblemError(undefined))).toBe(true);
  expect(retries(1000, withStatus(503))).toBe(true);
  expect(retries(0, withStatus(422))).toBe(false);
  expect(retries(0, new TypeError("a bug"))).toBe(false);
  const delays = [0, 1, 4, 5, 1000].map(
    (failures) => typeof retryDelay === "function" && retryDelay(failures, new ProblemError(undefined)),
  );
  expect(delays).toEqual([1_000, 2_000, 16_000, 30_000, 30_000]);
});
