// The parameters of a WhatsApp template as the fields of a form, and the components in Meta's form that their values make.
import type { Schemas } from "../api/client";

export type Template = Schemas["MessageTemplate"];

/** Values are what the user has entered, by the keys of the fields. */
export type Values = Record<string, string | undefined>;

export interface ParameterField {
  key: string; // unique in its template, and the same in each language of it
  kind: "header" | "body" | "button" | "link" | "filename" | "latitude" | "longitude" | "place" | "address";
  name: string; // of the parameter: 1 or first_name; of a link its type of media, of a button its address
  isOptional?: boolean;
}

type Components = NonNullable<Schemas["TemplateInput"]["components"]>;

/** A Part is one component that a send gives. Its fields are in the order of its parameters. */
interface Part {
  name: string; // as the API names it in errors: header, body, or button 0
  head: object;
  fields: ParameterField[];
  parametersOf: (valueFor: (field: ParameterField) => string) => object[];
}

/** fieldsOf returns the fields of a template, in the order in which the phone shows them. */
export function fieldsOf(template: Template): ParameterField[] {
  return partsOf(template).flatMap(({ fields }) => fields);
}

/** componentsOf makes the components of a send; undefined if the template has no parameters. The stand-in replaces empty values. */
export function componentsOf(template: Template, values: Values = {}, standIn = ""): Components | undefined {
  const missing = ({ kind, isOptional }: ParameterField) => (isOptional || !standIn ? "" : (standIns[kind] ?? standIn));
  const valueFor = (field: ParameterField) => values[field.key] || missing(field);
  const parts = partsOf(template).map(({ head, parametersOf }) => ({ ...head, parameters: parametersOf(valueFor) }));
  return parts.length > 0 ? (parts as unknown as Components) : undefined;
}

/** standIns are those that must have another form than a text. */
const standIns: Partial<Record<ParameterField["kind"], string>> = {
  link: "https://example.com/",
  latitude: "0",
  longitude: "0",
};

function partsOf({ format, parameters }: Template): Part[] {
  const { header, header_media: media, body, buttons } = parameters;
  const parts: Part[] = [];
  if (media) {
    parts.push(mediaPart(media));
  } else if (header.length > 0) {
    parts.push(textPart("header", header, format));
  }
  if (body.length > 0) {
    parts.push(textPart("body", body, format));
  }
  return [...parts, ...buttons.map(buttonPart)];
}

function textPart(kind: "header" | "body", names: string[], format: Template["format"]): Part {
  const fields = names.map((name): ParameterField => ({ key: `${kind}.${name}`, kind, name }));
  const nameOf = ({ name }: ParameterField) => (format === "named" ? { parameter_name: name } : {});
  return {
    name: kind,
    head: { type: kind },
    fields,
    parametersOf: (valueFor) => fields.map((field) => ({ type: "text", ...nameOf(field), text: valueFor(field) })),
  };
}

function mediaPart(media: string): Part {
  const fieldOf = (kind: ParameterField["kind"], isOptional = false): ParameterField => ({
    key: `header.${kind}`,
    kind,
    name: media,
    ...(isOptional && { isOptional }),
  });
  const part = (fields: ParameterField[], names: string[]): Part => ({
    name: "header",
    head: { type: "header" },
    fields,
    parametersOf: (valueFor) => {
      const given = fields.map((field, i) => [names[i], valueFor(field)]).filter(([, value]) => value !== "");
      return [{ type: media, [media]: Object.fromEntries(given) }];
    },
  });
  switch (media) {
    case "location":
      return part(
        [fieldOf("latitude"), fieldOf("longitude"), fieldOf("place"), fieldOf("address")],
        ["latitude", "longitude", "name", "address"],
      );
    case "document":
      return part([fieldOf("link"), fieldOf("filename", true)], ["link", "filename"]);
    default:
      return part([fieldOf("link")], ["link"]);
  }
}

function buttonPart({ index, url }: Schemas["TemplateButton"]): Part {
  const field: ParameterField = { key: `button.${index}`, kind: "button", name: url };
  return {
    name: `button ${index}`,
    head: { type: "button", sub_type: "url", index: String(index) },
    fields: [field],
    parametersOf: (valueFor) => [{ type: "text", text: valueFor(field) }],
  };
}

/** fieldOfError returns the key of the field that an error of the API is about; undefined if the template has no such field. */
export function fieldOfError(template: Template, { field, params }: Schemas["FieldError"]): string | undefined {
  const parts = partsOf(template);
  const [, component, parameter] = /\.components\.(\d+)(?:\.parameters\.(\d+))?/.exec(field) ?? [];
  const part = component ? parts[Number(component)] : parts.find(({ name }) => name === params?.component);
  return (part?.fields[Number(parameter ?? 0)] ?? part?.fields[0])?.key;
}

/** checkParameter returns the code of what is wrong with a value; undefined if nothing is. */
export function checkParameter(
  { kind, isOptional }: ParameterField,
  value = "",
): "wanted" | "link" | "number" | undefined {
  if (value.trim() === "") {
    return isOptional ? undefined : "wanted";
  }
  if (kind === "link") {
    return /^https?:\/\/\S+$/.test(value) ? undefined : "link";
  }
  const limit = { latitude: 90, longitude: 180 }[kind as string];
  return limit !== undefined && !(Math.abs(Number(value)) <= limit) ? "number" : undefined;
}
