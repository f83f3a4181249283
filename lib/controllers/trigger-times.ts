/**
 * When that happened which made a Service's endpoints change: kube-proxy takes from it how long its
 * rules were behind. It is the earliest new moment at which a Pod became ready or ceased to be;
 * of a Service that is seen for the first time, its own creation. (k8s.io/endpointslice/util:
 * trigger_time_tracker.go)
 */
import { condition } from "../objects/pods.js";
import type { ObjectMeta, Pod, Service } from "../objects/types.js";
import { selects, type Selection } from "./selection.js";

const TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time";

export class TriggerTimes {
  /** By Service: the Pods that told a new moment since it was looked at, and their old ones. */
  readonly #news = new Map<string, Map<string, string>>();

  constructor(private readonly selection: Selection) {}

  /** A Pod changed. */
  note(key: string, pod: Pod | undefined, previous: Pod | undefined): void {
    if (!pod) return;
    const isSame = pod.metadata.labels === previous?.metadata.labels;
    if (isSame && pod.status?.conditions === previous?.status?.conditions) return;
    const before = previous ? momentOf(previous) : "";
    const moment = momentOf(pod);
    if (moment === "" || (isSame && moment === before)) return;
    for (const service of this.selection.servicesOf(pod)) {
      const news = this.#news.get(service);
      if (!news || news.has(key)) continue;
      const { selector = {} } = this.selection.services.get(service)!.spec;
      news.set(key, previous && selects(selector, previous) ? before : "");
    }
  }

  /** What is new since this was last asked. */
  take(key: string, { metadata, spec: { selector = {} } }: Service): string | undefined {
    const news = this.#news.get(key);
    if (!news) {
      this.#news.set(key, new Map());
      return metadata.creationTimestamp;
    }
    let first: string | undefined;
    for (const [name, before] of news) {
      const pod = this.selection.pods.get(name);
      const moment = pod && selects(selector, pod) ? momentOf(pod) : "";
      if (moment > before && (first === undefined || moment < first)) first = moment;
    }
    news.clear();
    return first;
  }

  forget(key: string): void {
    this.#news.delete(key);
  }
}

const momentOf = (pod: Pod): string => condition(pod, "Ready")?.lastTransitionTime ?? "";

/** The annotations of what is written now, if any; where nothing is new, an old moment goes. */
export function triggeredAt(
  { annotations = {} }: ObjectMeta,
  moment: string | undefined,
): { annotations?: Record<string, string> } {
  const { [TRIGGER_TIME]: _, ...others } = annotations;
  const all = moment === undefined ? others : { ...others, [TRIGGER_TIME]: moment };
  return Object.keys(all).length > 0 ? { annotations: all } : {};
}
