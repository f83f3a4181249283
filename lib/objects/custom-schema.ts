/**
 * What a CustomResourceDefinition's schema makes of its objects: fields that it does not have go,
 * defaults come, and what does not fit is refused. Only a server's clients write such objects: who
 * imports this has it. Rules in CEL are not evaluated. (apiextensions-apiserver:
 * pkg/apiserver/schema, pkg/apiserver/validation)
 */
import "./built-in.js"; // whose part this goes over
import { isDefinition } from "./custom.js";
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
import { byKind } from "./validation.js";

export interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  required?: string[];
  default?: unknown;
  nullable?: boolean;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  "x-kubernetes-preserve-unknown-fields"?: boolean;
  "x-kubernetes-int-or-string"?: boolean;
}

interface Definition extends KubeObject {
  spec: {
    group: string;
    scope?: string;
    names: { kind: string; plural: string };
    versions?: { name: string; storage?: boolean; schema?: { openAPIV3Schema?: Schema } }[];
  };
}

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

function learn({ spec }: Definition): void {
  for (const { name, schema } of spec.versions ?? [])
    if (schema?.openAPIV3Schema)
      schemas.set(`${spec.group}/${name} ${spec.names.kind}`, schema.openAPIV3Schema);
}

const schemaOf = ({ apiVersion, kind }: KubeObject): Schema | undefined =>
  schemas.get(`${apiVersion} ${kind}`);

/** The value without what the schema does not know, and with its defaults. */
function completed(schema: Schema, value: unknown, isRoot = false): unknown {
  if (Array.isArray(value))
    return schema.items ? value.map((one) => completed(schema.items!, one)) : value;
  if (!isRecord(value)) return value;
  const { properties = {}, additionalProperties: others } = schema;
  const keeps = schema["x-kubernetes-preserve-unknown-fields"] === true || others === true;
  const result: Record<string, unknown> = {};
  for (const [key, part] of Object.entries(value)) {
    const own = properties[key];
    if (isRoot && ["apiVersion", "kind", "metadata"].includes(key)) setField(result, key, part);
    else if (own) setField(result, key, completed(own, part));
    else if (isRecord(others)) setField(result, key, completed(others, part));
    else if (keeps) setField(result, key, part);
  }
  for (const [key, own] of Object.entries(properties))
    if (result[key] === undefined && own.default !== undefined)
      setField(result, key, completed(own, own.default));
  return result;
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

// ---- the definition itself ----------------------------------------------------------------------

/** (pkg/apis/apiextensions/validation) */
function validateDefinition({ metadata, spec }: Definition): FieldError[] {
  const { group = "", names, scope = "", versions = [] } = spec ?? {};
  const stored = versions.filter(({ storage }) => storage).length;
  const isProtected = /(^|\.)(k8s|kubernetes)\.io$/.test(group);
  const approval = "api-approved.kubernetes.io";
  return [
    ...(metadata.name === `${names?.plural}.${group}`
      ? []
      : [invalid("metadata.name", metadata.name, 'must be spec.names.plural+"."+spec.group')]),
    ...(isProtected && !metadata.annotations?.[approval]
      ? [
          required(
            "metadata.annotations[api-approved.kubernetes.io]",
            'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
          ),
        ]
      : []),
    ...(["Cluster", "Namespaced"].includes(scope)
      ? []
      : [notSupported("spec.scope", scope, ["Cluster", "Namespaced"])]),
    ...(stored === 1
      ? []
      : [
          invalid(
            "spec.versions",
            versions.map(({ name }) => name),
            "must have exactly one version marked as storage version",
          ),
        ]),
    ...versions.flatMap(({ schema }, i) => {
      const at = `spec.versions[${i}].schema.openAPIV3Schema`;
      if (!schema?.openAPIV3Schema) return [required(at, "schemas are required")];
      return schema.openAPIV3Schema.type
        ? []
        : [required(`${at}.type`, "must not be empty at the root")];
    }),
  ];
}

byKind["CustomResourceDefinition"] = validateDefinition;
