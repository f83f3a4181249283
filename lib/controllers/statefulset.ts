import { watch, watchOwned, type Context, type Controller } from "../machinery/controller.js";
import { isAvailable, isReady, isTerminal } from "../objects/pods.js";
import type {
  Kind,
  KubeObject,
  LabelSelector,
  Pod,
  PodSpec,
  PodTemplate,
} from "../objects/types.js";
import { templateHash } from "./deployment.js";
import { informerOf, OwnedPods, podOf, withLabels, writeStatus } from "./owned-pods.js";
import { Revisions } from "./revisions.js";

/** As far as this controller reads it. */
interface StatefulSet extends KubeObject {
  spec: {
    replicas?: number;
    selector: LabelSelector;
    template: PodTemplate;
    serviceName?: string;
    podManagementPolicy?: "OrderedReady" | "Parallel";
    updateStrategy?: {
      type?: "RollingUpdate" | "OnDelete";
      rollingUpdate?: { partition?: number };
    };
    minReadySeconds?: number;
    revisionHistoryLimit?: number;
    ordinals?: { start?: number };
    volumeClaimTemplates?: { metadata?: { name?: string } }[];
  };
  status?: { currentRevision?: string; [field: string]: unknown };
}

const REVISION = "controller-revision-hash";

/**
 * Keeps Pods with names of their own: web-0, web-1, …; one after the other, and each only once the
 * one before it is ready. They go in the opposite order, and so they are updated.
 *
 * What volumeClaimTemplates claim is mounted, and nobody makes it: Pods have no disks here.
 * (kubernetes: pkg/controller/statefulset/stateful_set_control.go)
 */
