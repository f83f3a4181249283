import { controllerOf, watch, type Context, type Controller } from "../machinery/controller.js";
import { stamp } from "../api/time.js";
import { ignoring } from "../api/errors.js";
import { keyOf } from "../machinery/informer.js";
import { same } from "../objects/freeze.js";
import type { Condition, ContainerPort, Node, Pod, Taint, Toleration } from "../objects/types.js";
import { asksForHostPorts, condition, isTerminal } from "../objects/pods.js";
import { allocatable, requestsOf, type Resources } from "./resources.js";

/**
 * With fewer nodes than this all are looked at. (pkg/scheduler/schedule_one.go:
 * minFeasibleNodesToFind)
 */
const MIN_FEASIBLE_NODES = 100;

/** What a Pod asks of nodes in one turn. */
export interface Check {
  refusal(info: NodeInfo): Refusal | undefined;
  score(info: NodeInfo): number;
}

/** The nodes, as they are looked at in a Pod's turn. */
export interface Pool {
  readonly nodes: readonly NodeInfo[];
  /** Pods that have a node and say who may be near them, and that node. */
  readonly affine: ReadonlyMap<string, [Pod, NodeInfo]>;
  /** Counts a Pod in, or out. */
  account(pod: Pod, sign: 1 | -1): void;
  fits(pod: Pod, info: NodeInfo): boolean;
}

/** What a page's first chunk does without; scheduling.ts puts it here. */
export const more = {
  likesNode: (_pod: Pod, _node: Node): boolean => true,
  checkFor: (_pod: Pod, _pool: Pool): Check | undefined => undefined,
  /** Has lesser Pods go where there is no room for one. */
  makesRoom: undefined as ((context: Context, pool: Pool) => (pod: Pod) => void) | undefined,
  whyNot: (_refusals: readonly Refusal[], _nodes: number): string => "no node fits",
  mayBeOn: (pod: Pod, node: Node): boolean =>
    (!pod.spec.nodeSelector || selects(pod.spec.nodeSelector, node)) &&
    (!pod.spec.affinity || more.likesNode(pod, node)),
};

/**
 * Finds a node for each Pod: filters those that cannot run it, scores the rest, binds it to the
 * best. (kubernetes: pkg/scheduler/schedule_one.go and the plug-ins named below)
 *
 * It keeps its own sums for each node, so that a Pod's turn costs the nodes it looks at, not the
 * Pods that run there. Ties go to the node that comes first by name (upstream draws lots): so the
 * same manifests give the same cluster. What few Pods ask for is in scheduling.ts. Not modelled:
 * volumes.
 */
export function scheduler(context: Context): Controller {
  const { clock, client, informers, events, guard } = context;
  const pods = informers.of("Pod");
  const nodes = informers.of("Node");
  const pool = new NodePool();
  const makeRoom = more.makesRoom?.(context, pool);
  const unschedulable = new Set<string>();

  pods.onChange((_key, pod, previous) => {
    if (pod && previous && weighsTheSame(pod, previous)) return;
    if (previous?.spec.nodeName && !isTerminal(previous)) pool.account(previous, -1);
    if (pod?.spec.nodeName && !isTerminal(pod)) pool.account(pod, 1);
  }, guard);
  nodes.onChange((_key, node, previous) => {
    pool.setNode(node ?? previous!, node !== undefined);
  }, guard);

  function reconcile(key: string): void {
    const pod = pods.get(key);
    unschedulable.delete(key);
    if (
      !pod ||
      pod.spec.nodeName ||
      pod.metadata.deletionTimestamp ||
      pod.spec.schedulingGates?.length ||
      isTerminal(pod) ||
      (pod.spec.schedulerName ?? "default-scheduler") !== "default-scheduler"
    )
      return;
    const choice = pool.choose(pod);
    if (typeof choice === "string") return bind(pod, choice);
    unschedulable.add(key);
    refuse(pod, more.whyNot(choice, nodes.size));
    makeRoom?.(pod);
  }

  function bind(pod: Pod, node: string): void {
    const { name, namespace } = pod.metadata;
    pods.learn(client.bind(name, namespace, node));
    // flat: a template would keep its pieces
    const message = ["Successfully assigned ", keyOf(pod), " to ", node].join("");
    events.deed(pod, { type: "Normal", reason: "Scheduled", action: "Binding", message });
  }

  function refuse(pod: Pod, message: string): void {
    const reason = "FailedScheduling";
    events.deed(pod, { type: "Warning", reason, action: "Scheduling", message });
    const before = condition(pod, "PodScheduled");
    if (before?.status === "False" && before.message === message) return;
    const observedGeneration = pod.metadata.generation;
    const scheduled: Condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      ...(observedGeneration !== undefined && { observedGeneration }),
      lastTransitionTime:
        before?.status === "False" ? before.lastTransitionTime! : stamp(clock.now()),
    };
    const others = pod.status?.conditions?.filter(({ type }) => type !== "PodScheduled") ?? [];
    ignoring([404, 409], () =>
      pods.learn(
        client.updateStatus<Pod>({
          ...pod,
          status: { ...pod.status, conditions: [...others, scheduled] },
        }),
      ),
    );
  }

  /** Those that wait, the important ones first. (plugins/queuesort) */
  function inTurn(): string[] {
    const priority = (key: string) => pods.get(key)?.spec.priority ?? 0;
    return [...unschedulable].sort((a, b) => priority(b) - priority(a));
  }

  return {
    name: "default-scheduler",
    reconcile,
    pace: 0, // each Pod has one turn
    watches: [
      watch("Pod", (key, pod, previous) => {
        if (pod && !pod.spec.nodeName) return schedulable(pod, previous) ? [key] : [];
        unschedulable.delete(key);
        return previous?.spec.nodeName && (!pod || (isTerminal(pod) && !isTerminal(previous)))
          ? inTurn()
          : []; // room for those that wait
      }),
      watch("Node", (_key, node, previous) =>
        node && (!previous || helps(node, previous)) ? inTurn() : [],
      ),
    ],
  };
}

