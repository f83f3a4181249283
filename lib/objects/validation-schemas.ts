/**
 * What kube-apiserver refuses of a definition's schema. Rules in CEL are not compiled.
 * (apiextensions-apiserver: pkg/apiserver/schema/validation.go;
 * pkg/apis/apiextensions/validation/validation.go, ValidateCustomResourceDefinitionOpenAPISchema)
 */
import { goExpressionError } from "./go-expressions.js";
import { problems as valueProblems } from "./custom-schema.js";
import type { Schema } from "./definition.js";
import { forbidden, invalid, notSupported, required, type FieldError } from "./field-errors.js";
import { isRecord } from "./freeze.js";

/** What is wrong with a whole schema. */
export function schemaErrors(schema: Schema, at: string): FieldError[] {
  const structural = [...structuralErrors(schema, at, "root")].sort((a, b) =>
    `${a.field}: ${a.message}` < `${b.field}: ${b.message}` ? -1 : 1,
  );
  const early = structural.length > 0 ? structural : defaultErrors(schema, at);
  const own = openApiErrors(schema, at);
  // what cannot be said in a structural schema at all is told by its own words (NewStructural)
  return hasRef(schema) ? own : [...early, ...own];
}

const hasRef = (schema: Schema): boolean =>
  schema.$ref !== undefined || Object.values(partsOf(schema)).some(hasRef);

/** Each schema within a schema, by the place where it stands. */
function partsOf(schema: Schema): Record<string, Schema> {
  const { properties = {}, items, additionalProperties: others, not } = schema;
  const found: Record<string, Schema> = {};
  for (const [key, part] of Object.entries(properties)) found[`properties[${key}]`] = part;
  if (isRecord(items)) found["items"] = items;
  if (isRecord(others)) found["additionalProperties"] = others;
  if (not) found["not"] = not;
  for (const junctor of ["allOf", "oneOf", "anyOf"] as const)
    for (const [i, part] of (schema[junctor] ?? []).entries()) found[`${junctor}[${i}]`] = part;
  return found;
}

// ---- structural -------------------------------------------------------------------------------

const levels = {
  root: "must not be empty at the root",
  items: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
} as const;
type Level = keyof typeof levels;

const EMBEDDED = "x-kubernetes-embedded-resource";
const KEEPS = "x-kubernetes-preserve-unknown-fields";
const INT_OR_STRING = "x-kubernetes-int-or-string";

/** Each place of the schema says its type. (validateStructuralInvariants) */
function structuralErrors(schema: Schema, at: string, level: Level): FieldError[] {
  const { type, properties = {}, items, additionalProperties: others } = schema;
  const isEmbedded = schema[EMBEDDED] === true;
  const found = Object.entries(properties).flatMap(([key, part]) =>
    structuralErrors(part, `${at}.properties[${key}]`, "field"),
  );
  if (type === "array" && !items) found.push(required(`${at}.items`, "must be specified"));
  if (items) found.push(...structuralErrors(items, `${at}.items`, "items"));
  if (others !== undefined && level === "root")
    found.push(forbidden(`${at}.additionalProperties`, "must not be used at the root"));
  if (isRecord(others))
    found.push(...structuralErrors(others, `${at}.additionalProperties`, "field"));
  for (const other of [KEEPS, EMBEDDED] as const)
    if (schema[INT_OR_STRING] && schema[other])
      found.push(invalid(`${at}.${other}`, true, `must be false if ${INT_OR_STRING} is true`));
  found.push(...junctorErrors(schema, at), ...patternErrors(schema, at));
  if (isEmbedded && type !== "object") {
    const why = `must be object if ${EMBEDDED} is true`;
    found.push(type ? invalid(`${at}.type`, type, why) : required(`${at}.type`, why));
  } else if (!type && !schema[INT_OR_STRING] && !schema[KEEPS])
    found.push(required(`${at}.type`, levels[level]));
  if (isEmbedded && others !== undefined)
    found.push(forbidden(`${at}.additionalProperties`, `must not be used if ${EMBEDDED} is set`));
  if (level === "root" && type && type !== "object")
    found.push(invalid(`${at}.type`, type, "must be object at the root"));
  if (level === "root" || isEmbedded) found.push(...headerErrors(properties, at, level));
  if (isEmbedded && !schema[KEEPS] && Object.keys(properties).length === 0)
    found.push(
      required(`${at}.properties`, `must not be empty if ${EMBEDDED} is true without ${KEEPS}`),
    );
  return found;
}

