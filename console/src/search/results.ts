// The answer of a search as rows, in the order in which the arrow keys visit them.
import type { Policy, Rule, Schemas, SendSummary } from "../api/client";
import { sendsPath } from "../sends/filter";

export type Found = Schemas["Found"];

export type Row = { key: string; to: string } & (
  | { kind: "send"; send: SendSummary }
  | { kind: "allSends" }
  | { kind: "rule"; rule: Rule }
  | { kind: "policy"; policy: Policy }
);

export interface Group {
  of: "sends" | "rules" | "policies";
  rows: Row[];
}

/** groupsOf returns the groups that are not empty. If sends were found by a number or a correlation id, a row leads to all of them. */
export function groupsOf(found: Found): Group[] {
  const sends = found.sends.map((send): Row => ({ kind: "send", key: send.id, to: `/sends/${send.id}`, send }));
  const filter = allSends(found);
  const groups: Group[] = [
    { of: "sends", rows: filter ? [...sends, { kind: "allSends", key: "all", to: sendsPath(filter) }] : sends },
    { of: "rules", rows: found.rules.map((rule) => ({ kind: "rule", key: rule.id, to: `/rules/${rule.id}`, rule })) },
    {
      of: "policies",
      rows: found.policies.map((policy) => ({ kind: "policy", key: policy.id, to: `/policies/${policy.id}`, policy })),
    },
  ];
  return groups.filter(({ rows }) => rows.length > 0);
}

function allSends({ to, to_ends, correlation_id }: Found): Parameters<typeof sendsPath>[0] | undefined {
  return to ? { to } : to_ends ? { to_ends } : correlation_id ? { correlation_id } : undefined;
}

/** onlyRow returns the one thing that was found; undefined if there are none or several. */
export function onlyRow(found: Found): Row | undefined {
  const rows = groupsOf(found).flatMap((group) => group.rows.filter(({ kind }) => kind !== "allSends"));
  return rows.length === 1 && !found.more_sends ? rows[0] : undefined;
}

/** isShortNumber returns whether a text seems to be a part of a number that is too short to be found. */
export function isShortNumber(text: string): boolean {
  return /^\+?[\d\s().-]+$/.test(text) && text.replace(/\D/g, "").length < 4;
}
