import type { Kind, Kinds } from "../objects/types.js";
import type { Client } from "../api/client.js";
import type { Clock } from "../api/clock.js";
import { EventRecorder } from "./events.js";
import { Informers, isApiError, keyOf } from "./informer.js";
import type { Random } from "./random.js";
import { WorkQueue, type BackOff } from "./work-queue.js";

/**
 * A control loop: what it watches, and how it brings the world one key closer to what was asked
 * for.
 *
 * `reconcile(key)` gets a name and nothing else. It rereads everything it needs, compares, and
 * writes what is missing; so it does not matter how often it is called, or which events were lost.
 * It may answer when it wants to look again. An ApiError (a conflict, say) or a TransientError that
 * it throws means: again, a little later. (controller-runtime: pkg/reconcile)
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
  /** For what runs by the clock rather than by events; answers how to stop it. */
  start?(queue: WorkQueue): () => void;
}

/** In how many milliseconds to look again: somebody waits for that, or nobody does. */
export type Again = number | { inBackground: number };

/**
 * The world outside the API server did not do what was asked; it is asked again, later and later.
 */
export class TransientError extends Error {}

/** Which keys to look at when an object of `kind` changes. */
export interface Watch {
  kind: Kind;
  keys(key: string, object: unknown, previous: unknown): Iterable<string>;
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
  ) => Iterable<string>,
): Watch {
  return { kind, keys: (keys ?? ((key) => [key])) as Watch["keys"] };
}

/**
 * Like `watch`: the key of the controller of this `owner` kind that a changed object belongs to.
 */
export function watchOwned<K extends Kind>(kind: K, owner: Kind): Watch {
  return watch(kind, (_key, object, previous) => {
    const reference = controllerOf((object ?? previous)!);
    return reference?.kind === owner
      ? [`${(object ?? previous)!.metadata.namespace}/${reference.name}`]
      : [];
  });
}

export const controllerOf = (object: Kinds[Kind]) =>
  object.metadata.ownerReferences?.find((reference) => reference.controller);

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
}

/**
 * Runs a controller until the answered function is called. The informers must be started by the
 * caller, before or after.
 */
export function run(controller: Controller, { clock, informers }: Context): () => void {
  const queue: WorkQueue = new WorkQueue(clock, (key) => reconcile(controller, key, queue), {
    latency: REACTION_MS,
    pace: PACE_MS,
    ...controller,
  });
  let running = true;
  for (const { kind, keys } of controller.watches)
    informers.of(kind).onChange((key, object, previous) => {
      if (running) for (const one of keys(key, object, previous)) queue.add(one);
    });
  const stop = controller.start?.(queue);
  return () => {
    running = false;
    queue.stop();
    stop?.();
  };
}

function reconcile(controller: Controller, key: string, queue: WorkQueue): void {
  try {
    const again = controller.reconcile(key);
    queue.forget(key);
    if (typeof again === "number") queue.addAfter(key, again);
    else if (again) queue.addAfter(key, again.inBackground, { background: true });
  } catch (error) {
    // a mistake in the controller: it must be seen
    if (!isApiError(error) && !(error instanceof TransientError)) throw error;
    queue.retry(key);
  }
}

/** Makes the context of a component: `connect` gives it a client under its own name. */
export function context(
  name: string,
  { clock, random, connect, informers }: Surroundings & { informers?: Informers },
): Context {
  const client = connect(name);
  return {
    clock,
    random: random.fork(name),
    client,
    informers: informers ?? new Informers(client),
    events: new EventRecorder(client, clock, name),
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
}

export { keyOf };
