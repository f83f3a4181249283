import {
  controllerOf,
  watch,
  watchOwned,
  type Again,
  type Context,
  type Controller,
} from "../machinery/controller.js";
import { ignoring, isApiError, isTerminating, type ApiError } from "../api/errors.js";
import { hash } from "../machinery/random.js";
import { same } from "../objects/freeze.js";
import { matches } from "../objects/selectors.js";
import type { Deployment, PodTemplate, ReplicaSet } from "../objects/types.js";
import {
  conditionsOf,
  failedToCreate,
  untilDeadline,
  type Sight,
} from "./deployment-conditions.js";

const REVISION = "deployment.kubernetes.io/revision";
const HISTORY = "deployment.kubernetes.io/revision-history";
const DESIRED = "deployment.kubernetes.io/desired-replicas";
const MAX = "deployment.kubernetes.io/max-replicas";
const HASH = "pod-template-hash";

/**
 * Turns a Deployment into ReplicaSets: one for each Pod template it ever had, of which the newest
 * is scaled up while the others are scaled down, within maxSurge and maxUnavailable. (kubernetes:
 * pkg/controller/deployment)
 */
export function deploymentController({ clock, client, informers, events }: Context): Controller {
  const deployments = informers.of("Deployment");
  const sets = informers.of("ReplicaSet");
  sets.index("controller", (set) => controllerOf(set)?.uid);
  sets.index("orphan", (set) => (controllerOf(set) ? undefined : set.metadata.namespace));

  function reconcile(key: string): Again | void {
    const deployment = deployments.get(key);
    if (!deployment) return;
    adopt(deployment);
    const owned = sets
      .by("controller", deployment.metadata.uid!)
      .filter((set) => !set.metadata.deletionTimestamp);
    const current = newest(deployment, owned);
    if (deployment.metadata.deletionTimestamp)
      return reportStatus(deployment, { current, isNew: false, all: owned, isRolling: false });
    const old = owned.filter((set) => set !== current);
    const isRolling = !deployment.spec.paused && !isScaling(deployment, owned);
    if (!isRolling) scaleInProportion(deployment, current, old);
    else if (deployment.spec.strategy?.type === "Recreate") recreate(deployment, current, old);
    else rollOut(deployment, current, old);
    const all = sets
      .by("controller", deployment.metadata.uid!)
      .filter((set) => !set.metadata.deletionTimestamp);
    if (isComplete(deployment, all)) forgetOldRevisions(deployment, all);
    const after = newest(deployment, all);
    return reportStatus(deployment, {
      current: after,
      isNew: after !== undefined && current === undefined,
      all,
      isRolling,
    });
  }

  /**
   * ReplicaSets that fit the selector and have no owner, as after a deletion that orphaned them,
   * are ours again.
   */
  function adopt({
    apiVersion,
    kind,
    metadata: { name, uid, namespace, deletionTimestamp },
    spec: { selector },
  }: Deployment): void {
    if (deletionTimestamp) return;
    const owner = { apiVersion, kind, name, uid: uid!, controller: true, blockOwnerDeletion: true };
    for (const set of sets.by("orphan", namespace!))
      if (matches(selector, set.metadata.labels))
        write({
          ...set,
          metadata: {
            ...set.metadata,
            ownerReferences: [...(set.metadata.ownerReferences ?? []), owner],
          },
        });
  }

  // ---- the strategies

  function rollOut(
    deployment: Deployment,
    found: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
  ): void {
    const current = ensureCurrent(
      deployment,
      found,
      old,
      roomFor(deployment, [...old, ...(found ? [found] : [])], found),
    );
    const all = [...old, current];
    const wanted = newSize(deployment, all, current);
    if (wanted !== size(current)) return scale(deployment, current, wanted);
    shrinkOld(deployment, current, old);
  }

  /** All the old Pods go before a new one comes. */
  function recreate(
    deployment: Deployment,
    found: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
  ): void {
    for (const set of old) if (size(set) > 0) scale(deployment, set, 0);
    if (old.some((set) => size(set) > 0 || (set.status?.replicas ?? 0) > 0)) return;
    const wanted = replicasOf(deployment);
    const current = ensureCurrent(deployment, found, old, wanted);
    if (size(current) !== wanted) scale(deployment, current, wanted);
  }

  /** The user changed `replicas` (or paused): each ReplicaSet keeps its share of the whole. */
  function scaleInProportion(
    deployment: Deployment,
    current: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
  ): void {
    const live = [...old, ...(current ? [current] : [])].filter((set) => size(set) > 0);
    const only = live.length <= 1 ? (live[0] ?? current) : undefined;
    if (only) return scale(deployment, only, replicasOf(deployment));
    const allowed =
      replicasOf(deployment) > 0 ? replicasOf(deployment) + limits(deployment).surge : 0;
    let left = allowed - total(live);
    const bySize = [...live].sort(
      (a, b) => size(b) - size(a) || a.metadata.name.localeCompare(b.metadata.name),
    );
    const shares = bySize.map((set) => {
      const share =
        left > 0
          ? Math.min(proportion(deployment, set), left)
          : left < 0
            ? Math.max(proportion(deployment, set), left)
            : 0;
      left -= share;
      return size(set) + share;
    });
    shares[0] = Math.max(0, shares[0]! + left);
    bySize.forEach((set, i) => scale(deployment, set, shares[i]!));
  }

  function proportion(deployment: Deployment, set: ReplicaSet): number {
    const allowed = replicasOf(deployment) + limits(deployment).surge;
    const before = Number(set.metadata.annotations?.[MAX] ?? allowed) || allowed;
    return Math.round((size(set) * allowed) / before) - size(set);
  }

  /** Takes old Pods away as far as enough stay available; those that are not ready go first. */
  function shrinkOld(
    deployment: Deployment,
    current: ReplicaSet,
    old: readonly ReplicaSet[],
  ): void {
    const live = old.filter((set) => size(set) > 0).sort(oldestFirst);
    if (live.length === 0) return;
    const least = replicasOf(deployment) - limits(deployment).unavailable;
    const newUnavailable = size(current) - available(current);
    let unhealthy = total([...live, current]) - least - newUnavailable;
    // the new Pods that are not available yet use up what may be missing
    if (unhealthy <= 0) return;
    const left = new Map(live.map((set) => [set, size(set)]));
    for (const set of live) {
      const cut = Math.min(unhealthy, Math.max(0, size(set) - available(set)));
      left.set(set, size(set) - cut);
      unhealthy -= cut;
    }
    let healthy = Math.max(
      0,
      live.reduce((sum, set) => sum + available(set), available(current)) - least,
    );
    for (const set of live) {
      const cut = Math.min(left.get(set)!, healthy);
      left.set(set, left.get(set)! - cut);
      healthy -= cut;
    }
    for (const set of live) if (left.get(set) !== size(set)) scale(deployment, set, left.get(set)!);
  }

  // ---- ReplicaSets

  /**
   * The ReplicaSet of the present template, made if it is missing, with the newest revision's
   * number on it and on the Deployment.
   */
  function ensureCurrent(
    deployment: Deployment,
    found: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
    replicas: number,
  ): ReplicaSet {
    const revision = String(old.map(revisionOf).reduce(larger, 0n) + 1n);
    const current = found ?? createSet(deployment, revision, replicas);
    if (found) bringUpToDate(deployment, found, revision);
    const shown = String(larger(revisionOf(current), BigInt(revision)));
    if (deployment.metadata.annotations?.[REVISION] !== shown)
      deployments.learn(
        // with the status, so that its generation stays as it is
        client.updateStatus<Deployment>({
          ...deployment,
          metadata: annotated(deployment, { [REVISION]: shown }),
        }),
      );
    return sets.get(`${current.metadata.namespace}/${current.metadata.name}`) ?? current;
  }

  /**
   * What the Deployment says of its newest ReplicaSet, that one has, too: annotations, as the
   * change's cause, and minReadySeconds. One that is used again remembers its earlier revisions.
   * (pkg/controller/deployment/util, SetNewReplicaSetAnnotations)
   */
  function bringUpToDate(deployment: Deployment, found: ReplicaSet, revision: string): void {
    const before = found.metadata.annotations ?? {};
    const isOlder = revisionOf(found) < BigInt(revision);
    const earlier = [before[HISTORY], before[REVISION]].filter(Boolean).join(",");
    const metadata = annotated(found, {
      ...inherited(deployment),
      ...(isOlder && { [REVISION]: revision }),
      ...(isOlder && earlier && { [HISTORY]: earlier }),
    });
    const { minReadySeconds = 0 } = deployment.spec;
    const isSame = (found.spec.minReadySeconds ?? 0) === minReadySeconds;
    if (metadata === found.metadata && isSame) return;
    const { minReadySeconds: _, ...rest } = found.spec;
    const spec = isSame ? found.spec : { ...rest, ...(minReadySeconds > 0 && { minReadySeconds }) };
    write({ ...found, metadata, spec });
  }

  function createSet(deployment: Deployment, revision: string, replicas: number): ReplicaSet {
    const {
      metadata: { name, namespace, uid },
      spec: { template, selector, minReadySeconds },
    } = deployment;
    const label = { [HASH]: templateHash(template, deployment.status?.collisionCount) };
    const set = createOrSay(deployment, {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: `${name}-${label[HASH]}`,
        ...(namespace && { namespace }),
        labels: { ...template.metadata?.labels, ...label },
        annotations: { ...inherited(deployment), [REVISION]: revision, ...sizes(deployment) },
        ownerReferences: [
          {
            apiVersion: "apps/v1",
            kind: "Deployment",
            name,
            uid: uid!,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: {
        replicas,
        ...(minReadySeconds && { minReadySeconds }),
        selector: { ...selector, matchLabels: { ...selector?.matchLabels, ...label } },
        template: {
          ...template,
          metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...label } },
        },
      },
    });
    sets.learn(set);
    if (replicas > 0)
      events.normal(
        deployment,
        "ScalingReplicaSet",
        `Scaled up replica set ${set.metadata.name} from 0 to ${replicas}`,
      );
    return set;
  }

  /** Where the name is taken by another's, the next look tries another name. (getNewReplicaSet) */
  function createOrSay(deployment: Deployment, set: ReplicaSet): ReplicaSet {
    try {
      return client.create<ReplicaSet>(set);
    } catch (error) {
      if (!isApiError(error) || isTerminating(error)) throw error;
      const { name, namespace } = set.metadata;
      if (!isApiError(error, 409)) return sayThatItFailed(deployment, name, error);
      const there = client.get("ReplicaSet", name, namespace);
      const isOwn = controllerOf(there)?.uid === deployment.metadata.uid;
      if (isOwn && newest(deployment, [there])) return there;
      const { collisionCount = 0 } = deployment.status ?? {};
      writeStatus(deployment, { collisionCount: collisionCount + 1 });
      throw error;
    }
  }

  function sayThatItFailed(deployment: Deployment, name: string, error: ApiError): never {
    const message = `Failed to create new replica set "${name}": ${error.message}`;
    const conditions = failedToCreate(deployment, message, clock.now());
    writeStatus(deployment, { conditions });
    events.warning(deployment, "ReplicaSetCreateError", message);
    throw error;
  }

  function writeStatus(deployment: Deployment, news: Deployment["status"]): void {
    const status = { ...deployment.status, ...news };
    if (!same(deployment.status, status))
      deployments.learn(
        client.updateStatus<Deployment>({ ...deployment, status }, { decoded: true }),
      );
  }

  function scale(deployment: Deployment, set: ReplicaSet, replicas: number): void {
    const before = size(set);
    const metadata = annotated(set, sizes(deployment));
    if (replicas === before && metadata === set.metadata) return;
    write({ ...set, metadata, spec: { ...set.spec, replicas } });
    if (replicas !== before)
      events.normal(
        deployment,
        "ScalingReplicaSet",
        `Scaled ${replicas > before ? "up" : "down"} replica set ${set.metadata.name} from ${before} to ${replicas}`,
      );
  }

  const write = (set: ReplicaSet): void => sets.learn(client.update(set));

  /** Old ReplicaSets stay for `kubectl rollout undo`, ten of them by default. */
  function forgetOldRevisions(deployment: Deployment, all: readonly ReplicaSet[]): void {
    const empty = all.filter(
      (set) =>
        set !== newest(deployment, all) && size(set) === 0 && (set.status?.replicas ?? 0) === 0,
    );
    const surplus = empty.length - (deployment.spec.revisionHistoryLimit ?? 10);
    for (const {
      metadata: { name, namespace, uid },
    } of empty.sort(byRevision).slice(0, Math.max(0, surplus)))
      ignoring([404], () => client.delete("ReplicaSet", name, namespace, { uid: uid! }));
  }

  // ---- status

  function reportStatus(
    { metadata: { namespace, name } }: Deployment,
    seen: Pick<Sight, "current" | "isNew" | "all" | "isRolling">,
  ): Again | void {
    const deployment = deployments.get(`${namespace}/${name}`)!; // with what was just written to it
    const old = deployment.status ?? {};
    const status = countsOf(deployment, seen);
    const now = clock.now();
    const leastAvailable = replicasOf(deployment) - limits(deployment).unavailable;
    const conditions = conditionsOf(deployment, { ...seen, status, leastAvailable, now });
    const next: Deployment["status"] = { ...withoutZeros(status), conditions };
    if (seen.all.every(({ status }) => status?.terminatingReplicas !== undefined))
      next.terminatingReplicas = status.terminatingReplicas;
    if (!same(old, next))
      deployments.learn(
        client.updateStatus<Deployment>({ ...deployment, status: next }, { decoded: true }),
      );
    const wait = untilDeadline(deployment, conditions, now);
    if (wait !== undefined) return { inBackground: wait };
  }

  return {
    name: "deployment-controller",
    watches: [watch("Deployment"), watchOwned("ReplicaSet", "Deployment")],
    reconcile,
  };
}

