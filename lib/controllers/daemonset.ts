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
import { Revisions } from "./revisions.js";
import { likesNode } from "./scheduling.js";
import { tolerates } from "./scheduler.js";

/** As far as this controller reads it. */
interface DaemonSet extends KubeObject {
  spec: {
    selector: LabelSelector;
    template: PodTemplate;
    minReadySeconds?: number;
    revisionHistoryLimit?: number;
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
 * Keeps a Pod on each node that its template fits: pinned to it by an affinity, and bound by the
 * scheduler. (kubernetes: pkg/controller/daemon/daemon_controller.go)
 */
export function daemonSetController(context: Context): Controller {
  const { clock, informers } = context;
  const sets = informerOf<DaemonSet>(context, "DaemonSet");
  const nodes = informers.of("Node");
  const owned = new OwnedPods(context);
  const revisions = new Revisions(context, REVISION);

  function reconcile(key: string): void {
    const set = sets.get(key);
    if (!set || set.metadata.deletionTimestamp) return;
    const pods = byNode(set);
    const inUse = owned.of(set).map(({ metadata }) => metadata.labels?.[REVISION]);
    revisions.keep(set, new Set(inUse.map((letters) => `${set.metadata.name}-${letters}`)));
    for (const node of [...nodes.all()]) place(set, node, pods.get(node.metadata.name) ?? []);
    update(set, pods);
    report(set);
  }

  function byNode(set: DaemonSet): Map<string, Pod[]> {
    const pods = new Map<string, Pod[]>();
    for (const pod of owned.of(set)) {
      const node = nodeOf(pod);
      pods.set(node, [...(pods.get(node) ?? []), pod]);
    }
    return pods;
  }

  /** One Pod where one belongs, none where none does. */
  function place(set: DaemonSet, node: Node, there: readonly Pod[]): void {
    const alive = there.filter(({ metadata }) => !metadata.deletionTimestamp);
    const { run, stay } = fits(set, node);
    if (run && there.length === 0) create(set, node);
    for (const [i, pod] of alive.entries()) {
      if (pod.status?.phase === "Failed") sayThatItFailed(set, node, pod);
      else if (stay && i === 0) continue;
      owned.delete(set, pod);
    }
  }

  function sayThatItFailed(set: DaemonSet, { metadata }: Node, pod: Pod): void {
    const message = `Found failed daemon pod ${keyOf(pod)} on node ${metadata.name}, will try to kill it`;
    context.events.warning(set, "FailedDaemonPod", message);
  }

  function create(set: DaemonSet, node: Node): void {
    const pod = withLabels(podOf(set, set.spec.template, `${set.metadata.name}-`), {
      [REVISION]: templateHash(set.spec.template),
      "pod-template-generation": String(set.metadata.generation ?? 1),
    });
    const tolerations = [...(pod.spec.tolerations ?? []), ...patience];
    const affinity = pinned(pod.spec.affinity, node.metadata.name);
    owned.create(set, { ...pod, spec: { ...pod.spec, affinity, tolerations } });
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
    const here = pods.filter((pod) => wanted.has(nodeOf(pod)));
    const hash = templateHash(set.spec.template);
    const count = (is: (pod: Pod) => boolean): number => here.filter(is).length;
    const updated = count((pod) => pod.metadata.labels?.[REVISION] === hash);
    const available = count((pod) => isFine(set, pod));
    const status = {
      currentNumberScheduled: new Set(here.map(nodeOf)).size,
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

/** As far as a daemon's affinity is looked at. */
interface Affinity {
  nodeAffinity?: {
    requiredDuringSchedulingIgnoredDuringExecution?: {
      nodeSelectorTerms: { matchFields?: { key: string; values?: string[] }[] }[];
    };
  };
}

/** To one node: the scheduler has no choice. (ReplaceDaemonSetPodNodeNameNodeAffinity) */
function pinned(affinity: unknown, node: string): object {
  const { nodeAffinity, ...others } = (affinity ?? {}) as Affinity;
  const matchFields = [{ key: "metadata.name", operator: "In", values: [node] }];
  const only = { nodeSelectorTerms: [{ matchFields }] };
  return {
    ...others,
    nodeAffinity: { ...nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: only },
  };
}

/** Where it is, or is to be. */
function nodeOf({ spec }: Pod): string {
  const { nodeAffinity } = (spec.affinity ?? {}) as Affinity;
  const [term] =
    nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return spec.nodeName || (term?.matchFields?.[0]?.values?.[0] ?? "");
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
    Object.entries(nodeSelector).every(([key, value]) => labels[key] === value) &&
    likesNode(template as unknown as Pod, node);
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
