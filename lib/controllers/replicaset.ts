import { isApiError, isTerminating } from "../api/errors.js";
import { stamp } from "../api/time.js";
import { keyOf, type Informer } from "../machinery/informer.js";
import {
  controllerKeyOf,
  controllerOf,
  TransientError,
  watch,
  watchOwned,
  type Context,
  type Controller,
} from "../machinery/controller.js";
import { frozen, same } from "../objects/freeze.js";
import { matches } from "../objects/selectors.js";
import type {
  Condition,
  Kind,
  LabelSelector,
  ObjectMeta,
  OwnerReference,
  Pod,
  ReplicaSet,
} from "../objects/types.js";
import { isActive, isAvailable, isReady, isTerminal, readySince } from "../objects/pods.js";

/**
 * At most so many Pods are created or deleted in one go. (kubernetes:
 * pkg/controller/replicaset/replica_set.go, BurstReplicas)
 */
const BURST_REPLICAS = 500;
/** The type of the condition that says so where Pods cannot be created or deleted. */
export const REPLICA_FAILURE = "ReplicaFailure";
/**
 * Pods of a whole cluster. Kubernetes says that it works up to 150,000; a process has no room for
 * the thousands of millions that `replicas` may ask for.
 */
export const MAX_PODS = 200_000;

/** The kind of what is kept: ReplicaSets, or what was before them (replication-controller.ts). */
export interface Replicated {
  name: string;
  kind: Kind;
  selectorOf: (set: ReplicaSet) => LabelSelector | undefined;
  /** Whether its status tells of Pods that are on their way out. */
  countsTerminating: boolean;
}

const replicaSets: Replicated = {
  name: "replicaset-controller",
  kind: "ReplicaSet",
  selectorOf: ({ spec }) => spec.selector,
  countsTerminating: true,
};

/**
 * Keeps as many Pods alive as a ReplicaSet says. Where that would take the cluster beyond MAX_PODS
 * it creates none, says so in an event, and tries again later and later.
 *
 * How many there are, and how many of them are ready, is counted as the Pods change, so that one
 * Pod's change costs the same in a set of three and in one of a hundred thousand.
 */
