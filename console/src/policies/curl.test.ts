import { expect, test } from "vitest";
import { t } from "../i18n";
import { curlMeans } from "./curl";

test("only a send by real providers is a real message", () => {
  expect(curlMeans(false, t)).toContain("Sends a real message.");
  expect(curlMeans(true, t)).toContain("The providers are simulated: the message reaches nobody.");
});
