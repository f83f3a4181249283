import type { Condition, Container, Pod, PodSpec } from "./types.js";

/**
 * What controllers and kubelets ask about a Pod. (kubernetes: pkg/api/v1/pod/util.go,
 * pkg/controller/controller_utils.go)
 */

/** Asked for every Pod at every change: a plain loop. */
export function condition(
  { status }: { status?: { conditions?: Condition[] } },
  type: string,
): Condition | undefined {
  const conditions = status?.conditions;
  if (conditions)
    for (let i = 0; i < conditions.length; i++)
      if (conditions[i]!.type === type) return conditions[i];
  return undefined;
}

export const isReady = (pod: Pod): boolean => condition(pod, "Ready")?.status === "True";

/** It has ended and will not run again. */
export const isTerminal = (pod: Pod): boolean =>
  pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";

/** All its containers, in the order of Kubernetes' own VisitContainers. (pkg/api/v1/pod/util.go) */
export const containersOf = ({
  initContainers = [],
  containers,
  ephemeralContainers = [],
}: PodSpec): Container[] => [...initContainers, ...containers, ...ephemeralContainers];

/** Whether it asks for a port of its node. Of nearly every Pod the answer is no. */
export const asksForHostPorts = ({ containers }: PodSpec): boolean =>
  containers.some(({ ports }) => ports?.some(({ hostPort }) => hostPort));

/** It counts as a replica: it has not ended and is not being deleted. */
export const isActive = (pod: Pod): boolean => !isTerminal(pod) && !pod.metadata.deletionTimestamp;

/** Since when it is ready, in milliseconds since the epoch; undefined where nobody says. */
export function readySince(pod: Pod): number | undefined {
  const ready = condition(pod, "Ready");
  if (ready?.status !== "True" || ready.lastTransitionTime === undefined) return undefined;
  return Date.parse(ready.lastTransitionTime);
}

/** It has been ready for `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  if (minReadySeconds === 0) return isReady(pod);
  const since = readySince(pod);
  return since !== undefined && now >= since + minReadySeconds * 1_000;
}