export function replicaSetController(
  { clock, client, informers, events, guard }: Context,
  { name, kind, selectorOf, countsTerminating } = replicaSets,
): Controller {
  const sets = informers.of(kind) as Informer<ReplicaSet>;
  const stray = `stray of ${kind}`;
  const pods = informers.of("Pod");
  const counts = new Map<string, Counts>();
  const deleting = new Set<string>(); // uids of Pods whose deletion the cache may not know yet
  pods.index(
    "controller",
    (pod) => controllerOf(pod)?.uid,
    (pod) => pod.metadata.ownerReferences,
  );
  pods.onChange((_key, pod, previous) => {
    if (previous) count(previous, -1);
    if (pod) count(pod, 1);
    if (previous && (!pod || pod.metadata.deletionTimestamp))
      deleting.delete(previous.metadata.uid!);
  }, guard);
  pods.index(
    stray,
    (pod) => strayIn(pod),
    (pod) => pod.metadata,
  );
  sets.index("namespace", ({ metadata }) => metadata.namespace);

  /**
   * Pods that may have to change hands: a set's that no longer fit its selector, and those without
   * an owner.
   */
  function strayIn(pod: Pod): string | undefined {
    const owner = controllerOf(pod);
    if (!owner) return isActive(pod) ? pod.metadata.namespace : undefined;
    const set = owner.kind === kind ? sets.get(controllerKeyOf(pod, owner)) : undefined;
    // a template's labels are what its selector asks for: the API server takes no other
    if (!set || set.spec.template.metadata?.labels === pod.metadata.labels) return undefined;
    return matches(selectorOf(set), pod.metadata.labels) ? undefined : set.metadata.uid;
  }

  /**
   * Lets go of Pods whose labels were changed, which take no part any more; adopts Pods without an
   * owner that fit. (controller_ref_manager.go)
   */
  function claim(set: ReplicaSet): void {
    const { uid, namespace } = set.metadata;
    for (const pod of pods.by(stray, uid!))
      setOwners(
        pod,
        pod.metadata.ownerReferences!.filter((reference) => reference.uid !== uid),
      );
    if (set.metadata.deletionTimestamp) return;
    for (const pod of pods.by(stray, namespace!))
      if (matches(selectorOf(set), pod.metadata.labels) && isActive(pod))
        setOwners(pod, [...(pod.metadata.ownerReferences ?? []), ownerReference(set)]);
  }

  const setOwners = (pod: Pod, ownerReferences: OwnerReference[]): void =>
    pods.learn(client.update<Pod>({ ...pod, metadata: { ...pod.metadata, ownerReferences } }));

  function count(pod: Pod, sign: 1 | -1): void {
    const owner = controllerOf(pod)?.uid;
    if (owner === undefined || isTerminal(pod)) return;
    let counted = counts.get(owner);
    if (!counted) counts.set(owner, (counted = { ...none }));
    if (pod.metadata.deletionTimestamp) counted.terminating += sign;
    else {
      counted.active += sign;
      if (isReady(pod)) counted.ready += sign;
    }
    if (counted.active === 0 && counted.terminating === 0) counts.delete(owner);
  }

  function reconcile(key: string): number | void {
    const set = sets.get(key);
    if (!set) return;
    claim(set);
    const counted = { ...(counts.get(set.metadata.uid!) ?? none) }; // as it was before
    const missing = (set.spec.replicas ?? 1) - counted.active + [...podsBeingDeleted(set)].length;
    const { more, failure } = manage(set, missing);
    const reason = missing > 0 ? "FailedCreate" : "FailedDelete";
    const waiting = reportStatus(set, counted, failure && { reason, failure });
    if (failure) throw failure;
    return more ? 0 : waiting;
  }

  /** Creates or deletes Pods; answers whether there may be more to do at once, or what failed. */
  function manage(set: ReplicaSet, missing: number): { more: boolean; failure?: Error } {
    if (set.metadata.deletionTimestamp || missing === 0) return { more: false };
    try {
      const number = Math.min(Math.abs(missing), BURST_REPLICAS);
      if (missing < 0) return { more: remove(set, number) };
      checkRoom(set, missing);
      return { more: create(set, number) };
    } catch (failure) {
      if (isApiError(failure) || failure instanceof TransientError) return { more: false, failure };
      throw failure;
    }
  }

  function checkRoom(set: ReplicaSet, missing: number): void {
    if (pods.size + missing <= MAX_PODS) return;
    const message = `this cluster holds ${pods.size} Pods, and ${missing} more would be beyond the ${MAX_PODS} that it can hold`;
    events.warning(set, "FailedCreate", `Error creating: ${message}`);
    throw new TransientError(message);
  }

  /**
   * Pods that this controller deleted and whose deletion has not come back yet: they must not be
   * counted.
   */
  function podsBeingDeleted(set: ReplicaSet): Pod[] {
    return deleting.size === 0
      ? []
      : pods
          .by("controller", set.metadata.uid!)
          .filter((pod) => deleting.has(pod.metadata.uid!) && isActive(pod));
  }

  /** Answers whether there may be more to do at once. */
  function create(set: ReplicaSet, number: number): boolean {
    const owners = frozen([ownerReference(set)]); // they share it
    for (let i = 0; i < number; i++)
      try {
        const pod = client.create<Pod>(podFrom(set, owners), { decoded: true });
        events.normal(set, "SuccessfulCreate", `Created pod: ${pod.metadata.name}`);
        pods.learn(pod);
      } catch (error) {
        if (isTerminating(error)) return false; // nobody will succeed
        // Upstream creates 1, then 2, 4, 8 … at once, so that a quota costs few failing calls; one
        // at a time, the first failure ends it.
        if (isApiError(error))
          events.warning(set, "FailedCreate", `Error creating: ${error.message}`);
        throw error;
      }
    return number === BURST_REPLICAS;
  }

  function remove(set: ReplicaSet, number: number): boolean {
    const candidates = pods
      .by("controller", set.metadata.uid!)
      .filter((pod) => isActive(pod) && !deleting.has(pod.metadata.uid!));
    for (const pod of byWorth(candidates).slice(0, number)) {
      deleting.add(pod.metadata.uid!);
      try {
        client.delete("Pod", pod.metadata.name, pod.metadata.namespace, { uid: pod.metadata.uid! });
        events.normal(set, "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
      } catch (error) {
        deleting.delete(pod.metadata.uid!);
        if (isApiError(error, 404)) continue; // somebody else did it
        if (isApiError(error))
          events.warning(set, "FailedDelete", `Error deleting: ${error.message}`);
        throw error;
      }
    }
    return number === BURST_REPLICAS;
  }

  /**
   * Writes the status if it changed. Answers when the next Pod becomes available, where
   * minReadySeconds makes it wait.
   */
  function reportStatus(
    set: ReplicaSet,
    { active, ready, terminating }: Counts,
    failed: Failed | undefined,
  ): number | void {
    const minReady = set.spec.minReadySeconds ?? 0;
    const members = minReady > 0 ? pods.by("controller", set.metadata.uid!).filter(isActive) : [];
    const available =
      minReady > 0
        ? members.filter((pod) => isAvailable(pod, minReady, clock.now())).length
        : ready;
    const status: ReplicaSet["status"] = {
      replicas: active,
      ...(active > 0 && { fullyLabeledReplicas: active }),
      ...(ready > 0 && { readyReplicas: ready }),
      ...(available > 0 && { availableReplicas: available }),
      ...(countsTerminating && { terminatingReplicas: terminating }),
      observedGeneration: set.metadata.generation!,
      ...failureCondition(set, failed, clock.now()),
    };
    if (!same(set.status ?? {}, status))
      sets.learn(client.updateStatus<ReplicaSet>({ ...set, status }, { decoded: true }));
    if (available < ready) return untilAvailable(members, minReady, clock.now());
  }

  return {
    name,
    reconcile,
    watches: [watch(kind), watchOwned("Pod", kind), watch("Pod", (_key, pod) => fosters(pod))],
  };

  /** The sets that could adopt a Pod without an owner. */
  function fosters(pod: Pod | undefined): string[] {
    if (!pod || controllerOf(pod) || !isActive(pod)) return [];
    return sets
      .by("namespace", pod.metadata.namespace!)
      .filter((set) => matches(selectorOf(set), pod.metadata.labels))
      .map(keyOf);
  }
}

interface Failed {
  reason: "FailedCreate" | "FailedDelete";
  failure: Error;
}

/**
 * The condition ReplicaFailure, with the words of the first failure, until creating and deleting go
 * well again; the conditions of others stay. (pkg/controller/replicaset/replica_set_utils.go,
 * calculateStatus)
 */
function failureCondition(
  { status }: ReplicaSet,
  failed: Failed | undefined,
  now: number,
): { conditions?: Condition[] } {
  const before = status?.conditions ?? [];
  const others = before.filter(({ type }) => type !== REPLICA_FAILURE);
  const own = before.find(({ type }) => type === REPLICA_FAILURE);
  const fresh = ({ reason, failure: { message } }: Failed): Condition => ({
    type: REPLICA_FAILURE,
    status: "True",
    lastTransitionTime: stamp(now),
    reason,
    message,
  });
  const conditions = [...others, ...(failed ? [own ?? fresh(failed)] : [])];
  return conditions.length > 0 ? { conditions } : {};
}

interface Counts {
  active: number;
  ready: number;
  terminating: number;
}

const none: Counts = { active: 0, ready: 0, terminating: 0 };

const ownerReference = ({
  apiVersion,
  kind,
  metadata: { name, uid },
}: ReplicaSet): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid: uid!,
  controller: true,
  blockOwnerDeletion: true,
});

