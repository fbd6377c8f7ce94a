// The checks of a form during typing. The limits come from the contract; the API checks each value again.
import type { TFunction } from "i18next";
import type { RuleType } from "../api/client";
import { constraints } from "../api/constraints.gen";

const { RuleInput, SendInput } = constraints;

interface TextLimits {
  minLength?: number;
  maxLength?: number; // in characters, not in UTF-16 code units
  pattern?: string;
  anyOf?: readonly TextLimits[];
}

/** fits reports whether a text is within the limits. */
export function fits(text: string, { minLength = 0, maxLength = Infinity, pattern = "", anyOf }: TextLimits): boolean {
  const length = [...text].length;
  return (
    length >= minLength &&
    length <= maxLength &&
    new RegExp(pattern, "u").test(text) &&
    (anyOf === undefined || anyOf.some((limits) => fits(text, limits)))
  );
}

export function checkName(name: string, t: TFunction): string | undefined {
  if (fits(name, RuleInput.name)) {
    return undefined;
  }
  if (name.trim() === "") {
    return t("checks.nameWanted");
  }
  const most = RuleInput.name.maxLength;
  return [...name].length > most ? t("checks.nameLong", { most }) : t("checks.nameForm");
}

export function checkSendID(id: string, t: TFunction): string | undefined {
  if (fits(id, RuleInput.send_id)) {
    return undefined;
  }
  return id === "" ? t("checks.sendIDWanted") : t("checks.sendID");
}

/** checkWait checks a wait in seconds; undefined or 0 is no wait. The contract cannot say that unread rules need one. */
export function checkWait(seconds = 0, type: RuleType | undefined, t: TFunction): string | undefined {
  if (seconds === 0 && type === "unread") {
    return t("checks.waitWanted");
  }
  const { minimum, maximum } = RuleInput.wait_seconds;
  return Number.isInteger(seconds) && seconds >= minimum && seconds <= maximum ? undefined : t("checks.wait");
}

/** isWait reports whether checkWait finds nothing wrong. */
export function isWait(seconds = 0, type: RuleType): boolean {
  const { minimum, maximum } = RuleInput.wait_seconds;
  const isAllowed = Number.isInteger(seconds) && seconds >= minimum && seconds <= maximum;
  return isAllowed && (seconds > 0 || type !== "unread");
}

export function checkRecipient(number: string, t: TFunction): string | undefined {
  if (fits(number, SendInput.to)) {
    return undefined;
  }
  return number === "" ? t("checks.recipientWanted") : t("checks.recipient");
}

/**
 * bareNumber returns a phone number without its spaces, dashes, brackets, dots and invisible characters, with ASCII digits, and with
 * a plus sign in the place of 00.
 */
export function bareNumber(text = ""): string {
  return text
    .normalize("NFKC")
    .replace(/[\s().\p{Pd}\p{Cf}]/gu, "")
    .replace(/^00/, "+");
}

/** validator makes a rule for antd's forms from a check. */
export function validator<T>(check: (value: T) => string | undefined) {
  return {
    validator(_: unknown, value: T) {
      const reason = check(value);
      return reason ? Promise.reject(new Error(reason)) : Promise.resolve();
    },
  };
}
