import { expect, test } from "vitest";
import { bodyOf, draftOf, fieldOf, type Guards, suggest } from "./values";

const stored: Guards = {
  allow: ["GB"],
  block: [],
  watch: ["GB"],
  recipient_cap: 5,
  prefix_cap: 50,
  prefix_digits: 4,
  country_cap: 0,
  country_caps: [{ country: "GB", cap: 0 }],
  same_text_seconds: 30,
  same_text_answer: "refuse",
  version: 2,
};

test("the values of stored guards are their body, without what is off", () => {
  expect(bodyOf(draftOf(stored))).toEqual({
    allow: ["GB"],
    watch: ["GB"],
    recipient_cap: 5,
    prefix_cap: 50,
    prefix_digits: 4,
    country_caps: [{ country: "GB", cap: 0 }],
    same_text_seconds: 30,
    same_text_answer: "refuse",
  });
  expect(bodyOf(draftOf(undefined))).toEqual({ same_text_answer: "first" });
  expect(bodyOf({ recipient_cap: null, country_caps: [{}] })).toEqual({ country_caps: [{ country: "", cap: 0 }] });
});

test("suggestions replace no value", () => {
  expect(bodyOf(suggest({}))).toEqual({ recipient_cap: 10, prefix_cap: 100, prefix_digits: 6, same_text_seconds: 60 });
  expect(bodyOf(suggest(draftOf(stored)))).toEqual(bodyOf(draftOf(stored)));
});

test("a path of the API leads to its field", () => {
  expect(fieldOf("allow.3")).toBe("allow");
  expect(fieldOf("prefix_digits")).toBe("prefix_digits");
  expect(fieldOf("country_caps.1.country")).toEqual(["country_caps", 1, "country"]);
});
