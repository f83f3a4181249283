/**
 * What decides where a Pod lands besides room, taints and nodeSelector: affinity, topology spread,
 * extended resources; and who makes room for whom. Who imports this has the scheduler look at it.
 * (kubernetes: pkg/scheduler/framework/plugins)
 */
import { ignoring } from "../api/errors.js";
import type { Context } from "../machinery/controller.js";
import { keyOf } from "../machinery/informer.js";
import { covers, type PodDisruptionBudget } from "../objects/disruption-budgets.js";
import { quantity } from "../objects/quantity.js";
import { matches } from "../objects/selectors.js";
import type { LabelSelector, Node, Pod } from "../objects/types.js";
import { markDisrupted } from "./disruption-target.js";
import { informerOf } from "./owned-pods.js";
import { requestsOf } from "./resources.js";
import { more, type Check, type NodeInfo, type Pool, type Refusal } from "./scheduler.js";

type Labels = Record<string, string>;

interface Requirement {
  key: string;
  operator: string;
  values?: string[];
}
interface NodeTerm {
  matchExpressions?: Requirement[];
  matchFields?: Requirement[];
}
interface PodTerm {
  labelSelector?: LabelSelector;
  namespaces?: string[];
  /** Any: all namespaces; which labels namespaces have is not looked at. */
  namespaceSelector?: object;
  topologyKey: string;
}
interface PodTerms {
  requiredDuringSchedulingIgnoredDuringExecution?: PodTerm[];
  preferredDuringSchedulingIgnoredDuringExecution?: { weight: number; podAffinityTerm: PodTerm }[];
}
interface Affinity {
  nodeAffinity?: {
    requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: NodeTerm[] };
    preferredDuringSchedulingIgnoredDuringExecution?: { weight: number; preference: NodeTerm }[];
  };
  podAffinity?: PodTerms;
  podAntiAffinity?: PodTerms;
}
interface Spread {
  maxSkew: number;
  minDomains?: number;
  topologyKey: string;
  whenUnsatisfiable: "DoNotSchedule" | "ScheduleAnyway";
  labelSelector?: LabelSelector;
  matchLabelKeys?: string[];
}

const affinityOf = ({ spec }: Pod): Affinity => spec.affinity ?? {};
const spreadsOf = ({ spec }: Pod): Spread[] => (spec.topologySpreadConstraints ?? []) as Spread[];
const required = (terms: PodTerms | undefined): PodTerm[] =>
  terms?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const labelsOf = (node: Node): Labels => node.metadata.labels ?? {};

// ---- node affinity

/** NodeAffinity: of several terms one is enough, and in it all must hold. */
export function likesNode(pod: Pod, node: Node): boolean {
  const terms =
    affinityOf(pod).nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => isMet(term, node));
}

function isMet({ matchExpressions = [], matchFields = [] }: NodeTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((one) => holds(one, labelsOf(node)[one.key])) &&
    matchFields.every((one) => holds(one, node.metadata.name))
  );
}

function holds({ operator, values = [] }: Requirement, value: string | undefined): boolean {
  if (operator === "Exists") return value !== undefined;
  if (operator === "DoesNotExist") return value === undefined;
  if (operator === "NotIn") return value === undefined || !values.includes(value);
  if (value === undefined) return false;
  if (operator === "Gt") return Number(value) > Number(values[0]);
  if (operator === "Lt") return Number(value) < Number(values[0]);
  return values.includes(value);
}

// ---- one Pod's turn

/** What is asked of each node for this Pod; undefined where it asks for nothing of it. */
function checkFor(pod: Pod, pool: Pool): Check | undefined {
  if (asksForNothing(pod) && pool.affine.size === 0) return undefined;
  const refusals = [
    ...extendedResources(pod),
    ...spreadChecks(pod, pool),
    ...affinityChecks(pod, pool),
  ];
  const scores = scoresOf(pod, pool);
  if (refusals.length + scores.length === 0) return undefined;
  return {
    refusal(info) {
      for (const check of refusals) {
        const reason = check(info);
        if (reason) return reason;
      }
      return undefined;
    },
    score: (info) => scores.reduce((sum, score) => sum + score(info), 0),
  };
}

/** As nearly every Pod: it is not looked through any further. */
const asksForNothing = (pod: Pod): boolean =>
  !pod.spec.affinity &&
  !pod.spec.topologySpreadConstraints &&
  requestsOf(pod).extended.length === 0;

type NodeCheck = (info: NodeInfo) => Refusal | undefined;