/** What every object has, its schema does not say anew. (validateStructuralMetadataInvariants) */
function headerErrors(properties: Record<string, Schema>, at: string, level: Level): FieldError[] {
  const found: FieldError[] = [];
  for (const key of ["kind", "apiVersion"])
    if (properties[key] && properties[key].type !== "string")
      found.push(
        invalid(`${at}.properties[${key}].type`, properties[key].type ?? "", "must be string"),
      );
  const { metadata } = properties;
  if (!metadata) return found;
  const here = `${at}.properties[metadata]`;
  if (metadata.type !== "object")
    found.push(invalid(`${here}.type`, metadata.type ?? "", "must be object"));
  const { type: _, properties: own = {}, ...rest } = metadata;
  const says = Object.keys(rest).length > 0;
  const restricts = Object.keys(own).some((key) => key !== "name" && key !== "generateName");
  if (level === "root" && (says || restricts))
    found.push(
      forbidden(
        here,
        "must not specify anything other than name and generateName, but metadata is implicitly specified",
      ),
    );
  return found;
}

function patternErrors({ pattern }: Schema, at: string): FieldError[] {
  const why = pattern === undefined ? undefined : goExpressionError(pattern);
  return why === undefined
    ? []
    : [
        invalid(
          `${at}.pattern`,
          pattern,
          `must be a valid regular expression, but isn't: error parsing regexp: ${why}`,
        ),
      ];
}

const isIntOrString = (schemas: readonly Schema[] = []): boolean =>
  schemas.length === 2 && schemas[0]?.type === "integer" && schemas[1]?.type === "string";

/** What values are held to besides is no place for types. (validateNestedValueValidation) */
function junctorErrors(schema: Schema, at: string): FieldError[] {
  const { anyOf = [], allOf = [], oneOf = [], not } = schema;
  const within = (name: string, list: readonly Schema[]) =>
    list.flatMap((part, i) => nestedErrors(part, `${at}.${name}[${i}]`));
  return [
    ...(schema[INT_OR_STRING] && isIntOrString(anyOf) ? [] : within("anyOf", anyOf)),
    ...allOf.flatMap((part, i) =>
      i === 0 && schema[INT_OR_STRING] && isIntOrString(part.anyOf)
        ? []
        : nestedErrors(part, `${at}.allOf[${i}]`),
    ),
    ...within("oneOf", oneOf),
    ...(not ? nestedErrors(not, `${at}.not`) : []),
  ];
}

const emptyWithin = {
  type: "must be empty to be structural",
  additionalProperties: "must be undefined to be structural",
  default: "must be undefined to be structural",
  title: "must be empty to be structural",
  description: "must be empty to be structural",
  nullable: "must be false to be structural",
  [KEEPS]: "must be false to be structural",
  [EMBEDDED]: "must be false to be structural",
  [INT_OR_STRING]: "must be false to be structural",
  "x-kubernetes-list-map-keys": "must be empty to be structural",
  "x-kubernetes-list-type": "must be undefined to be structural",
  "x-kubernetes-map-type": "must be undefined to be structural",
  "x-kubernetes-validations": "must be empty to be structural",
} as const;

