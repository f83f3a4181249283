/**
 * Keeps of each ResourceQuota how much of it is in use: admission adds what new objects take, and
 * this counts anew when objects go, or when the quota changes. (kubernetes:
 * pkg/controller/resourcequota)
 */
import { moreControllers } from "./manager.js";
import { watch, type Again, type Context, type Controller } from "../machinery/controller.js";
import { keyOf } from "../machinery/informer.js";
import type { WorkQueue } from "../machinery/work-queue.js";
import { only, type ResourceList } from "../objects/amounts.js";
import { namespacedKinds, type KindInfo } from "../objects/kinds.js";
import { isTerminal } from "../objects/pods.js";
import { canonical } from "../objects/quantity.js";
import { concerns, usedOf, type ResourceQuota } from "../objects/quota.js";
import type { Kind, KubeObject, Pod, Service } from "../objects/types.js";
import { informerOf, writeStatus } from "./owned-pods.js";

/** Everything is counted anew, whatever was heard. (--resource-quota-sync-period) Milliseconds. */
const RESYNC_MS = 300_000;

export function resourceQuotaController(context: Context): Controller {
  const { clock, client, guard, informers } = context;
  const quotas = informerOf<ResourceQuota>(context, "ResourceQuota");
  const pods = informers.of("Pod");
  pods.index("namespace", ({ metadata }) => metadata.namespace);
  const heard = new Set<Kind>();
  let queue: WorkQueue | undefined;

  function reconcile(key: string): Again | void {
    const quota = quotas.get(key);
    if (!quota || quota.metadata.deletionTimestamp) return;
    const { hard = {} } = quota.spec ?? {};
    const used = { ...unsaid(hard), ...quota.status?.used, ...counted(quota, Object.keys(hard)) };
    writeStatus(context, quotas, quota, {
      hard: Object.fromEntries(Object.entries(hard).map(([name, most]) => [name, canonical(most)])),
      used: only(used, new Set(Object.keys(hard))),
    });
    return { inBackground: RESYNC_MS };
  }

  /** What nothing uses is used by nobody. */
  const unsaid = (hard: ResourceList): ResourceList =>
    Object.fromEntries(Object.keys(hard).map((name) => [name, "0"]));

  function counted(quota: ResourceQuota, names: readonly string[]): ResourceList {
    const used: Record<string, string> = {};
    for (const info of namespacedKinds()) {
      const own = names.filter((name) => concerns(info, name));
      if (own.length === 0) continue;
      const objects = objectsOf(info, quota.metadata.namespace!);
      const all = usedOf(info, quota, objects, clock.now());
      for (const name of own) used[name] = canonical(all[name] ?? "0");
    }
    return used;
  }

  function objectsOf({ key }: KindInfo, namespace: string): readonly KubeObject[] {
    if (key === "Pod") return pods.by("namespace", namespace);
    hear(key);
    return client.list(key, { namespace }).items;
  }

  /** Of a kind that some quota counts, it is heard when one goes. */
  function hear(kind: Kind): void {
    if (heard.has(kind)) return;
    heard.add(kind);
    informers.of(kind).onChange((_key, object, previous) => {
      if (!object) ofNamespace(previous?.metadata.namespace).forEach((key) => queue?.add(key));
    }, guard);
  }

  const ofNamespace = (namespace: string | undefined): string[] =>
    [...quotas.all()].filter(({ metadata }) => metadata.namespace === namespace).map(keyOf);

  return {
    name: "resourcequota-controller",
    reconcile,
    watches: [
      watch("ResourceQuota" as Kind),
      watch("Pod", (_key, pod: Pod | undefined, previous: Pod | undefined) =>
        quotas.size === 0 || (pod && isTerminal(pod) === (previous ? isTerminal(previous) : false))
          ? []
          : ofNamespace((pod ?? previous)?.metadata.namespace),
      ),
      watch("Service", (_key, service: Service | undefined, previous: Service | undefined) =>
        quotas.size === 0 || (service && service.spec.type === previous?.spec.type)
          ? []
          : ofNamespace((service ?? previous)?.metadata.namespace),
      ),
    ],
    start: (own) => {
      queue = own;
      return () => void (queue = undefined);
    },
  };
}

moreControllers.push({ name: "resourcequota-controller", make: resourceQuotaController });
