// The values of the form of an API key, and what they are in the API.
import dayjs, { type Dayjs } from "dayjs";
import type { Schemas } from "../api/client";
import { constraints } from "../api/constraints.gen";
import type { KeyItem } from "../api/queries";
import type { FieldName } from "../ui/formErrors";

type Scope = Schemas["KeyScope"];

export const scopes = constraints.KeyScope.enum;

export interface Draft {
  name: string;
  kind: Schemas["KeyKind"];
  scopes: Scope[];
  policies: string[]; // ids
  accounts: string[];
  rate_limit: number | null | undefined;
  callback_url: string | undefined;
  callback_events: Schemas["CallbackEvent"][] | undefined;
  expires_at: Dayjs | null | undefined;
}

/** A Body has all fields of a key. null is no value. */
export type Body = Required<Omit<Schemas["KeyPatchInput"], "callback">> & {
  kind: Schemas["KeyKind"];
  callback: Required<Schemas["CallbackInput"]> | null;
};

export function draftOf(key: KeyItem | undefined): Draft {
  return {
    name: key?.name ?? "",
    kind: key?.kind ?? "live",
    scopes: key?.scopes ?? ["sends:write", "sends:read"],
    policies: key?.policies ?? [],
    accounts: key?.accounts ?? [],
    rate_limit: key?.rate_limit || undefined,
    callback_url: key?.callback?.url,
    callback_events: key?.callback?.events ?? [],
    expires_at: key?.expires_at ? dayjs(key.expires_at) : undefined,
  };
}

export function bodyOf(draft: Draft): Body {
  const url = draft.callback_url?.trim();
  return {
    name: draft.name,
    kind: draft.kind,
    scopes: scopes.filter((scope) => draft.scopes.includes(scope)),
    policies: draft.policies,
    accounts: draft.accounts,
    rate_limit: draft.rate_limit || null,
    callback: url ? { url, events: draft.callback_events ?? [] } : null,
    expires_at: draft.expires_at ? draft.expires_at.toISOString() : null,
  };
}

/** inputOf returns the request that creates a key. */
export function inputOf({ policies, accounts, rate_limit, callback, expires_at, ...body }: Body): Schemas["KeyInput"] {
  return {
    ...body,
    policies: policies ?? [],
    accounts: accounts ?? [],
    ...(rate_limit && { rate_limit }),
    ...(callback && { callback }),
    ...(expires_at && { expires_at }),
  };
}

/** patchOf returns the fields that differ from a key. The time of an expired key, for one, is not sent again. */
export function patchOf(body: Body, key: KeyItem): Schemas["KeyPatchInput"] {
  const { kind: _, ...before } = bodyOf(draftOf(key));
  const differs = (name: keyof typeof before) => JSON.stringify(body[name]) !== JSON.stringify(before[name]);
  const names = (Object.keys(before) as (keyof typeof before)[]).filter(differs);
  return Object.fromEntries(names.map((name) => [name, body[name]]));
}

/** fieldOf returns the field of the form for a path of the API. */
export function fieldOf(path: string): FieldName | undefined {
  if (path.startsWith("callback")) {
    return path.startsWith("callback.events") ? "callback_events" : "callback_url";
  }
  const [name = ""] = path.split(".");
  return name in draftOf(undefined) ? name : undefined;
}
