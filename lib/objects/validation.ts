import { kubernetes, type Kubernetes } from "./kubernetes.js";
import type { FieldError } from "./field-errors.js";
import { kindOf, specOf } from "./kinds.js";
import { validateMetadata } from "./metadata.js";
import type { KubeObject } from "./types.js";
import { validateDeployment, validateReplicaSet } from "./validation-apps.js";
import { validatePod } from "./validation-pod.js";
import { validateService } from "./validation-service.js";

export type { FieldError } from "./field-errors.js";

/**
 * What is wrong with a defaulted object; `old` is what it is to replace. Nothing here looks at the
 * rest of the cluster.
 */
export function validate(
  object: KubeObject,
  old?: KubeObject,
  version = kubernetes(),
): FieldError[] {
  const own = byKind[object.kind] as
    ((object: KubeObject, old?: KubeObject, version?: Kubernetes) => FieldError[]) | undefined;
  const problems = object.metadata === old?.metadata ? [] : validateMetadata(object, old, version);
  if (kindOf(object)?.definedBy !== undefined) return problems;
  const others = own?.(object, old, version) ?? [];
  const statuses = ofStatus(object, old);
  if (problems.length + statuses.length === 0) return others; // as a rule, for no Pod's cost
  return [...problems, ...others, ...statuses];
}

/** Those of what components write are added by who knows all kinds (validation-components.ts). */
export const byKind: Record<
  string,
  (object: never, old?: never, version?: Kubernetes) => FieldError[]
> = {
  Service: validateService,
  Pod: validatePod,
  Deployment: validateDeployment,
  ReplicaSet: validateReplicaSet,
};

/** Who writes a status leaves the spec as it is. */
function ofStatus(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const check = byStatus[object.kind] as
    ((object: KubeObject, old: KubeObject) => FieldError[]) | undefined;
  return check && old && specOf(object) === specOf(old) ? check(object, old) : [];
}

/**
 * What is asked besides of who writes by a version that is not the one that is kept:
 * validation-events.ts.
 */
export const byVersion: Record<
  string,
  (object: KubeObject, old: KubeObject | undefined) => FieldError[]
> = {};

/** Components write statuses: see byKind. (validation-statuses.ts) */
export const byStatus: Record<string, (object: never, old: never) => FieldError[]> = {};
