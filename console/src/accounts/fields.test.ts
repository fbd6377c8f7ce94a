import { expect, test } from "vitest";
import type { Provider } from "../api/client";
import { t } from "../i18n";
import { type AccountField, checkSetting, fieldsOf, settingLabel, textIn } from "./fields";

function field(change: Partial<AccountField> = {}): AccountField {
  return { name: "sid", kind: "text", required: false, label: { en: "SID", "zh-CN": "编号" }, help: {}, ...change };
}

const pattern = "AC[0-9]{2}|XY";

test.each([
  [field(), "", undefined],
  [field({ required: true }), "", "accounts.settingWanted"],
  [field({ required: true, default: "v1" }), "", undefined],
  [field(), " a", "accounts.settingForm"],
  [field(), "a\tb", "accounts.settingForm"],
  [field({ kind: "long" }), "{\n}\n", undefined],
  [field({ kind: "secret" }), "-----BEGIN\nKEY-----\n", undefined],
  [field({ kind: "url" }), "https://api.example:8080/x", undefined],
  [field({ kind: "url" }), "api.example", "accounts.addressWanted"],
  [field({ kind: "url" }), "ftp://api.example", "accounts.addressWanted"],
  [field({ pattern }), "AC12", undefined],
  [field({ pattern }), "XY", undefined],
  [field({ pattern }), "AC123", "problem.fields.pattern"], // it matches the whole value, on both sides of the bar
  [field({ pattern }), "XYZ", "problem.fields.pattern"],
] as const)("%j with the value %j: %s", (setting, value, reason) => {
  expect(checkSetting(setting, value, false, t)).toBe(reason && t(reason, { pattern }));
});

test("a stored secret may be left empty", () => {
  const secret = field({ kind: "secret", required: true });
  expect(checkSetting(secret, "", true, t)).toBeUndefined();
  expect(checkSetting(secret, "", false, t)).toBe(t("accounts.settingWanted"));
});

test("fieldsOf leaves out the fields of other channels", () => {
  const fields = [
    field({ name: "a" }),
    field({ name: "b", channels: ["whatsapp"] }),
    field({ name: "c", channels: ["sms"] }),
  ];
  const provider = { fields } as Provider;
  expect(fieldsOf(provider, "sms").map(({ name }) => name)).toEqual(["a", "c"]);
  expect(fieldsOf(provider, "whatsapp").map(({ name }) => name)).toEqual(["a", "b"]);
});

test("a text is that of the language, else the English one, else the stand-in", () => {
  expect(textIn({ en: "Token", "zh-CN": "令牌" }, "zh-CN")).toBe("令牌");
  expect(textIn({ en: "Token" }, "zh-CN")).toBe("Token");
  expect(textIn({}, "en", "token")).toBe("token");
});

test("a setting is named by its label, and the key of the webhook too", () => {
  const provider = { fields: [field()] } as Provider;
  expect(settingLabel(provider, "sid", t, "zh-CN")).toBe("编号");
  expect(settingLabel(provider, "webhook_key", t, "en")).toBe("Key of the webhook's address");
  expect(settingLabel(undefined, "sid", t, "en")).toBe("sid");
});
