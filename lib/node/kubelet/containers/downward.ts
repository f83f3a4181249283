/**
 * What a Pod's fields tell its containers, as variables and as files: the downward API.
 * (kubernetes: pkg/fieldpath; pkg/kubelet/kubelet_pods.go, podFieldSelectorRuntimeValue;
 * pkg/api/v1/resource/helpers.go, ExtractContainerResourceValue)
 */
import { quantity } from "../../../objects/quantity.js";
import { containersOf } from "../../../objects/pods.js";
import type { Container, Pod } from "../../../objects/types.js";

/** Where a Pod runs, as its kubelet knows it. */
export interface Home {
  readonly node: string;
  /** The node's own addresses. */
  readonly hostIPs: readonly string[];
  readonly podIPs: readonly string[];
  /** Of the node: "cpu" -> "4". */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** `path`: "status.podIP", "metadata.labels['app']". Undefined: there is no such field. */
export function fieldOf(path: string, { metadata, spec }: Pod, home: Home): string | undefined {
  const [, field, key] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path) ?? [];
  if (field !== undefined) return metadata[field as "labels" | "annotations"]?.[key!] ?? "";
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "default";
    case "metadata.uid":
      return metadata.uid ?? "";
    case "metadata.labels":
      return formatted(metadata.labels);
    case "metadata.annotations":
      return formatted(metadata.annotations);
    case "spec.nodeName":
      return home.node;
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.podIP":
      return home.podIPs[0] ?? "";
    case "status.podIPs":
      return home.podIPs.join(",");
    case "status.hostIP":
      return home.hostIPs[0] ?? "";
    case "status.hostIPs":
      return home.hostIPs.join(",");
    default:
      return undefined;
  }
}

/** A line for each, in order of their keys. (FormatMap) */
const formatted = (map: Record<string, string> = {}): string =>
  Object.keys(map)
    .sort()
    .map((key) => `${key}=${quoted(map[key]!)}`)
    .join("\n");

const short: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/** As Go's strconv.Quote writes a text. */
const quoted = (text: string): string =>
  `"${text.replace(/["\\]|[\p{C}\p{Z}]/gu, (one) => (one === " " ? one : escaped(one)))}"`;

function escaped(character: string): string {
  const known = short[character];
  if (known !== undefined) return known;
  const code = character.codePointAt(0)!;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000
    ? `\\u${code.toString(16).padStart(4, "0")}`
    : `\\U${code.toString(16).padStart(8, "0")}`;
}

/** resourceFieldRef */
export interface ResourceField {
  containerName?: string;
  /** "limits.cpu", "requests.hugepages-2Mi" */
  resource?: string;
  /** Default: 1. */
  divisor?: string | number;
}

/** What stands in for a limit that is not set: the Pod's own, or else what the node has. */
const withLimits = new Set(["cpu", "memory", "ephemeral-storage"]);

/** So many divisors, rounded up. Undefined: there is no such field. */
export function resourceOf(
  { containerName, resource = "", divisor = "0" }: ResourceField,
  pod: Pod,
  own: Container | undefined,
  { allocatable }: Home,
): string | undefined {
  const [, list, name = ""] =
    /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(resource) ?? [];
  const container = containerName
    ? containersOf(pod.spec).find((each) => each.name === containerName)
    : own;
  if (list === undefined || !container) return undefined;
  const said = container.resources?.[list as "limits" | "requests"]?.[name];
  const isUnlimited = list === "limits" && withLimits.has(name) && !quantity(said ?? 0);
  // what the Pod says for itself counts where the node has such a thing
  const whole = pod.spec.resources?.limits?.[name];
  const amount = isUnlimited
    ? quantity(whole ?? 0) && allocatable[name] !== undefined
      ? whole
      : allocatable[name]
    : said;
  const scale = name === "cpu" ? 1000 : 1;
  const units = (text: string | number): number => Math.ceil(round(quantity(text) * scale));
  const by = quantity(divisor) ? units(divisor) : scale;
  return String(Math.ceil(units(amount ?? 0) / by));
}

/** Without what floating point leaves of a decimal fraction: 0.1 * 3 is no more than 0.3. */
const round = (amount: number): number => Number(amount.toPrecision(15));
