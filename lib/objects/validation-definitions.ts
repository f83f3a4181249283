/**
 * What kube-apiserver refuses of a CustomResourceDefinition. (apiextensions-apiserver:
 * pkg/apis/apiextensions/validation, pkg/apiserver/schema/validation.go)
 */
import type { Definition, Schema } from "./definition.js";
import { forbidden, invalid, notSupported, required, type FieldError } from "./field-errors.js";
import { same } from "./freeze.js";
import { byKind } from "./validation.js";

type Versions = NonNullable<Definition["spec"]["versions"]>;

function validateDefinition({ metadata, spec }: Definition): FieldError[] {
  const { group = "", names, scope = "", versions = [] } = spec ?? {};
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
    ...storedProblems(versions),
    ...schemasOf(versions).flatMap(([at, schema]) =>
      schema ? structuralProblems(schema, at, "root") : [required(at)],
    ),
  ];
}

/** One version is the one in which objects are stored. */
function storedProblems(versions: Versions): FieldError[] {
  const stored = versions.filter(({ storage }) => storage).map(({ name }) => name);
  if (stored.length === 1) return [];
  const why = "must have exactly one version marked as storage version";
  const first = stored.length > 0 ? stored.slice(0, 1) : null;
  const missing = stored[1] ? `the storage version ${stored[1]}` : "at least one stored version";
  return [
    invalid("spec.versions", versions.map(inGo), why),
    invalid("status.storedVersions", first, `must have ${missing}`),
  ];
}

/** A version as Go's type of it looks; what all versions share stands beside them. */
const inGo = ({ name, served, storage }: Versions[number] & { served?: boolean }): object => ({
  Name: name,
  Served: served ?? false,
  Storage: storage ?? false,
  Deprecated: false,
  DeprecationWarning: null,
  Schema: null,
  Subresources: null,
  AdditionalPrinterColumns: null,
  SelectableFields: null,
});

/** Where each schema stands: one that all versions have stands beside them in Go's type. */
function schemasOf(versions: Versions): [string, Schema | undefined][] {
  const schemas = versions.map(({ schema }) => schema?.openAPIV3Schema);
  const [first] = schemas;
  if (first && schemas.every((one) => same(one, first)))
    return [["spec.validation.openAPIV3Schema", first]];
  return schemas.map((one, i) => [`spec.versions[${i}].schema.openAPIV3Schema`, one]);
}

const levels = {
  root: "must not be empty at the root",
  items: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
} as const;

/** Each place of the schema says its type. (validateStructuralInvariants) */
function structuralProblems(schema: Schema, at: string, level: keyof typeof levels): FieldError[] {
  const { type, properties = {}, items, additionalProperties: others } = schema;
  const isAny =
    schema["x-kubernetes-int-or-string"] || schema["x-kubernetes-preserve-unknown-fields"];
  const found = Object.entries(properties).flatMap(([key, part]) =>
    structuralProblems(part, `${at}.properties[${key}]`, "field"),
  );
  if (type === "array" && !items) found.push(required(`${at}.items`, "must be specified"));
  if (items) found.push(...structuralProblems(items, `${at}.items`, "items"));
  if (others !== undefined && level === "root")
    found.push(forbidden(`${at}.additionalProperties`, "must not be used at the root"));
  if (typeof others === "object")
    found.push(...structuralProblems(others, `${at}.additionalProperties`, "field"));
  if (!type && !isAny) found.push(required(`${at}.type`, levels[level]));
  if (level === "root" && type && type !== "object")
    found.push(invalid(`${at}.type`, type, "must be object at the root"));
  return found;
}

byKind["CustomResourceDefinition"] = validateDefinition;
