/**
 * Keeps of each PodDisruptionBudget how many of its Pods are well, and how many may go: evictions
 * and the scheduler ask that. (kubernetes: pkg/controller/disruption)
 */
import { stamp } from "../api/time.js";
import {
  controllerOf,
  watch,
  type Again,
  type Context,
  type Controller,
} from "../machinery/controller.js";
import { keyOf } from "../machinery/informer.js";
import {
  allowedCondition,
  covers,
  share,
  type PodDisruptionBudget,
} from "../objects/disruption-budgets.js";
import { isReady, isTerminal } from "../objects/pods.js";
import type { Kind, KubeObject, Pod } from "../objects/types.js";
import { informerOf, writeStatus } from "./owned-pods.js";

/** So long a Pod that was evicted counts as gone though it is still there. Milliseconds. */
const DELETION_TIMEOUT_MS = 120_000;

const scalable = ["ReplicaSet", "StatefulSet", "ReplicationController", "Deployment"] as const;

export function disruptionController(context: Context): Controller {
  const { clock, events, informers } = context;
  const budgets = informerOf<PodDisruptionBudget>(context, "PodDisruptionBudget");
  const pods = informers.of("Pod");
  pods.index("namespace", ({ metadata }) => metadata.namespace);
  const owners = new Map(
    scalable.map((kind) => [kind as string, informerOf<Scaled>(context, kind)] as const),
  );

  function reconcile(key: string): Again | void {
    const budget = budgets.get(key);
    if (!budget || budget.metadata.deletionTimestamp) return;
    const covered = pods
      .by("namespace", budget.metadata.namespace!)
      .filter((pod) => covers(budget, pod) && !isTerminal(pod));
    if (covered.length === 0) events.normal(budget, "NoPods", "No matching pods found");
    const disrupted = stillThere(budget, covered);
    const healthy = covered.filter(
      (pod) => isReady(pod) && !pod.metadata.deletionTimestamp && !disrupted.has(pod.metadata.name),
    ).length;
    report(budget, healthy, needs(budget, covered), disrupted);
    if (disrupted.size > 0) return { inBackground: DELETION_TIMEOUT_MS };
  }

  /** Of those that were evicted the ones that are not seen to go yet. */
  function stillThere({ status }: PodDisruptionBudget, covered: readonly Pod[]) {
    const there = new Set(
      covered
        .filter(({ metadata }) => !metadata.deletionTimestamp)
        .map(({ metadata }) => metadata.name),
    );
    const late = clock.now() - DELETION_TIMEOUT_MS;
    const all = Object.entries(status?.disruptedPods ?? {});
    return new Map(all.filter(([name, time]) => there.has(name) && Date.parse(time) > late));
  }

  /** How many Pods there should be, and how many of them well. (getExpectedPodCount) */
  function needs({ spec = {} }: PodDisruptionBudget, covered: readonly Pod[]) {
    const { minAvailable = 1, maxUnavailable } = spec;
    if (maxUnavailable !== undefined) {
      const expected = expectedScale(covered);
      return { expected, desired: Math.max(0, expected - share(maxUnavailable, expected)) };
    }
    if (typeof minAvailable === "number")
      return { expected: covered.length, desired: minAvailable };
    const expected = expectedScale(covered);
    return { expected, desired: share(minAvailable, expected) };
  }

  /** What those ask for who keep these Pods; of a ReplicaSet its Deployment. */
  function expectedScale(covered: readonly Pod[]): number {
    const scales = new Map<string, number>();
    for (const pod of covered) {
      const owner = ownerOf(pod);
      const above = owner && ownerOf(owner);
      const top = above ?? owner ?? pod;
      scales.set(top.metadata.uid!, (top as Scaled).spec.replicas ?? 1);
    }
    return [...scales.values()].reduce((sum, one) => sum + one, 0);
  }

  function ownerOf(object: KubeObject): Scaled | undefined {
    const { kind = "", name, uid } = controllerOf(object) ?? {};
    const owner = owners.get(kind)?.get(`${object.metadata.namespace}/${name}`);
    return owner?.metadata.uid === uid ? owner : undefined;
  }

  function report(
    budget: PodDisruptionBudget,
    healthy: number,
    { expected, desired }: { expected: number; desired: number },
    disrupted: ReadonlyMap<string, string>,
  ): void {
    const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0;
    const { generation } = budget.metadata;
    const status = {
      observedGeneration: generation ?? 1,
      ...(disrupted.size > 0 && { disruptedPods: Object.fromEntries(disrupted) }),
      disruptionsAllowed: allowed,
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      conditions: [allowedCondition(budget, allowed, stamp(clock.now()))],
    };
    writeStatus(context, budgets, budget, status);
  }

  const covering = (pod: Pod | undefined): string[] =>
    pod ? [...budgets.all()].filter((budget) => covers(budget, pod)).map(keyOf) : [];

  return {
    name: "disruption-controller",
    reconcile,
    watches: [
      watch("PodDisruptionBudget" as Kind),
      watch("Pod", (_key, pod, previous) =>
        budgets.size === 0 ? [] : [...new Set([...covering(pod), ...covering(previous)])],
      ),
      ...scalable.map((kind) => watch(kind as Kind, () => [...budgets.all()].map(keyOf))),
    ],
  };
}

type Scaled = KubeObject & { spec: { replicas?: number } };
