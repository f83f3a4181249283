import type { FieldError } from "./field-errors.js";
import { kindOf } from "./kinds.js";
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
export function validate(object: KubeObject, old?: KubeObject): FieldError[] {
  const own = byKind[object.kind] as
    ((object: KubeObject, old?: KubeObject) => FieldError[]) | undefined;
  const problems = object.metadata === old?.metadata ? [] : validateMetadata(object, old);
  if (!own || !kindOf(object)?.isModelled) return problems;
  const others = own(object, old);
  return problems.length > 0 ? [...problems, ...others] : others;
}

/** Those of what components write are added by who knows all kinds (validation-components.ts). */
export const byKind: Record<string, (object: never, old?: never) => FieldError[]> = {
  Service: validateService,
  Pod: validatePod,
  Deployment: validateDeployment,
  ReplicaSet: validateReplicaSet,
};
