/**
 * The last condition of a Pod that goes because something else needs that: it says who did it, so
 * that a Job does not count it as a failure of its own. (KEP-3329)
 */
import type { Client } from "../api/client.js";
import type { Clock } from "../api/clock.js";
import { ignoring } from "../api/errors.js";
import { stamp } from "../api/time.js";
import type { Condition, Pod } from "../objects/types.js";

/** What is said of a Pod, by who disrupts it. */
export const disruptions = {
  taint: ["DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"],
  eviction: ["EvictionByEvictionAPI", "Eviction API: evicting"],
  garbage: ["DeletionByPodGC", "PodGC: node no longer exists"],
  preemption: [
    "PreemptionByScheduler",
    "default-scheduler: preempting to accommodate a higher priority pod",
  ],
} as const;

/** Says so in the Pod's status, as it is stored now. Nobody minds if it is gone. */
export function markDisrupted(
  { client, clock }: { client: Client; clock: Clock },
  { metadata: { name, namespace, uid } }: Pod,
  by: keyof typeof disruptions,
  phase?: "Failed",
): void {
  ignoring([404, 409], () => {
    const pod = client.get("Pod", name, namespace);
    if (pod.metadata.uid !== uid) return;
    const conditions = withTarget(pod, by, stamp(clock.now()));
    const status = { ...pod.status, ...(phase && { phase }), conditions };
    client.updateStatus<Pod>({ ...pod, status });
  });
}

function withTarget({ metadata, status }: Pod, by: keyof typeof disruptions, now: string) {
  const [reason, message] = disruptions[by];
  const target: Condition = {
    type: "DisruptionTarget",
    ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
    status: "True",
    lastTransitionTime: now,
    reason,
    message,
  };
  const before = status?.conditions ?? [];
  return before.some(({ type }) => type === target.type)
    ? before.map((one) => (one.type === target.type ? target : one))
    : [...before, target];
}