const because = (reason: string, preemptable = true): Refusal => ({
  reasons: [reason],
  preemptable,
});

// ---- extended resources (NodeResourcesFit)

function extendedResources(pod: Pod): NodeCheck[] {
  return requestsOf(pod).extended.map(([name, amount]) => (info) => {
    const { allocatable, capacity } = info.node?.status ?? {};
    // ephemeral-storage is of every node; kubelets that do not say how much have enough
    const offered = (allocatable ?? capacity)?.[name];
    if (offered === undefined && name === "ephemeral-storage") return undefined;
    const total = offered === undefined ? 0 : quantity(offered);
    let used = 0;
    for (const other of info.members.values())
      for (const [one, asked] of requestsOf(other).extended) if (one === name) used += asked;
    return used + amount > total ? because(`Insufficient ${name}`, amount <= total) : undefined;
  });
}

// ---- topology spread

function selectorOf({ labelSelector, matchLabelKeys = [] }: Spread, pod: Pod): LabelSelector {
  const own = pod.metadata.labels ?? {};
  const added = matchLabelKeys.filter((key) => own[key] !== undefined);
  return {
    ...labelSelector,
    matchLabels: {
      ...labelSelector?.matchLabels,
      ...Object.fromEntries(added.map((key) => [key, own[key]!])),
    },
  };
}

/** Pods of the group in each domain, of the nodes that the Pod may be on. */
function domainsOf(spread: Spread, pod: Pod, pool: Pool): Map<string, number> {
  const selector = selectorOf(spread, pod);
  const domains = new Map<string, number>();
  for (const { node, members } of pool.nodes) {
    const domain = node && labelsOf(node)[spread.topologyKey];
    if (domain === undefined || !more.mayBeOn(pod, node!)) continue;
    let count = domains.get(domain) ?? 0;
    for (const other of members.values())
      if (
        other.metadata.namespace === pod.metadata.namespace &&
        !other.metadata.deletionTimestamp &&
        spread.labelSelector &&
        matches(selector, other.metadata.labels ?? {})
      )
        count++;
    domains.set(domain, count);
  }
  return domains;
}

/** (plugins/podtopologyspread/filtering.go) */
function spreadChecks(pod: Pod, pool: Pool): NodeCheck[] {
  return spreadsOf(pod)
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === "DoNotSchedule")
    .map((spread): NodeCheck => {
      const domains = domainsOf(spread, pod, pool);
      const isFew = domains.size < (spread.minDomains ?? 1);
      const least = isFew ? 0 : Math.min(...domains.values());
      const self = matches(selectorOf(spread, pod), pod.metadata.labels ?? {}) ? 1 : 0;
      const reason = "node(s) didn't match pod topology spread constraints";
      return ({ node }) => {
        const domain = labelsOf(node!)[spread.topologyKey];
        if (domain === undefined) return because(`${reason} (missing required label)`, false);
        const skew = (domains.get(domain) ?? 0) + self - least;
        return skew > spread.maxSkew ? because(reason) : undefined;
      };
    });
}

// ---- affinity between Pods

/** Whether a term of `owner` is about `other`. */
function isAbout(
  { labelSelector, namespaces, namespaceSelector }: PodTerm,
  owner: Pod,
  other: Pod,
) {
  const { namespace } = other.metadata;
  const isThere = namespaceSelector
    ? true
    : (namespaces?.length ? namespaces : [owner.metadata.namespace]).includes(namespace);
  return (
    isThere && labelSelector !== undefined && matches(labelSelector, other.metadata.labels ?? {})
  );
}

/** Values of the term's topology key of the nodes that hold a Pod which the term is about. */
function placesOf(term: PodTerm, pod: Pod, pool: Pool): Set<string> {
  const places = new Set<string>();
  for (const { node, members } of pool.nodes) {
    const place = node && labelsOf(node)[term.topologyKey];
    if (place === undefined || places.has(place)) continue;
    for (const other of members.values())
      if (isAbout(term, pod, other)) {
        places.add(place);
        break;
      }
  }
  return places;
}

