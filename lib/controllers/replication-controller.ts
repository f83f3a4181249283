import { watch, watchOwned, type Context, type Controller } from "../machinery/controller.js";
import { isActive, isReady } from "../objects/pods.js";
import type { Kind, KubeObject, PodTemplate } from "../objects/types.js";
import { informerOf, OwnedPods, podOf, writeStatus } from "./owned-pods.js";

/** As far as this controller reads it. */
interface ReplicationController extends KubeObject {
  spec: { replicas?: number; selector?: Record<string, string>; template?: PodTemplate };
  status?: object;
}

/**
 * What a ReplicaSet was before there were Deployments. (kubernetes: pkg/controller/replication)
 */
export function replicationController(context: Context): Controller {
  const sets = informerOf<ReplicationController>(context, "ReplicationController");
  const owned = new OwnedPods(context);

  function reconcile(key: string): void {
    const set = sets.get(key);
    if (!set || set.metadata.deletionTimestamp) return;
    const { replicas = 1, template } = set.spec;
    const active = owned.of(set).filter(isActive);
    for (let i = active.length; template && i < replicas; i++)
      owned.create(set, podOf(set, template, `${set.metadata.name}-`));
    // those that are not ready go first
    const surplus = active.sort((a, b) => Number(isReady(b)) - Number(isReady(a))).slice(replicas);
    for (const pod of surplus) owned.delete(set, pod);
    report(set);
  }

  function report(set: ReplicationController): void {
    const active = owned.of(set).filter(isActive).length;
    const ready = owned.of(set).filter((pod) => isActive(pod) && isReady(pod)).length;
    const status = {
      replicas: active,
      ...(active > 0 && { fullyLabeledReplicas: active }),
      ...(ready > 0 && { readyReplicas: ready, availableReplicas: ready }),
      observedGeneration: set.metadata.generation!,
    };
    writeStatus(context, sets, set, status);
  }

  return {
    name: "replication-controller",
    reconcile,
    watches: [
      watch("ReplicationController" as Kind),
      watchOwned("Pod", "ReplicationController" as Kind),
    ],
  };
}