/** Not for the status that the scheduler itself wrote. */
const schedulable = (pod: Pod, previous: Pod | undefined): boolean =>
  !previous ||
  !same(previous.spec, pod.spec) ||
  !same(previous.metadata.labels, pod.metadata.labels);

/** Heartbeats do not. */
const helps = (node: Node, previous: Node): boolean =>
  !same(node.spec, previous.spec) ||
  !same(node.metadata.labels, previous.metadata.labels) ||
  !same(node.status?.allocatable, previous.status?.allocatable);

const weighsTheSame = (a: Pod, b: Pod): boolean =>
  a.spec.nodeName === b.spec.nodeName &&
  a.spec.containers === b.spec.containers &&
  a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
  a.metadata.labels === b.metadata.labels &&
  isTerminal(a) === isTerminal(b);

// ---- nodes and their sums

/** Why a node cannot run the Pod, and whether taking other Pods away could change that. */
export interface Refusal {
  reasons: string[];
  preemptable: boolean;
}

/**
 * One node, and the sums over its Pods: plain numbers, since hundreds of nodes are compared for
 * each Pod.
 */
export class NodeInfo {
  node: Node | undefined;
  /** Taints that keep away Pods which do not tolerate them, and those that only discourage. */
  hard: readonly Taint[] = [];
  soft: readonly Taint[] = [];
  unschedulable = false;
  cpu = 0;
  memory = 0;
  pods = 0;
  readonly used: Resources = { cpu: 0, memory: 0, pods: 0 };
  readonly scored: Resources = { cpu: 0, memory: 0, pods: 0 };
  /** Its place in the order of names. */
  place = 0;
  /** The turn in which it was last found to have room, and how many of the Pod's group it has. */
  turn: object | undefined;
  here = 0;
  /** Its Pods by uid. */
  readonly members = new Map<string, Pod>();
  readonly hostPorts: { ip: string; protocol: string; port: number }[] = [];

  constructor(readonly name: string) {}

  set(node: Node | undefined): void {
    this.node = node;
    if (!node) return;
    ({ cpu: this.cpu, memory: this.memory, pods: this.pods } = allocatable(node));
    const { taints = [], unschedulable } = node.spec;
    this.hard = taints.filter(({ effect }) => effect !== "PreferNoSchedule");
    this.soft = taints.filter(({ effect }) => effect === "PreferNoSchedule");
    this.unschedulable = unschedulable ?? false;
  }
}

class NodePool implements Pool {
  readonly affine = new Map<string, [Pod, NodeInfo]>();
  readonly #infos = new Map<string, NodeInfo>();
  /** How many Pods of each group that is spread are on which nodes. */
  readonly #groups = new Map<string, Map<NodeInfo, number>>();
  #ordered: NodeInfo[] | undefined;
  #next = 0;

