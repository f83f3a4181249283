import { watch, type Context, type Controller } from "../machinery/controller.js";
import { ignoring } from "../api/errors.js";
import { splitKey } from "../machinery/informer.js";
import type { Kind, KubeObject, OwnerReference } from "../objects/types.js";

/** Kinds that own others, or are owned; workloads.ts adds some. */
export const kinds: Kind[] = [
  "Deployment",
  "ReplicaSet",
  "Pod",
  "Service",
  "EndpointSlice",
  "Node",
  "Lease",
];

/**
 * Deletes what belonged to an object that is gone, and lets go of owners that wait for that:
 * "foregroundDeletion" holds an owner until its dependents are gone, "orphan" until they have
 * forgotten it. (kubernetes: pkg/controller/garbagecollector)
 *
 * A key is an owner: "Kind uid namespace/name".
 */
export function garbageCollector({ client, informers }: Context): Controller {
  const all = kinds.map((kind) => informers.of(kind));
  for (const informer of all)
    informer.index(
      "owner",
      (object: KubeObject) => object.metadata.ownerReferences?.map(({ uid }) => uid),
      (object: KubeObject) => object.metadata.ownerReferences,
    );

  const dependentsOf = (uid: string): KubeObject[] =>
    all.flatMap((informer) => informer.by("owner", uid) as KubeObject[]);

  function reconcile(key: string): void {
    const [kind, uid, path] = key.split(" ") as [Kind, string, string];
    const owner = find(kind, path, uid);
    const dependents = dependentsOf(uid);
    if (!owner) return dependents.forEach((one) => remove(one, uid));
    const finalizers = owner.metadata.deletionTimestamp ? (owner.metadata.finalizers ?? []) : [];
    if (finalizers.includes("orphan")) {
      for (const one of dependents) ignoring([404], () => client.update(withoutOwner(one, uid)));
      return release(owner, "orphan");
    }
    if (!finalizers.includes("foregroundDeletion")) return;
    const blocking = dependents.filter((one) => {
      const isLeft = one.metadata.deletionTimestamp !== undefined;
      // in a circle nobody waits for anybody (attemptToDeleteItem)
      const held = isLeft || !waits(one) ? one : unblocked(one);
      if (!isLeft) remove(held, uid, "Foreground");
      return held.metadata.ownerReferences!.some(
        (reference) => reference.uid === uid && reference.blockOwnerDeletion,
      );
    });
    if (blocking.length === 0) release(owner, "foregroundDeletion");
  }

  /** Whether somebody who depends on it waits for its own dependents. */
  const waits = ({ metadata }: KubeObject): boolean =>
    dependentsOf(metadata.uid!).some(
      ({ metadata: { deletionTimestamp, finalizers } }) =>
        deletionTimestamp && finalizers?.includes("foregroundDeletion"),
    );

  function unblocked(object: KubeObject): KubeObject {
    const ownerReferences = object.metadata.ownerReferences!.map((one) => ({
      ...one,
      blockOwnerDeletion: false,
    }));
    return client.update({ ...object, metadata: { ...object.metadata, ownerReferences } });
  }

  /**
   * From the cache, or where that has none, from the API server: what is not there must really be
   * gone.
   */
  function find(kind: Kind, path: string, uid: string): KubeObject | undefined {
    const cached = kinds.includes(kind)
      ? (informers.of(kind).get(path) as KubeObject | undefined)
      : undefined;
    if (cached?.metadata.uid === uid) return cached;
    const { name, namespace } = splitKey(path);
    const live = ignoring([404], (): KubeObject => client.get(kind, name, namespace));
    return live?.metadata.uid === uid ? live : undefined;
  }

  /** Where others still own it, it only loses this owner. */
  function remove(
    object: KubeObject,
    owner: string,
    propagationPolicy: "Background" | "Foreground" = "Background",
  ): void {
    const { name, namespace, uid, ownerReferences } = object.metadata;
    if (ownerReferences!.some((reference) => reference.uid !== owner))
      return void ignoring([404], () => client.update(withoutOwner(object, owner)));
    ignoring([404], () =>
      client.delete(object.kind as Kind, name, namespace, { uid: uid!, propagationPolicy }),
    );
  }

  function release(owner: KubeObject, finalizer: string): void {
    const finalizers = owner.metadata.finalizers!.filter((one) => one !== finalizer);
    ignoring([404], () => client.update({ ...owner, metadata: { ...owner.metadata, finalizers } }));
  }

  /** Gone, or about to be held: who depends on it. New: whether its owners are still there. */
  function concerned(
    key: string,
    object: KubeObject | undefined,
    previous: KubeObject | undefined,
  ): readonly string[] {
    // most changes: nobody is orphaned by them
    const lives = object && previous && !object.metadata.deletionTimestamp;
    return lives ? nobody : [...orphaned(key, object, previous)];
  }

  function* orphaned(
    key: string,
    object: KubeObject | undefined,
    previous: KubeObject | undefined,
  ): Iterable<string> {
    const subject = (object ?? previous)!;
    if (!object || (object.metadata.deletionTimestamp && object.metadata.finalizers))
      yield ownerKey(subject.kind, subject.metadata.uid!, key);
    for (const reference of subject.metadata.ownerReferences ?? []) {
      const path = pathOf(reference, subject);
      const owner = kinds.includes(reference.kind as Kind)
        ? (informers.of(reference.kind as Kind).get(path) as KubeObject | undefined)
        : undefined;
      const missing = !previous && owner?.metadata.uid !== reference.uid;
      if (missing || (!object && owner?.metadata.deletionTimestamp))
        yield ownerKey(reference.kind, reference.uid, path);
    }
  }

  return {
    name: "generic-garbage-collector",
    watches: kinds.map((kind) => watch(kind, concerned as Parameters<typeof watch>[1])),
    reconcile,
    describe: (key) => key.replace(/ \S+ /, " "),
  };
}

const nobody: readonly string[] = [];

const ownerKey = (kind: string, uid: string, path: string): string => `${kind} ${uid} ${path}`;

/** Owners live in the namespace of what they own, but for Nodes, which are in none. */
const pathOf = ({ kind, name }: OwnerReference, owned: KubeObject): string =>
  kind === "Node" || owned.metadata.namespace === undefined
    ? name
    : `${owned.metadata.namespace}/${name}`;

function withoutOwner(object: KubeObject, uid: string): KubeObject {
  return {
    ...object,
    metadata: {
      ...object.metadata,
      ownerReferences: object.metadata.ownerReferences!.filter(
        (reference) => reference.uid !== uid,
      ),
    },
  };
}