function nestedErrors(schema: Schema, at: string): FieldError[] {
  const { properties = {}, items } = schema;
  return [
    ...junctorErrors(schema, at),
    ...patternErrors(schema, at),
    ...(items ? nestedErrors(items, `${at}.items`) : []),
    ...Object.entries(properties).flatMap(([key, part]) =>
      nestedErrors(part, `${at}.properties[${key}]`),
    ),
    ...Object.entries(emptyWithin)
      .filter(([key]) => schema[key as "type"])
      .map(([key, why]) => forbidden(`${at}.${key}`, why)),
    ...(properties["metadata"]
      ? [forbidden(`${at}.properties[metadata]`, "must not be specified in a nested context")]
      : []),
  ];
}

/** A default is a value of its schema. (defaulting/validation.go) */
function defaultErrors(schema: Schema, at: string): FieldError[] {
  const own =
    schema.default === undefined
      ? []
      : valueProblems(schema, schema.default, "").map((one) => ({
          ...one,
          field: one.field ? `${at}.default.${one.field}` : `${at}.default`,
        }));
  const { properties = {}, items, additionalProperties: others } = schema;
  return [
    ...own,
    ...Object.entries(properties).flatMap(([key, part]) =>
      defaultErrors(part, `${at}.properties[${key}]`),
    ),
    ...(items ? defaultErrors(items, `${at}.items`) : []),
    ...(isRecord(others) ? defaultErrors(others, `${at}.additionalProperties`) : []),
  ];
}

// ---- OpenAPI ----------------------------------------------------------------------------------

const types = ["array", "boolean", "integer", "number", "object", "string"];
const unsupported = [
  "id",
  "additionalItems",
  "patternProperties",
  "definitions",
  "dependencies",
  "$ref",
];
const isEmpty = (value: unknown): boolean =>
  value === undefined || value === "" || (isRecord(value) && Object.keys(value).length === 0);

