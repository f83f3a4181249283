import * as features from "./kubernetes-features.js";
import {
  checkFormat,
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  forbidden,
  invalid,
  qualifiedName,
  labelValue,
  pathSegment,
  required,
  tooLong,
  type FieldError,
  type Format,
} from "./field-errors.js";
import { kubernetes, type Kubernetes } from "./kubernetes.js";
import { kindOf } from "./kinds.js";
import type { KubeObject, ObjectMeta, OwnerReference } from "./types.js";

/** What is asked besides, of what seldom stands there. (validation-metadata.ts) */
export const further = {
  owners: (_owners: readonly OwnerReference[]): FieldError[] => [],
  generateName: (_name: string, _format: Format): FieldError[] => [],
};

/** What may stand in metadata. (k8s.io/apimachinery: pkg/api/validation/objectmeta.go) */
export function validateMetadata(
  object: KubeObject,
  old?: KubeObject,
  version = kubernetes(),
): FieldError[] {
  const { metadata: meta } = object;
  const problems = old ? unchanged(meta, old.metadata) : checkName(object, version);
  const { labels, annotations, ownerReferences, finalizers } = meta;
  if (labels) problems.push(...checkLabels("metadata.labels", labels));
  if (annotations) problems.push(...checkAnnotations("metadata.annotations", annotations));
  if (ownerReferences) problems.push(...further.owners(ownerReferences));
  if (finalizers) problems.push(...checkFinalizers(finalizers));
  if (old?.metadata.deletionTimestamp) problems.push(...noNewFinalizers(meta, old.metadata));
  if (finalizers) problems.push(...checkOwnFinalizers(finalizers));
  return problems;
}

function checkName(object: KubeObject, version: Kubernetes): FieldError[] {
  const { name, namespace, generateName } = object.metadata;
  const { namespaced, group } = kindOf(object)!;
  const format = formatOf(object.kind, group, version);
  const problems = name
    ? checkFormat("metadata.name", name, format)
    : [required("metadata.name", "name or generateName is required")];
  if (generateName) problems.unshift(...further.generateName(generateName, format));
  if (!namespaced) {
    if (namespace) problems.push(forbidden("metadata.namespace", "not allowed on this type"));
  } else if (!namespace) problems.push(required("metadata.namespace"));
  else problems.push(...checkFormat("metadata.namespace", namespace, dns1123Label));
  return problems;
}

/** (pkg/apis, the ValidateNameFunc of each kind) */
function formatOf(kind: string, group: string, version: Kubernetes): Format {
  if (group === "rbac.authorization.k8s.io" || kind === "IPAddress") return pathSegment;
  if (kind === "Service" && version.has(features.relaxedServiceNames)) return dns1123Label;
  return (group === "" && nameFormats[kind]) || dns1123Subdomain;
}

const nameFormats: Record<string, Format> = { Service: dns1035Label, Namespace: dns1123Label };

function unchanged(meta: ObjectMeta, old: ObjectMeta): FieldError[] {
  const problems: FieldError[] = [];
  for (const field of ["name", "namespace", "deletionTimestamp"] as const)
    if (meta[field] !== old[field])
      problems.push(invalid(`metadata.${field}`, meta[field], "field is immutable"));
  return problems;
}

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

export function checkAnnotations(
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

/** Finalizers without a domain. (pkg/apis/core/helper, standardFinalizers) */
const standardFinalizers = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

/** Names that are nobody's. (pkg/apis/core/validation, validateKubeFinalizerName) */
const checkOwnFinalizers = (finalizers: readonly string[]): FieldError[] =>
  finalizers.flatMap((one, i) =>
    one.includes("/") || standardFinalizers.has(one)
      ? []
      : [
          invalid(
            `metadata.finalizers[${i}]`,
            one,
            "name is neither a standard finalizer name nor is it fully qualified",
          ),
        ],
  );

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
