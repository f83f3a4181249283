import type { Clock } from "../api/clock.js";
import type { Event, KubeObject } from "../objects/types.js";
import type { Entry, Store } from "../store/store.js";
import { storeDuties } from "./admission.js";

/**
 * How long an Event lives after it was last written, by whole seconds as its timestamps are.
 * (kube-apiserver --event-ttl) Milliseconds.
 */
const EVENT_TTL_MS = 3_600_000;

/** What was written in the same second, and ends together. */
interface Batch {
  second: number;
  keys: string[];
  /** With which each was written: one that was written again is in another batch as well. */
  revisions: number[];
}

/**
 * Takes away the Events that nobody told again for an hour. Kubernetes leaves that to leases of
 * etcd, which end up to a minute later; here the API server does it on any store, and watchers hear
 * of it as of any removal. Nobody waits for it, and it costs a timer for each second's Events.
 */
export class Expiry {
  #newest: Batch | undefined;

  /** `prefix`: where Events are kept. */
  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    prefix: string,
  ) {
    const { entries, revision } = store.range(prefix);
    const old = entries.map((entry) => ({ entry, time: lastTold(entry.value) ?? clock.now() }));
    // a server that starts anew goes by what the Events say themselves
    for (const { entry, time } of old.sort((a, b) => a.time - b.time)) this.#keep(entry, time);
    store.watch(prefix, revision, (changes) => {
      for (const { type, key, revision: modRevision } of changes)
        if (type === "PUT") this.#keep({ key, modRevision }, clock.now());
    });
  }

  #keep({ key, modRevision }: Pick<Entry, "key" | "modRevision">, now: number): void {
    const { keys, revisions } = this.#batch(Math.floor(now / 1_000));
    keys.push(key);
    revisions.push(modRevision);
  }

  #batch(second: number): Batch {
    if (this.#newest?.second === second) return this.#newest;
    const batch: Batch = { second, keys: [], revisions: [] };
    const delay = Math.max(0, second * 1_000 + EVENT_TTL_MS - this.clock.now());
    this.clock.schedule(delay, () => this.#end(batch), { background: true, about: "Events" });
    return (this.#newest = batch);
  }

  /** One after the other: where the store goes away meanwhile, the rest is done when it is back. */
  #end({ keys, revisions }: Batch): void {
    while (keys.length > 0) {
      this.store.delete(keys[0]!, revisions[0]);
      keys.shift();
      revisions.shift();
    }
  }
}

function lastTold(object: KubeObject): number | undefined {
  const { lastTimestamp, metadata } = object as Event;
  const time = Date.parse(lastTimestamp ?? metadata.creationTimestamp ?? "");
  return Number.isNaN(time) ? undefined : time;
}

storeDuties.push((store, clock, events) => new Expiry(store, clock, events));