/** (plugins/interpodaffinity/filtering.go) */
function affinityChecks(pod: Pod, pool: Pool): NodeCheck[] {
  const { podAffinity, podAntiAffinity } = affinityOf(pod);
  return [
    ...required(podAffinity).map((term): NodeCheck => {
      const places = placesOf(term, pod, pool);
      // the first of a group that wants to be together has nobody to go to
      const isFirst = places.size === 0 && isAbout(term, pod, pod);
      return ({ node }) => {
        const place = labelsOf(node!)[term.topologyKey];
        const isFine = place !== undefined && (isFirst || places.has(place));
        return isFine ? undefined : because("node(s) didn't match pod affinity rules", false);
      };
    }),
    ...required(podAntiAffinity).map((term): NodeCheck => {
      const places = placesOf(term, pod, pool);
      return ({ node }) =>
        places.has(labelsOf(node!)[term.topologyKey] ?? "")
          ? because("node(s) didn't match pod anti-affinity rules")
          : undefined;
    }),
    ...othersAntiAffinity(pod, pool),
  ];
}

/** Pods that are there already may not want this one near them. */
function othersAntiAffinity(pod: Pod, pool: Pool): NodeCheck[] {
  const refused = new Map<string, Set<string>>();
  for (const [other, home] of pool.affine.values())
    for (const term of required(affinityOf(other).podAntiAffinity)) {
      const place = home.node && labelsOf(home.node)[term.topologyKey];
      if (place === undefined || !isAbout(term, other, pod)) continue;
      const places = refused.get(term.topologyKey) ?? new Set();
      refused.set(term.topologyKey, places.add(place));
    }
  return [...refused].map(
    ([key, places]) =>
      ({ node }) =>
        places.has(labelsOf(node!)[key] ?? "")
          ? because("node(s) didn't satisfy existing pods anti-affinity rules")
          : undefined,
  );
}

// ---- wishes

/** Each from 0 to some hundreds, as the other scores are. */
function scoresOf(pod: Pod, pool: Pool): ((info: NodeInfo) => number)[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinityOf(pod);
  const near = (terms: PodTerms | undefined, sign: 1 | -1) =>
    (terms?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ weight, podAffinityTerm: term }) => {
        const places = placesOf(term, pod, pool);
        return ({ node }: NodeInfo) =>
          places.has(labelsOf(node!)[term.topologyKey] ?? "") ? 2 * sign * weight : 0;
      },
    );
  return [
    ...(nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ weight, preference }) =>
        ({ node }: NodeInfo) =>
          isMet(preference, node!) ? 2 * weight : 0,
    ),
    ...near(podAffinity, 1),
    ...near(podAntiAffinity, -1),
    ...spreadsOf(pod)
      .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === "ScheduleAnyway")
      .map((spread) => {
        const domains = domainsOf(spread, pod, pool);
        const most = Math.max(1, ...domains.values());
        return ({ node }: NodeInfo) => {
          const count = domains.get(labelsOf(node!)[spread.topologyKey] ?? "") ?? most;
          return (200 * (most - count)) / most;
        };
      }),
  ];
}

// ---- preemption

/** The lesser make room; the Pod's turn comes again once they are gone. */
function makesRoom(context: Context, pool: Pool): (pod: Pod) => void {
  const { client, informers, events } = context;
  const pods = informers.of("Pod");
  const budgets = informerOf<PodDisruptionBudget>(context, "PodDisruptionBudget");
  const leaving = new Map<string, readonly Pod[]>();
  const isThere = (one: Pod) => pods.get(keyOf(one))?.metadata.uid === one.metadata.uid;

  function goes(victim: Pod, pod: Pod, node: string): void {
    const { name, namespace, uid } = victim.metadata;
    markDisrupted(context, victim, "preemption");
    const message = `Preempted by pod ${pod.metadata.uid} on node ${node}`;
    const deed = { reason: "Preempted", action: "Preempting", message, related: pod };
    events.deed(victim, { type: "Normal", ...deed });
    ignoring([404], () => client.delete("Pod", name, namespace, { uid: uid! }));
  }

  return (pod) => {
    for (const [uid, victims] of leaving) if (!victims.some(isThere)) leaving.delete(uid);
    if (leaving.has(pod.metadata.uid!)) return;
    const found = victimsFor(pod, pool, [...budgets.all()]);
    if (!found) return;
    leaving.set(pod.metadata.uid!, found.victims);
    for (const victim of found.victims) goes(victim, pod, found.node);
    const newest = pods.get(keyOf(pod)) ?? pod;
    const status = { ...newest.status, nominatedNodeName: found.node };
    ignoring([404, 409], () => pods.learn(client.updateStatus<Pod>({ ...newest, status })));
  };
}

interface Loss {
  node: string;
  victims: Pod[];
  /** Of them those that a budget would keep. */
  violations: number;
}

/**
 * The node on which the least is lost, and who has to go there: of lower priority, and no more
 * than needed. (pkg/scheduler/framework/preemption)
 */
