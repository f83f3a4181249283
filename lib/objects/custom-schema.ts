/**
 * What a CustomResourceDefinition's schema makes of its objects: fields that it does not have go,
 * defaults come, and what does not fit is refused. Only a server's clients write such objects: who
 * imports this has it. Rules in CEL are not evaluated. (apiextensions-apiserver:
 * pkg/apiserver/schema, pkg/apiserver/validation)
 */
import "./built-in.js"; // whose part this goes over
import { isAccepted, isDefinition } from "./custom.js";
import { learnTypes } from "./custom-types.js";
import { formatFits } from "./custom-formats.js";
import { learnScale } from "./custom-scale.js";
import { decode, type Misfit } from "./decode.js";
import type { Definition, Schema, Version } from "./definition.js";
import {
  duplicate,
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
  type FieldError,
} from "./field-errors.js";
import { isRecord, ownField, same, setField } from "./freeze.js";
import { kindOf } from "./kinds.js";
import { otherKinds } from "./others.js";
import { selectable } from "./selectors.js";
import type { KubeObject } from "./types.js";

/** "example.com/v1 Gadget" -> its schema */
const schemas = new Map<string, Schema>();

const before = { ...otherKinds };
otherKinds.written = (object) => {
  before.written(object);
  if (isDefinition(object)) learn(object as Definition);
};
/** Who writes by another version is measured by that one's schema, before the kept one's. */
otherKinds.toStored = (object) => {
  const stored = before.toStored(object);
  const schema = stored === object ? undefined : schemaOf(object);
  return schema ? before.toStored(completed(schema, object, true) as KubeObject) : stored;
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

function learn(definition: Definition): void {
  if (!isAccepted(definition)) return;
  const { spec } = definition;
  for (const { name, schema, subresources, selectableFields, storage } of spec.versions ?? []) {
    const apiVersion = `${spec.group}/${name}`;
    if (storage) learnSelectable(apiVersion, spec.names.kind, selectableFields);
    const key = `${apiVersion} ${spec.names.kind}`;
    if (schema?.openAPIV3Schema) schemas.set(key, schema.openAPIV3Schema);
    if (schema?.openAPIV3Schema) learnTypes(key, schema.openAPIV3Schema);
    learnScale(apiVersion, spec.names.kind, subresources?.scale);
  }
}

/** Fields that lists can be selected by. */
function learnSelectable(apiVersion: string, kind: string, all: Version["selectableFields"]): void {
  const info = kindOf({ apiVersion, kind });
  if (info?.definedBy === undefined) return;
  const paths = (all ?? []).map(({ jsonPath = "" }) => jsonPath.replace(/^\./, ""));
  if (paths.length > 0) selectable[info.key] = paths;
  else delete selectable[info.key];
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
    const isUnset = part === null && isRecord(own) && own.default !== undefined && !own.nullable;
    const isMeta = key === "metadata" && schema["x-kubernetes-embedded-resource"] === true;
    if (isMeta && isRecord(part)) setField(result, key, decode("ObjectMeta", part).value);
    else if (own && !isUnset) setField(result, key, own === "any" ? part : completed(own, part));
  }
  for (const [key, own] of Object.entries(schema.properties ?? {}))
    if (ownField(result, key) === undefined && own.default !== undefined)
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

/** What of an object of a definition does not fit the schema of the version that it came in. */
export function schemaProblems(
  object: KubeObject,
  apiVersion: string = object.apiVersion,
): FieldError[] {
  const schema = schemaOf({ ...object, apiVersion });
  if (!schema) return [];
  const { metadata: _, ...properties } = schema.properties ?? {};
  const whole = { ...schema, properties };
  return [...problems(whole, object, ""), ...duplicates(whole, object, "")];
}

const typeOf = (value: unknown): string => {
  if (Array.isArray(value)) return "array";
  if (value === null) return "null";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
};

function fitsType(schema: Schema, value: unknown): boolean {
  const is = typeOf(value);
  if (value === null) return schema.nullable === true || (!schema.type && !isIntOrText(schema));
  if (isIntOrText(schema)) return is === "integer" || is === "string";
  return !schema.type || is === schema.type || (schema.type === "number" && is === "integer");
}

const isIntOrText = (schema: Schema): boolean => schema["x-kubernetes-int-or-string"] === true;

/** What of a value does not fit a schema. (kube-openapi: pkg/validation/validate) */
export function problems(schema: Schema, value: unknown, at: string): FieldError[] {
  if (!fitsType(schema, value)) {
    const type = isIntOrText(schema) ? "integer,string" : schema.type;
    const why = `${at} in body must be of type ${type}: ${JSON.stringify(typeOf(value))}`;
    return [invalid(at, typeOf(value), why)];
  }
  return [...ownProblems(schema, value, at), ...junctorProblems(schema, value, at)];
}

function ownProblems(schema: Schema, value: unknown, at: string): FieldError[] {
  if (value === null)
    return schema.enum && !schema.enum.includes(null)
      ? [notSupported(at, null, schema.enum.map(String))]
      : [];
  if (Array.isArray(value)) return listProblems(schema, value, at);
  if (isRecord(value)) return recordProblems(schema, value, at);
  return scalarProblems(schema, value, at);
}

/** What several schemas say of one value. (schema_props.go) */
function junctorProblems(schema: Schema, value: unknown, at: string): FieldError[] {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const nowhere = (why: string) => invalid("<nil>", "", `${JSON.stringify(at)} must ${why}`);
  const found = (schemas: readonly Schema[]) => schemas.map((one) => problems(one, value, at));
  const any = found(anyOf);
  const one = found(oneOf);
  const all = found(allOf);
  const good = one.filter(({ length }) => length === 0).length;
  const result: FieldError[] = [];
  if (any.length > 0 && any.every(({ length }) => length > 0))
    result.push(nowhere("validate at least one schema (anyOf)"), ...any[0]!);
  if (one.length > 0 && good !== 1) {
    const why = good === 0 ? "none valid" : `${good} valid alternatives`;
    result.push(
      nowhere(`validate one and only one schema (oneOf). Found ${why}`),
      ...(good === 0 ? one[0]! : []),
    );
  }
  if (all.some(({ length }) => length > 0))
    result.push(nowhere("validate all the schemas (allOf)"), ...all.flat());
  if (not && problems(not, value, at).length === 0)
    result.push(nowhere("not validate the schema (not)"));
  return result;
}

function recordProblems(schema: Schema, value: Record<string, unknown>, at: string): FieldError[] {
  const place = (key: string) => (at ? `${at}.${key}` : key);
  const { minProperties = 0, maxProperties = Infinity } = schema;
  const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;
  const needed = [...(schema.required ?? []), ...(isEmbedded ? ["apiVersion", "kind"] : [])];
  const number = Object.keys(value).length;
  return [
    ...(number > maxProperties ? [tooMany(at, number, maxProperties)] : []),
    ...(number < minProperties
      ? [invalid(at, number, `${at} in body should have at least ${minProperties} properties`)]
      : []),
    ...needed.filter((key) => isUnsaid(schema, value, key)).map((key) => required(place(key))),
    ...Object.entries(value).flatMap(([key, part]) => {
      const own = schemaOfField(schema, key);
      const isMissed = part === null && needed.includes(key) && isUnsaid(schema, value, key);
      return own && part !== undefined && !isMissed ? problems(own, part, place(key)) : [];
    }),
  ];
}

/** Null says nothing where it may not stand. */
const isUnsaid = (schema: Schema, value: Record<string, unknown>, key: string): boolean =>
  ownField(value, key) === undefined ||
  (value[key] === null && schemaOfField(schema, key)?.nullable !== true);

/** Of a field that is named, or of all others. */
const schemaOfField = (
  { properties = {}, additionalProperties: others }: Schema,
  key: string,
): Schema | undefined => ownField(properties, key) ?? (isRecord(others) ? others : undefined);

function listProblems(schema: Schema, value: readonly unknown[], at: string): FieldError[] {
  const { items, minItems = 0, maxItems = Infinity } = schema;
  return [
    ...(items ? value.flatMap((one, i) => problems(items, one, `${at}[${i}]`)) : []),
    ...(value.length > maxItems ? [tooMany(at, value.length, maxItems)] : []),
    ...(value.length < minItems
      ? [invalid(at, value.length, `${at} in body should have at least ${minItems} items`)]
      : []),
  ];
}

/** Elements of sets and maps are there once. (apiserver/schema/listtype) */
function duplicates(schema: Schema, value: unknown, at: string): FieldError[] {
  if (isRecord(value))
    return Object.entries(value).flatMap(([key, part]) => {
      const own = schemaOfField(schema, key);
      return own ? duplicates(own, part, at ? `${at}.${key}` : key) : [];
    });
  if (!Array.isArray(value)) return [];
  const { "x-kubernetes-list-type": is, "x-kubernetes-list-map-keys": keys = [], items } = schema;
  const seen = new Set<string>();
  const twice = (one: unknown, i: number): FieldError[] => {
    const key = is === "map" ? keyOf(one, keys, items) : one;
    const text = JSON.stringify(key);
    if (seen.has(text)) return [duplicate(`${at}[${i}]`, key)];
    seen.add(text);
    return [];
  };
  return [
    ...(is === "set" || is === "map" ? value.flatMap(twice) : []),
    ...(items ? value.flatMap((one, i) => duplicates(items, one, `${at}[${i}]`)) : []),
  ];
}

const keyOf = (value: unknown, keys: readonly string[], items: Schema | undefined): object =>
  Object.fromEntries(
    keys.map((key) => [
      key,
      (isRecord(value) ? value[key] : undefined) ?? items?.properties?.[key]?.default,
    ]),
  );

function scalarProblems(schema: Schema, value: unknown, at: string): FieldError[] {
  const found =
    typeof value === "number"
      ? numberProblems(schema, value, at)
      : typeof value === "string"
        ? textProblems(schema, value, at)
        : [];
  if (schema.enum && !schema.enum.some((one) => same(one, value)))
    found.push(notSupported(at, value, schema.enum.map(String)));
  return found;
}

function numberProblems(schema: Schema, value: number, at: string): FieldError[] {
  const { minimum = -Infinity, maximum = Infinity, multipleOf } = schema;
  const should = (what: string) => invalid(at, value, `${at} in body should ${what}`);
  const found: FieldError[] = [];
  if (multipleOf !== undefined && value === 0)
    found.push(
      invalid(at, value, `factor MultipleOf declared for ${at} must be positive: ${value}`),
    );
  else if (multipleOf !== undefined && !Number.isInteger(Number((value / multipleOf).toFixed(9))))
    found.push(should(`be a multiple of ${multipleOf}`));
  if (schema.exclusiveMaximum ? value >= maximum : value > maximum)
    found.push(should(`be less than ${schema.exclusiveMaximum ? "" : "or equal to "}${maximum}`));
  if (schema.exclusiveMinimum ? value <= minimum : value < minimum)
    found.push(
      should(`be greater than ${schema.exclusiveMinimum ? "" : "or equal to "}${minimum}`),
    );
  return found;
}

function textProblems(schema: Schema, value: string, at: string): FieldError[] {
  const { pattern, maxLength = Infinity, minLength = 0, format } = schema;
  const should = (what: string) => invalid(at, value, `${at} in body should ${what}`);
  const length = [...value].length;
  if (length > maxLength) return [tooLong(at, maxLength)];
  const found: FieldError[] = [];
  if (length < minLength) found.push(should(`be at least ${minLength} chars long`));
  if (pattern && !matches(value, pattern)) found.push(should(`match '${pattern}'`));
  if (format && !formatFits(format, value))
    found.push(
      invalid(at, value, `${at} in body must be of type ${format}: ${JSON.stringify(value)}`),
    );
  return found;
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