function openApiErrors(schema: Schema, at: string): FieldError[] {
  const { type, additionalProperties: others } = schema;
  const found: FieldError[] = [];
  if (type && !types.includes(type)) found.push(notSupported(`${at}.type`, type, types));
  for (const key of unsupported)
    if (!isEmpty(schema[key as "$ref"]))
      found.push(forbidden(`${at}.${key}`, `${key} is not supported`));
  if (schema.uniqueItems)
    found.push(
      forbidden(
        `${at}.uniqueItems`,
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  const hasFields = Object.keys(schema.properties ?? {}).length > 0;
  if (hasFields && others !== undefined && others !== true)
    found.push(
      forbidden(
        `${at}.additionalProperties`,
        "additionalProperties and properties are mutual exclusive",
      ),
    );
  for (const [place, part] of Object.entries(partsOf(schema)))
    found.push(...openApiErrors(part, `${at}.${place}`));
  if (schema[KEEPS] === false)
    found.push(invalid(`${at}.${KEEPS}`, false, "must be true or undefined"));
  return [
    ...found,
    ...mapTypeErrors(schema, at),
    ...listErrors(schema, at),
    ...ruleErrors(schema, at),
  ];
}

function typeNeeded(schema: Schema, at: string, wanted: string, key: string): FieldError[] {
  const why = `must be ${wanted} if ${key} is specified`;
  if (schema.type === wanted) return [];
  return [schema.type ? invalid(`${at}.type`, schema.type, why) : required(`${at}.type`, why)];
}

function mapTypeErrors(schema: Schema, at: string): FieldError[] {
  const key = "x-kubernetes-map-type";
  const is = schema[key];
  if (is === undefined) return [];
  const known = ["atomic", "granular"];
  return [
    ...typeNeeded(schema, at, "object", key),
    ...(known.includes(is) ? [] : [notSupported(`${at}.${key}`, is, known)]),
  ];
}

const LIST_TYPE = "x-kubernetes-list-type";
const KEYS = "x-kubernetes-list-map-keys";

function listErrors(schema: Schema, at: string): FieldError[] {
  const is = schema[LIST_TYPE];
  const keys = schema[KEYS] ?? [];
  const { items } = schema;
  const found: FieldError[] = [];
  if (is !== undefined) found.push(...typeNeeded(schema, at, "array", LIST_TYPE));
  if (is === "set" && schema.type === "array" && items) found.push(...setErrors(items, at));
  const known = ["atomic", "set", "map"];
  if (is !== undefined && !known.includes(is))
    found.push(notSupported(`${at}.${LIST_TYPE}`, is, known));
  if (keys.length > 0 && is !== "map") {
    const why = `must be map if ${KEYS} is non-empty`;
    found.push(is ? invalid(`${at}.${LIST_TYPE}`, is, why) : required(`${at}.${LIST_TYPE}`, why));
  }
  if (is === "map") found.push(...mapErrors(items, keys, at));
  if (items && (is === "set" || is === "map"))
    found.push(...keyErrors(items, is === "map" ? keys : [], is, at));
  return found;
}

function setErrors(items: Schema, at: string): FieldError[] {
  const why = `must be atomic as item of a list with ${LIST_TYPE}=set`;
  const [lists, maps] = [items[LIST_TYPE], items["x-kubernetes-map-type"]];
  if (items.type === "array" && lists !== undefined && lists !== "atomic")
    return [invalid(`${at}.items.${LIST_TYPE}`, lists, why)];
  if (items.type === "object" && maps !== "atomic")
    return [invalid(`${at}.items.x-kubernetes-map-type`, lists ?? null, why)];
  return [];
}

function mapErrors(items: Schema | undefined, keys: readonly string[], at: string): FieldError[] {
  const found: FieldError[] = [];
  if (keys.length === 0)
    found.push(required(`${at}.${KEYS}`, `must not be empty if ${LIST_TYPE} is map`));
  if (!items)
    return [...found, required(`${at}.items`, `must have a schema if ${LIST_TYPE} is map`)];
  if (items.type !== "object")
    return [
      ...found,
      invalid(
        `${at}.items.type`,
        items.type ?? "",
        `must be object if parent array's ${LIST_TYPE} is map`,
      ),
    ];
  for (const [i, key] of keys.entries()) {
    const type = items.properties?.[key]?.type;
    if (!items.properties?.[key])
      found.push(invalid(`${at}.${KEYS}`, keys, "entries must all be names of item properties"));
    else if (type === "array" || type === "object")
      found.push(
        invalid(
          `${at}.items.properties[${key}].type`,
          items.type,
          `must be a scalar type if parent array's ${LIST_TYPE} is map`,
        ),
      );
    if (keys.indexOf(key) < i)
      found.push(invalid(`${at}.${KEYS}`, keys, "must not contain duplicate entries"));
  }
  return found;
}

/** (validateMapListKeysMapSet) */
function keyErrors(items: Schema, keys: readonly string[], is: string, at: string): FieldError[] {
  const found: FieldError[] = [];
  if (items.nullable)
    found.push(forbidden(`${at}.items.nullable`, `cannot be nullable when ${LIST_TYPE} is ${is}`));
  for (const key of keys) {
    const one = items.properties?.[key];
    const here = `${at}.items.properties[${key}]`;
    const why = `this property is in ${KEYS}, so it`;
    if (one && !items.required?.includes(key) && one.default === undefined)
      found.push(
        required(`${here}.default`, `${why} must have a default or be a required property`),
      );
    if (one?.nullable) found.push(forbidden(`${here}.nullable`, `${why} cannot be nullable`));
  }
  return found;
}

const RULES = "x-kubernetes-validations";

function ruleErrors(schema: Schema, at: string): FieldError[] {
  return (schema[RULES] ?? []).flatMap(({ rule = "", message = "" }, i) => {
    const here = `${at}.${RULES}[${i}]`;
    if (rule.trim() === "") return [required(`${here}.rule`, "rule is not specified")];
    if (message !== "" && message.trim() === "")
      return [invalid(`${here}.message`, message, "must be non-empty if specified")];
    if (/[\r\n]/.test(message.trim()))
      return [invalid(`${here}.message`, message, "must not contain line breaks")];
    return [];
  });
}
