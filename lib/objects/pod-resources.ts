/**
 * What a Pod as a whole asks for and may use: the sum over its containers, or what its init
 * containers need at a time. (k8s.io/component-helpers: resource/helpers.go)
 */
import { added, largest, type ResourceList } from "./amounts.js";
import type { Container, Pod } from "./types.js";

/** Those that a Pod may say for itself, too. (PodLevelResources) */
const ofPods = ["cpu", "memory"];

export function podResources({ spec }: Pod, which: "requests" | "limits"): ResourceList {
  const of = ({ resources }: Container): ResourceList => resources?.[which] ?? {};
  let all = spec.containers.map(of).reduce(added, {});
  let first: ResourceList = {};
  let sidecars: ResourceList = {};
  for (const container of spec.initContainers ?? []) {
    const isSidecar = container.restartPolicy === "Always";
    if (isSidecar) all = added(all, of(container));
    const atATime = added(sidecars, of(container));
    if (isSidecar) sidecars = atATime;
    first = largest(first, atATime);
  }
  all = largest(all, first);
  const own = (spec as { resources?: Container["resources"] }).resources?.[which] ?? {};
  return {
    ...all,
    ...Object.fromEntries(Object.entries(own).filter(([name]) => ofPods.includes(name))),
  };
}
