import { expect, test } from "vitest";
import { t } from "../i18n";
import { checkKey, fieldOfMetadata, metadataOf } from "./metadata";

test("empty rows are left out, and a key loses the spaces around it", () => {
  expect(metadataOf(undefined)).toBeUndefined();
  expect(metadataOf([{}, { key: "", text: "" }])).toBeUndefined();
  expect(metadataOf([{ key: " shop ", text: " Berlin " }, {}, { key: "items" }])).toEqual({
    shop: " Berlin ",
    items: "",
  });
});

test("checkKey finds a wrong key, and one that is there twice", () => {
  const pairs = [{ key: "shop" }, { key: "shop " }, { key: "a b" }, { text: "x" }, {}, { key: "x".repeat(65) }];
  const wrong = pairs.map((_, index) => checkKey(pairs, index, t) !== undefined);
  expect(wrong).toEqual([false, true, true, true, false, true]);
});

test("an error about a pair is at its field", () => {
  const pairs = [{ key: "shop" }, { key: "a b", text: "x" }];
  const at = (field: string, code: "metadata_key" | "length_max") =>
    fieldOfMetadata({ field, code, reason: "" }, pairs);
  expect(at("metadata.a b", "metadata_key")).toEqual(["metadata", 1, "key"]);
  expect(at("metadata.shop", "length_max")).toEqual(["metadata", 0, "text"]);
  expect(at("metadata.gone", "length_max")).toBeUndefined();
  expect(at("metadata", "length_max")).toBeUndefined();
});
