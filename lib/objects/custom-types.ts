/**
 * A definition's schema as lines of the table of fields (schema.ts): so server-side apply knows
 * which lists merge, and by which keys. (kube-openapi: pkg/schemaconv)
 */
import type { Schema } from "./definition.js";
import { isRecord } from "./freeze.js";
import { addTypes } from "./schema.js";

/** What is one thing, whoever owns it. */
const ATOMIC = "custom.Atomic";
let number = 0;
/** What stands for a key that an element does not say: type of the element -> key -> value. */
const keyDefaults = new Map<string, Readonly<Record<string, unknown>>>();

export const keyDefault = (type: string, key: string): unknown => keyDefaults.get(type)?.[key];

const objectMeta: Schema = {};

/** Makes the type known that an object of the definition has. */
export function learnTypes(name: string, schema: Schema): void {
  if (schema["x-kubernetes-preserve-unknown-fields"]) return; // whatever comes is one of its fields
  const lines = [ATOMIC];
  const root = { ...schema, properties: { ...schema.properties, metadata: objectMeta } };
  write(name, root, lines);
  addTypes(lines.join("\n"), []);
}

function write(name: string, { properties = {} }: Schema, lines: string[]): void {
  const own = Object.entries(properties)
    .filter(([field]) => /^[\w$-]+$/.test(field))
    .map(([field, part]) => {
      const type = part === objectMeta ? "ObjectMeta" : typeText(part, lines);
      return `  ${field} ${type}${keysOf(part)}`;
    });
  lines.push(name, ...own);
}

const scalars: Readonly<Record<string, string>> = {
  string: "string",
  integer: "int64",
  number: "any",
  boolean: "bool",
};

function typeText(schema: Schema, lines: string[]): string {
  const { type = "", properties, additionalProperties: others, items } = schema;
  if (schema["x-kubernetes-int-or-string"]) return "intOrString";
  if (schema["x-kubernetes-map-type"] === "atomic") return ATOMIC;
  if (type === "array") return items ? `[]${typeText(items, lines)}` : "any";
  if (type !== "object") return scalars[type] ?? "any";
  if (isRecord(others)) return `map<${typeText(others, lines)}>`;
  if (schema["x-kubernetes-preserve-unknown-fields"] || !properties) return "any";
  const name = `custom${++number}`;
  keyDefaults.set(
    name,
    Object.fromEntries(Object.entries(properties).map(([key, part]) => [key, part.default])),
  );
  const within: string[] = [""];
  write(name, schema, within);
  lines.push(...within.slice(1));
  return name;
}

function keysOf({
  "x-kubernetes-list-type": is,
  "x-kubernetes-list-map-keys": keys,
}: Schema): string {
  if (is === "set") return "#";
  return is === "map" && keys ? `#${keys.join(",")}` : "";
}
