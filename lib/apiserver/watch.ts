import type { Clock } from "../api/clock.js";
import type { WatchEvent } from "../api/client.js";
import type { Kind, KubeObject } from "../objects/types.js";
import { stamped, type Change } from "../store/store.js";
import { gone } from "../api/errors.js";

/**
 * The watch cache of one kind: it hears each change once from the store and hands it to the
 * watchers whom it concerns, all of them with the same object. Delivery is an act of its own on the
 * clock, never inside the writer's call.
 *
 * Watchers that ask for one value of the kind's trigger field (a kubelet: spec.nodeName=node-a) are
 * found by that value: a Pod's change costs the same with 5,000 kubelets as with one. (kubernetes:
 * apiserver/pkg/storage/cacher, indexedTrigger)
 */
export class WatchCache {
  /** A DELETED object carries the revision of its removal. */
  #events: Change[] = [];
  /** Events at or before this revision are not held. */
  #start: number;
  #delivered = 0; // index into #events
  #scheduled = false;
  readonly #everything = new Set<Watcher>();
  readonly #byTrigger = new Map<string, Set<Watcher>>();

  /**
   * `window`: how many past events a new watcher can still be given; older ones are answered with
   * 410.
   */
  constructor(
    readonly kind: Kind,
    revision: number,
    private readonly clock: Clock,
    private readonly window: number,
  ) {
    this.#start = revision;
  }

  get trigger(): string {
    return this.kind === "Pod" ? "spec.nodeName" : "metadata.name";
  }

  /** The oldest revision from which a watch can start. */
  get oldest(): number {
    return this.#start;
  }

  /**
   * The revision up to which every watcher has been told all; `known`: up to where the store has
   * told everything.
   */
  progress(known: number | undefined): number {
    const last = this.#events[this.#delivered - 1]?.revision ?? this.#start;
    return this.#delivered === this.#events.length ? (known ?? last) : last;
  }

  /** What the store tells. */
  note(changes: readonly Change[]): void {
    for (const change of changes) {
      const { type, value, revision } = change;
      const isThere = type === "PUT";
      this.#events.push(isThere ? change : { ...change, value: stamped(value, revision) });
    }
    if (this.#scheduled) return;
    if (this.#everything.size + this.#byTrigger.size === 0) return this.#deliver();
    this.#scheduled = true;
    this.clock.schedule(0, () => this.#deliver());
  }

  /** Every event after `revision` that the watcher's filters let through. */
  add(watcher: Watcher): () => void {
    const set = watcher.value === undefined ? this.#everything : this.#setFor(watcher.value);
    for (let i = firstAfter(this.#events, watcher.revision); i < this.#delivered; i++)
      watcher.backlog.push(this.#events[i]!);
    set.add(watcher);
    if (watcher.backlog.length + watcher.initial.length > 0)
      this.clock.schedule(0, () => flush(watcher));
    return () => {
      watcher.stopped = true;
      set.delete(watcher);
      if (watcher.value !== undefined && set.size === 0) this.#byTrigger.delete(watcher.value);
    };
  }

  /** Forgets what happened up to `revision`. */
  compact(revision: number): void {
    const count = Math.min(firstAfter(this.#events, revision), this.#delivered);
    this.#events.splice(0, count);
    this.#delivered -= count;
    this.#start = Math.max(this.#start, revision);
  }

  /** The store could not tell of everything: all watchers are sent to list again. */
  lose(revision: number): void {
    const watchers = [this.#everything, ...this.#byTrigger.values()].flatMap((set) => [...set]);
    this.#everything.clear();
    this.#byTrigger.clear();
    [this.#events, this.#delivered, this.#start] = [[], 0, revision];
    const { status } = gone(`too old resource version: changes before ${revision} were lost`);
    this.clock.schedule(0, () => {
      for (const watcher of watchers) {
        if (!watcher.stopped) watcher.on({ type: "ERROR", object: status }, revision);
        watcher.stopped = true;
      }
    });
  }

  #deliver(): void {
    this.#scheduled = false;
    const end = this.#events.length;
    while (this.#delivered < end) {
      // counted first: a watcher who joins now gets it as backlog
      const event = this.#events[this.#delivered++]!;
      for (const watcher of this.#everything) offer(watcher, event);
      if (this.#byTrigger.size === 0) continue;
      const now = this.#valueIn(event.value);
      const before = this.#valueIn(event.previous?.value);
      this.#offerAt(now, event);
      if (before !== now) this.#offerAt(before, event);
    }
    if (this.#events.length > 2 * this.window)
      this.compact(this.#events[this.#events.length - this.window]!.revision);
  }

  #offerAt(trigger: string | undefined, event: Change): void {
    const watchers = trigger === undefined ? undefined : this.#byTrigger.get(trigger);
    if (watchers) for (const watcher of watchers) offer(watcher, event);
  }

  #valueIn(object: KubeObject | undefined): string | undefined {
    return this.kind === "Pod"
      ? (object as { spec?: { nodeName?: string } } | undefined)?.spec?.nodeName
      : object?.metadata.name;
  }

  #setFor(value: string): Set<Watcher> {
    let set = this.#byTrigger.get(value);
    if (!set) this.#byTrigger.set(value, (set = new Set()));
    return set;
  }
}

export interface Watcher {
  /** It has seen everything up to here. */
  revision: number;
  /** Wanted value of the kind's trigger field. */
  value: string | undefined;
  /** Whether it wants this object; undefined: all. */
  wants: ((object: KubeObject) => boolean) | undefined;
  on: (event: WatchEvent<KubeObject>, revision: number) => void;
  /** Objects to be told of as ADDED before anything else. */
  initial: readonly KubeObject[];
  /** Events from before it began to listen, still to be handed over. */
  backlog: Change[];
  stopped: boolean;
}

function flush(watcher: Watcher): void {
  const { initial, backlog } = watcher;
  [watcher.initial, watcher.backlog] = [[], []];
  for (const object of initial)
    if (!watcher.stopped)
      watcher.on({ type: "ADDED", object }, Number(object.metadata.resourceVersion));
  for (const event of backlog) offer(watcher, event);
}

function offer(watcher: Watcher, event: Change): void {
  if (watcher.backlog.length + watcher.initial.length > 0) flush(watcher);
  // Only now: the backlog of a watch that was begun inside this very delivery holds the event too.
  if (watcher.stopped || event.revision <= watcher.revision) return;
  watcher.revision = event.revision;
  const told = tell(watcher.wants, event);
  if (told) watcher.on(told, event.revision);
}

/**
 * An object that comes to match is ADDED, one that no longer does is DELETED (as it was, with the
 * new revision).
 */
function tell(
  wants: Watcher["wants"],
  { type, value: object, previous, revision }: Change,
): WatchEvent<KubeObject> | undefined {
  const is = !wants || wants(object);
  if (type === "DELETE") return is ? { type: "DELETED", object } : undefined;
  const was = previous !== undefined && (!wants || wants(previous.value));
  if (is) return { type: was ? "MODIFIED" : "ADDED", object };
  return was ? { type: "DELETED", object: stamped(previous.value, revision) } : undefined;
}

function firstAfter(events: readonly Change[], revision: number): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle]!.revision <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
