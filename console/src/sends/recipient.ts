// The number that somebody types to find sends: a whole one, a national one, or its last digits.
import { constraints } from "../api/constraints.gen";
import { bareNumber, fits } from "../rules/checks";

const [leastDigits, mostDigits] = [4, 15]; // of the filter `to_ends`
const nationalDigits = 7; // from here on, zeros in front are a national prefix and not a part of the last digits

export type RecipientFilter = { to: string; to_ends: string } | { refusal: "short" | "partial" | "letters" };

/**
 * recipientFilter reads a number as people write it. With + or 00 and its country it is whole. Without them, a number ends with its
 * digits: a national number is the end of the whole one, but for the zero in front of it.
 */
export function recipientFilter(text: string): RecipientFilter {
  const number = bareNumber(text.replace(/^(\s*(?:\+|00)[\d\s]*)\(0\)/, "$1")); // +44 (0)7400
  if (number === "") {
    return { to: "", to_ends: "" };
  }
  if (!/^\+?[0-9]+$/.test(number)) {
    return { refusal: "letters" };
  }
  if (fits(number, constraints.SendInput.to)) {
    return { to: number, to_ends: "" };
  }
  const written = text.normalize("NFKC").replace(/[^+0-9]/g, "");
  if (written.startsWith("+")) {
    return { refusal: "partial" };
  }
  const digits = written.length >= nationalDigits ? written.replace(/^0+/, "") : written;
  if (digits.length < leastDigits) {
    return { refusal: "short" };
  }
  return { to: "", to_ends: digits.slice(-mostDigits) };
}
