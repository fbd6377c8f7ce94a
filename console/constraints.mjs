// Writes src/api/constraints.gen.ts: the bounds, lengths, patterns and enums of the contract, for the forms and the filters.
import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";

const { schemas } = parse(readFileSync("../api/openapi.yaml", "utf8")).components;
const keywords = ["enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "maxItems"];

/** constraintsOf takes the keywords of a schema, and those of its members under their names. */
function constraintsOf({ $ref, anyOf, properties = {}, ...schema }) {
  if ($ref) {
    return constraintsOf(schemas[$ref.split("/").at(-1)]);
  }
  return {
    ...Object.fromEntries(keywords.filter((key) => key in schema).map((key) => [key, schema[key]])),
    ...(anyOf && { anyOf: anyOf.map(constraintsOf) }),
    ...Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, constraintsOf(member)])),
  };
}

const constraints = Object.fromEntries(
  [
    "RuleInput",
    "PolicyInput",
    "SendInput",
    "MessageInput",
    "AccountInput",
    "AccountTestInput",
    "OptOutInput",
    "GuardsInput",
    "KeyInput",
    "KeyKind",
    "KeyScope",
    "CallbackInput",
    "CallbackEvent",
    "SignInInput",
    "Outcome",
  ].map((name) => [name, constraintsOf(schemas[name])]),
);
writeFileSync(
  "src/api/constraints.gen.ts",
  `// Written by \`npm run generate\` from api/openapi.yaml. Do not edit.
export const constraints = ${JSON.stringify(constraints, null, 2)} as const;
`,
);
