import type { Event, KubeObject, ObjectReference } from "../objects/types.js";
import type { Client } from "./client.js";
import type { Clock } from "./clock.js";
import { isApiError } from "./informer.js";
import { hash } from "./random.js";

// How client-go keeps a talkative component from flooding the API server (tools/record/events_cache.go).
const SPAM_BURST = 25; // events about one object before it is throttled,
const SPAM_REFILL_MS = 300_000; // and one more in every five minutes
const SIMILAR_LIMIT = 10; // events that differ in their message only, before they are told as one,
const SIMILAR_WINDOW_MS = 600_000; // within ten minutes
const CACHE_LIMIT = 4_096; // how many events and objects are remembered

/** Tells what happened to an object, as `kubectl describe` shows it. The same thing told again counts up. */
export class EventRecorder {
  readonly #known = new Map<string, { name: string; count: number }>();
  readonly #similar = new Map<string, { messages: Set<string>; last: number }>();
  readonly #budgets = new Map<string, { tokens: number; last: number }>();
  #sequence: number;

  /** `component` is the event's source ("kubelet"), `host` the node it speaks from. */
  constructor(private readonly client: Client, private readonly clock: Clock, private readonly component: string, private readonly host?: string) {
    this.#sequence = hash(`${component}/${host}`) % 1_000_000; // two components that speak in the same millisecond find different names
  }

  normal(object: KubeObject, reason: string, message: string): void {
    this.#record(object, "Normal", reason, message);
  }

  warning(object: KubeObject, reason: string, message: string): void {
    this.#record(object, "Warning", reason, message);
  }

  #record(object: KubeObject, type: Event["type"], reason: string, message: string): void {
    const about = `${object.kind}/${object.metadata.namespace}/${object.metadata.name}/${object.metadata.uid}`;
    const { key, text } = this.#combine(`${about}/${type}/${reason}`, message);
    if (!this.#spend(about)) return;
    try {
      const known = this.#known.get(key);
      if (known) this.#countUp(object, known, text);
      else remember(this.#known, key, { name: this.#create(object, type, reason, text), count: 1 });
    } catch (error) {
      if (!isApiError(error)) throw error;
      this.#known.delete(key); // events are told as well as can be; the work goes on without
    }
  }

  /** Answers the Event's name: upstream the object's and the time in nanoseconds, here milliseconds and a number. */
  #create(object: KubeObject, type: Event["type"], reason: string, message: string): string {
    const { clock, component, host } = this;
    const time = stamp(clock.now());
    const { name: subject, namespace = "default" } = object.metadata;
    const name = `${subject}.${(BigInt(clock.now()) * 1_000_000n + BigInt(this.#sequence++ % 1_000_000)).toString(16)}`;
    try {
      this.client.create<Event>({
        apiVersion: "v1", kind: "Event", metadata: { name, namespace }, involvedObject: referenceTo(object), reason, message, type, count: 1, firstTimestamp: time, lastTimestamp: time,
        source: { component, ...(host !== undefined && { host }) }, reportingComponent: component, reportingInstance: host ?? "",
      });
    } catch (error) {
      if (isApiError(error, 409)) return this.#create(object, type, reason, message); // the name is taken
      throw error;
    }
    return name;
  }

  #countUp(object: KubeObject, known: { name: string; count: number }, message: string): void {
    known.count++;
    const body = { count: known.count, lastTimestamp: stamp(this.clock.now()), message };
    this.client.patch("Event", known.name, object.metadata.namespace ?? "default", { type: "merge", body });
  }

  /** More than ten texts for the same reason are told as one event. */
  #combine(reason: string, message: string): { key: string; text: string } {
    const now = this.clock.now();
    let similar = this.#similar.get(reason);
    if (!similar || now - similar.last > SIMILAR_WINDOW_MS) remember(this.#similar, reason, (similar = { messages: new Set(), last: now }));
    similar.last = now;
    if (similar.messages.size < SIMILAR_LIMIT) similar.messages.add(message);
    return similar.messages.has(message) ? { key: `${reason}/${message}`, text: message } : { key: reason, text: `(combined from similar events): ${message}` };
  }

  #spend(about: string): boolean {
    const now = this.clock.now();
    let budget = this.#budgets.get(about);
    if (!budget) remember(this.#budgets, about, (budget = { tokens: SPAM_BURST, last: now }));
    budget.tokens = Math.min(SPAM_BURST, budget.tokens + (now - budget.last) / SPAM_REFILL_MS);
    budget.last = now;
    if (budget.tokens < 1) return false;
    budget.tokens--;
    return true;
  }
}

function remember<V>(cache: Map<string, V>, key: string, value: V): void {
  if (cache.size >= CACHE_LIMIT) cache.delete(cache.keys().next().value!); // the oldest
  cache.set(key, value);
}

export function referenceTo({ kind, apiVersion, metadata: { namespace, name, uid, resourceVersion } }: KubeObject): ObjectReference {
  return { kind, ...(namespace !== undefined && { namespace }), name, uid, apiVersion, ...(resourceVersion !== undefined && { resourceVersion }) };
}

/** A time as the API writes it: whole seconds, UTC. */
export const stamp = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 19) + "Z";

/** As `stamp`, to the microsecond: what Leases carry. */
export const stampMicro = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 23) + "000Z";