export function statefulSetController(context: Context): Controller {
  const { clock } = context;
  const sets = informerOf<StatefulSet>(context, "StatefulSet");
  const owned = new OwnedPods(context);
  const revisions = new Revisions(context, "controller.kubernetes.io/hash");

  function reconcile(key: string): number | void {
    const set = sets.get(key);
    if (!set || set.metadata.deletionTimestamp) return;
    const revision = revisionOf(set);
    const inUse = owned.of(set).map(({ metadata }) => metadata.labels?.[REVISION] ?? "");
    revisions.keep(set, new Set([...inUse, set.status?.currentRevision ?? ""]));
    const pods = new Map(owned.of(set).map((pod) => [ordinalOf(pod), pod]));
    act(set, pods, revision);
    return report(set, revision);
  }

  /** One step, or, where Pods are managed in parallel, all that are due. */
  function act(set: StatefulSet, pods: ReadonlyMap<number, Pod>, revision: string): void {
    const inOrder = set.spec.podManagementPolicy !== "Parallel";
    const [first, end] = rangeOf(set);
    for (let ordinal = first; ordinal < end; ordinal++) {
      const pod = pods.get(ordinal);
      if (!pod) create(set, ordinal, revisionFor(set, ordinal, revision));
      else if (isTerminal(pod) && !pod.metadata.deletionTimestamp) remove(set, pod);
      else if (isFine(set, pod)) continue;
      if (inOrder) return;
    }
    const surplus = [...pods].filter(([ordinal]) => ordinal < first || ordinal >= end);
    for (const [, pod] of surplus.sort(([a], [b]) => b - a)) {
      if (!pod.metadata.deletionTimestamp) remove(set, pod);
      if (inOrder) return;
    }
    update(set, pods, revision);
  }

  /** The last Pod that is not as the template says goes, if all after it are well. */
  function update(set: StatefulSet, pods: ReadonlyMap<number, Pod>, revision: string): void {
    const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
    if (type === "OnDelete") return;
    const [first, end] = rangeOf(set);
    const last = Math.max(first, rollingUpdate?.partition ?? 0);
    for (let ordinal = end - 1; ordinal >= last; ordinal--) {
      const pod = pods.get(ordinal);
      if (!pod || pod.metadata.deletionTimestamp) return;
      if (pod.metadata.labels?.[REVISION] !== revision) return remove(set, pod);
      if (!isFine(set, pod)) return;
    }
  }

  const isFine = (set: StatefulSet, pod: Pod): boolean =>
    !pod.metadata.deletionTimestamp && isAvailable(pod, set.spec.minReadySeconds ?? 0, clock.now());

  /** Below the partition a new Pod is as the others there are. */
  function revisionFor(set: StatefulSet, ordinal: number, revision: string): string {
    const { partition = 0 } = set.spec.updateStrategy?.rollingUpdate ?? {};
    return ordinal < partition ? (set.status?.currentRevision ?? revision) : revision;
  }

  function create(set: StatefulSet, ordinal: number, revision: string): void {
    const name = `${set.metadata.name}-${ordinal}`;
    const pod = withLabels(podOf(set, templateOf(set, revision), name), {
      [REVISION]: revision,
      "statefulset.kubernetes.io/pod-name": name,
      "apps.kubernetes.io/pod-index": String(ordinal),
    });
    const { serviceName } = set.spec;
    const spec = {
      ...withClaims(pod.spec, set, name),
      hostname: name,
      ...(serviceName && { subdomain: serviceName }),
    };
    const said = () => `create Pod ${name} in StatefulSet ${set.metadata.name} successful`;
    owned.create(set, { ...pod, spec }, said);
  }

  function remove(set: StatefulSet, pod: Pod): void {
    const said = `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
    owned.delete(set, pod, said);
  }

  // ---- revisions

  /** The template of a revision, as long as it is kept. */
  const templateOf = (set: StatefulSet, revision: string): PodTemplate =>
    revisions.templateOf(set, revision) ?? set.spec.template;

  // ---- status

  function report(set: StatefulSet, revision: string): number | void {
    const pods = owned.of(set).filter((pod) => !isTerminal(pod));
    const { minReadySeconds = 0, replicas = 1 } = set.spec;
    const count = (wanted: (pod: Pod) => boolean): number => pods.filter(wanted).length;
    const updated = count((pod) => pod.metadata.labels?.[REVISION] === revision);
    const ready = count(isReady);
    const available = count((pod) => isAvailable(pod, minReadySeconds, clock.now()));
    const isRolling = set.spec.updateStrategy?.type !== "OnDelete";
    const done =
      isRolling && updated === replicas && ready === replicas && pods.length === replicas;
    const before = set.status?.currentRevision ?? revision;
    const currentRevision = done ? revision : before;
    const current = count((pod) => pod.metadata.labels?.[REVISION] === currentRevision);
    const status = {
      observedGeneration: set.metadata.generation!,
      replicas: pods.length,
      ...(ready > 0 && { readyReplicas: ready }),
      ...(current > 0 && { currentReplicas: current }),
      ...(updated > 0 && { updatedReplicas: updated }),
      currentRevision,
      updateRevision: revision,
      collisionCount: 0,
      availableReplicas: available,
    };
    writeStatus(context, sets, set, status);
    if (available < ready) return 1_000;
  }

  return {
    name: "statefulset-controller",
    reconcile,
    watches: [watch("StatefulSet" as Kind), watchOwned("Pod", "StatefulSet" as Kind)],
  };
}

const rangeOf = ({ spec }: StatefulSet): [first: number, end: number] => {
  const first = spec.ordinals?.start ?? 0;
  return [first, first + (spec.replicas ?? 1)];
};

const ordinalOf = ({ metadata }: Pod): number => Number(/-(\d+)$/.exec(metadata.name)?.[1] ?? -1);

const revisionOf = ({ metadata, spec }: StatefulSet): string =>
  `${metadata.name}-${templateHash(spec.template)}`;

/** Each claim is a volume of its name, in place of the template's. (updateStorage) */
function withClaims(spec: PodSpec, { spec: { volumeClaimTemplates } }: StatefulSet, pod: string) {
  const names = (volumeClaimTemplates ?? []).flatMap(({ metadata }) => metadata?.name ?? []);
  if (names.length === 0) return spec;
  const own = (spec.volumes ?? []) as { name?: string }[];
  const claimed = names.map((name) => ({
    name,
    persistentVolumeClaim: { claimName: `${name}-${pod}` },
  }));
  return { ...spec, volumes: [...claimed, ...own.filter(({ name }) => !names.includes(name!))] };
}
