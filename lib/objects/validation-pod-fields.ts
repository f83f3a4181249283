/**
 * How a Pod's volumes and variables name its fields and its containers' resources. (kubernetes:
 * pkg/apis/core/validation, validateObjectFieldSelector, validateContainerResourceFieldSelector)
 */
import {
  checkFormat,
  invalid,
  notSupported,
  qualifiedName,
  required,
  type FieldError,
} from "./field-errors.js";
import { canonical } from "./quantity.js";

/** An object of which no type is written down. */
export type Plain = Record<string, unknown>;
export const plain = (value: unknown): Plain => (value ?? {}) as Plain;
export const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** (validateLocalDescendingPath) */
export const checkDescends = (field: string, path: string): FieldError[] => [
  ...(path.startsWith("/") ? [invalid(field, path, "must be a relative path")] : []),
  ...(path.split("/").includes("..") ? [invalid(field, path, "must not contain '..'")] : []),
];

/** What a path may be, wherever it stands. (ConvertDownwardAPIFieldLabel) */
const known = new Set(
  "metadata.annotations metadata.labels metadata.name metadata.namespace metadata.uid spec.host spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName status.hostIP status.hostIPs status.phase status.podIP status.podIPs".split(
    " ",
  ),
);

/** `paths`: what may stand here. */
export function checkFieldRef(ref: Plain, at: string, paths: readonly string[]): FieldError[] {
  const { apiVersion = "v1", fieldPath } = ref;
  const path = text(fieldPath);
  const place = `${at}.fieldPath`;
  if (path === "") return [required(place)];
  const not = (why: string) => [invalid(place, path, `error converting fieldPath: ${why}`)];
  if (apiVersion !== "v1") return not(`unsupported pod version: ${text(apiVersion)}`);
  const [, map, key = ""] = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/.exec(path) ?? [];
  if (map)
    return checkFormat(at, map.endsWith("annotations") ? key.toLowerCase() : key, qualifiedName);
  if (!known.has(path)) return not(`field label not supported: ${path}`);
  const meant = path === "spec.host" ? "spec.nodeName" : path;
  return paths.includes(meant) ? [] : [notSupported(place, meant, paths)];
}

const resources = ["limits", "requests"].flatMap((list) =>
  ["cpu", "ephemeral-storage", "memory"].map((name) => `${list}.${name}`),
);
const bytes = [..."kMGTPE"].flatMap((unit) =>
  unit === "k" ? ["1k", "1Ki"] : [`1${unit}`, `1${unit}i`],
);
const divisors: Readonly<Record<string, readonly string[]>> = {
  cpu: ["1m", "1"],
  memory: ["1", ...bytes],
  "ephemeral-storage": ["1", ...bytes],
  hugepages: ["1", ...bytes],
};
const told: Readonly<Record<string, string>> = {
  cpu: "1m and 1 are supported with the cpu resource",
  memory:
    "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the memory resource",
  "ephemeral-storage":
    "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the local ephemeral storage resource",
  hugepages:
    "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the hugepages resource",
};

/** In a volume it has to be said of which container. */
export function checkResourceRef(ref: Plain, at: string, isVolume: boolean): FieldError[] {
  const [resource, divisor] = [text(ref["resource"]), ref["divisor"]];
  const found: FieldError[] = [];
  if (isVolume && text(ref["containerName"]) === "") found.push(required(`${at}.containerName`));
  else if (resource === "") found.push(required(`${at}.resource`));
  else if (!resources.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource))
    found.push(notSupported(`${at}.resource`, resource, resources));
  const kind = resource.replace(/^(limits|requests)\./, "").replace(/^hugepages-.*/, "hugepages");
  const amount = divisor === undefined ? "0" : canonical(String(divisor));
  if (amount !== "0" && divisors[kind] && !divisors[kind].includes(amount))
    found.push(invalid(`${at}.divisor`, resource, `only divisor's values ${told[kind]}`));
  return found;
}
