import { expect, test } from "vitest";
import { isSame } from "./early";

test("isSame compares the path and the parameters, and lets times differ by a minute", () => {
  const early = "/v1/stats?from=2026-01-01T00%3A00%3A00.000Z&until=2026-01-02T00%3A00%3A00.000Z";
  const host = "https://backstop.example";
  expect(isSame(early, host + early)).toBe(true);
  expect(isSame(early, `${host}/v1/stats?until=2026-01-02T00:00:10.000Z&from=2026-01-01T00:00:10.000Z`)).toBe(true);
  expect(isSame(early, `${host}/v1/stats?until=2026-01-02T00:00:00.000Z&from=2025-12-01T00:00:00.000Z`)).toBe(false);
  expect(isSame(early, `${host}${early}&policy_id=1`)).toBe(false);
  expect(isSame(early, `${host}/v1/stats`)).toBe(false);
  expect(isSame("/console/session", `${host}/console/session`)).toBe(true);
});