// ---- numbers

const size = (set: ReplicaSet): number => set.spec.replicas ?? 1;
const available = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;
const total = (sets: readonly ReplicaSet[]): number =>
  sets.reduce((sum, set) => sum + size(set), 0);
const replicasOf = (deployment: Deployment): number => deployment.spec.replicas ?? 1;
/** Go's int64; what is none counts as 0. */
const revisionOf = (set: ReplicaSet): bigint => {
  const text = set.metadata.annotations?.[REVISION] ?? "";
  return /^\d{1,19}$/.test(text) ? BigInt(text) : 0n;
};
const larger = (x: bigint, y: bigint): bigint => (x > y ? x : y);
const byRevision = (a: ReplicaSet, b: ReplicaSet): number => Number(revisionOf(a) - revisionOf(b));
const oldestFirst = (a: ReplicaSet, b: ReplicaSet): number =>
  Date.parse(a.metadata.creationTimestamp!) - Date.parse(b.metadata.creationTimestamp!) ||
  byRevision(a, b);

/** Not by revision: that of the newest rises, and the choice must not change with it. */
const byAgeThenName = (a: ReplicaSet, b: ReplicaSet): number =>
  Date.parse(a.metadata.creationTimestamp!) - Date.parse(b.metadata.creationTimestamp!) ||
  (a.metadata.name < b.metadata.name ? -1 : 1);

