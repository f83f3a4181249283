/**
 * A Pod that has a node says in which zone and region it is: its labels tell what the node's tell.
 * (KEP-4742; kubernetes: plugin/pkg/admission/podtopologylabels)
 */
import { frozen } from "../objects/freeze.js";
import type { KubeObject, Pod } from "../objects/types.js";

type Labels = Record<string, string>;

const copied = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

// Pods of one template share their labels: those of one zone do so still
const known = new WeakMap<Labels, Map<string, Labels>>();
const nothing: Labels = Object.freeze({});

/** The Pod with the labels that its node has; `node`: undefined where there is none (yet). */
export function withTopology(pod: Pod, node: KubeObject | undefined): Pod {
  const of = node?.metadata.labels ?? {};
  const news = copied.filter((key) => of[key] !== undefined);
  if (news.length === 0) return pod;
  const own = pod.metadata.labels ?? nothing;
  const places = known.get(own) ?? new Map<string, Labels>();
  if (Object.isFrozen(own)) known.set(own, places);
  const place = news.map((key) => `${key}=${of[key]}`).join();
  let labels = places.get(place);
  if (!labels) {
    labels = frozen({ ...own, ...Object.fromEntries(news.map((key) => [key, of[key]!])) });
    places.set(place, labels);
  }
  return { ...pod, metadata: { ...pod.metadata, labels } };
}
