import { watch, watchOwned, type Context, type Controller } from "../machinery/controller.js";
import { keyOf } from "../machinery/informer.js";
import { same } from "../objects/freeze.js";
import { isAvailable, isReady, isTerminal } from "../objects/pods.js";
import type {
  Kind,
  KubeObject,
  LabelSelector,
  Node,
  Pod,
  PodTemplate,
  Toleration,
} from "../objects/types.js";
import { templateHash } from "./deployment.js";
import { informerOf, OwnedPods, podOf, withLabels, writeStatus } from "./owned-pods.js";
import { tolerates } from "./scheduler.js";

/** As far as this controller reads it. */
interface DaemonSet extends KubeObject {
  spec: {
    selector: LabelSelector;
    template: PodTemplate;
    minReadySeconds?: number;
    updateStrategy?: {
      type?: "RollingUpdate" | "OnDelete";
      rollingUpdate?: { maxUnavailable?: number | string };
    };
  };
  status?: object;
}

const REVISION = "controller-revision-hash";

/** What each daemon bears with. (pkg/controller/daemon/util, AddOrUpdateDaemonPodTolerations) */
const patience: readonly Toleration[] = [
  ...["not-ready", "unreachable"].map((what) => ({ what, effect: "NoExecute" as const })),
  ...["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"].map((what) => ({
    what,
    effect: "NoSchedule" as const,
  })),
].map(({ what, effect }) => ({ key: `node.kubernetes.io/${what}`, operator: "Exists", effect }));

/**
 * Keeps a Pod on each node that its template fits. Upstream pins it to its node by an affinity, and
 * lets the scheduler bind it; here it is bound when it is made. (kubernetes:
 * pkg/controller/daemon/daemon_controller.go)
 */
export function daemonSetController(context: Context): Controller {
  const { clock, informers } = context;
  const sets = informerOf<DaemonSet>(context, "DaemonSet");
  const nodes = informers.of("Node");
  const owned = new OwnedPods(context);

  function reconcile(key: string): void {
    const set = sets.get(key);
    if (!set || set.metadata.deletionTimestamp) return;
    const pods = byNode(set);
    for (const node of [...nodes.all()]) place(set, node, pods.get(node.metadata.name) ?? []);
    update(set, pods);
    report(set);
  }

  function byNode(set: DaemonSet): Map<string, Pod[]> {
    const pods = new Map<string, Pod[]>();
    for (const pod of owned.of(set)) {
      const node = pod.spec.nodeName ?? "";
      pods.set(node, [...(pods.get(node) ?? []), pod]);
    }
    return pods;
  }

  /** One Pod where one belongs, none where none does. */
  function place(set: DaemonSet, node: Node, there: readonly Pod[]): void {
    const alive = there.filter(({ metadata }) => !metadata.deletionTimestamp);
    const { run, stay } = fits(set, node);
    if (run && there.length === 0) create(set, node);
    for (const [i, pod] of alive.entries())
      if (!stay || i > 0 || pod.status?.phase === "Failed") owned.delete(set, pod);
  }

  function create(set: DaemonSet, node: Node): void {
    const pod = withLabels(podOf(set, set.spec.template, `${set.metadata.name}-`), {
      [REVISION]: templateHash(set.spec.template),
      "pod-template-generation": String(set.metadata.generation ?? 1),
    });
    const tolerations = [...(pod.spec.tolerations ?? []), ...patience];
    owned.create(set, { ...pod, spec: { ...pod.spec, nodeName: node.metadata.name, tolerations } });
  }

  /** Old ones go, as many at a time as may be unavailable. */
  function update(set: DaemonSet, pods: ReadonlyMap<string, readonly Pod[]>): void {
    if (set.spec.updateStrategy?.type === "OnDelete") return;
    const wanted = [...nodes.all()].filter((node) => fits(set, node).run).length;
    const hash = templateHash(set.spec.template);
    const all = [...pods.values()].flat();
    const well = all.filter((pod) => isFine(set, pod));
    let spare = mayBeMissing(set, wanted) - Math.max(0, wanted - well.length);
    for (const pod of all) {
      if (pod.metadata.labels?.[REVISION] === hash || pod.metadata.deletionTimestamp) continue;
      if (isFine(set, pod) && spare-- <= 0) continue;
      owned.delete(set, pod);
    }
  }

  const isFine = (set: DaemonSet, pod: Pod): boolean =>
    !pod.metadata.deletionTimestamp && isAvailable(pod, set.spec.minReadySeconds ?? 0, clock.now());

  function report(set: DaemonSet): void {
    const on = [...nodes.all()];
    const wanted = new Set(on.filter((node) => fits(set, node).run).map(keyOf));
    const pods = owned.of(set).filter((pod) => !isTerminal(pod));
    const here = pods.filter(({ spec }) => wanted.has(spec.nodeName ?? ""));
    const hash = templateHash(set.spec.template);
    const count = (is: (pod: Pod) => boolean): number => here.filter(is).length;
    const updated = count((pod) => pod.metadata.labels?.[REVISION] === hash);
    const available = count((pod) => isFine(set, pod));
    const status = {
      currentNumberScheduled: new Set(here.map(({ spec }) => spec.nodeName)).size,
      numberMisscheduled: pods.length - here.length,
      desiredNumberScheduled: wanted.size,
      numberReady: count(isReady),
      observedGeneration: set.metadata.generation!,
      ...(updated > 0 && { updatedNumberScheduled: updated }),
      ...(available > 0 && { numberAvailable: available }),
      ...(wanted.size > available && { numberUnavailable: wanted.size - available }),
    };
    writeStatus(context, sets, set, status);
  }

  return {
    name: "daemonset-controller",
    reconcile,
    watches: [
      watch("DaemonSet" as Kind),
      watchOwned("Pod", "DaemonSet" as Kind),
      watch("Node", (_key, node, before) =>
        looksTheSame(node, before) ? [] : [...sets.all()].map(keyOf),
      ),
    ],
  };
}

/** Heartbeats change nothing for daemons. */
const looksTheSame = (a: Node | undefined, b: Node | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  same(a.metadata.labels, b.metadata.labels) &&
  same(a.spec, b.spec);

/** Whether a daemon is to be started on a node, and whether one that is there may stay. */
function fits({ spec: { template } }: DaemonSet, node: Node): { run: boolean; stay: boolean } {
  const { nodeSelector = {}, nodeName, tolerations = [] } = template.spec;
  const labels = node.metadata.labels ?? {};
  const selected =
    (nodeName === undefined || nodeName === node.metadata.name) &&
    Object.entries(nodeSelector).every(([key, value]) => labels[key] === value);
  const all = [...tolerations, ...patience];
  const against = (node.spec.taints ?? []).filter(
    (taint) => taint.effect !== "PreferNoSchedule" && !all.some((one) => tolerates(one, taint)),
  );
  return {
    run: selected && against.length === 0,
    stay: selected && against.every(({ effect }) => effect !== "NoExecute"),
  };
}

function mayBeMissing({ spec }: DaemonSet, wanted: number): number {
  const { maxUnavailable = 1 } = spec.updateStrategy?.rollingUpdate ?? {};
  return typeof maxUnavailable === "number"
    ? maxUnavailable
    : Math.max(1, Math.ceil((wanted * parseInt(maxUnavailable, 10)) / 100));
}
