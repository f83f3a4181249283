import {
  checkFormat,
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  forbidden,
  invalid,
  labelValue,
  qualifiedName,
  required,
  tooLong,
  type FieldError,
  type Format,
} from "./field-errors.js";
import { kindInfo } from "./kinds.js";
import type { KubeObject, ObjectMeta, OwnerReference } from "./types.js";

/** What may stand in metadata. (k8s.io/apimachinery: pkg/api/validation/objectmeta.go) */
export function validateMetadata(object: KubeObject, old?: KubeObject): FieldError[] {
  const { metadata: meta } = object;
  const { namespaced } = kindInfo(object.kind)!;
  const nameFormat = nameFormats[object.kind] ?? dns1123Subdomain;
  return [
    ...(old
      ? unchanged(meta, old.metadata)
      : meta.name
        ? checkFormat("metadata.name", meta.name, nameFormat)
        : [required("metadata.name", "name or generateName is required")]),
    ...(!old && namespaced
      ? meta.namespace
        ? checkFormat("metadata.namespace", meta.namespace, dns1123Label)
        : [required("metadata.namespace")]
      : []),
    ...(!old && !namespaced && meta.namespace
      ? [forbidden("metadata.namespace", "not allowed on this type")]
      : []),
    ...checkLabels("metadata.labels", meta.labels),
    ...checkAnnotations("metadata.annotations", meta.annotations),
    ...checkOwners(meta.ownerReferences ?? []),
    ...checkFinalizers(meta.finalizers ?? []),
    ...(old?.metadata.deletionTimestamp ? noNewFinalizers(meta, old.metadata) : []),
  ];
}

const nameFormats: Record<string, Format> = { Service: dns1035Label, Namespace: dns1123Label };

const unchanged = (meta: ObjectMeta, old: ObjectMeta): FieldError[] =>
  (["name", "namespace"] as const)
    .filter((field) => meta[field] !== old[field])
    .map((field) => invalid(`metadata.${field}`, meta[field], "field is immutable"));

// frozen maps that are known to be fine: a template's labels come with every Pod
const checked = new WeakSet<object>();

export function checkLabels(
  field: string,
  labels: Record<string, string> | undefined,
): FieldError[] {
  if (!labels || checked.has(labels)) return [];
  const found = Object.entries(labels).flatMap(([key, value]) => [
    ...checkFormat(field, key, qualifiedName),
    ...checkFormat(field, value, labelValue),
  ]);
  if (found.length === 0 && Object.isFrozen(labels)) checked.add(labels);
  return found;
}

const utf8 = new TextEncoder();
const maxAnnotations = 256 * 1024; // bytes, keys and values together

function checkAnnotations(
  field: string,
  annotations: Record<string, string> | undefined,
): FieldError[] {
  if (!annotations || checked.has(annotations)) return [];
  const entries = Object.entries(annotations);
  const size = entries.reduce(
    (sum, [key, value]) => sum + utf8.encode(key).length + utf8.encode(value).length,
    0,
  );
  const found = [
    ...entries.flatMap(([key]) =>
      qualifiedName(key.toLowerCase()).map((detail) => invalid(field, key, detail)),
    ),
    ...(size > maxAnnotations ? [tooLong(field, maxAnnotations)] : []),
  ];
  if (found.length === 0 && Object.isFrozen(annotations)) checked.add(annotations);
  return found;
}

function checkOwners(owners: readonly OwnerReference[]): FieldError[] {
  const at = "metadata.ownerReferences";
  const missing = owners.flatMap((owner) =>
    (["apiVersion", "kind", "name", "uid"] as const)
      .filter((field) => !owner[field])
      .map((field) =>
        invalid(
          `${at}.${field}`,
          "",
          field === "apiVersion" ? "version must not be empty" : "must not be empty",
        ),
      ),
  );
  const controllers = owners
    .filter(({ controller }) => controller)
    .map(({ kind, name }) => `${kind}/${name}`);
  if (controllers.length < 2) return missing;
  return [
    ...missing,
    invalid(
      at,
      controllers,
      `Only one reference can have Controller set to true. Found "true" in references for ${controllers[0]} and ${controllers[1]}`,
    ),
  ];
}

function checkFinalizers(finalizers: readonly string[]): FieldError[] {
  const both = finalizers.includes("orphan") && finalizers.includes("foregroundDeletion");
  return [
    ...finalizers.flatMap((one) => checkFormat("metadata.finalizers", one, qualifiedName)),
    ...(both
      ? [
          invalid(
            "metadata.finalizers",
            finalizers,
            "finalizer orphan and foregroundDeletion cannot be both set",
          ),
        ]
      : []),
  ];
}

function noNewFinalizers(meta: ObjectMeta, old: ObjectMeta): FieldError[] {
  const before = new Set(old.finalizers);
  const added = (meta.finalizers ?? []).filter((one) => !before.has(one)).sort();
  return added.length === 0
    ? []
    : [
        forbidden(
          "metadata.finalizers",
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((one) => JSON.stringify(one)).join(", ")}}`,
        ),
      ];
}
