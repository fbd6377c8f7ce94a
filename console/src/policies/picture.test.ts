import { expect, test } from "vitest";
import { type PictureRule, pictureOf } from "./picture";

function rule(name: string, wait_seconds: number, ...countries: string[]): PictureRule {
  return { id: name, name, type: "undelivered", wait_seconds: wait_seconds || undefined, send_id: "ACME", countries };
}

const names = (rules: PictureRule[]) => rules.map(({ name }) => name).join(" ");
const firsts = (rules: PictureRule[]) =>
  pictureOf(rules).firsts.map((first) => [first.rule.name, ...first.countries].join(" "));

test("only rules with a wait are steps in time, by their wait, then by the order of the policy", () => {
  const rules = [rule("late", 60), rule("never", 0), rule("soon", 5), rule("tie", 5)];
  expect(names(pictureOf(rules).timed)).toBe("soon tie late");
  expect(names(rules)).toBe("late never soon tie"); // the policy itself keeps its order
});

test("after a failure the first rule of the order is first for everybody, also without a wait", () => {
  expect(firsts([rule("a", 0), rule("b", 5)])).toEqual(["a"]);
  expect(firsts([rule("a", 60), rule("b", 5, "GB")])).toEqual(["a"]);
});

test("a rule of some countries is first only for them", () => {
  const rules = [rule("a", 5, "GB", "IE"), rule("b", 5, "IE", "FR"), rule("c", 5, "IE"), rule("d", 5), rule("e", 5)];
  expect(firsts(rules)).toEqual(["a GB IE", "b FR", "d"]);
  expect(pictureOf(rules).isPartial).toBe(false);
});

test("without a rule for all countries the other recipients have none", () => {
  expect(pictureOf([rule("a", 5, "GB"), rule("b", 5, "FR")]).isPartial).toBe(true);
  expect(pictureOf([]).isPartial).toBe(false); // nothing is chosen yet
});

test.each([
  [[rule("a", 5)], false],
  [[rule("a", 5, "GB"), rule("b", 5, "FR")], false], // never for one recipient
  [[rule("a", 5, "GB"), rule("b", 5, "FR", "GB")], true],
  [[rule("a", 5, "GB"), rule("b", 0)], true],
])("whether a rule may follow a failed SMS: %j", (rules, hasNext) => {
  expect(pictureOf(rules).hasNext).toBe(hasNext);
});
