// Shares and their changes, as numbers.

/**
 * sharesOf returns the shares of counts in tenths of a percent. They add up to 1000, by the method of the largest remainder: all
 * shares are rounded down, and those with the largest remainders get one more.
 */
export function sharesOf(counts: number[]): number[] {
  const sum = counts.reduce((total, count) => total + count, 0);
  if (sum === 0) {
    return counts.map(() => 0);
  }
  const exact = counts.map((count) => (1000 * count) / sum);
  const shares = exact.map(Math.floor);
  const missing = 1000 - shares.reduce((total, share) => total + share, 0);
  const remainderOf = (index: number) => (exact[index] ?? 0) - (shares[index] ?? 0);
  const byRemainder = counts.map((_, index) => index).sort((a, b) => remainderOf(b) - remainderOf(a));
  for (const index of byRemainder.slice(0, missing)) {
    shares[index] = (shares[index] ?? 0) + 1;
  }
  return shares;
}

/** rateOf returns a share, or undefined if there is nothing to share. */
export function rateOf(part: number, whole: number): number | undefined {
  return whole > 0 ? part / whole : undefined;
}

/**
 * certainRate returns the rate that is exceeded with a certainty of 97.5 % (the lower bound of the Wilson score interval). By it, 30
 * failures of 40 SMS come before 1 of 1.
 */
export function certainRate(part: number, whole: number): number {
  if (whole === 0) {
    return 0;
  }
  const z = 1.96;
  const rate = part / whole;
  const middle = rate + z ** 2 / (2 * whole);
  const margin = z * Math.sqrt((rate * (1 - rate)) / whole + z ** 2 / (4 * whole ** 2));
  return (middle - margin) / (1 + z ** 2 / whole);
}

/** mainCountry returns the country of most failures (80 %), if there is such a one. Numbers without a country are none. */
export function mainCountry<T extends { country: string; counts: { failed: number } }>(
  failed: number,
  countries: T[],
): T | undefined {
  return countries.find(({ country, counts }) => country !== "" && failed > 0 && counts.failed >= 0.8 * failed);
}

export type Verdict = "better" | "worse" | "neutral";

/** judge says whether a change is good, if a rise of the number is. A number that neither rises nor falls is neutral. */
export function judge(change: number, rise: Verdict): Verdict {
  if (change === 0 || rise === "neutral") {
    return "neutral";
  }
  const fall = rise === "better" ? "worse" : "better";
  return change > 0 ? rise : fall;
}
