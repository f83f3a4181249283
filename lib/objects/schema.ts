/**
 * The fields of every kind: what decoder (decode.ts) manifests and bodies pass, by which keys
 * strategic patches merge, what OpenAPI v3 says (kubectl apply), which types Go's error messages
 * name. The table itself is Kubernetes' own (generated/modelled.ts, made by generate/); what each
 * field is for is said to people in doors/serve/descriptions.ts.
 *
 * How to read the table:
 *
 *     # package              the Go package of the types below, the stem of their OpenAPI names
 *     Type                   a type; "discovery.EndpointPort" where two packages have one name
 *       name type            a field
 *       name! type           required
 *       name *type           a pointer in Go: 0, "" and false are values of their own, not "unset"
 *       name type@key        strategic patches merge the list by that key; @ alone: as a set
 *       name type#keys       server-side apply merges the list by those keys; # alone: as a set
 *
 * Types of fields: string, int (int32), int64, bool, time, quantity, intOrString, any, map<…>, []…,
 * or a type of the table.
 */
import { typeTable } from "./generated/modelled.js";

export interface Field {
  name: string;
  type: FieldType;
  required: boolean;
  /** Required, or a struct that is never missing: where it does not come, it is empty. */
  always: boolean;
  /** A pointer in Go: its zero value does not mean "unset". */
  pointer: boolean;
  /** Strategic patches merge this list: by the key, or as a set (""). */
  mergeKey?: string;
  /** Server-side apply merges it by these keys; none: as a set. */
  listKeys?: readonly string[];
}

export type FieldType =
  | { is: "string" | "int" | "int64" | "bool" | "time" | "quantity" | "intOrString" | "any" }
  | { is: "list"; of: FieldType }
  | { is: "map"; of: FieldType }
  | { is: "object"; name: string };

export interface ObjectType {
  name: string;
  /** io.k8s.api.core.v1 */
  package: string;
  fields: Map<string, Field>;
}

const scalars = new Set([
  "string",
  "int",
  "int64",
  "bool",
  "time",
  "quantity",
  "intOrString",
  "any",
]);

function parseType(text: string): FieldType {
  if (text.startsWith("[]")) return { is: "list", of: parseType(text.slice(2)) };
  if (text.startsWith("map<")) return { is: "map", of: parseType(text.slice(4, -1)) };
  return scalars.has(text) ? ({ is: text } as FieldType) : { is: "object", name: text };
}

/** Those that stand alone in a request or an answer: they say what they are. */
const standalone = new Set([
  "Namespace",
  "Node",
  "Pod",
  "Service",
  "Endpoints",
  "Event",
  "Deployment",
  "ReplicaSet",
  "Lease",
  "EndpointSlice",
  "Scale",
  "DeleteOptions",
]);

/**
 * Structs that are no pointers in Go are never missing there. Of those, what one cannot do without:
 * the types say that they are there, and the decoder sees to it.
 */
function neverMissing(owner: string, name: string): boolean {
  return name === "spec" || name === "template" || (name === "metadata" && standalone.has(owner));
}

function parseTable(types: Map<string, ObjectType>, typeTable: string): Map<string, ObjectType> {
  let current: ObjectType = { name: "", package: "", fields: new Map() };
  let home = "";
  for (const line of typeTable.trim().split("\n")) {
    if (line.startsWith("# ")) home = line.slice(2);
    else if (line.startsWith(" ")) {
      const field = parseField(current.name, line.trim());
      current.fields.set(field.name, field);
    } else {
      current = { name: line, package: home, fields: new Map() };
      if (standalone.has(line)) for (const field of header) current.fields.set(field.name, field);
      types.set(line, current);
    }
  }
  return types;
}

function parseField(owner: string, line: string): Field {
  const [, name = "", mark, star, words = "", mergeKey, keys] =
    /^([\w$-]+)(!?) (\*?)([^@#]+)(?:@([^#]*))?(?:#(.*))?$/.exec(line) ?? [];
  const [type, required, pointer] = [parseType(words), mark === "!", star === "*"];
  // Go's time has a zero, which JSON has no word for
  const needed = required && type.is !== "time";
  return {
    name,
    type,
    required,
    always: !pointer && (needed || (type.is === "object" && neverMissing(owner, name))),
    pointer,
    ...(mergeKey !== undefined && { mergeKey }),
    ...(keys !== undefined && { listKeys: keys === "" ? [] : keys.split(",") }),
  };
}

const header: readonly Field[] = ["apiVersion", "kind"].map((name) => ({
  name,
  type: { is: "string" },
  required: false,
  always: false,
  pointer: false,
}));

const tables = [typeTable];
const parsed = new Map<string, ObjectType>();

/** More lines of the table; `kinds`: its types that stand alone. */
export function addTypes(table: string, kinds: readonly string[]): void {
  tables.push(table);
  for (const name of kinds) standalone.add(name);
}

/** All types by name; those named like a kind are the kinds' own. Parsed when first asked for. */
export function types(): ReadonlyMap<string, ObjectType> {
  if (tables.length === 0) return parsed;
  for (const table of tables.splice(0)) parseTable(parsed, table);
  for (const { fields } of parsed.values())
    for (const field of fields.values()) field.type = known(field.type);
  return parsed;
}

/** A type that the table does not have is one without fields of its own: whatever comes is kept. */
function known(type: FieldType): FieldType {
  if (type.is === "list" || type.is === "map") return { ...type, of: known(type.of) };
  return type.is === "object" && !parsed.has(type.name) ? { is: "any" } : type;
}

/** A type that the table is known to have. */
export function typeOf(name: string): ObjectType {
  const found = types().get(name);
  if (!found) throw new Error(`the table of fields has no type ${name}`);
  return found;
}

/** "EndpointPort", also where the table says of which package. */
export const goName = (name: string): string => name.slice(name.lastIndexOf(".") + 1);

/** What is needed, in words: "a whole number", "a list of ServicePort". */
export function inWords(type: FieldType): string {
  const words = {
    string: "a text (in quotes where YAML would read something else)",
    time: 'a time like "2024-01-21T05:09:08Z"',
    int: "a whole number (32 bits)",
    int64: "a whole number",
    bool: "true or false",
    quantity: 'a quantity like "500m" or "64Mi"',
    intOrString: "a whole number or a text",
    any: "anything",
  };
  if (type.is === "object")
    return `an object (${[...typeOf(type.name).fields.keys()].slice(0, 6).join(", ")}, …)`;
  if (type.is === "list") return `a list${type.of.is === "object" ? " of objects" : ""}`;
  return type.is === "map" ? "an object of names and values" : words[type.is];
}
