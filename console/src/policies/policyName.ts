import type { TFunction } from "i18next";

/** policyName returns the name of a policy, or the words for the sends that have rules of their own. */
export function policyName({ policy_name }: { policy_name?: string }, t: TFunction): string {
  return policy_name ?? t("sends.ownRules");
}
