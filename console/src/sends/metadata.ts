// The pairs of a send's metadata, as a form has them.
import type { TFunction } from "i18next";
import type { Schemas } from "../api/client";

/** Pair is a row of the form. Its fields are absent until they are touched. */
export interface Pair {
  key?: string;
  text?: string;
}

export const mostPairs = 16;
export const mostText = 256;
export const mostKey = 64;
const keyForm = /^[A-Za-z0-9_.-]{1,64}$/;

/** metadataOf returns the pairs for the API; undefined if there are none. Of two pairs with one key the form reports the second. */
export function metadataOf(pairs: Pair[] | undefined): Record<string, string> | undefined {
  const written = (pairs ?? []).filter((pair) => pair?.key || pair?.text);
  return written.length > 0
    ? Object.fromEntries(written.map(({ key = "", text = "" }) => [key.trim(), text]))
    : undefined;
}

/** checkKey returns what is wrong with the key of the pair at an index. */
export function checkKey(pairs: Pair[] | undefined, index: number, t: TFunction): string | undefined {
  const { key = "", text } = pairs?.[index] ?? {};
  if (key.trim() === "" && !text) {
    return undefined; // an empty row is left out
  }
  if (!keyForm.test(key.trim())) {
    return t("newSend.keyForm");
  }
  const isTwice = pairs?.slice(0, index).some((other) => other?.key?.trim() === key.trim());
  return isTwice ? t("newSend.keyTwice") : undefined;
}

/** fieldOfMetadata returns the field of the form for an error of the API about a pair; undefined if it is about something else. */
export function fieldOfMetadata(
  { field, code }: Schemas["FieldError"],
  pairs: Pair[] | undefined,
): (string | number)[] | undefined {
  const key = /^metadata\.(.*)$/s.exec(field)?.[1];
  const index = (pairs ?? []).findIndex((pair) => key !== undefined && (pair?.key ?? "").trim() === key);
  return index < 0 ? undefined : ["metadata", index, code === "metadata_key" ? "key" : "text"];
}
