import { watch, type Again, type Context, type Controller } from "../machinery/controller.js";
import { ignoring } from "../api/errors.js";
import { stamp } from "../api/time.js";
import { same } from "../objects/freeze.js";
import { kindInfo, namespacedKinds } from "../objects/kinds.js";
import type { Condition, Kind, KubeObject, Namespace, Pod } from "../objects/types.js";

/** So long the admission of new objects may take to hear of it. (namespaceDeletionGracePeriod) */
const GRACE_MS = 5_000;

/** The conditions of a namespace that goes, as they are where all is well, in order. */
const well: readonly Omit<Condition, "status">[] = [
  {
    type: "NamespaceDeletionDiscoveryFailure",
    reason: "ResourcesDiscovered",
    message: "All resources successfully discovered",
  },
  {
    type: "NamespaceDeletionGroupVersionParsingFailure",
    reason: "ParsedGroupVersions",
    message: "All legacy kube types successfully parsed",
  },
  {
    type: "NamespaceDeletionContentFailure",
    reason: "ContentDeleted",
    message: "All content successfully deleted, may be waiting on finalization",
  },
  {
    type: "NamespaceContentRemaining",
    reason: "ContentRemoved",
    message: "All content successfully removed",
  },
  {
    type: "NamespaceFinalizersRemaining",
    reason: "ContentHasNoFinalizers",
    message: "All content-preserving finalizers finished",
  },
];

/**
 * Empties a namespace that is being deleted, Pods first, says how far it has come, and lets go of
 * it in the end. (kubernetes: pkg/controller/namespace/deletion)
 */
export function namespaceController({ clock, client, informers }: Context): Controller {
  const namespaces = informers.of("Namespace");

  function reconcile(name: string): Again | void {
    const namespace = namespaces.get(name);
    const { deletionTimestamp } = namespace?.metadata ?? {};
    if (!namespace || deletionTimestamp === undefined) return;
    const wait = Date.parse(deletionTimestamp) + GRACE_MS - clock.now();
    if (wait > 0) return wait;
    const seconds = graceLeft(name, Date.parse(deletionTimestamp));
    const left = empty(name);
    const news = report(namespace, left);
    // each change of it has it looked at again; nobody waits for what holds it for ever
    const again = (Math.floor(seconds / 2) + 1) * 1_000;
    if (left.length > 0) return news ? GRACE_MS : { inBackground: again };
    const emptied = namespaces.get(name) ?? namespace;
    const finalized = { ...emptied, spec: { ...emptied.spec, finalizers: [] } };
    namespaces.learn(client.update(finalized, { under: "finalize" }));
    remove("Namespace", name);
  }

  /** Answers what is left. (with ordered deletion, KEP-5080: nothing else goes before the Pods) */
  function empty(namespace: string): readonly KubeObject[] {
    const pods = emptied("Pod", namespace);
    return pods.length > 0 ? pods : namespacedKinds().flatMap(({ key }) => emptied(key, namespace));
  }

  function emptied(kind: Kind, namespace: string): readonly KubeObject[] {
    for (const { metadata } of inNamespace(kind, namespace))
      if (!metadata.deletionTimestamp) remove(kind, metadata.name, namespace);
    return inNamespace(kind, namespace);
  }

  /** Nothing of a custom kind that is gone. */
  function inNamespace(kind: Kind, namespace: string): readonly KubeObject[] {
    return (
      ignoring([404], () => client.list(kind, { namespace }).items as readonly KubeObject[]) ?? []
    );
  }

  function remove(kind: Kind, name: string, namespace?: string): void {
    ignoring([404], () => client.delete(kind, name, namespace));
  }

  /** Seconds that the most patient of its Pods still has. (estimateGracefulTermination) */
  function graceLeft(namespace: string, since: number): number {
    const graces = (inNamespace("Pod", namespace) as readonly Pod[]).map(
      ({ metadata, spec }) =>
        metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 0,
    );
    const longest = graces.reduce((most, one) => Math.max(most, one), 0);
    return Math.max(0, longest - Math.floor((clock.now() - since) / 1_000));
  }

  /** Answers whether there was news. */
  function report(namespace: Namespace, left: readonly KubeObject[]): boolean {
    const { status } = namespace;
    const before = status?.conditions ?? [];
    const conditions = conditionsOf(before, left, stamp(clock.now()));
    if (same(before, conditions)) return false;
    const next = { ...namespace, status: { ...status, conditions } };
    const written = ignoring([404, 409], () => client.updateStatus<Namespace>(next));
    if (written) namespaces.learn(written);
    return true;
  }

  return { name: "namespace-controller", watches: [watch("Namespace")], reconcile };
}

function conditionsOf(
  before: readonly Condition[],
  left: readonly KubeObject[],
  now: string,
): Condition[] {
  const news = new Map([
    ["NamespaceContentRemaining", remaining(left)],
    ["NamespaceFinalizersRemaining", finalizing(left)],
  ]);
  return well.map((fine) => {
    const own = news.get(fine.type);
    const status = own ? "True" : "False";
    const old = before.find(({ type }) => type === fine.type);
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime! : now;
    const { type, reason, message } = { ...fine, ...own };
    return { type, status, lastTransitionTime, reason: reason!, message: message! };
  });
}

type News = { reason: string; message: string } | undefined;

function remaining(left: readonly KubeObject[]): News {
  const counts = counted(left.map(({ kind }) => nameOf(kind)));
  const each = [...counts].map(([name, count]) => `${name} has ${count} resource instances`);
  if (each.length === 0) return undefined;
  const message = `Some resources are remaining: ${each.sort().join(", ")}`;
  return { reason: "SomeResourcesRemain", message };
}

/** "pods.", "deployments.apps" */
function nameOf(kind: string): string {
  const { plural, group } = kindInfo(kind) ?? { plural: kind, group: "" };
  return `${plural}.${group}`;
}

function finalizing(left: readonly KubeObject[]): News {
  const counts = counted(left.flatMap(({ metadata }) => metadata.finalizers ?? []));
  const each = [...counts].map(([name, count]) => `${name} in ${count} resource instances`);
  if (each.length === 0) return undefined;
  const message = `Some content in the namespace has finalizers remaining: ${each.sort().join(", ")}`;
  return { reason: "SomeFinalizersRemain", message };
}

function counted(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
