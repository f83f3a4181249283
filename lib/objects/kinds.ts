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

type Options = Partial<
  Pick<KindInfo, "shortNames" | "namespaced" | "prefix" | "subresources" | "inAll" | "generation">
>;

function kind(kind: Kind, apiVersion: string, plural: string, options: Options = {}): KindInfo {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return {
    kind,
    apiVersion,
    group,
    plural,
    singular: kind.toLowerCase(),
    shortNames: [],
    namespaced: true,
    prefix: `/registry/${plural}/`,
    subresources: [],
    inAll: false,
    generation: false,
    ...options,
  };
}

/** One row for each kind of this story, in the order of kubectl api-resources. */
export const kinds: readonly KindInfo[] = [
  kind("Endpoints", "v1", "endpoints", {
    shortNames: ["ep"],
    prefix: "/registry/services/endpoints/",
  }),
  kind("Event", "v1", "events", { shortNames: ["ev"] }),
  kind("Namespace", "v1", "namespaces", {
    shortNames: ["ns"],
    namespaced: false,
    subresources: ["status", "finalize"],
  }),
  kind("Node", "v1", "nodes", {
    shortNames: ["no"],
    namespaced: false,
    prefix: "/registry/minions/",
    subresources: ["status"],
  }),
  kind("Pod", "v1", "pods", {
    shortNames: ["po"],
    subresources: ["status", "binding"],
    inAll: true,
  }),
  kind("Service", "v1", "services", {
    shortNames: ["svc"],
    prefix: "/registry/services/specs/",
    subresources: ["status"],
    inAll: true,
  }),
  kind("Deployment", "apps/v1", "deployments", {
    shortNames: ["deploy"],
    subresources: ["status", "scale"],
    inAll: true,
    generation: true,
  }),
  kind("ReplicaSet", "apps/v1", "replicasets", {
    shortNames: ["rs"],
    subresources: ["status", "scale"],
    inAll: true,
    generation: true,
  }),
  kind("Lease", "coordination.k8s.io/v1", "leases"),
  kind("EndpointSlice", "discovery.k8s.io/v1", "endpointslices", { generation: true }),
];

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
