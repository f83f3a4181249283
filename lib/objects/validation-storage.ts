/**
 * What may be asked of claims, of what holds configuration, and of priorities. Who imports this has
 * the checks. (kubernetes: pkg/apis/core/validation, pkg/apis/scheduling/validation)
 */
import {
  checkFormat,
  dns1123Subdomain,
  forbidden,
  invalid,
  notSupported,
  required,
  tooLong,
  type FieldError,
} from "./field-errors.js";
import { same } from "./freeze.js";
import { quantity } from "./quantity.js";
import type { KubeObject } from "./types.js";
import { accessModes, checkClaimSpec, type ClaimSpec } from "./validation-claims.js";
import { checkTerm, type NodeTerm } from "./validation-pod-places.js";
import { checkSource } from "./validation-sources.js";
import { byKind } from "./validation.js";

// ---- claims -------------------------------------------------------------------------------------

interface Claim extends KubeObject {
  spec?: ClaimSpec;
  status?: { phase?: string; capacity?: Record<string, string> };
}

const storageOf = (spec: ClaimSpec | undefined): string =>
  (spec?.resources as { requests?: Record<string, string> } | undefined)?.requests?.["storage"] ??
  "0";

/** What binds a claim names its volume, once; it may be made larger. */
function validateClaim({ spec = {}, status = {} }: Claim, old?: Claim): FieldError[] {
  if (old && same(spec, old.spec)) return [];
  const was = old?.spec;
  const isBound = status.phase === "Bound";
  const kept = (one: ClaimSpec) => ({
    ...one,
    ...(isBound && { resources: undefined, volumeAttributesClassName: undefined }),
    volumeName: was?.volumeName ? one.volumeName : undefined,
  });
  return [
    ...checkClaimSpec(spec, "spec"),
    ...(was && !same(kept(spec), kept(was))
      ? [
          forbidden(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
          ),
        ]
      : []),
    ...(was &&
    quantity(storageOf(spec)) < quantity(storageOf(was)) &&
    quantity(storageOf(spec)) <= quantity(status.capacity?.["storage"] ?? "0")
      ? [forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")]
      : []),
  ];
}

interface Volume extends KubeObject {
  spec?: Record<string, unknown> & {
    capacity?: Record<string, string>;
    accessModes?: string[];
    persistentVolumeReclaimPolicy?: string;
    volumeMode?: string;
  };
}

const reclaimPolicies = ["Delete", "Recycle", "Retain"];

/** (ValidatePersistentVolumeSpec, as far as its source is not looked into) */
function validateVolume({ spec = {} }: Volume, old?: Volume): FieldError[] {
  if (old && same(spec, old.spec)) return [];
  if (old && spec.volumeMode !== old.spec?.volumeMode)
    return [invalid("volumeMode", spec.volumeMode, "field is immutable")];
  if (
    old &&
    !sourcesOf(spec).every((name) => same(spec[name as "hostPath"], old.spec?.[name as "hostPath"]))
  )
    return [
      forbidden(
        "spec.persistentvolumesource",
        "spec.persistentvolumesource is immutable after creation",
      ),
    ];
  const { accessModes: modes = [], capacity = {}, persistentVolumeReclaimPolicy: policy } = spec;
  const storage = capacity["storage"];
  const sizes = ["storage"];
  return [
    ...(modes.length === 0 ? [required("spec.accessModes")] : []),
    ...modes
      .filter((mode) => !accessModes.includes(mode))
      .map((mode) => notSupported("spec.accessModes", mode, accessModes)),
    ...(modes.includes("ReadWriteOncePod") && modes.length > 1
      ? [forbidden("spec.accessModes", "may not use ReadWriteOncePod with other access modes")]
      : []),
    ...(Object.keys(capacity).length === 0 ? [required("spec.capacity")] : []),
    ...(storage === undefined || Object.keys(capacity).length > 1
      ? [notSupported("spec.capacity", spec.capacity, sizes)]
      : quantity(storage) > 0
        ? []
        : [invalid("spec.capacity[storage]", storage, "must be greater than zero")]),
    ...(policy && !reclaimPolicies.includes(policy)
      ? [notSupported("spec.persistentVolumeReclaimPolicy", policy, reclaimPolicies)]
      : []),
    ...checkNodeAffinity(spec["nodeAffinity"]),
    ...sourcesOf(spec)
      .slice(0, 1)
      .flatMap((name) => [
        ...(name === "hostPath" && pathOf(spec[name]) === ""
          ? [required("spec.hostPath.path")]
          : []),
        ...checkSource(name, spec[name], "spec", true),
      ]),
    ...(sourcesOf(spec).length === 0
      ? [required("spec", "must specify a volume type")]
      : sourcesOf(spec)
          .slice(1)
          .map((name) => forbidden(`spec.${name}`, "may not specify more than 1 volume type"))),
    ...(spec["local"] && !spec["nodeAffinity"]
      ? [required("spec.nodeAffinity", "Local volume requires node affinity")]
      : []),
    ...(policy === "Recycle" && /^\/+(\.\/*)*$/.test(pathOf(spec["hostPath"]))
      ? [
          forbidden(
            "spec.persistentVolumeReclaimPolicy",
            "may not be 'recycle' for a hostPath mount of '/'",
          ),
        ]
      : []),
    ...(spec["storageClassName"]
      ? checkFormat("spec.storageClassName", String(spec["storageClassName"]), dns1123Subdomain)
      : []),
    ...(spec.volumeMode === undefined || ["Block", "Filesystem"].includes(spec.volumeMode)
      ? []
      : [notSupported("spec.volumeMode", spec.volumeMode, ["Block", "Filesystem"])]),
    ...checkAttributesClass(spec),
  ];
}

const pathOf = (source: unknown): string => (source as { path?: string } | undefined)?.path ?? "";

function checkAttributesClass({ volumeAttributesClassName: name, csi }: Record<string, unknown>) {
  const at = "spec.volumeAttributesClassName";
  if (name === undefined) return [];
  return [
    ...(name === ""
      ? [required(at, "an empty string is disallowed")]
      : checkFormat(at, String(name), dns1123Subdomain)),
    ...(csi
      ? []
      : [required("spec.csi", "has to be specified when using volumeAttributesClassName")]),
  ];
}

function checkNodeAffinity(affinity: unknown): FieldError[] {
  if (affinity === undefined) return [];
  const { required: rule } = affinity as { required?: { nodeSelectorTerms?: NodeTerm[] } };
  if (!rule)
    return [required("spec.nodeAffinity.required", "must specify required node constraints")];
  const at = "spec.nodeAffinity.required.nodeSelectorTerms";
  const terms = rule.nodeSelectorTerms ?? [];
  return terms.length === 0
    ? [required(at, "must have at least one node selector term")]
    : terms.flatMap((term, i) => checkTerm(term, `${at}[${i}]`));
}

const notSources = new Set(
  "accessModes capacity claimRef mountOptions nodeAffinity persistentVolumeReclaimPolicy storageClassName volumeAttributesClassName volumeMode".split(
    " ",
  ),
);
const sourcesOf = (spec: object): string[] =>
  Object.keys(spec).filter((name) => !notSources.has(name));

// ---- ConfigMap, Secret --------------------------------------------------------------------------

interface Configuration extends KubeObject {
  immutable?: boolean;
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
  type?: string;
}

const LARGEST = 1024 * 1024; // bytes of all values together
const KEY_LONGEST = 253; // characters

/** (IsConfigMapKey) */
function keyProblems(key: string): string[] {
  const problems: string[] = [];
  if (key.length > KEY_LONGEST) problems.push(`must be no more than ${KEY_LONGEST} characters`);
  if (!/^[-._a-zA-Z0-9]+$/.test(key))
    problems.push(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    );
  if (key === ".") problems.push("must not be '.'");
  else if (key === "..") problems.push("must not be '..'");
  else if (key.startsWith("..")) problems.push("must not start with '..'");
  return problems;
}

const checkKeys = (at: string, data: Record<string, string>): FieldError[] =>
  Object.keys(data).flatMap((key) =>
    keyProblems(key).map((why) => invalid(`${at}[${key}]`, key, why)),
  );

const utf8 = new TextEncoder();
const sizeOf = (data: Record<string, string>): number =>
  Object.values(data).reduce((sum, text) => sum + utf8.encode(text).length, 0);
const sizeOfBase64 = (data: Record<string, string>): number =>
  Object.values(data).reduce(
    (sum, text) => sum + Math.floor((text.replace(/=+$/, "").length * 3) / 4),
    0,
  );

/** What says that it stays as it is does. */
const checkImmutable = (
  now: Configuration,
  was: Configuration | undefined,
  names: readonly ("data" | "binaryData")[],
): FieldError[] =>
  !was?.immutable
    ? []
    : [
        ...(now.immutable ? [] : ["immutable" as const]),
        ...names.filter((name) => !same(now[name], was[name])),
      ].map((name) => forbidden(name, "field is immutable when `immutable` is set"));

function validateConfigMap(map: Configuration, old?: Configuration): FieldError[] {
  const { data = {}, binaryData = {} } = map;
  return [
    ...checkImmutable(map, old, ["data", "binaryData"]),
    ...Object.keys(data).flatMap((key) => [
      ...checkKeys("data", { [key]: "" }),
      ...(Object.hasOwn(binaryData, key)
        ? [invalid(`data[${key}]`, key, "duplicate of key present in binaryData")]
        : []),
    ]),
    ...checkKeys("binaryData", binaryData),
    ...(sizeOf(data) + sizeOfBase64(binaryData) > LARGEST ? [tooLong("[]", LARGEST)] : []),
  ];
}

function validateSecret(secret: Configuration, old?: Configuration): FieldError[] {
  const { data = {}, type = "" } = secret;
  return [
    ...(old && type !== old.type ? [invalid("type", type, "field is immutable")] : []),
    ...checkImmutable(secret, old, ["data"]),
    ...checkKeys("data", data),
    ...(sizeOfBase64(data) > LARGEST ? [tooLong("data", LARGEST)] : []),
    ...checkSecretType(secret, type, data),
  ];
}

function checkSecretType(
  { metadata }: Configuration,
  type: string,
  data: Record<string, string>,
): FieldError[] {
  const needs = (...keys: string[]) =>
    keys.filter((key) => !Object.hasOwn(data, key)).map((key) => required(`data[${key}]`));
  const account = "kubernetes.io/service-account.name";
  switch (type) {
    case "kubernetes.io/service-account-token":
      return metadata.annotations?.[account] ? [] : [required(`metadata.annotations[${account}]`)];
    case "kubernetes.io/dockercfg":
      return [...needs(".dockercfg"), ...checkJson(".dockercfg", data)];
    case "kubernetes.io/dockerconfigjson":
      return [...needs(".dockerconfigjson"), ...checkJson(".dockerconfigjson", data)];
    case "kubernetes.io/basic-auth": {
      const missing = needs("username", "password");
      return missing.length === 2 ? missing : [];
    }
    case "kubernetes.io/ssh-auth":
      return data["ssh-privatekey"] ? [] : [required("data[ssh-privatekey]")];
    case "kubernetes.io/tls":
      return needs("tls.crt", "tls.key");
    default:
      return [];
  }
}

function checkJson(key: string, data: Record<string, string>): FieldError[] {
  const text = data[key];
  if (text === undefined) return [];
  try {
    const value: unknown = JSON.parse(atob(text));
    if (typeof value === "object" && !Array.isArray(value)) return [];
  } catch {} // no base64 or no JSON
  const field = `data[${key}]`;
  return [invalid(field, "<secret contents redacted>", goJsonError(text))];
}

/** The most frequent of Go's words for a text that ends too early. */
function goJsonError(text: string): string {
  try {
    JSON.parse(atob(text));
  } catch (error) {
    if (/end of JSON|Unterminated|Expected .* at position \d+$/.test((error as Error).message))
      return "unexpected end of JSON input";
  }
  return "it is no object in JSON";
}

// ---- PriorityClass ------------------------------------------------------------------------------

interface PriorityClass extends KubeObject {
  value?: number;
  preemptionPolicy?: string;
}

const HIGHEST = 1_000_000_000; // scheduling.HighestUserDefinablePriority
const systemClasses: ReadonlyMap<string, number> = new Map([
  ["system-node-critical", 2_000_001_000],
  ["system-cluster-critical", 2_000_000_000],
]);

function validatePriorityClass(priority: PriorityClass, old?: PriorityClass): FieldError[] {
  const { metadata, value = 0, preemptionPolicy } = priority;
  if (old)
    return [
      ...(value === (old.value ?? 0)
        ? []
        : [forbidden("value", "may not be changed in an update.")]),
      ...(preemptionPolicy === old.preemptionPolicy
        ? []
        : [invalid("preemptionPolicy", preemptionPolicy, "field is immutable")]),
    ];
  const policies = ["PreemptLowerPriority", "Never"];
  return [
    ...(metadata.name.startsWith("system-")
      ? checkSystemClass(metadata.name, value)
      : value > HIGHEST
        ? [forbidden("value", `maximum allowed value of a user defined priority is ${HIGHEST}`)]
        : []),
    ...(preemptionPolicy === undefined || policies.includes(preemptionPolicy)
      ? []
      : [notSupported("preemptionPolicy", preemptionPolicy, policies)]),
  ];
}

function checkSystemClass(name: string, value: number): FieldError[] {
  const known = systemClasses.get(name);
  if (known === value) return [];
  const why =
    known === undefined
      ? `${name} is not a known system priority class`
      : `value of ${name} PriorityClass must be ${known}`;
  return [
    forbidden(
      "metadata.name",
      `priority class names with 'system-' prefix are reserved for system use only. error: ${why}`,
    ),
  ];
}

Object.assign(byKind, {
  PersistentVolumeClaim: validateClaim,
  PersistentVolume: validateVolume,
  ConfigMap: validateConfigMap,
  Secret: validateSecret,
  PriorityClass: validatePriorityClass,
});