  setNode(node: Node, exists: boolean): void {
    const info = this.#info(node.metadata.name);
    if (!exists || !info.node) this.#ordered = undefined;
    info.set(exists ? node : undefined);
  }

  account(pod: Pod, sign: 1 | -1): void {
    const info = this.#info(pod.spec.nodeName!);
    const { asked, scored } = requestsOf(pod);
    const uid = pod.metadata.uid!;
    if (sign > 0) info.members.set(uid, pod);
    else info.members.delete(uid);
    if (pod.spec.affinity) {
      if (sign > 0) this.affine.set(uid, [pod, info]);
      else this.affine.delete(uid);
    }
    for (const name of ["cpu", "memory", "pods"] as const) {
      info.used[name] += sign * asked[name];
      info.scored[name] += sign * scored[name];
    }
    if (!pod.metadata.deletionTimestamp) this.#count(groupOf(pod), info, sign);
    for (const port of hostPortsOf(pod)) {
      if (sign > 0) info.hostPorts.push(port);
      else
        info.hostPorts.splice(
          info.hostPorts.findIndex((one) => clash(one, port)),
          1,
        );
    }
  }

  #count(group: string, info: NodeInfo, sign: 1 | -1): void {
    const members = this.#groups.get(group) ?? new Map<NodeInfo, number>();
    const count = (members.get(info) ?? 0) + sign;
    if (count > 0) members.set(info, count);
    else members.delete(info);
    if (members.size > 0) this.#groups.set(group, members);
    else this.#groups.delete(group);
  }

  /** The best node's name, or why there is none. */
  choose(pod: Pod): string | Refusal[] {
    const { nodes } = this;
    const check = more.checkFor(pod, this);
    const refusals: Refusal[] = [];
    const { asked } = requestsOf(pod);
    const wanted = feasibleToFind(nodes.length);
    const found: NodeInfo[] = [];
    const turn = {};
    let next = this.#next;
    for (let looked = 0; looked < nodes.length && found.length < wanted; looked++) {
      const info = nodes[next++ % nodes.length]!;
      const refusal = refusalOf(pod, asked, info) ?? check?.refusal(info);
      if (refusal) {
        refusals.push(refusal);
        continue;
      }
      info.turn = turn;
      info.here = 0;
      found.push(info);
    }
    // the next Pod begins where this one ended
    this.#next = next % nodes.length || 0;
    if (found.length === 0) return refusals;
    // a group is on fewer nodes than are compared
    let most = 0;
    for (const [info, members] of this.#groups.get(groupOf(pod)) ?? [])
      if (info.turn === turn) most = Math.max(most, (info.here = members));
    return best(pod, found, most, check).name;
  }

  /** By name. */
  get nodes(): readonly NodeInfo[] {
    if (this.#ordered) return this.#ordered;
    this.#ordered = [...this.#infos.values()]
      .filter(({ node }) => node)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#ordered.forEach((info, place) => (info.place = place));
    return this.#ordered;
  }

  fits(pod: Pod, info: NodeInfo): boolean {
    const { asked } = requestsOf(pod);
    return !refusalOf(pod, asked, info) && !more.checkFor(pod, this)?.refusal(info);
  }

  #info(name: string): NodeInfo {
    let info = this.#infos.get(name);
    if (!info) this.#infos.set(name, (info = new NodeInfo(name)));
    return info;
  }
}

/**
 * In big clusters a part of the nodes is enough: 50 % less a point for each 125 nodes, at least 5
 * %. (numFeasibleNodesToFind)
 */
function feasibleToFind(nodes: number): number {
  if (nodes < MIN_FEASIBLE_NODES) return nodes;
  return Math.max(MIN_FEASIBLE_NODES, Math.floor((nodes * Math.max(5, 50 - nodes / 125)) / 100));
}

// ---- filters, in the order of the scheduler's default profile

function refusalOf(pod: Pod, asked: Resources, info: NodeInfo): Refusal | undefined {
  const { spec } = pod;
  if (info.unschedulable && !isTolerated(pod, UNSCHEDULABLE))
    return never("node(s) were unschedulable"); // NodeUnschedulable
  const taint = info.hard.length > 0 ? info.hard.find((one) => !isTolerated(pod, one)) : undefined;
  // TaintToleration
  if (taint) return never("node(s) had untolerated taint(s)");
  if ((spec.nodeSelector || spec.affinity) && !more.mayBeOn(pod, info.node!))
    return never("node(s) didn't match Pod's node affinity/selector"); // NodeAffinity
  if (
    info.hostPorts.length > 0 &&
    hostPortsOf(pod).some((port) => info.hostPorts.some((other) => clash(port, other)))
  )
    return {
      reasons: ["node(s) didn't have free ports for the requested pod ports"],
      preemptable: true,
    }; // NodePorts
  return lacks(asked, info); // NodeResourcesFit
}

