import type { Event, KubeObject, ObjectReference } from "../objects/types.js";
import type { Client } from "../api/client.js";
import type { Clock } from "../api/clock.js";
import { isApiError } from "../api/errors.js";
import { stamp } from "../api/time.js";
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
  #last: { object: KubeObject; reference: ObjectReference } | undefined;

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
    story.told = story.told.filter((one) => now - one.time <= SIMILAR_WINDOW_MS);
    const similar = story.told.filter((one) => one.reason === reason && one.type === type);
    const combined =
      similar.length > SIMILAR_LIMIT ||
      (similar.length === SIMILAR_LIMIT && !similar.some((one) => one.message === message));
    const known = combined
      ? similar[SIMILAR_LIMIT]
      : similar.find((one) => one.message === message);
    const told = known ?? { type, reason, message, name: "", count: 0, first: now, time: now };
    told.message = combined ? `(combined from similar events): ${message}` : message;
    told.count++;
    told.time = now;
    try {
      this.#write(object, told);
      if (!known) story.told.push(told);
    } catch (error) {
      // events are told as well as can be; the work goes on without
      if (!isApiError(error)) throw error;
      story.told = story.told.filter((one) => one !== told);
    }
  }

  /** Counts up an Event that is there; makes it (again) where it is not. */
  #write(object: KubeObject, told: Told): void {
    if (told.count === 1 || !this.#countUp(object, told)) this.#create(object, told);
  }

  /** Answers whether it is there. */
  #countUp(object: KubeObject, { name, count, message, time }: Told): boolean {
    const body = { count, lastTimestamp: stamp(time), message };
    const namespace = object.metadata.namespace ?? "default";
    try {
      this.client.patch("Event", name, namespace, { type: "merge", body });
      return true;
    } catch (error) {
      if (isApiError(error, 404)) return false;
      throw error;
    }
  }

  #create(object: KubeObject, told: Told): void {
    told.name = this.#nameFor(object.metadata.name);
    try {
      this.client.create(this.#eventOf(object, told), { decoded: true });
    } catch (error) {
      if (!isApiError(error, 409)) throw error;
      this.#create(object, told); // the name is taken
    }
  }

  #eventOf(object: KubeObject, { name, type, reason, message, count, first, time }: Told): Event {
    const event: Event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace: object.metadata.namespace ?? "default" },
      involvedObject: this.#referenceTo(object),
      reason,
      message,
      type,
      count,
      firstTimestamp: stamp(first),
      lastTimestamp: stamp(time),
      source: this.#source,
      reportingComponent: this.component,
    };
    if (this.host !== undefined) event.reportingInstance = this.host;
    return event;
  }

  /** Several events in a row are about the same version of an object: they share it. */
  #referenceTo(object: KubeObject): ObjectReference {
    if (this.#last?.object !== object)
      this.#last = { object, reference: Object.freeze(referenceTo(object)) };
    return this.#last.reference;
  }

  /** Upstream the object's and the time in nanoseconds, here milliseconds and a number. */
  #nameFor(subject: string): string {
    const number = nanoseconds(this.clock.now()) + BigInt(this.#sequence++ % 1_000_000);
    return [subject, number.toString(16)].join("."); // flat: a template would keep its pieces
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
  /** When it was told first, and last. */
  first: number;
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

function referenceTo({
  kind,
  apiVersion,
  metadata: { namespace, name, uid, resourceVersion },
}: KubeObject): ObjectReference {
  const reference: ObjectReference =
    namespace === undefined ? { kind, name } : { kind, namespace, name };
  if (uid !== undefined) reference.uid = uid;
  reference.apiVersion = apiVersion;
  if (resourceVersion !== undefined) reference.resourceVersion = resourceVersion;
  return reference;
}

let lastMoment = { milliseconds: 0, nanoseconds: 0n };

/** Much happens in the same millisecond. */
function nanoseconds(milliseconds: number): bigint {
  if (milliseconds !== lastMoment.milliseconds)
    lastMoment = { milliseconds, nanoseconds: BigInt(milliseconds) * 1_000_000n };
  return lastMoment.nanoseconds;
}
