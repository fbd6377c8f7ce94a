// The content of a policy's picture. The law is in docs/rules.md, rule.go and policy.go.
import type { RuleShape } from "../rules/meaning";

export interface PictureRule extends RuleShape {
  id: string;
  name: string;
}

export interface First {
  rule: PictureRule;
  countries: string[]; // empty: all countries, or all other ones after a row with countries
}

export interface Picture {
  timed: PictureRule[]; // the rules with a wait, the shortest first
  firsts: First[]; // the first rule after a failure of WhatsApp, by the recipient's country
  isPartial: boolean; // no rule applies to recipients in other countries
  hasNext: boolean; // for some recipients another rule may follow a failed SMS
}

/** pictureOf returns the picture of a policy's rules, in the order of the policy. */
export function pictureOf(rules: PictureRule[]): Picture {
  const timed = rules.filter((rule) => rule.wait_seconds).sort((a, b) => (a.wait_seconds ?? 0) - (b.wait_seconds ?? 0)); // stable: the order of the policy settles a tie
  const everywhere = rules.findIndex((rule) => countriesOf(rule).length === 0);
  return {
    timed,
    firsts: firstsOf(rules),
    isPartial: rules.length > 0 && everywhere < 0,
    hasNext: rules.some((rule, i) => rules.slice(i + 1).some((other) => haveCommonRecipients(rule, other))),
  };
}

function firstsOf(rules: PictureRule[]): First[] {
  const firsts: First[] = [];
  const taken = new Set<string>();
  for (const rule of rules) {
    const countries = countriesOf(rule);
    const fresh = countries.filter((country) => !taken.has(country));
    if (countries.length === 0 || fresh.length > 0) {
      firsts.push({ rule, countries: fresh });
    }
    if (countries.length === 0) {
      break; // no recipient is left for the rules after it
    }
    for (const country of fresh) {
      taken.add(country);
    }
  }
  return firsts;
}

function haveCommonRecipients(a: PictureRule, b: PictureRule): boolean {
  const [ofA, ofB] = [countriesOf(a), countriesOf(b)];
  return ofA.length === 0 || ofB.length === 0 || ofA.some((country) => ofB.includes(country));
}

function countriesOf(rule: PictureRule): string[] {
  return rule.countries ?? [];
}
