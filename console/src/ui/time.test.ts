import { expect, test } from "vitest";
import { t } from "../i18n";
import { bucket, clock, duration, exact, exactClock, regional, tick, time, unitOf, zone, zonedTime } from "./time";

test.each([
  [0, "0 s"],
  [59, "59 s"],
  [60, "1 min"],
  [3661, "1 h 1 min"], // the two largest units
  [90_000, "1 d 1 h"],
  [86_401, "1 d 1 s"],
])("duration of %d s", (seconds, text) => {
  expect(duration(seconds, t)).toBe(text);
});

test.each([
  [0.344, "0.34 s"],
  [12.345, "12.3 s"],
  [119.9, "119.9 s"],
  [120.4, "2 min"],
])("exact of %d s", (seconds, text) => {
  expect(exact(seconds, t, "en")).toBe(text);
});

test.each([
  [0, "second"],
  [90, "second"],
  [120, "minute"],
  [7200, "hour"],
  [86_400, "day"],
  [90_000, "hour"],
])("unitOf %d s", (seconds, unit) => {
  expect(unitOf(seconds)).toBe(unit);
});

test("all times have 24 hours, in both languages", () => {
  const afternoon = new Date(2031, 4, 4, 15, 6, 7, 89).getTime(); // in the zone of the machine
  expect(time(afternoon, "en")).toBe("May 4, 2031, 15:06:07");
  expect(zonedTime(afternoon, "en")).toMatch(/^May 4, 2031, 15:06:07 (GMT|UTC)/);
  expect(clock(afternoon, "en")).toBe("15:06:07");
  expect(exactClock(afternoon, "en")).toBe("15:06:07.089");
  expect(bucket(afternoon, 60, "en")).toBe("May 4, 15:06");
  expect(tick(afternoon, 60, 3600, "en")).toBe("15:06");
  for (const language of ["en", "zh-CN"]) {
    const midnight = new Date(2031, 4, 4).getTime();
    for (const text of [time(midnight, language), clock(midnight, language), bucket(midnight, 60, language)]) {
      expect(text).toMatch(/00:00/);
    }
  }
});

test("the days of the statistics are those of UTC, and say so", () => {
  const midnight = Date.UTC(2031, 4, 4);
  expect(bucket(midnight, 86_400, "en")).toBe("May 4, UTC");
  expect(tick(midnight, 86_400, 30 * 86_400, "en")).toBe("May 4");
});

test("zone names the zone and its offset", () => {
  expect(zone("en")).toMatch(/^\S.* \((GMT|UTC)\S*\)$/);
});

test("regional takes the region of the reader, if it is of the same language", () => {
  expect(regional("en", ["de-DE", "en-GB", "en-US"])).toBe("en-GB");
  expect(regional("en", ["en", "fr-FR"])).toBe("en");
  expect(regional("zh-CN", ["en-GB"])).toBe("zh-CN");
  expect(regional("zh-CN", ["zh-TW", "zh-CN"])).toBe("zh-TW");
});