function victimsFor(
  pod: Pod,
  pool: Pool,
  budgets: readonly PodDisruptionBudget[],
): Loss | undefined {
  const priority = pod.spec.priority ?? 0;
  if (pod.spec.preemptionPolicy === "Never") return undefined;
  let best: Loss | undefined;
  for (const info of pool.nodes) {
    const lower = [...info.members.values()]
      .filter((other) => (other.spec.priority ?? 0) < priority)
      .sort(mostImportantFirst);
    const loss = lower.length > 0 ? leastOf(lower, info, pool, pod, budgets) : undefined;
    if (loss && (!best || costs(loss, best) < 0)) best = loss;
  }
  return best;
}

/**
 * All of them leave for a moment; who fits beside the newcomer comes back, those first whom a
 * budget would keep.
 */
function leastOf(
  lower: readonly Pod[],
  info: NodeInfo,
  pool: Pool,
  pod: Pod,
  budgets: readonly PodDisruptionBudget[],
): Loss | undefined {
  const kept = keptBy(budgets, lower);
  const victims: Pod[] = [];
  for (const one of lower) pool.account(one, -1);
  const isEnough = pool.fits(pod, info);
  for (const one of [...lower].sort((a, b) => Number(kept.has(b)) - Number(kept.has(a)))) {
    pool.account(one, 1);
    if (!isEnough || pool.fits(pod, info)) continue;
    pool.account(one, -1);
    victims.push(one);
  }
  for (const one of victims) pool.account(one, 1);
  if (victims.length === 0) return undefined;
  victims.sort(mostImportantFirst);
  const violations = victims.filter((one) => kept.has(one)).length;
  return { node: info.name, victims, violations };
}

/** Those that may not go if all before them go. (filterPodsWithPDBViolation) */
function keptBy(budgets: readonly PodDisruptionBudget[], pods: readonly Pod[]): Set<Pod> {
  const left = new Map(budgets.map((one) => [one, one.status?.disruptionsAllowed ?? 0]));
  const kept = new Set<Pod>();
  for (const pod of pods)
    for (const budget of budgets) {
      if (!pod.metadata.labels || !covers(budget, pod)) continue;
      if (budget.status?.disruptedPods?.[pod.metadata.name]) continue; // it goes anyway
      const allowed = left.get(budget)! - 1;
      left.set(budget, allowed);
      if (allowed < 0) kept.add(pod);
    }
  return kept;
}

const startOf = ({ status }: Pod): string => status?.startTime ?? "";

const mostImportantFirst = (a: Pod, b: Pod): number =>
  (b.spec.priority ?? 0) - (a.spec.priority ?? 0) || (startOf(a) < startOf(b) ? -1 : 1);

/** Below zero: `a` is the lesser loss. (pickOneNodeForPreemption) */
function costs(a: Loss, b: Loss): number {
  const highest = ({ victims }: Loss) => Math.max(...victims.map(({ spec }) => spec.priority ?? 0));
  const sum = ({ victims }: Loss) =>
    victims.reduce((total, { spec }) => total + (spec.priority ?? 0) + 2 ** 31, 0);
  // of the most important ones the longest that it has run
  const since = (loss: Loss) =>
    loss.victims
      .filter(({ spec }) => (spec.priority ?? 0) === highest(loss))
      .map(startOf)
      .sort()[0] ?? "";
  return (
    a.violations - b.violations ||
    highest(a) - highest(b) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    (since(a) > since(b) ? -1 : Number(since(a) < since(b)))
  );
}

// ---- the message

/**
 * As `kubectl describe pod` shows it: "0/3 nodes are available: 3 Insufficient cpu. …"
 * (pkg/scheduler/framework/types.go, FitError)
 */
function whyNot(refusals: readonly Refusal[], nodes: number): string {
  if (nodes === 0) return "no nodes available to schedule pods";
  const helpless = refusals.map(({ preemptable }) =>
    preemptable
      ? "No preemption victims found for incoming pod"
      : "Preemption is not helpful for scheduling",
  );
  const head = `0/${nodes} nodes are available: `;
  // since 1.34 devices that are claimed are spoken of, too
  const claims = "no new claims to deallocate, ";
  return `${head}${counted(refusals.flatMap(({ reasons }) => reasons))}. ${claims}preemption: ${head}${counted(helpless)}.`;
}

function counted(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}

Object.assign(more, { likesNode, checkFor, makesRoom, whyNot });
