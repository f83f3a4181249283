import { watch, type Again, type Context, type Controller } from "../machinery/controller.js";
import { ignoring } from "../api/errors.js";
import { keyOf } from "../machinery/informer.js";
import type { Node, Pod, Taint } from "../objects/types.js";
import { markDisrupted } from "./disruption-target.js";
import { tolerates } from "./scheduler.js";

/**
 * Deletes Pods from nodes with a NoExecute taint, when their tolerations are used up: after 300 s
 * on a lost node, as every Pod is given by default. The time of a taint that does not say when it
 * was added (one that a user made) begins when it is first seen. (kubernetes:
 * pkg/controller/tainteviction)
 */
export function taintEvictionController(context: Context): Controller {
  const { clock, client, informers, events } = context;
  const nodes = informers.of("Node");
  const pods = informers.of("Pod");
  pods.index("node", (pod) => pod.spec.nodeName);
  /** By node: the Pods that are to go, but not yet. */
  const waiting = new Map<string, ReadonlySet<string>>();
  /** By node: the taints that are on it and do not say when they were added. */
  const firstSeen = new Map<string, ReadonlyMap<string, number>>();

  function reconcile(name: string): Again | void {
    const taints = dated(name, evicting(nodes.get(name)));
    const before = waiting.get(name);
    const patient = new Set<string>();
    let next = Infinity;
    for (const pod of taints.length > 0 || before ? pods.by("node", name) : []) {
      if (pod.metadata.deletionTimestamp) continue;
      const due = dueTime(pod, taints);
      if (due <= clock.now()) evict(pod);
      else if (due < Infinity) patient.add(pod.metadata.uid!);
      else if (before?.has(pod.metadata.uid!)) spare(pod);
      if (due < next) next = due;
    }
    if (patient.size > 0) waiting.set(name, patient);
    else waiting.delete(name);
    if (next < Infinity) return { inBackground: Math.max(0, next - clock.now()) };
  }

  /** The taints with the time at which each began; those that are gone are forgotten. */
  function dated(name: string, taints: readonly Taint[]): readonly Dated[] {
    const before = firstSeen.get(name);
    const seen = new Map<string, number>();
    const all = taints.map((taint) => {
      if (taint.timeAdded) return { taint, since: Date.parse(taint.timeAdded) };
      const id = `${taint.key}=${taint.value ?? ""}`;
      const since = before?.get(id) ?? clock.now();
      seen.set(id, since);
      return { taint, since };
    });
    if (seen.size > 0) firstSeen.set(name, seen);
    else firstSeen.delete(name);
    return all;
  }

  function spare(pod: Pod): void {
    events.normal(pod, "TaintManagerEviction", `Cancelling deletion of Pod ${keyOf(pod)}`);
  }

  function evict(pod: Pod): void {
    events.normal(pod, "TaintManagerEviction", `Marking for deletion Pod ${keyOf(pod)}`);
    markDisrupted(context, pod, "taint");
    ignoring([404], () =>
      client.delete("Pod", pod.metadata.name, pod.metadata.namespace, { uid: pod.metadata.uid! }),
    );
  }

  return {
    name: "taint-eviction-controller",
    reconcile,
    watches: [
      watch("Node", (key, node) =>
        evicting(node).length > 0 || firstSeen.has(key) || waiting.has(key) ? [key] : [],
      ),
      watch("Pod", (_key, pod) =>
        pod && evicting(nodes.get(pod.spec.nodeName ?? "")).length > 0 ? [pod.spec.nodeName!] : [],
      ),
    ],
  };
}

interface Dated {
  taint: Taint;
  /** Milliseconds. */
  since: number;
}

const evicting = (node: Node | undefined): readonly Taint[] =>
  node?.spec.taints?.filter(({ effect }) => effect === "NoExecute") ?? [];

/**
 * When the Pod has to go: at once where it does not tolerate a taint, never where it tolerates all
 * for ever.
 */
function dueTime(pod: Pod, taints: readonly Dated[]): number {
  const due = taints.map(({ taint, since }) => {
    const matching = (pod.spec.tolerations ?? []).filter((toleration) =>
      tolerates(toleration, taint),
    );
    if (matching.length === 0) return -Infinity;
    const seconds = least(matching.map(({ tolerationSeconds }) => tolerationSeconds ?? Infinity));
    return seconds === Infinity ? Infinity : since + Math.max(0, seconds) * 1_000;
  });
  return least(due);
}

/** Math.min takes only so many arguments. */
const least = (numbers: readonly number[]): number =>
  numbers.reduce((least, one) => Math.min(least, one), Infinity);
