/**
 * Admission that only a server has: what a namespace's LimitRanges and ResourceQuotas make of new
 * objects (containers get what they do not say, and what would be too much is refused), the taint
 * of new nodes, and classes of runtimes. (kubernetes: plugin/pkg/admission/limitranger;
 * apiserver: pkg/admission/plugin/resourcequota)
 */
import "./class-admission.js";
import "./label-keys.js";
import "./pod-security.js";
import { conflict, forbidden, invalid, modified } from "../api/errors.js";
import { schemaProblems } from "../objects/custom-schema.js";
import {
  added,
  exact,
  inMilli,
  isMore,
  lessened,
  only,
  type ResourceList,
} from "../objects/amounts.js";
import { actedOn, kindInfo, storageKey, type KindInfo } from "../objects/kinds.js";
import { podResources } from "../objects/pod-resources.js";
import { canonical } from "../objects/quantity.js";
import {
  concerns,
  isAbout,
  isTimeLimited,
  unsaid,
  usageOf,
  type Limit,
  type LimitRange,
  type ResourceQuota,
} from "../objects/quota.js";
import { same } from "../objects/freeze.js";
import type { Container, KubeObject, Pod, PodSpec } from "../objects/types.js";
import { admissionPlugins, type Admitting, type Asked } from "./admission.js";

const CLAIM = "PersistentVolumeClaim";

actedOn.add("LimitRange");
actedOn.add("ResourceQuota");

// ---- LimitRange ---------------------------------------------------------------------------------

const rangesIn = (server: Admitting, namespace: string | undefined): readonly Limit[][] =>
  (server.all("LimitRange", namespace) as readonly LimitRange[]).map(
    ({ spec }) => spec?.limits ?? [],
  );

function withDefaults(pod: Pod, server: Admitting): Pod {
  const ranges = rangesIn(server, pod.metadata.namespace);
  return ranges.length === 0 ? pod : ranges.reduce(furnished, pod);
}

const ANNOTATION = "kubernetes.io/limit-ranger";

/** (PodMutateLimitFunc) */
function furnished(pod: Pod, limits: readonly Limit[]): Pod {
  const ofContainers = limits.filter(({ type }) => type === "Container");
  const requests = Object.assign(
    {},
    ...ofContainers.map((one) => one.defaultRequest),
  ) as ResourceList;
  const most = Object.assign({}, ...ofContainers.map((one) => one.default)) as ResourceList;
  const told: string[] = [];
  const given = (what: string) => (container: Container) => {
    const next = { ...container, resources: { ...container.resources } };
    for (const [which, defaults] of [
      ["requests", requests],
      ["limits", most],
    ] as const) {
      const set = container.resources?.[which] ?? {};
      const names = Object.keys(defaults).filter((name) => set[name] === undefined);
      if (names.length === 0) continue;
      next.resources[which] = { ...set, ...only(defaults, new Set(names)) };
      const noun = which === "requests" ? "request" : "limit";
      told.push(`${names.sort().join(", ")} ${noun} for ${what} ${container.name}`);
    }
    return next;
  };
  const spec = {
    ...pod.spec,
    containers: pod.spec.containers.map(given("container")),
    ...(pod.spec.initContainers && {
      initContainers: pod.spec.initContainers.map(given("init container")),
    }),
  };
  if (told.length === 0) return pod;
  const annotations = {
    ...pod.metadata.annotations,
    [ANNOTATION]: `LimitRanger plugin set: ${told.join("; ")}`,
  };
  return { ...pod, metadata: { ...pod.metadata, annotations }, spec };
}

interface Said {
  requests: ResourceList;
  limits: ResourceList;
}

/** (ValidateLimit) */
function checkLimits(object: KubeObject, server: Admitting, { info, old, under }: Asked): void {
  if (under !== undefined) return;
  const isPod = info.key === "Pod";
  if (isPod ? old !== undefined : (info.key as string) !== CLAIM) return;
  for (const limits of rangesIn(server, object.metadata.namespace)) {
    const problems = limits.flatMap((limit) =>
      isPod ? podProblems(limit, object as Pod) : claimProblems(limit, object),
    );
    if (problems.length > 0) throw forbidden(info, object.metadata.name, together(problems));
  }
}

/** As Go shows several errors as one; each is told once. (NewAggregate) */
function together(problems: readonly string[]): string {
  const each = [...new Set(problems)];
  return each.length === 1 ? each[0]! : `[${each.join(", ")}]`;
}

function podProblems(limit: Limit, pod: Pod): string[] {
  if (limit.type === "Pod") {
    // the plug-in has a sum of its own, which leaves the runtime's overhead out (podRequests)
    const { overhead: _, ...spec } = pod.spec;
    const of = (which: "requests" | "limits") => podResources({ spec }, which, exact);
    return limitProblems(limit, { requests: of("requests"), limits: of("limits") });
  }
  if (limit.type !== "Container") return [];
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(
    ({ resources = {} }) =>
      limitProblems(limit, { requests: resources.requests ?? {}, limits: resources.limits ?? {} }),
  );
}

