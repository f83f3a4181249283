/** Faults of a Pod: of its status, or of its spec, which is changed where its owner makes it. */
import type { Pod } from "../../objects/types.js";
import { nameOf, namespaceOf } from "../objects.js";
import type { Fault, Value } from "../types.js";
import { fault } from "./case.js";

export type Facts = { value: Value; expected: Value; sentence: string };

const describe = ({ metadata }: Pod): string =>
  `kubectl describe pod ${metadata.name} -n ${metadata.namespace ?? "default"}`;

/** A fault of a Pod's status, which no field of a manifest mends. */
export const ofStatus = (pod: Pod, field: string, facts: Facts): Fault =>
  fault("pod", pod, field, facts, { change: undefined, kubectl: describe(pod) });

/** A fault of a Pod's spec: to be changed where its owner makes it. */
export const ofSpec = (
  pod: Pod,
  field: string,
  facts: Facts,
  change: Value = facts.expected,
): Fault =>
  fault("pod", pod, field, facts, {
    change: { object: ownerOf(pod), field: inOwner(pod, field), value: change },
    kubectl: describe(pod),
  });

/** A Pod of a Deployment's ReplicaSet is changed in the Deployment's template. */
function ownerOf(pod: Pod): string {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller);
  if (!owner) return nameOf(pod);
  const hash = pod.metadata.labels?.["pod-template-hash"];
  const isRevision = owner.kind === "ReplicaSet" && hash && owner.name.endsWith(`-${hash}`);
  const where = `${namespaceOf(pod)}/`;
  return isRevision
    ? `Deployment ${where}${owner.name.slice(0, -hash.length - 1)}`
    : `${owner.kind} ${where}${owner.name}`;
}

const inOwner = (pod: Pod, field: string): string =>
  ownerOf(pod) === nameOf(pod) ? field : `spec.template.${field}`;
