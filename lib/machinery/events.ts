import type { Event, KubeObject, ObjectReference } from "../objects/types.js";
import type { Client } from "../api/client.js";
import type { Clock } from "../api/clock.js";
import { isApiError } from "../api/errors.js";
import { hash } from "./random.js";

// How client-go keeps a talkative component from flooding the API server
// (tools/record/events_cache.go).
const SPAM_BURST = 25; // events about one object before it is throttled,
const SPAM_REFILL_MS = 300_000; // and one more in every five minutes
const SIMILAR_LIMIT = 10; // events that differ in their message only, before they are told as one,
const SIMILAR_WINDOW_MS = 600_000; // within ten minutes
const STORIES = 4_096; // objects that are remembered
// And as a whole (tools/record/event.go: maxQueuedEvents, DropIfChannelFull): what does not fit
// into the queue is dropped.
const QUEUE = 1_000;
const SEND_MS = 5; // one is written after the other: the round trip

/**
 * Tells what happened to an object, as `kubectl describe` shows it. The same thing told again
 * counts up.
 */
export class EventRecorder {
  readonly #stories = new Map<string, Story>();
  readonly #queue: Bucket;
  readonly #source: NonNullable<Event["source"]>;
  #sequence: number;

  /** `component` is the event's source ("kubelet"), `host` the node it speaks from. */
  constructor(
    private readonly client: Client,
    private readonly clock: Clock,
    private readonly component: string,
    private readonly host?: string,
  ) {
    this.#source = Object.freeze({ component, ...(host !== undefined && { host }) });
    this.#queue = { tokens: QUEUE, last: clock.now() };
    // two components that speak in the same millisecond find different names
    this.#sequence = hash(`${component}/${host}`) % 1_000_000;
  }

  normal(object: KubeObject, reason: string, message: string): void {
    this.#record(object, "Normal", reason, message);
  }

  warning(object: KubeObject, reason: string, message: string): void {
    this.#record(object, "Warning", reason, message);
  }

  #record(object: KubeObject, type: Event["type"], reason: string, message: string): void {
    const story = this.#storyOf(object);
    const now = this.clock.now();
    if (!spend(this.#queue, QUEUE, SEND_MS, now) || !spend(story, SPAM_BURST, SPAM_REFILL_MS, now))
      return;
    const similar = story.told.filter(
      (one) => one.reason === reason && one.type === type && now - one.time <= SIMILAR_WINDOW_MS,
    );
    const combined =
      similar.length > SIMILAR_LIMIT ||
      (similar.length === SIMILAR_LIMIT && !similar.some((one) => one.message === message));
    const text = combined ? `(combined from similar events): ${message}` : message;
    const known = combined
      ? similar[SIMILAR_LIMIT]
      : similar.find((one) => one.message === message);
    try {
      if (known) this.#countUp(object, known, text);
      else
        story.told.push({
          type,
          reason,
          message: text,
          name: this.#create(object, type, reason, text),
          count: 1,
          time: now,
        });
    } catch (error) {
      // events are told as well as can be; the work goes on without
      if (!isApiError(error)) throw error;
      story.told = story.told.filter((one) => one !== known);
    }
  }

  /**
   * Answers the Event's name: upstream the object's and the time in nanoseconds, here milliseconds
   * and a number.
   */
  #create(object: KubeObject, type: Event["type"], reason: string, message: string): string {
    const { clock, component, host } = this;
    const time = stamp(clock.now());
    const { name: subject, namespace = "default" } = object.metadata;
    const name = [
      subject,
      (BigInt(clock.now()) * 1_000_000n + BigInt(this.#sequence++ % 1_000_000)).toString(16),
    ].join("."); // flat: a template would keep its pieces
    try {
      this.client.create<Event>({
        apiVersion: "v1",
        kind: "Event",
        metadata: { name, namespace },
        involvedObject: referenceTo(object),
        reason,
        message,
        type,
        count: 1,
        firstTimestamp: time,
        lastTimestamp: time,
        source: this.#source,
        reportingComponent: component,
        reportingInstance: host ?? "",
      });
    } catch (error) {
      // the name is taken
      if (isApiError(error, 409)) return this.#create(object, type, reason, message);
      throw error;
    }
    return name;
  }

  #countUp(object: KubeObject, known: Told, message: string): void {
    known.count++;
    known.time = this.clock.now();
    const body = { count: known.count, lastTimestamp: stamp(known.time), message };
    this.client.patch("Event", known.name, object.metadata.namespace ?? "default", {
      type: "merge",
      body,
    });
  }

  #storyOf({ kind, metadata: { uid, namespace, name } }: KubeObject): Story {
    const key = uid ?? `${kind}/${namespace}/${name}`;
    let story = this.#stories.get(key);
    if (!story) {
      // the oldest
      if (this.#stories.size >= STORIES) this.#stories.delete(this.#stories.keys().next().value!);
      this.#stories.set(key, (story = { tokens: SPAM_BURST, last: this.clock.now(), told: [] }));
    }
    return story;
  }
}

/** What was told of one object. */
interface Story extends Bucket {
  told: Told[];
}

interface Told {
  type: Event["type"];
  reason: string;
  message: string;
  /** The Event's. */
  name: string;
  count: number;
  time: number;
}

interface Bucket {
  tokens: number;
  last: number;
}

/** Takes a token, of which one more comes in every `refill` ms; false where there is none. */
function spend(bucket: Bucket, size: number, refill: number, now: number): boolean {
  bucket.tokens = Math.min(size, bucket.tokens + (now - bucket.last) / refill);
  bucket.last = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens--;
  return true;
}

export function referenceTo({
  kind,
  apiVersion,
  metadata: { namespace, name, uid, resourceVersion },
}: KubeObject): ObjectReference {
  return {
    kind,
    ...(namespace !== undefined && { namespace }),
    name,
    ...(uid !== undefined && { uid }),
    apiVersion,
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
}

let last = { second: NaN, text: "" };

/**
 * A time as the API writes it: whole seconds, UTC. The same second gives the same string, so that a
 * million objects share it.
 */
export function stamp(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1_000);
  if (second !== last.second)
    last = { second, text: `${new Date(second * 1_000).toISOString().slice(0, 19)}Z` };
  return last.text;
}

/** As `stamp`, to the microsecond: what Leases carry. */
export const stampMicro = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 23)}000Z`;
