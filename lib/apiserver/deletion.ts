import type { DeleteOptions } from "../api/client.js";
import { same } from "../objects/freeze.js";
import type { KindInfo } from "../objects/kinds.js";
import type { KubeObject, Pod } from "../objects/types.js";
import * as errors from "../api/errors.js";
import type { Stamps } from "./stamps.js";

// How an object goes: at once, after a Pod's grace period, or when its last finalizer lets go.
// (apiserver: pkg/registry/rest/delete.go, BeforeDelete)

/** (apiserver: pkg/admission/plugin/namespace/lifecycle) */
const immortal = new Set(["default", "kube-public", "kube-system"]);

export function checkPreconditions(
  info: KindInfo,
  { metadata }: KubeObject,
  { uid, resourceVersion }: DeleteOptions,
): void {
  const subject = { ...info, plural: info.kind }; // upstream names the kind here
  if (uid !== undefined && uid !== metadata.uid)
    throw errors.conflict(
      subject,
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  if (resourceVersion && resourceVersion !== metadata.resourceVersion)
    throw errors.conflict(
      subject,
      metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  if (info.kind === "Namespace" && immortal.has(metadata.name))
    throw errors.forbidden(info, metadata.name, "this namespace may not be deleted");
}

/**
 * The object as the deletion leaves it: itself if nothing changes, undefined if it goes at once.
 */
export function markedForDeletion(
  old: KubeObject,
  options: DeleteOptions,
  stamps: Stamps,
): KubeObject | undefined {
  const grace = old.kind === "Pod" ? podGrace(old as Pod, options.gracePeriodSeconds) : 0;
  const finalizers = finalizersFor(old, options.propagationPolicy);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = old.metadata;
  if (grace === 0 && finalizers.length === 0 && !finalizing(old)) return undefined;
  if (
    deletionTimestamp &&
    grace >= deletionGracePeriodSeconds &&
    same(finalizers, old.metadata.finalizers ?? [])
  )
    return old;
  const metadata = {
    ...old.metadata,
    ...(finalizers.length > 0 && { finalizers }),
    deletionTimestamp: stamps.now(grace),
    ...(old.kind !== "Namespace" && { deletionGracePeriodSeconds: grace }),
    ...(old.metadata.generation && { generation: old.metadata.generation + 1 }),
  };
  return {
    ...old,
    metadata,
    ...(old.kind === "Namespace" && { status: { phase: "Terminating" } }),
  };
}

/** A namespace's own finalizers: its deletion ends when the namespace controller has emptied it. */
const finalizing = (object: KubeObject): boolean =>
  object.kind === "Namespace" &&
  ((object as { spec?: { finalizers?: string[] } }).spec?.finalizers?.length ?? 0) > 0;

/** Whether this update lets go of an object whose deletion waited for its last finalizer only. */
export function released(next: KubeObject, old: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = old.metadata;
  const held = Boolean(finalizers?.length) || finalizing(old);
  return (
    deletionTimestamp !== undefined &&
    !deletionGracePeriodSeconds &&
    held &&
    !next.metadata.finalizers?.length &&
    !finalizing(next)
  );
}

/** 68 years: the end of it is still a date. Seconds. */
const longestGrace = 2 ** 31 - 1;

/**
 * A Pod that no kubelet runs, or that has ended, goes at once. (kubernetes:
 * pkg/registry/core/pod/strategy.go, CheckGracefulDelete)
 */
function podGrace(pod: Pod, asked: number | undefined): number {
  if (!pod.spec.nodeName || pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed")
    return 0;
  const seconds = asked ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  return Math.max(0, Math.min(seconds, longestGrace));
}

function finalizersFor(
  { metadata }: KubeObject,
  policy: DeleteOptions["propagationPolicy"],
): string[] {
  const others = (metadata.finalizers ?? []).filter(
    (one) => policy === undefined || (one !== "orphan" && one !== "foregroundDeletion"),
  );
  if (policy === "Orphan") return [...others, "orphan"];
  return policy === "Foreground" ? [...others, "foregroundDeletion"] : others;
}