const limitProblems = (limit: Limit, said: Said): string[] => [
  ...eachOf(limit.min, (name, bound) => tooLittle(limit.type, name, bound, said)),
  ...eachOf(limit.max, (name, bound) => tooMuch(limit.type, name, bound, said)),
  ...eachOf(limit.maxLimitRequestRatio, (name, bound) => apart(limit.type, name, bound, said)),
];

const eachOf = (
  list: ResourceList | undefined,
  problem: (name: string, bound: string) => string | undefined,
): string[] =>
  Object.entries(list ?? {})
    .map(([name, bound]) => problem(name, canonical(bound)))
    .filter((one) => one !== undefined);

function tooLittle(type: string, name: string, bound: string, said: Said): string | undefined {
  const [request, limit] = [said.requests[name], said.limits[name]];
  const start = `minimum ${name} usage per ${type} is ${bound}`;
  if (request === undefined) return `${start}.  No request is specified`;
  if (isMore(bound, request)) return `${start}, but request is ${canonical(request)}`;
  if (limit !== undefined && isMore(bound, limit))
    return `${start}, but limit is ${canonical(limit)}`;
  return undefined;
}

function tooMuch(type: string, name: string, bound: string, said: Said): string | undefined {
  const [request, limit] = [said.requests[name], said.limits[name]];
  const start = `maximum ${name} usage per ${type} is ${bound}`;
  if (limit === undefined) return `${start}.  No limit is specified`;
  if (isMore(limit, bound)) return `${start}, but limit is ${canonical(limit)}`;
  if (request !== undefined && isMore(request, bound))
    return `${start}, but request is ${canonical(request)}`;
  return undefined;
}

function apart(type: string, name: string, bound: string, said: Said): string | undefined {
  const [request, limit] = [inMilli(said.requests[name] ?? "0"), inMilli(said.limits[name] ?? "0")];
  const start = `${name} max limit to request ratio per ${type} is ${bound}`;
  if (request === 0n) return `${start}, but no request is specified or request is 0`;
  if (limit === 0n) return `${start}, but no limit is specified or limit is 0`;
  const ratio = Number(limit) / Number(request);
  return ratio * 1000 > Number(inMilli(bound))
    ? `${start}, but provided ratio is ${ratio.toFixed(6)}`
    : undefined;
}

function claimProblems(limit: Limit, claim: KubeObject): string[] {
  if (limit.type !== "PersistentVolumeClaim") return [];
  const { resources } =
    (claim as { spec?: { resources?: { requests?: ResourceList } } }).spec ?? {};
  const requests = resources?.requests ?? {};
  return [
    ...eachOf(limit.min, (name, bound) =>
      tooLittle(limit.type, name, bound, { requests, limits: {} }),
    ),
    // what is asked for stands in for a limit: a claim has none
    ...eachOf(limit.max, (name, bound) =>
      tooMuch(limit.type, name, bound, { requests, limits: requests })?.replace(
        /(No|but) limit is/,
        "$1 request is",
      ),
    ),
  ];
}

admissionPlugins.push({
  name: "LimitRanger",
  isAlways: true,
  admit: withDefaults,
  check: checkLimits,
});

// ---- ResourceQuota ------------------------------------------------------------------------------

/** (CheckRequest) */
function checkQuotas(object: KubeObject, server: Admitting, asked: Asked): void {
  const { info, old, under } = asked;
  // what comes by a sub-resource changes nothing that is counted (Handles of each evaluator)
  if (!info.namespaced || under !== undefined || !isCounted(info, object, old)) return;
  const quotas = server.all("ResourceQuota", object.metadata.namespace) as readonly ResourceQuota[];
  if (quotas.length === 0) return;
  const refuse = (why: string) => forbidden(info, object.metadata.name, why);
  const usage = usageOf(info, object, server.clock.now());
  const changed = quotas.flatMap((quota) => {
    const hard = quota.status?.hard ?? {};
    if (!isAbout(info, quota, hard, object)) return [];
    const names = Object.keys(hard).filter((name) => concerns(info, name));
    checkReady(info, object, quota, names, refuse);
    const before =
      old && isAbout(info, quota, hard, old) ? usageOf(info, old, server.clock.now()) : {};
    const delta = only(lessened(usage, before), new Set(names));
    const asks = Object.entries(delta).filter(([, amount]) => inMilli(amount) !== 0n);
    return asks.length > 0 ? [charged(quota, Object.fromEntries(asks), refuse)] : [];
  });
  if (!asked.isDryRun) changed.forEach((quota) => write(quota, server));
}