const UNSCHEDULABLE: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
const never = (reason: string): Refusal => ({ reasons: [reason], preemptable: false });
const isTolerated = ({ spec }: Pod, taint: Taint): boolean =>
  (spec.tolerations ?? []).some((one) => tolerates(one, taint));
const selects = (selector: Record<string, string>, { metadata }: Node): boolean =>
  Object.entries(selector).every(([key, value]) => metadata.labels?.[key] === value);

function lacks(asked: Resources, info: NodeInfo): Refusal | undefined {
  const { used } = info;
  // asked of each node for each Pod, and most have room
  if (
    used.pods + 1 <= info.pods &&
    (asked.cpu <= 0 || used.cpu + asked.cpu <= info.cpu) &&
    (asked.memory <= 0 || used.memory + asked.memory <= info.memory)
  )
    return undefined;
  const reasons: string[] = [];
  if (used.pods + 1 > info.pods) reasons.push("Too many pods");
  if (asked.cpu > 0 && used.cpu + asked.cpu > info.cpu) reasons.push("Insufficient cpu");
  if (asked.memory > 0 && used.memory + asked.memory > info.memory)
    reasons.push("Insufficient memory");
  return reasons.length === 0
    ? undefined
    : { reasons, preemptable: asked.cpu <= info.cpu && asked.memory <= info.memory };
}

/** (k8s.io/api: core/v1/toleration.go, ToleratesTaint) */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  return (
    toleration.operator === "Exists" ||
    (Boolean(toleration.key) && (toleration.value ?? "") === (taint.value ?? ""))
  );
}

function hostPortsOf({ spec }: Pod): readonly { ip: string; protocol: string; port: number }[] {
  if (!asksForHostPorts(spec)) return noPorts;
  const used = (port: ContainerPort) =>
    port.hostPort
      ? [{ ip: port.hostIP ?? "0.0.0.0", protocol: port.protocol ?? "TCP", port: port.hostPort }]
      : [];
  return spec.containers.flatMap(({ ports }) => ports?.flatMap(used) ?? []);
}

const noPorts: readonly never[] = [];

const clash = (
  a: { ip: string; protocol: string; port: number },
  b: { ip: string; protocol: string; port: number },
): boolean =>
  a.port === b.port &&
  a.protocol === b.protocol &&
  (a.ip === b.ip || a.ip === "0.0.0.0" || b.ip === "0.0.0.0");

// ---- scores

/**
 * Spreads the Pods of one owner over the nodes (PodTopologySpread, weight 2), prefers free nodes
 * (NodeResourcesFit, LeastAllocated) and avoids PreferNoSchedule taints (TaintToleration, weight
 * 3). `most`: how many of them one of these nodes has.
 */
function best(
  pod: Pod,
  nodes: readonly NodeInfo[],
  most: number,
  check: Check | undefined,
): NodeInfo {
  const { scored } = requestsOf(pod);
  let winner = nodes[0]!;
  let high = -Infinity;
  for (const info of nodes) {
    const spread = most === 0 ? 100 : (100 * (most - info.here)) / most;
    const liked = info.soft.length === 0 || info.soft.every((taint) => isTolerated(pod, taint));
    const score =
      2 * spread + freeShare(scored, info) + (liked ? 300 : 0) + (check?.score(info) ?? 0);
    if (score > high || (score === high && info.place < winner.place)) {
      winner = info;
      high = score;
    }
  }
  return winner;
}

/** 0 to 100: how much would be left of CPU and memory. */
const freeShare = (asked: Resources, { cpu, memory, scored }: NodeInfo): number =>
  Math.floor((left(cpu, scored.cpu + asked.cpu) + left(memory, scored.memory + asked.memory)) / 2);

const left = (all: number, taken: number): number =>
  all > 0 ? Math.max(0, Math.floor((100 * (all - taken)) / all)) : 0;

/** Pods that should not all be on one node: those of one owner, or those with the same labels. */
function groupOf(pod: Pod): string {
  return (
    controllerOf(pod)?.uid ??
    `${pod.metadata.namespace}/${JSON.stringify(pod.metadata.labels ?? {})}`
  );
}