function podFrom(set: ReplicaSet, ownerReferences: OwnerReference[]): Pod {
  const { name, namespace } = set.metadata;
  const { metadata: { labels, annotations } = {}, spec } = set.spec.template;
  // the API server makes the name
  const metadata = { generateName: `${name}-` } as ObjectMeta;
  if (namespace) metadata.namespace = namespace;
  if (labels) metadata.labels = labels;
  if (annotations) metadata.annotations = annotations;
  metadata.ownerReferences = ownerReferences;
  return { apiVersion: "v1", kind: "Pod", spec, metadata };
}

/**
 * Those that may go come first: not bound to a node, pending, not ready, cheap by annotation, many
 * on the same node, ready or made for a short time, restarted often. (kubernetes:
 * pkg/controller/controller_utils.go, ActivePodsWithRanks)
 */
function byWorth(pods: readonly Pod[]): Pod[] {
  const onNode = new Map<string, number>();
  for (const { spec } of pods)
    if (spec.nodeName) onNode.set(spec.nodeName, (onNode.get(spec.nodeName) ?? 0) + 1);
  const phases = ["Pending", "Unknown", "Running"];
  const worth = (pod: Pod): number[] => [
    pod.spec.nodeName ? 1 : 0,
    phases.indexOf(pod.status?.phase ?? "Pending"),
    isReady(pod) ? 1 : 0,
    Number(pod.metadata.annotations?.["controller.kubernetes.io/pod-deletion-cost"] ?? 0) || 0,
    -(onNode.get(pod.spec.nodeName ?? "") ?? 0),
    -(readySince(pod) ?? 0),
    -(pod.status?.containerStatuses ?? []).reduce(
      (most, { restartCount }) => Math.max(most, restartCount),
      0,
    ),
    -Date.parse(pod.metadata.creationTimestamp ?? ""),
  ];
  return pods
    .map((pod) => ({ pod, worth: worth(pod) }))
    .sort((a, b) => firstDifference(a.worth, b.worth))
    .map(({ pod }) => pod);
}

function firstDifference(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

/** Milliseconds until the next of the ready Pods has been so for long enough. */
function untilAvailable(
  pods: readonly Pod[],
  minReadySeconds: number,
  now: number,
): number | undefined {
  let next = Infinity;
  for (const pod of pods) {
    const since = readySince(pod);
    const due = since === undefined ? 0 : since + minReadySeconds * 1000 - now;
    if (due > 0 && due < next) next = due;
  }
  return next < Infinity ? next : undefined;
}
