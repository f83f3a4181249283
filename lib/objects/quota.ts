/**
 * What objects count for a ResourceQuota: which resources it has of which kinds, how much each
 * object uses of them, and whether a quota is about the object. The API server asks it before it
 * makes one (apiserver/more-admission.ts), and the quota controller when it counts what there is.
 * (kubernetes: pkg/quota/v1/evaluator/core)
 */
import { added, exact, type ResourceList } from "./amounts.js";
import { qualified, type KindInfo } from "./kinds.js";
import { podResources, qosClass } from "./pod-resources.js";
import type { Container, KubeObject, Pod, Service } from "./types.js";

export interface ResourceQuota extends KubeObject {
  spec?: {
    hard?: Record<string, string>;
    scopes?: string[];
    scopeSelector?: { matchExpressions?: ScopeRequirement[] };
  };
  status?: { hard?: Record<string, string>; used?: Record<string, string> };
}

/** What a LimitRange says of one type: "Pod", "Container" or "PersistentVolumeClaim". */
export interface Limit {
  type: string;
  default?: ResourceList;
  defaultRequest?: ResourceList;
  max?: ResourceList;
  min?: ResourceList;
  maxLimitRequestRatio?: ResourceList;
}

export type LimitRange = KubeObject & { spec?: { limits?: Limit[] } };

interface ScopeRequirement {
  scopeName: string;
  operator: string;
  values?: string[];
}

/** Kinds that a quota also counts under their plain name. */
const plainlyCounted = new Set([
  "ConfigMap",
  "Secret",
  "ReplicationController",
  "ResourceQuota",
  "Service",
  "PersistentVolumeClaim",
]);

/** "count/deployments.apps" */
const countOf = (info: KindInfo): string => `count/${qualified(info)}`;

const nobody: ResourceList = {};

/** How much of each resource an object uses. `now`: milliseconds, for a Pod that ends. */
export function usageOf(info: KindInfo, object: KubeObject, now: number): ResourceList {
  const counted = {
    [countOf(info)]: "1",
    ...(plainlyCounted.has(info.key) && { [info.plural]: "1" }),
  };
  return { ...counted, ...(usages[info.key]?.(object as never, now) ?? nobody) };
}

const usages: Partial<Record<string, (object: never, now: number) => ResourceList>> = {
  Pod: (pod: Pod, now) => (isCharged(pod, now) ? podUsage(pod) : nobody),
  Service: serviceUsage,
  PersistentVolumeClaim: claimUsage,
};

/** One that has ended uses nothing, nor one that should be gone. (QuotaV1Pod) */
function isCharged({ metadata, status }: Pod, now: number): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds: grace } = metadata;
  if (status?.phase === "Failed" || status?.phase === "Succeeded") return false;
  if (deletionTimestamp === undefined || grace === undefined) return true;
  return now <= Date.parse(deletionTimestamp) + grace * 1000;
}

const requested = ["cpu", "memory", "ephemeral-storage"];

const podUsage = (pod: Pod): ResourceList =>
  asUsage(podResources(pod, "requests", exact), podResources(pod, "limits", exact));

/** (podComputeUsageHelper) */
function asUsage(requests: ResourceList, limits: ResourceList): ResourceList {
  const result: Record<string, string> = { pods: "1" };
  for (const [name, amount] of Object.entries(requests)) {
    const isHuge = name.startsWith("hugepages-");
    if (requested.includes(name) || isHuge) result[name] = amount;
    if (requested.includes(name) || isHuge || isExtended(name)) result[`requests.${name}`] = amount;
  }
  for (const [name, amount] of Object.entries(limits))
    if (requested.includes(name)) result[`limits.${name}`] = amount;
  return result;
}

const isExtended = (name: string): boolean =>
  name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.");

function serviceUsage({ spec }: Service): ResourceList {
  const { type, ports = [], allocateLoadBalancerNodePorts: allocates } = spec;
  const allocated = ports.filter(({ nodePort }) => nodePort).length;
  const all = type === "LoadBalancer" && allocates === false ? allocated : ports.length;
  return {
    "services.loadbalancers": type === "LoadBalancer" ? "1" : "0",
    "services.nodeports": type === "NodePort" || type === "LoadBalancer" ? String(all) : "0",
  };
}

type Claim = KubeObject & {
  spec: { storageClassName?: string; resources?: { requests?: { storage?: string } } };
};

function claimUsage({ metadata, spec }: Claim): ResourceList {
  const storage = spec.resources?.requests?.storage;
  const usage = {
    persistentvolumeclaims: "1",
    ...(storage !== undefined && { "requests.storage": storage }),
  };
  const old = metadata.annotations?.["volume.beta.kubernetes.io/storage-class"];
  const of = old ?? spec.storageClassName;
  if (!of) return usage;
  const ofClass = Object.entries(usage).map(
    ([name, amount]) => [`${of}${CLASS}${name}`, amount] as const,
  );
  return { ...usage, ...Object.fromEntries(ofClass) };
}

