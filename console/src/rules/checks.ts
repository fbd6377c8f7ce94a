// The laws of rule.go and recipient.go, so that a form says what is wrong while it is typed. The API has the last word.
import type { TFunction } from "i18next";
import type { RuleType } from "../api/client";

const e164 = /^\+[1-9][0-9]{6,14}$/;
const shortCode = /^[0-9]{3,8}$/;
const alphanumeric = /^[A-Za-z0-9 _&.+-]{1,11}$/;

export const maxWaitSeconds = 30 * 86_400;
const maxNameCharacters = 64;

export function checkName(name: string, t: TFunction): string | undefined {
  if (name.trim() === "") {
    return t("checks.nameWanted");
  }
  if (name.trim() !== name) {
    return t("checks.nameSpaces");
  }
  if ([...name].length > maxNameCharacters) {
    return t("checks.nameLong", { most: maxNameCharacters });
  }
  return /\p{Cc}/u.test(name) ? t("checks.nameControl") : undefined;
}

export function checkSendID(id: string, t: TFunction): string | undefined {
  if (id === "") {
    return t("checks.sendIDWanted");
  }
  const named = alphanumeric.test(id) && /[A-Za-z]/.test(id) && id.trim() === id;
  return e164.test(id) || shortCode.test(id) || named ? undefined : t("checks.sendID");
}

export function checkWait(seconds: number | undefined, type: RuleType | undefined, t: TFunction): string | undefined {
  if (!seconds) {
    return type === "unread" ? t("checks.waitWanted") : undefined;
  }
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > maxWaitSeconds) {
    return t("checks.wait");
  }
  return undefined;
}

export function checkRecipient(number: string, t: TFunction): string | undefined {
  if (number === "") {
    return t("checks.recipientWanted");
  }
  return e164.test(number) ? undefined : t("checks.recipient");
}

/** validator makes a rule of antd's forms of a check. */
export function validator<T>(check: (value: T) => string | undefined) {
  return {
    validator(_: unknown, value: T) {
      const reason = check(value);
      return reason ? Promise.reject(new Error(reason)) : Promise.resolve();
    },
  };
}
