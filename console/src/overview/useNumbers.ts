import { useTranslation } from "react-i18next";
import { exact } from "../ui/time";

/** useNumbers returns the formats of the overview's numbers. A number that does not exist is a dash. */
export function useNumbers() {
  const { t, i18n } = useTranslation();
  const format = (value: number | undefined, options: Intl.NumberFormatOptions = {}) =>
    value === undefined ? "–" : new Intl.NumberFormat(i18n.language, options).format(value);
  return {
    count: (value: number | undefined) => format(value),
    /** rate formats a share of 1 as "20.0%". */
    rate: (value: number | undefined) =>
      format(value, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    /** tick formats a share for an axis, as "20%". */
    tick: (value: number) => format(value, { style: "percent", maximumFractionDigits: 1 }),
    /** tenths formats tenths of a percent as "20.0%". */
    tenths: (value: number) => format(value / 1000, { style: "percent", minimumFractionDigits: 1 }),
    /** points formats a difference of rates, without its sign, in percentage points: 0.082 is "8.2". */
    points: (value: number) => format(Math.abs(value) * 100, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    seconds: (value: number | undefined) => (value === undefined ? "–" : exact(value, t, i18n.language)),
  };
}
