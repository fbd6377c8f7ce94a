import { expect, test } from "vitest";
import { at } from "./fakeSend";
import { isScheduled, originOf } from "./schedule";

test("a send is scheduled until its turn or its end", () => {
  const send = { accepted_at: at(0) };
  expect(isScheduled(send)).toBe(false);
  expect(originOf(send)).toBe(at(0));
  const scheduled = { ...send, send_at: at(60) };
  expect(isScheduled(scheduled)).toBe(true);
  expect(originOf(scheduled)).toBe(at(60));
  const started = { ...scheduled, started_at: at(90) };
  expect(isScheduled(started)).toBe(false);
  expect(originOf(started)).toBe(at(90));
  expect(isScheduled({ ...scheduled, finished_at: at(30) })).toBe(false);
});
