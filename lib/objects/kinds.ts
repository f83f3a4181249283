import { kindTable } from "./generated/modelled.js";
import type { Kind, KubeObject } from "./types.js";

/** What the API server knows of a kind besides its fields (those are in schema.ts). */
export interface KindInfo {
  kind: Kind;
  /** "v1", "apps/v1" */
  apiVersion: string;
  /** "" for v1 */
  group: string;
  plural: string;
  singular: string;
  shortNames: readonly string[];
  namespaced: boolean;
  /**
   * Where Kubernetes keeps it in etcd: /registry/services/specs/ + namespace/name. (kubernetes:
   * pkg/registry, RESTOptions.ResourcePrefix)
   */
  prefix: string;
  subresources: readonly ("status" | "scale" | "binding" | "finalize")[];
  /** kubectl get all */
  inAll: boolean;
  /** Whether metadata.generation counts changes of the spec. */
  generation: boolean;
}

/** The sub-resources that Stopover has, of those that Kubernetes has. */
const offered = ["status", "scale", "binding", "finalize"] as const;

/** Where a kind's objects lie in etcd, if not under its plural. */
const prefixes: ReadonlyMap<string, string> = new Map([
  ["Endpoints", "/registry/services/endpoints/"],
  ["Node", "/registry/minions/"],
  ["Service", "/registry/services/specs/"],
]);

/** Those whose metadata.generation counts changes. (pkg/registry, the strategies) */
const counted: ReadonlySet<string> = new Set(["Deployment", "ReplicaSet", "EndpointSlice"]);

/** A line of the generated table. */
function readKind(line: string): KindInfo {
  const [apiVersion, kind, plural, scope, ...more] = line.split(" ") as [
    string,
    Kind,
    string,
    string,
    ...string[],
  ];
  const rest = new Map(more.map((word) => word.split("=") as [string, string]));
  const listed = (name: string): string[] => rest.get(name)?.split(",") ?? [];
  return {
    kind,
    apiVersion,
    group: apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "",
    plural,
    singular: rest.get("singular") ?? kind.toLowerCase(),
    shortNames: listed("short"),
    namespaced: scope === "namespaced",
    prefix: prefixes.get(kind) ?? `/registry/${plural}/`,
    subresources: offered.filter((one) => listed("under").includes(one)),
    inAll: listed("in").includes("all"),
    generation: counted.has(kind),
  };
}

/** One row for each kind of this story, in the order of kubectl api-resources. */
export const kinds: readonly KindInfo[] = kindTable.trim().split("\n").map(readKind);

const byKind = new Map<string, KindInfo>(kinds.map((info) => [info.kind, info]));

/** The row of a kind; undefined where Stopover does not know it. */
export const kindInfo = (kind: string): KindInfo | undefined => byKind.get(kind);

/** "deployments.apps", as messages name a resource. */
export const qualified = (info: KindInfo): string =>
  info.group ? `${info.plural}.${info.group}` : info.plural;

export function storageKey(info: KindInfo, name: string, namespace: string | undefined): string {
  return info.namespaced ? `${info.prefix}${namespace ?? "default"}/${name}` : info.prefix + name;
}

/** "Service default/nginx", "Node node-a": how Stopover's own sentences name an object. */
export function nameOf(object: KubeObject): string {
  const { name, namespace } = object.metadata;
  return `${object.kind} ${namespace ? `${namespace}/` : ""}${name}`;
}