/** In place of what was read; somebody else was faster otherwise. */
function write(quota: ResourceQuota, { store }: Admitting): void {
  const info = kindInfo("ResourceQuota")!;
  const { name, namespace, resourceVersion } = quota.metadata;
  if (!store.put(storageKey(info, name, namespace), quota, Number(resourceVersion)))
    throw conflict(info, name, modified);
}

/** Of most kinds only new objects count; a Pod changes sides with its deadline. (Handles) */
function isCounted({ key }: KindInfo, object: KubeObject, old: KubeObject | undefined): boolean {
  if (!old || key === "Service" || (key as string) === CLAIM) return true;
  return key === "Pod" && isTimeLimited(object as Pod) !== isTimeLimited(old as Pod);
}

type Refuse = (why: string) => Error;

function checkReady(
  { key }: KindInfo,
  object: KubeObject,
  { metadata: { name }, status }: ResourceQuota,
  names: readonly string[],
  refuse: Refuse,
): void {
  const missing = key === "Pod" ? unsaid(object as Pod, names) : undefined;
  if (missing) throw refuse(`failed quota: ${name}: must specify ${missing}`);
  if (names.some((one) => status?.used?.[one] === undefined))
    throw refuse(`status unknown for quota: ${name}, resources: ${[...names].sort().join(",")}`);
}

/** The quota with that much more in use. @throws where it is too much */
function charged(quota: ResourceQuota, asked: ResourceList, refuse: Refuse): ResourceQuota {
  const { hard = {}, used = {} } = quota.status ?? {};
  const next = added(used, asked);
  const over = new Set(Object.keys(asked).filter((name) => isMore(next[name]!, hard[name]!)));
  if (over.size === 0) return { ...quota, status: { ...quota.status, used: next } };
  const [requested, before, limited] = [asked, used, hard].map((list) => shown(only(list, over)));
  throw refuse(
    `exceeded quota: ${quota.metadata.name}, requested: ${requested}, used: ${before}, limited: ${limited}`,
  );
}

/** "cpu=600m,pods=1" */
const shown = (list: ResourceList): string =>
  Object.keys(list)
    .sort()
    .map((name) => `${name}=${canonical(list[name]!)}`)
    .join(",");

// last of all, when nothing else has anything against the object
admissionPlugins.push({ name: "ResourceQuota", isAlways: true, check: checkQuotas });

// ---- Nodes --------------------------------------------------------------------------------------

/** A new node is not ready until somebody says otherwise. (plugin/pkg/admission/nodetaint) */
admissionPlugins.push({
  name: "TaintNodesByCondition",
  kind: "Node",
  admit: (node) => {
    const { spec = {} } = node as KubeObject & {
      spec?: { taints?: { key: string; effect: string }[] };
    };
    const taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
    const isThere = ({ key, effect }: typeof taint) => key === taint.key && effect === taint.effect;
    if (spec.taints?.some(isThere)) return node;
    return { ...node, spec: { ...spec, taints: [...(spec.taints ?? []), taint] } };
  },
});

/** (plugin/pkg/admission/runtimeclass) */
admissionPlugins.push({
  name: "RuntimeClass",
  isAlways: true,
  admit: (pod, server) => {
    const { runtimeClassName: name, overhead } = pod.spec as PodSpec & Overhead;
    const refuse = (why: string) =>
      forbidden(
        { kind: "Pod", plural: "pods", group: "" },
        pod.metadata.name,
        `pod rejected: ${why}`,
      );
    const found = name
      ? (server.find("RuntimeClass", name) as RuntimeClass | undefined)
      : undefined;
    if (name && !found) throw refuse(`RuntimeClass "${name}" not found`);
    const own = found?.overhead?.podFixed;
    if (!own) return pod;
    if (overhead && !same(overhead, own))
      throw refuse("Pod's Overhead doesn't match RuntimeClass's defined Overhead");
    return { ...pod, spec: { ...pod.spec, overhead: own } };
  },
  check: (object, server, { info, old }) => {
    if (info.key !== "Pod" || old) return;
    const { runtimeClassName: name, overhead } = (object as Pod).spec as PodSpec & Overhead;
    const found = name && overhead ? server.find("RuntimeClass", name) : undefined;
    if (overhead && !(found as RuntimeClass | undefined)?.overhead?.podFixed)
      throw forbidden(
        info,
        object.metadata.name,
        "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
      );
  },
});

interface Overhead {
  runtimeClassName?: string;
  overhead?: ResourceList;
}
type RuntimeClass = KubeObject & { overhead?: { podFixed?: ResourceList } };

/** A definition's objects fit its schema. */
admissionPlugins.unshift({
  name: "CustomResourceSchema",
  isAlways: true,
  check(object, _server, { info, apiVersion }) {
    if (info.definedBy === undefined) return;
    const problems = schemaProblems(object, apiVersion);
    if (problems.length > 0) throw invalid(info, object.metadata.name, problems);
  },
});
