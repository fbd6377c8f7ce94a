import { expect, test } from "vitest";
import { certainRate, judge, mainCountry, sharesOf } from "./shares";

test.each([
  [
    [1, 1, 1],
    [334, 333, 333],
  ],
  [
    [2, 1, 0, 0],
    [667, 333, 0, 0],
  ],
  [
    [0, 0],
    [0, 0],
  ],
  [
    [1, 9999],
    [0, 1000],
  ],
  [
    [7, 7, 7, 7, 7, 7, 7],
    [143, 143, 143, 143, 143, 143, 142],
  ],
])("sharesOf %j", (counts, shares) => {
  expect(sharesOf(counts)).toEqual(shares);
});

test("sharesOf adds up to 100.0 % for any counts", () => {
  for (let seed = 1; seed < 500; seed++) {
    const counts = [seed * 7919, seed * 104_729, seed ** 2, seed % 3, 1].map((n) => n % 1009);
    expect(sharesOf(counts).reduce((sum, share) => sum + share)).toBe(1000);
  }
});

test("certainRate puts many failures before few tries", () => {
  const order = [
    [0, 500],
    [1000, 100_000],
    [1, 1],
    [30, 40],
    [50, 50],
  ] as const;
  const rates = order.map(([failed, all]) => certainRate(failed, all));
  expect(rates).toEqual(rates.toSorted((a, b) => a - b));
  expect(certainRate(0, 0)).toBe(0);
});

test("judge", () => {
  expect([judge(1, "worse"), judge(-1, "worse"), judge(1, "better"), judge(0, "worse"), judge(5, "neutral")]).toEqual([
    "worse",
    "better",
    "better",
    "neutral",
    "neutral",
  ]);
});

test("mainCountry is the country of at least 80 % of the failures", () => {
  const of = (country: string, failed: number) => ({ country, counts: { failed } });
  expect(mainCountry(10, [of("GB", 2), of("DE", 8)])?.country).toBe("DE");
  expect(mainCountry(10, [of("GB", 3), of("DE", 7)])).toBeUndefined();
  expect(mainCountry(10, [of("", 10)])).toBeUndefined();
  expect(mainCountry(0, [of("GB", 0)])).toBeUndefined();
});