/**
 * maxSurge is rounded up, maxUnavailable down; both zero would stand still, so one may be
 * unavailable.
 */
function limits({ spec }: Deployment): { surge: number; unavailable: number } {
  const { maxSurge = "25%", maxUnavailable = "25%" } = spec.strategy?.rollingUpdate ?? {};
  if (spec.strategy?.type === "Recreate") return { surge: 0, unavailable: 0 };
  const of = (value: number | string, round: (value: number) => number) =>
    typeof value === "number" ? value : round((parseInt(value, 10) * (spec.replicas ?? 1)) / 100);
  const [surge, unavailable] = [of(maxSurge, Math.ceil), of(maxUnavailable, Math.floor)];
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

function roomFor(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
): number {
  const have = current ? size(current) : 0;
  const most = replicasOf(deployment) + limits(deployment).surge;
  return total(all) >= most
    ? have
    : have + Math.min(most - total(all), replicasOf(deployment) - have);
}

function newSize(deployment: Deployment, all: readonly ReplicaSet[], current: ReplicaSet): number {
  return size(current) > replicasOf(deployment)
    ? replicasOf(deployment)
    : roomFor(deployment, all, current);
}

/**
 * Every live ReplicaSet carries the size that the Deployment had when it was last scaled: when that
 * differs, the user scaled.
 */
const isScaling = (deployment: Deployment, owned: readonly ReplicaSet[]): boolean =>
  owned.some(
    (set) =>
      size(set) > 0 &&
      set.metadata.annotations?.[DESIRED] !== undefined &&
      Number(set.metadata.annotations[DESIRED]) !== replicasOf(deployment),
  );

const sizes = (deployment: Deployment) => ({
  [DESIRED]: String(replicasOf(deployment)),
  [MAX]: String(replicasOf(deployment) + limits(deployment).surge),
});

// ---- templates

/**
 * The ReplicaSet whose template is the Deployment's, the added hash aside; the oldest where there
 * are several.
 */
function newest(
  { spec: { template } }: Deployment,
  owned: readonly ReplicaSet[],
): ReplicaSet | undefined {
  return [...owned].sort(byAgeThenName).find((set) => {
    const { [HASH]: _, ...labels } = set.spec.template.metadata?.labels ?? {};
    return (
      same(labels, template.metadata?.labels ?? {}) &&
      same(set.spec.template.spec, template.spec) &&
      same(set.spec.template.metadata?.annotations, template.metadata?.annotations)
    );
  });
}

/**
 * FNV-1a over the template, and over how often the name that came of it was taken, spelt without
 * vowels and look-alikes. Upstream hashes Go's own dump of it, so the letters differ there.
 * (k8s.io/apimachinery: util/rand.SafeEncodeString)
 */
export function templateHash(template: PodTemplate, collisions?: number): string {
  const alphabet = "bcdfghjklmnpqrstvwxz2456789";
  return [...String(hash(JSON.stringify(template, sortedKeys) + (collisions ?? "")))]
    .map((character) => alphabet[character.charCodeAt(0) % alphabet.length])
    .join("");
}

const sortedKeys = (_key: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/**
 * The Deployment's annotations go on to its ReplicaSets, but for its own bookkeeping and kubectl's.
 */
function inherited({ metadata: { annotations = {} } }: Deployment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(annotations).filter(
      ([key]) =>
        key !== "kubectl.kubernetes.io/last-applied-configuration" &&
        !key.startsWith("deployment.kubernetes.io/"),
    ),
  );
}

function annotated({ metadata }: Deployment | ReplicaSet, annotations: Record<string, string>) {
  const changes = Object.entries(annotations).some(
    ([key, value]) => metadata.annotations?.[key] !== value,
  );
  return changes
    ? { ...metadata, annotations: { ...metadata.annotations, ...annotations } }
    : metadata;
}

// ---- status

function isComplete(deployment: Deployment, all: readonly ReplicaSet[]): boolean {
  const current = newest(deployment, all);
  const wanted = replicasOf(deployment);
  return (
    all.reduce((sum, { status }) => sum + (status?.replicas ?? 0), 0) === wanted &&
    current?.status?.replicas === wanted &&
    (current.status.availableReplicas ?? 0) === wanted
  );
}

function countsOf(
  { metadata, status: { collisionCount } = {} }: Deployment,
  { all, current }: Pick<Sight, "all" | "current">,
): NonNullable<Deployment["status"]> & { terminatingReplicas: number } {
  const counts = { replicas: 0, readyReplicas: 0, availableReplicas: 0, terminatingReplicas: 0 };
  for (const { status } of all)
    for (const field of Object.keys(counts) as (keyof typeof counts)[])
      counts[field] += status?.[field] ?? 0;
  return {
    observedGeneration: metadata.generation!,
    ...counts,
    updatedReplicas: current?.status?.replicas ?? 0,
    unavailableReplicas: Math.max(0, total(all) - counts.availableReplicas),
    ...(collisionCount !== undefined && { collisionCount }),
  };
}

/** Counts of zero are left out of a status (Go's omitempty). */
const withoutZeros = (status: object): object =>
  Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0));
