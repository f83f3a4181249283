import { watch, type Again, type Context, type Controller } from "../machinery/controller.js";
import { ignoring } from "../api/errors.js";
import { isTerminal } from "../objects/pods.js";
import type { Pod } from "../objects/types.js";
import { markDisrupted } from "./disruption-target.js";

/**
 * How long a node may be missing before its Pods are taken for lost. (pkg/controller/podgc:
 * quarantineTime) Milliseconds.
 */
const QUARANTINE_MS = 40_000;

/**
 * Removes Pods that nobody can end any more, because their node is gone. (kubernetes:
 * pkg/controller/podgc)
 */
export function podGarbageCollector(context: Context): Controller {
  const { clock, client, informers } = context;
  const nodes = informers.of("Node");
  const pods = informers.of("Pod");
  const missing = new Map<string, number>();
  pods.index("node", (pod) => pod.spec.nodeName);

  function reconcile(name: string): Again | void {
    if (nodes.get(name)) return void missing.delete(name);
    const orphans = pods.by("node", name);
    if (orphans.length === 0) return void missing.delete(name);
    const since = missing.get(name) ?? clock.now();
    missing.set(name, since);
    const left = since + QUARANTINE_MS - clock.now();
    if (left > 0) return { inBackground: left };
    for (const pod of orphans) remove(pod);
  }

  function remove(pod: Pod): void {
    const { name, namespace, uid } = pod.metadata;
    markDisrupted(context, pod, "garbage", isTerminal(pod) ? undefined : "Failed");
    ignoring([404], () =>
      client.delete("Pod", name, namespace, { gracePeriodSeconds: 0, uid: uid! }),
    );
  }

  return {
    name: "pod-garbage-collector",
    reconcile,
    watches: [
      watch("Node", (key, node, previous) => (node && previous ? [] : [key])),
      watch("Pod", (_key, pod) =>
        pod?.spec.nodeName && !nodes.get(pod.spec.nodeName) ? [pod.spec.nodeName] : [],
      ),
    ],
  };
}
