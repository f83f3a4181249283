import { watch, type Again, type Context, type Controller } from "../machinery/controller.js";
import { ignoring } from "../api/errors.js";
import { keyOf } from "../machinery/informer.js";
import type { Node, Pod, Taint } from "../objects/types.js";
import { tolerates } from "./scheduler.js";

/**
 * Deletes Pods from nodes with a NoExecute taint, when their tolerations are used up: after 300 s
 * on a lost node, as every Pod is given by default. (kubernetes: pkg/controller/tainteviction)
 */
export function taintEvictionController({ clock, client, informers, events }: Context): Controller {
  const nodes = informers.of("Node");
  const pods = informers.of("Pod");
  pods.index("node", (pod) => pod.spec.nodeName);

  function reconcile(name: string): Again | void {
    const taints = evicting(nodes.get(name));
    if (taints.length === 0) return;
    let next = Infinity;
    for (const pod of pods.by("node", name)) {
      if (pod.metadata.deletionTimestamp) continue;
      const due = dueTime(pod, taints);
      if (due <= clock.now()) evict(pod);
      else if (due < next) next = due;
    }
    if (next < Infinity) return { inBackground: next - clock.now() };
  }

  function evict(pod: Pod): void {
    events.normal(pod, "TaintManagerEviction", `Marking for deletion Pod ${keyOf(pod)}`);
    ignoring([404], () =>
      client.delete("Pod", pod.metadata.name, pod.metadata.namespace, { uid: pod.metadata.uid! }),
    );
  }

  return {
    name: "taint-eviction-controller",
    reconcile,
    watches: [
      watch("Node", (key, node) => (evicting(node).length > 0 ? [key] : [])),
      watch("Pod", (_key, pod) =>
        pod && evicting(nodes.get(pod.spec.nodeName ?? "")).length > 0 ? [pod.spec.nodeName!] : [],
      ),
    ],
  };
}

const evicting = (node: Node | undefined): readonly Taint[] =>
  node?.spec.taints?.filter(({ effect }) => effect === "NoExecute") ?? [];

/**
 * When the Pod has to go: at once where it does not tolerate a taint, never where it tolerates all
 * for ever.
 */
function dueTime(pod: Pod, taints: readonly Taint[]): number {
  const due = taints.map((taint) => {
    const matching = (pod.spec.tolerations ?? []).filter((toleration) =>
      tolerates(toleration, taint),
    );
    if (matching.length === 0) return -Infinity;
    const seconds = least(matching.map(({ tolerationSeconds }) => tolerationSeconds ?? Infinity));
    return seconds === Infinity
      ? Infinity
      : Date.parse(taint.timeAdded ?? "") + Math.max(0, seconds) * 1_000;
  });
  return least(due);
}

/** Math.min takes only so many arguments. */
const least = (numbers: readonly number[]): number =>
  numbers.reduce((least, one) => Math.min(least, one), Infinity);