const CLASS = ".storageclass.storage.k8s.io/";

/** Whether a resource of a quota is one that objects of this kind use. (MatchingResources) */
export function concerns(info: KindInfo, resource: string): boolean {
  if (resource === countOf(info)) return true;
  const own = ofKind[info.key];
  return own?.(resource) ?? (plainlyCounted.has(info.key) && resource === info.plural);
}

const ofKind: Partial<Record<string, (resource: string) => boolean>> = {
  Pod: isOfPods,
  Service: (resource) => /^services(\.nodeports|\.loadbalancers)?$/.test(resource),
  PersistentVolumeClaim: (resource) =>
    /^(persistentvolumeclaims|requests\.storage)$/.test(resource.split(CLASS).pop()!),
};

function isOfPods(resource: string): boolean {
  const name = resource.replace(/^(requests|limits)\./, "");
  if (resource === "pods" || requested.includes(name) || name.startsWith("hugepages-")) return true;
  return resource.startsWith("requests.") && isExtended(name);
}

/** Whether the quota is about this object at all: resources of its kind, and its scopes. */
export function isAbout(
  info: KindInfo,
  { spec = {} }: ResourceQuota,
  hard: ResourceList,
  object: KubeObject,
): boolean {
  if (!Object.keys(hard).some((name) => concerns(info, name))) return false;
  return scopesOf(spec).every((scope) => info.key === "Pod" && isInScope(object as Pod, scope));
}

const scopesOf = ({ scopes = [], scopeSelector }: NonNullable<ResourceQuota["spec"]>) => [
  ...scopes.map((scopeName): ScopeRequirement => ({ scopeName, operator: "Exists" })),
  ...(scopeSelector?.matchExpressions ?? []),
];

/** Whether it is to end by itself. (IsTerminating) */
export const isTimeLimited = ({ spec }: Pod): boolean => (spec.activeDeadlineSeconds ?? -1) >= 0;

/** (podMatchesScopeFunc) */
function isInScope(pod: Pod, { scopeName, operator, values = [] }: ScopeRequirement): boolean {
  const { priorityClassName = "" } = pod.spec;
  switch (scopeName) {
    case "Terminating":
      return isTimeLimited(pod);
    case "NotTerminating":
      return !isTimeLimited(pod);
    case "BestEffort":
      return isBestEffort(pod);
    case "NotBestEffort":
      return !isBestEffort(pod);
    case "PriorityClass":
      if (operator === "DoesNotExist") return priorityClassName === "";
      if (operator === "Exists") return priorityClassName !== "";
      return (operator === "In") === values.includes(priorityClassName);
    case "CrossNamespacePodAffinity":
      return crossesNamespaces(pod.spec.affinity);
    default:
      return false;
  }
}

const isBestEffort = (pod: Pod): boolean => qosClass(pod) === "BestEffort";

/** Whether some term of it names namespaces. */
function crossesNamespaces(affinity: unknown): boolean {
  if (typeof affinity !== "object" || affinity === null) return false;
  if (Array.isArray(affinity)) return affinity.some(crossesNamespaces);
  const { namespaces, namespaceSelector } = affinity as Record<string, unknown>;
  if ((Array.isArray(namespaces) && namespaces.length > 0) || namespaceSelector !== undefined)
    return true;
  return Object.values(affinity).some(crossesNamespaces);
}

/** Of the resources that have a limit, those that a container must say: resource -> containers. */
const mustBeSaid = new Set(
  ["", "requests.", "limits."].flatMap((of) => [`${of}cpu`, `${of}memory`]),
);

/** What is missing of a Pod where a quota counts it: "limits.cpu for: web"; undefined: nothing. */
export function unsaid(pod: Pod, hard: readonly string[]): string | undefined {
  const needed = hard.filter((name) => mustBeSaid.has(name)).sort();
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const lacks = ({ resources = {} }: Container, name: string) =>
    asUsage(resources.requests ?? {}, resources.limits ?? {})[name] === undefined;
  const found = needed.flatMap((name) => {
    const names = all.filter((one) => lacks(one, name)).map((one) => one.name);
    return names.length > 0 ? [`${name} for: ${[...new Set(names)].sort().join(",")}`] : [];
  });
  return found.length > 0 ? found.join("; ") : undefined;
}

/** What a quota's objects use together, of the resources that it limits. */
export const usedOf = (
  info: KindInfo,
  quota: ResourceQuota,
  objects: readonly KubeObject[],
  now: number,
): ResourceList =>
  objects
    .filter((object) => isAbout(info, quota, quota.spec?.hard ?? {}, object))
    .map((object) => usageOf(info, object, now))
    .reduce(added, nobody);
