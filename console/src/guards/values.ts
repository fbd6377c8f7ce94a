// The values of the form of the guards, and the body that the API gets.
import type { Schemas } from "../api/client";
import type { FieldName } from "../ui/formErrors";

export type Guards = Schemas["Guards"];
export type GuardsInput = Schemas["GuardsInput"];

/** A Draft is what the form has. An empty number is null or undefined. */
export interface Draft {
  allow?: string[];
  block?: string[];
  watch?: string[];
  recipient_cap?: number | null | undefined;
  prefix_cap?: number | null | undefined;
  prefix_digits?: number | null | undefined;
  country_cap?: number | null | undefined;
  country_caps?: { country?: string; cap?: number | null }[];
  same_text_seconds?: number | null | undefined;
  same_text_answer?: Schemas["SameTextAnswer"];
}

/** draftOf returns the values of the form for stored guards. What is off is empty. */
export function draftOf(guards: Guards | undefined): Draft {
  return {
    allow: guards?.allow ?? [],
    block: guards?.block ?? [],
    watch: guards?.watch ?? [],
    recipient_cap: guards?.recipient_cap || undefined,
    prefix_cap: guards?.prefix_cap || undefined,
    prefix_digits: guards?.prefix_digits,
    country_cap: guards?.country_cap || undefined,
    country_caps: guards?.country_caps ?? [],
    same_text_seconds: guards?.same_text_seconds || undefined,
    same_text_answer: guards?.same_text_answer ?? "first",
  };
}

/** bodyOf returns the body for the values of the form, without what is empty. */
export function bodyOf(draft: Draft): GuardsInput {
  const { allow, block, watch, country_caps, same_text_answer } = draft;
  return {
    ...(allow?.length ? { allow } : {}),
    ...(block?.length ? { block } : {}),
    ...(watch?.length ? { watch } : {}),
    ...numberOf("recipient_cap", draft),
    ...numberOf("prefix_cap", draft),
    ...numberOf("prefix_digits", draft),
    ...numberOf("country_cap", draft),
    ...(country_caps?.length
      ? { country_caps: country_caps.map((one) => ({ country: one?.country ?? "", cap: one?.cap ?? 0 })) }
      : {}),
    ...numberOf("same_text_seconds", draft),
    ...(same_text_answer ? { same_text_answer } : {}),
  };
}

type Numbers = "recipient_cap" | "prefix_cap" | "prefix_digits" | "country_cap" | "same_text_seconds";

function numberOf(name: Numbers, draft: Draft): GuardsInput {
  const value = draft[name];
  return value ? { [name]: value } : {};
}

/** suggest returns the values with suggestions for what is empty. Which countries a service has is its own matter. */
export function suggest(draft: Draft): Draft {
  return {
    ...draft,
    recipient_cap: draft.recipient_cap || 10,
    prefix_cap: draft.prefix_cap || 100,
    prefix_digits: draft.prefix_digits || 6,
    same_text_seconds: draft.same_text_seconds || 60,
  };
}

/** fieldOf returns the field of the form for a path of the API: allow.0 is in the field allow. */
export function fieldOf(path: string): FieldName {
  const [field = path, index, part] = path.split(".");
  return field === "country_caps" && index && part ? [field, Number(index), part] : field;
}
