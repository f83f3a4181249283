/**
 * What a CustomResourceDefinition's schema makes of its objects: fields that it does not have go,
 * defaults come, and what does not fit is refused. Only a server's clients write such objects: who
 * imports this has it. Rules in CEL are not evaluated. (apiextensions-apiserver:
 * pkg/apiserver/schema, pkg/apiserver/validation)
 */
import "./built-in.js"; // whose part this goes over
import { isDefinition } from "./custom.js";
import { learnScale } from "./custom-scale.js";
import { decode, type Misfit } from "./decode.js";
import type { Definition, Schema } from "./definition.js";
import {
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
  type FieldError,
} from "./field-errors.js";
import { isRecord, setField } from "./freeze.js";
import { otherKinds } from "./others.js";
import type { KubeObject } from "./types.js";

/** "example.com/v1 Gadget" -> its schema */
const schemas = new Map<string, Schema>();

const before = { ...otherKinds };
otherKinds.written = (object) => {
  before.written(object);
  if (isDefinition(object)) learn(object as Definition);
};
otherKinds.defaulted = (object) => {
  const schema = schemaOf(object);
  return schema ? (completed(schema, object, true) as KubeObject) : before.defaulted(object);
};

otherKinds.misfits = (object) => {
  const schema = schemaOf(object);
  return [
    ...metadataMisfits(object, "metadata"),
    ...(schema ? unknownFields(schema, object, "", true) : []),
  ];
};

const metadataMisfits = ({ metadata }: Partial<KubeObject>, at: string): Misfit[] =>
  decode("ObjectMeta", metadata ?? {}).misfits.map((one) => ({
    ...one,
    path: `${at}.${one.path}`,
  }));

function learn({ spec }: Definition): void {
  for (const { name, schema, subresources } of spec.versions ?? []) {
    const apiVersion = `${spec.group}/${name}`;
    if (schema?.openAPIV3Schema)
      schemas.set(`${apiVersion} ${spec.names.kind}`, schema.openAPIV3Schema);
    learnScale(apiVersion, spec.names.kind, subresources?.scale);
  }
}

const schemaOf = ({ apiVersion, kind }: KubeObject): Schema | undefined =>
  schemas.get(`${apiVersion} ${kind}`);

/** What each object has, and each within another: their schemas need not say so. */
const ofEveryObject: readonly string[] = ["apiVersion", "kind", "metadata"];

/** The schema of a field; undefined where the field is not known, "any" where all are kept. */
function fieldOf(schema: Schema, key: string, isRoot: boolean): Schema | "any" | undefined {
  const { properties = {}, additionalProperties: others } = schema;
  const isObject = isRoot || schema["x-kubernetes-embedded-resource"] === true;
  if (isObject && ofEveryObject.includes(key)) return "any";
  if (Object.hasOwn(properties, key)) return properties[key];
  if (isRecord(others)) return others;
  const keeps = schema["x-kubernetes-preserve-unknown-fields"] === true || others === true;
  return keeps ? "any" : undefined;
}

/** The value without what the schema does not know, and with its defaults. */
function completed(schema: Schema, value: unknown, isRoot = false): unknown {
  if (Array.isArray(value))
    return schema.items ? value.map((one) => completed(schema.items!, one)) : value;
  if (!isRecord(value)) return value;
  const result: Record<string, unknown> = {};
  for (const [key, part] of Object.entries(value)) {
    const own = fieldOf(schema, key, isRoot);
    if (own) setField(result, key, own === "any" ? part : completed(own, part));
  }
  for (const [key, own] of Object.entries(schema.properties ?? {}))
    if (result[key] === undefined && own.default !== undefined)
      setField(result, key, completed(own, own.default));
  return result;
}

