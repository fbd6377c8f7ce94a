import { expect, test } from "vitest";
import { checkParameter, componentsOf, fieldOfError, fieldsOf, type Template } from "./parameters";

function template(parameters: Partial<Template["parameters"]>, format: Template["format"] = "positional"): Template {
  return {
    account: "meta",
    name: "parcel",
    language: "en_US",
    status: "approved",
    category: "utility",
    format,
    ttl_seconds: 600,
    parameters: { header: [], body: [], buttons: [], ...parameters },
    components: [],
    updated_at: "2026-11-26T12:00:00Z",
  };
}

test("the parameters of a positional template become texts in their order", () => {
  const parcel = template({
    header: ["1"],
    body: ["1", "2"],
    buttons: [{ index: 1, url: "https://example.com/{{1}}" }],
  });
  expect(fieldsOf(parcel).map(({ key }) => key)).toEqual(["header.1", "body.1", "body.2", "button.1"]);
  const values = {
    "header.1": "H",
    "body.2": "B2",
    "body.1": "B1",
    "button.1": "4711",
    "body.3": "of another template",
  };
  expect(componentsOf(parcel, values)).toEqual([
    { type: "header", parameters: [{ type: "text", text: "H" }] },
    {
      type: "body",
      parameters: [
        { type: "text", text: "B1" },
        { type: "text", text: "B2" },
      ],
    },
    { type: "button", sub_type: "url", index: "1", parameters: [{ type: "text", text: "4711" }] },
  ]);
});

test("named parameters carry their names", () => {
  const named = template({ body: ["first_name"] }, "named");
  expect(componentsOf(named, { "body.first_name": "Ada" })).toEqual([
    { type: "body", parameters: [{ type: "text", parameter_name: "first_name", text: "Ada" }] },
  ]);
});

test("the header's media is a link, a document with a file name, or a location", () => {
  const headerOf = (media: string, values: Record<string, string>) =>
    (componentsOf(template({ header_media: media }), values)?.[0] as { parameters?: unknown } | undefined)?.parameters;
  const link = "https://example.com/file";
  expect(headerOf("image", { "header.link": link })).toEqual([{ type: "image", image: { link } }]);
  expect(headerOf("document", { "header.link": link })).toEqual([{ type: "document", document: { link } }]);
  expect(headerOf("document", { "header.link": link, "header.filename": "a.pdf" })).toEqual([
    { type: "document", document: { link, filename: "a.pdf" } },
  ]);
  const place = {
    "header.latitude": "51.5",
    "header.longitude": "-0.1",
    "header.place": "Shop",
    "header.address": "1 Road",
  };
  expect(headerOf("location", place)).toEqual([
    { type: "location", location: { latitude: "51.5", longitude: "-0.1", name: "Shop", address: "1 Road" } },
  ]);
});

test("a template without parameters has no components", () => {
  expect(componentsOf(template({}))).toBeUndefined();
});

test("a stand-in replaces what is missing, so that the number of parameters is right", () => {
  const photo = template({ header_media: "image", body: ["1", "2"] });
  expect(componentsOf(photo, { "body.2": "given" }, "…")).toEqual([
    { type: "header", parameters: [{ type: "image", image: { link: "https://example.com/" } }] },
    {
      type: "body",
      parameters: [
        { type: "text", text: "…" },
        { type: "text", text: "given" },
      ],
    },
  ]);
});

test("an error of the API is found by its path, or by the component that it names", () => {
  const parcel = template({ header_media: "image", body: ["1", "2"], buttons: [{ index: 1, url: "" }] });
  const fieldAt = (field: string, component?: string) =>
    fieldOfError(parcel, {
      field: `whatsapp.template.components${field}`,
      code: "template_parameters",
      reason: "",
      ...(component && { params: { component } }),
    });
  expect(fieldAt(".1.parameters.1.text")).toBe("body.2");
  expect(fieldAt(".0.parameters.0.text")).toBe("header.link");
  expect(fieldAt("", "body")).toBe("body.1");
  expect(fieldAt("", "button 1")).toBe("button.1");
  expect([fieldAt(""), fieldAt("", "button 0"), fieldAt(".9")]).toEqual([undefined, undefined, undefined]);
});

test("a value is checked by its kind", () => {
  const check = (kind: "body" | "link" | "filename" | "latitude", value?: string) =>
    checkParameter({ key: "", kind, name: "", ...(kind === "filename" && { isOptional: true }) }, value);
  expect([check("body"), check("body", "  "), check("body", "Ada"), check("filename")]).toEqual([
    "wanted",
    "wanted",
    undefined,
    undefined,
  ]);
  expect([check("link", "photo.jpg"), check("link", "https://example.com/a.jpg")]).toEqual(["link", undefined]);
  expect([check("latitude", "90.1"), check("latitude", "north"), check("latitude", "-90")]).toEqual([
    "number",
    "number",
    undefined,
  ]);
});
