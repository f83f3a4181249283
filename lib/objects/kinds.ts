import { kindTable } from "./generated/modelled.js";
import type { Kind, KubeObject } from "./types.js";

/** What the API server knows of a kind besides its fields (those are in schema.ts). */
export interface KindInfo {
  /** What objects call it. Of kinds that are not modelled it is any text. */
  kind: Kind;
  /** What a Client calls it: its kind, with its group where another one has the same. */
  key: Kind;
  /** Its fields in the table (schema.ts); undefined: nobody knows them. */
  type: string | undefined;
  /** Whether the library's own table knows it: its rules, its defaults, and what happens to it. */
  isModelled: boolean;
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
  subresources: readonly (typeof offered)[number][];
  /** By which type of the table it is applied, where `type` does not say. (custom-types.ts) */
  applyType?: string;
  /** The CustomResourceDefinition that makes it known. */
  definedBy?: string;
  /** What kubectl's table shows of it, where a CustomResourceDefinition says so. */
  columns?: readonly { name: string; jsonPath: string; type: string }[];
  /** kubectl get all */
  inAll: boolean;
  /** Whether metadata.generation counts changes of the spec. */
  generation: boolean;
}

/**
 * By key: kinds beyond the modelled ones on which somebody here acts. Who acts on one adds it, so
 * that nobody says of it that it is only stored.
 */
export const actedOn = new Set<string>();

/** The sub-resources that Stopover has, of those that Kubernetes has. */
const offered = ["status", "scale", "binding", "finalize", "eviction", "token"] as const;

/** Where a kind's objects lie in etcd, if not under its plural. */
const prefixes: ReadonlyMap<string, string> = new Map([
  ["Endpoints", "/registry/services/endpoints/"],
  ["Node", "/registry/minions/"],
  ["Service", "/registry/services/specs/"],
]);

/** Those whose metadata.generation counts changes. (pkg/registry, the strategies) */
const counted: ReadonlySet<string> = new Set(["Pod", "Deployment", "ReplicaSet", "EndpointSlice"]);

/** A line of the generated table. */
export function readKind(line: string): KindInfo {
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
    key: kind,
    type: kind,
    isModelled: true,
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

const byKey = new Map<string, KindInfo>(kinds.map((info) => [info.kind, info]));
const byVersion = new Map(kinds.map((info) => [`${info.apiVersion} ${info.kind}`, info]));

/** events.k8s.io tells of the same Events as v1. */
const homeOf = (group: string): string => (group === "events.k8s.io" ? "" : group);

/** Makes more kinds known: Kubernetes' other ones, and those of a CustomResourceDefinition. */
export function addKinds(more: readonly KindInfo[]): void {
  for (const info of more) {
    const inGroup = [...byVersion.values()].find(
      ({ kind, group }) => kind === info.kind && homeOf(group) === homeOf(info.group),
    );
    const isTaken = byKey.has(info.kind) && !inGroup;
    const key = inGroup?.key ?? ((isTaken ? `${info.kind}.${info.group}` : info.kind) as Kind);
    const known = { ...info, key, prefix: inGroup?.prefix ?? info.prefix };
    byVersion.set(`${info.apiVersion} ${info.kind}`, known);
    // of several versions the first is the one that is asked for by name
    if (!inGroup || inGroup.apiVersion === info.apiVersion) byKey.set(key, known);
  }
  for (const on of listeners) on(more);
}

/** Forgets the kinds of a CustomResourceDefinition: who has one cluster only can say so. */
export function removeKinds(definition: string): void {
  for (const known of [byVersion, byKey])
    for (const [key, info] of known) if (info.definedBy === definition) known.delete(key);
}

const listeners = new Set<(more: readonly KindInfo[]) => void>();

/** Hears of kinds that become known from now on. */
export const onNewKinds = (on: (more: readonly KindInfo[]) => void): void => void listeners.add(on);

/** All kinds that are known by now. */
export const allKinds = (): KindInfo[] => [...byVersion.values()];

/** Those whose objects are in namespaces, each in one version. */
export const namespacedKinds = (): KindInfo[] =>
  [...byKey.values()].filter(({ namespaced }) => namespaced);

/** The row of a kind, as a Client calls it; undefined where Stopover does not know it. */
export const kindInfo = (key: string): KindInfo | undefined => byKey.get(key);

/** The row of an object's kind. Asked of every object: most are found without making a key. */
export function kindOf({
  apiVersion,
  kind,
}: Pick<KubeObject, "apiVersion" | "kind">): KindInfo | undefined {
  // whoever asks for a kind may not have looked at it yet
  if (typeof kind !== "string" || typeof apiVersion !== "string") return undefined;
  const info = byKey.get(kind);
  if (info?.kind === kind && info.apiVersion === apiVersion) return info;
  return byVersion.get(`${apiVersion} ${kind}`);
}

/** Custom kinds may have these names, too. */
export const isService = ({ apiVersion, kind }: KubeObject): boolean =>
  kind === "Service" && apiVersion === "v1";
export const isPod = ({ apiVersion, kind }: KubeObject): boolean =>
  kind === "Pod" && apiVersion === "v1";

/** What is wanted of an object of any kind; undefined where nothing is. */
export const specOf = (object: KubeObject | undefined): unknown =>
  (object as { spec?: unknown } | undefined)?.spec;

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
