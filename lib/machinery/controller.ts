import type { Kind, Kinds, OwnerReference } from "../objects/types.js";
import type { Client } from "../api/client.js";
import type { Clock } from "../api/clock.js";
import { EventRecorder } from "./events.js";
import { Informers, keyOf } from "./informer.js";
import type { Random } from "./random.js";
import type { BackOff } from "./back-off.js";
import { Supervisor, TransientError, type Guard } from "./supervisor.js";
import { WorkQueue } from "./work-queue.js";

/**
 * A control loop: what it watches, and how it brings the world one key closer to what was asked
 * for.
 *
 * `reconcile(key)` gets a name and nothing else. It rereads everything it needs, compares, and
 * writes what is missing; so it does not matter how often it is called, or which events were lost.
 * It may answer when it wants to look again. Whatever it throws means: again, a little later; an
 * ApiError (a conflict, say) or a TransientError is nothing special, anything else is a mistake and
 * is told. (controller-runtime: pkg/reconcile)
 */
export interface Controller {
  /** As Kubernetes names it in events and in the audit log: "replicaset-controller". */
  name: string;
  watches: readonly Watch[];
  reconcile(key: string): Again | void;
  /** Milliseconds from a notification to the work it causes; default REACTION_MS. */
  latency?: number;
  /** Milliseconds that a key rests after its reconcile; default PACE_MS. */
  pace?: number;
  backOff?: BackOff;
  /**
   * What a key is called where something goes wrong: "ReplicaSet default/web". Default: the kind of
   * the first watch, and the key.
   */
  describe?(key: string): string;
  /** For what runs by the clock rather than by events; answers how to stop it. */
  start?: (queue: WorkQueue) => () => void;
}

/** In how many milliseconds to look again: somebody waits for that, or nobody does. */
export type Again = number | { inBackground: number };

/** Which keys to look at when an object of `kind` changes. */
export interface Watch {
  kind: Kind;
  keys: (key: string, object: unknown, previous: unknown) => readonly string[];
}

/**
 * A typed Watch: `watch("Pod", (key, pod, before) => …keys…)`; without a function, the object's own
 * key.
 */
export function watch<K extends Kind>(
  kind: K,
  keys?: (
    key: string,
    object: Kinds[K] | undefined,
    previous: Kinds[K] | undefined,
  ) => readonly string[],
): Watch {
  return { kind, keys: (keys ?? ((key) => [key])) as Watch["keys"] };
}

/**
 * Like `watch`: the key of the controller of this `owner` kind that a changed object belongs to.
 */
export function watchOwned<K extends Kind>(kind: K, owner: Kind): Watch {
  return watch(kind, (_key, object, previous) => {
    const owned = (object ?? previous)!;
    const reference = controllerOf(owned);
    return reference?.kind === owner ? [controllerKeyOf(owned, reference)] : nobody;
  });
}

const nobody: readonly string[] = [];

/** Asked by every controller at every change of a Pod: a plain loop. */
export function controllerOf({ metadata }: Kinds[Kind]): OwnerReference | undefined {
  const { ownerReferences } = metadata;
  if (ownerReferences)
    for (let i = 0; i < ownerReferences.length; i++)
      if (ownerReferences[i]!.controller) return ownerReferences[i];
  return undefined;
}

let lastOwner: { reference: OwnerReference; namespace: string | undefined } | undefined;
let lastOwnerKey = "";

/** "namespace/name" of an object's controller. Pods of one owner share the reference: see keyOf. */
export function controllerKeyOf(
  { metadata: { namespace } }: Kinds[Kind],
  reference: OwnerReference,
): string {
  if (lastOwner?.reference === reference && lastOwner.namespace === namespace) return lastOwnerKey;
  const key = [namespace, reference.name].join("/");
  if (Object.isFrozen(reference)) [lastOwner, lastOwnerKey] = [{ reference, namespace }, key];
  return key;
}

/**
 * From a watch event to the reconcile it causes: a queue, a worker and the round trip of the write,
 * in a quiet cluster a few milliseconds. Not a constant of Kubernetes; it is what makes changes
 * that come together be worked on together.
 */
export const REACTION_MS = 5;

/**
 * One object's next reconcile comes this much after its last one. A manager's client may write 20
 * times a second (--kube-api-qps), so a busy object's changes gather in the queue in between.
 * Milliseconds.
 */
export const PACE_MS = 50;

/** What a controller gets to work with. */
export interface Context {
  clock: Clock;
  random: Random;
  client: Client;
  /** Shared by the controllers of one process. */
  informers: Informers;
  events: EventRecorder;
  /** Holds what goes wrong in the component. */
  guard: Guard;
}

/**
 * Runs a controller until the answered function is called. The informers must be started by the
 * caller, before or after; nothing is reconciled before all of them have listed. (client-go:
 * tools/cache, WaitForCacheSync)
 */
export function run(controller: Controller, { clock, informers, guard }: Context): () => void {
  const reconcile = reconciler(controller, guard);
  const early = new Set<string>();
  const work = (key: string) => void (informers.synced ? reconcile(key, queue) : early.add(key));
  const queue = new WorkQueue(clock, work, { latency: REACTION_MS, pace: PACE_MS, ...controller });
  let running = true;
  for (const { kind, keys } of controller.watches)
    informers.of(kind).onChange((key, object, previous) => {
      if (!running) return;
      const changed = keys(key, object, previous);
      // most changes concern few of the loops: no iterator for those that they do not concern
      for (let i = 0; i < changed.length; i++) queue.add(changed[i]!);
    }, guard);
  informers.whenSynced(() => early.forEach((key) => queue.add(key)));
  const stop = controller.start?.(queue);
  return () => {
    running = false;
    queue.stop();
    stop?.();
  };
}

/** Reconciles a key, and puts it back into the queue where that failed. */
function reconciler(controller: Controller, guard: Guard): (key: string, queue: WorkQueue) => void {
  const describe = (key: string): string =>
    controller.describe?.(key) ?? `${controller.watches[0]?.kind ?? ""} ${key}`;
  const told = new Map<string, string>();
  return (key, queue) => {
    try {
      const again = controller.reconcile(key);
      guard.mended(told.get(key));
      told.delete(key);
      queue.forget(key);
      if (typeof again === "number") queue.addAfter(key, again);
      else if (again) queue.addAfter(key, again.inBackground, { background: true });
    } catch (error) {
      const reason = guard.tell(describe(key), error, told.get(key));
      if (reason !== undefined) told.set(key, reason);
      queue.retry(key);
    }
  };
}

/** Makes the context of a component: `connect` gives it a client under its own name. */
export function context(
  name: string,
  surroundings: Surroundings & { informers?: Informers; identity?: string },
): Context {
  const { random, connect, informers, identity } = surroundings;
  const client = connect(name);
  const guard = guardOf(name, surroundings);
  const clock = guard.clock();
  return {
    clock,
    random: random.fork(name),
    client,
    informers: informers ?? new Informers(client, guard),
    events: new EventRecorder(client, clock, name, undefined, identity && `${name}-${identity}`),
    guard,
  };
}

/**
 * What every component of the cluster is given: the time, chance, and a way to the API server under
 * a name.
 */
export interface Surroundings {
  clock: Clock;
  random: Random;
  connect: (who: string) => Client;
  /** Holds what goes wrong in components. Default: the clock throws it. */
  supervisor?: Supervisor;
}

/** The guard of a component in these surroundings. */
export const guardOf = (
  component: string,
  { clock, supervisor = new Supervisor(clock) }: Pick<Surroundings, "clock" | "supervisor">,
): Guard => supervisor.of(component);

export { keyOf, TransientError };
