// A sentence of a verdict.
import type { TFunction } from "i18next";
import type { Schemas } from "../api/client";
import type { Tone } from "../theme";
import type { Explanation } from "./explanation";

/** slot stands in a sentence where its time belongs, so that a page can show the time as an element. */
export const slot = "\uE000";

export interface Line {
  about: "send" | Schemas["Channel"] | "note" | "next";
  tone: Tone;
  text: string;
  at?: string | undefined; // the time for the slot
  explanation?: Explanation | undefined; // of a failure
}

/** join puts one sentence after another. */
export function join(t: TFunction, first: string, second: string): string {
  return t("verdict.sentences", { first, second });
}