/** The fields that go. (apiextensions-apiserver: pkg/apiserver/schema/pruning) */
function unknownFields(schema: Schema, value: unknown, at: string, isRoot = false): Misfit[] {
  if (Array.isArray(value))
    return schema.items
      ? value.flatMap((one, i) => unknownFields(schema.items!, one, `${at}[${i}]`))
      : [];
  if (!isRecord(value)) return [];
  const found = Object.entries(value).flatMap(([key, part]): Misfit[] => {
    const path = at ? `${at}.${key}` : key;
    const own = fieldOf(schema, key, isRoot);
    if (own === "any") return [];
    if (own) return unknownFields(own, part, path);
    return [{ path, problem: "unknown", allowed: [], value: part, owner: "" }];
  });
  if (schema["x-kubernetes-embedded-resource"])
    found.push(...metadataMisfits(value, `${at}.metadata`));
  return found.sort((x, y) => (x.path < y.path ? -1 : 1));
}

/** What of an object of a definition does not fit its schema. */
export function schemaProblems(object: KubeObject): FieldError[] {
  const schema = schemaOf(object);
  if (!schema) return [];
  const { metadata: _, ...properties } = schema.properties ?? {};
  return problems({ ...schema, properties }, object, "");
}

const typeOf = (value: unknown): string => {
  if (Array.isArray(value)) return "array";
  if (value === null) return "null";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
};

function fitsType(schema: Schema, value: unknown): boolean {
  const is = typeOf(value);
  if (schema["x-kubernetes-int-or-string"]) return is === "integer" || is === "string";
  if (value === null) return schema.nullable === true;
  return !schema.type || is === schema.type || (schema.type === "number" && is === "integer");
}

function problems(schema: Schema, value: unknown, at: string): FieldError[] {
  if (!fitsType(schema, value)) {
    const is = JSON.stringify(typeOf(value));
    const why = `${at} in body must be of type ${schema.type}: ${is}`;
    return [invalid(at, typeOf(value), why)];
  }
  if (Array.isArray(value)) return listProblems(schema, value, at);
  if (isRecord(value)) return recordProblems(schema, value, at);
  return scalarProblems(schema, value, at);
}

function recordProblems(schema: Schema, value: Record<string, unknown>, at: string): FieldError[] {
  const place = (key: string) => (at ? `${at}.${key}` : key);
  const { properties = {}, additionalProperties: others } = schema;
  return [
    ...(schema.required ?? [])
      .filter((key) => value[key] === undefined)
      .map((key) => required(place(key))),
    ...Object.entries(value).flatMap(([key, part]) => {
      const own = properties[key] ?? (isRecord(others) ? others : undefined);
      return own && part !== undefined ? problems(own, part, place(key)) : [];
    }),
  ];
}

function listProblems(schema: Schema, value: readonly unknown[], at: string): FieldError[] {
  const { items, minItems = 0, maxItems = Infinity } = schema;
  return [
    ...(value.length > maxItems ? [tooMany(at, value.length, maxItems)] : []),
    ...(value.length < minItems
      ? [invalid(at, value.length, `${at} in body should have at least ${minItems} items`)]
      : []),
    ...(items ? value.flatMap((one, i) => problems(items, one, `${at}[${i}]`)) : []),
  ];
}

function scalarProblems(schema: Schema, value: unknown, at: string): FieldError[] {
  const { minimum = -Infinity, maximum = Infinity, pattern, maxLength = Infinity } = schema;
  const should = (what: string) => [invalid(at, value, `${at} in body should ${what}`)];
  const found: FieldError[] = [];
  if (typeof value === "number" && value > maximum)
    found.push(...should(`be less than or equal to ${maximum}`));
  if (typeof value === "number" && value < minimum)
    found.push(...should(`be greater than or equal to ${minimum}`));
  if (typeof value === "string" && value.length > maxLength) found.push(tooLong(at, maxLength));
  if (typeof value === "string" && value.length < (schema.minLength ?? 0))
    found.push(...should(`be at least ${schema.minLength} chars long`));
  if (typeof value === "string" && pattern && !matches(value, pattern))
    found.push(...should(`match '${pattern}'`));
  if (schema.enum && !schema.enum.includes(value))
    found.push(notSupported(at, value, schema.enum.map(String)));
  return found.some(({ reason }) => reason === "FieldValueTooLong")
    ? [tooLong(at, maxLength)]
    : found;
}

/** Go's expressions are nearly ours; one that is none here says nothing. */
function matches(value: string, pattern: string): boolean {
  if (value.length > MOST_MATCHED) return true;
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}
const MOST_MATCHED = 1000; // characters: a pattern of somebody else's may take long
