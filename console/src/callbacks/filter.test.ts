import { expect, test } from "vitest";
import { searched } from "./useCallbacksFilter";

test("a search is the id of a send, or a URL", () => {
  expect(searched(" 01970E2A-5b7c-7d3e-8f00-4a1b2c3d4e5f ")).toEqual({
    send: "01970e2a-5b7c-7d3e-8f00-4a1b2c3d4e5f",
    url: "",
  });
  expect(searched("https://shop.example/hook")).toEqual({ send: "", url: "https://shop.example/hook" });
  expect(searched("  ")).toEqual({ send: "", url: "" });
});
