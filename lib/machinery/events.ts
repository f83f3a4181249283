import type { Event, KubeObject, ObjectReference } from "../objects/types.js";
import type { Client } from "../api/client.js";
import type { Clock } from "../api/clock.js";
import { isApiError } from "../api/errors.js";
import { stamp, stampMicro } from "../api/time.js";
import { hash } from "./random.js";

// How client-go keeps a talkative component from flooding the API server
// (tools/record/events_cache.go).
const SPAM_BURST = 25; // events about one object before it is throttled,
const SPAM_REFILL_MS = 300_000; // and one more in every five minutes
const SIMILAR_LIMIT = 10; // events that differ in their message only: from so many on told as one,
const SIMILAR_WINDOW_MS = 600_000; // until ten minutes are quiet
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

  /**
   * `component` is the event's source ("kubelet"), `host` the node it speaks from, `instance` the
   * replica.
   */
  constructor(
    private readonly client: Client,
    private readonly clock: Clock,
    private readonly component: string,
    private readonly host?: string,
    private readonly instance?: string,
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
    const { told: known, isCombined } = knownIn(story, type, reason, message, now);
    const told = known ?? {
      type,
      reason,
      text: message,
      message,
      isCombined,
      isListed: !isCombined,
      name: "",
      count: 0,
      first: now,
      time: now,
    };
    if (!known) story.told = [...story.told, told]; // no longer than it has to be
    told.message = isCombined ? COMBINED + message : message;
    told.count++;
    told.time = now;
    try {
      this.#write(object, told);
    } catch (error) {
      // events are told as well as can be; the work goes on without
      if (!isApiError(error)) throw error;
      story.told = story.told.filter((one) => one !== told);
    }
  }

  /**
   * As components tell it that use the newer API: with the moment, and what was done. The same of
   * the same version of an object begins a series. (client-go: tools/events) Left out: that a
   * series is written again every half an hour.
   */
  deed(object: KubeObject, { type, reason, action, message, related }: Deed): void {
    const now = this.clock.now();
    if (!spend(this.#queue, QUEUE, SEND_MS, now)) return;
    const story = this.#storyOf(object);
    const key = `${reason} ${action} ${object.metadata.resourceVersion}`;
    const name = this.#nameFor(object.metadata.name);
    const event: Event & { eventTime: string } = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace: object.metadata.namespace ?? "default" },
      involvedObject: this.#referenceTo(object),
      reason,
      message: message.slice(0, NOTE_LENGTH),
      type,
      eventTime: stampMicro(now),
      action,
      reportingComponent: this.component,
      reportingInstance: this.instance ?? this.component,
    };
    if (related) event.related = referenceTo(related);
    const last = story.deed;
    try {
      if (last?.key !== key) {
        this.client.create<Event>(event, { decoded: true });
        story.deed = { key, name, count: 1 };
      } else if (++last.count === 2) this.#begin(event, last.name, event.eventTime);
    } catch (error) {
      if (!isApiError(error)) throw error;
    }
  }

  #begin({ metadata: { namespace } }: Event, name: string, lastObservedTime: string): void {
    const body = { series: { count: 2, lastObservedTime } };
    this.client.patch("Event", name, namespace, { type: "merge", body });
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

  #eventOf(object: KubeObject, told: Told): Event {
    const { name, type, reason, message, count, first, time, isCombined } = told;
    // spelt out: of spread parts the engine makes slow objects, and there are a lot of these
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
    };
    if (!isCombined) event.reportingComponent = this.component;
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
    const moment = momentAt(this.clock.now());
    const low = moment.low + (this.#sequence++ % 1_000_000);
    const high = low < LOW ? moment.high : moment.next;
    const [a, b, c] = [(low >>> 16) & 0xff, (low >>> 8) & 0xff, low & 0xff];
    // flat: a template would keep its pieces
    return [subject, ".", high, hexOf[a], hexOf[b], hexOf[c]].join("");
  }

  #storyOf({ kind, metadata: { uid, namespace, name } }: KubeObject): Story {
    const key = uid ?? `${kind}/${namespace}/${name}`;
    let story = this.#stories.get(key);
    if (!story) {
      // the oldest
      if (this.#stories.size >= STORIES) this.#stories.delete(this.#stories.keys().next().value!);
      story = { tokens: SPAM_BURST, last: this.clock.now(), told: nothing };
      this.#stories.set(key, story);
    }
    return story;
  }
}

/** What was told of one object. */
interface Story extends Bucket {
  told: readonly Told[];
  deed?: { key: string; name: string; count: number };
}

/** What a component did. */
export interface Deed extends Pick<Event, "type" | "reason" | "message"> {
  action: string;
  /** Whom else it is about. */
  related?: KubeObject;
}

const nothing: readonly never[] = [];

const COMBINED = "(combined from similar events): ";
/** (tools/events; the API refuses longer ones) */
const NOTE_LENGTH = 1_024;

/**
 * What is told again; undefined: it is new. Of events that differ in their message only so many are
 * told one by one, and all others as one.
 */
function knownIn(
  { told }: Story,
  type: Event["type"],
  reason: string,
  message: string,
  now: number,
): { told: Told | undefined; isCombined: boolean } {
  if (told.length === 0) return unheardOf;
  const isSimilar = (one: Told): boolean => one.reason === reason && one.type === type;
  if (!told.some(isSimilar)) return unheardOf;
  const similar = told.filter(isSimilar);
  if (similar.every(({ time }) => now - time > SIMILAR_WINDOW_MS))
    for (const one of similar) one.isListed = false;
  const own = similar.find((one) => !one.isCombined && one.text === message);
  if (own?.isListed) return { told: own, isCombined: false };
  const listed = similar.filter(({ isListed }) => isListed).length;
  // upstream takes any one of them off the list then
  if (listed + 1 >= SIMILAR_LIMIT)
    return { told: similar.find(({ isCombined }) => isCombined), isCombined: true };
  if (own) own.isListed = true;
  return { told: own, isCombined: false };
}

const unheardOf = { told: undefined, isCombined: false };

interface Told {
  type: Event["type"];
  reason: string;
  /** As it was told first, and what stands in the Event now. */
  text: string;
  message: string;
  /** Whether it stands for all that are told no more by themselves. */
  isCombined: boolean;
  isListed: boolean;
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

/** Nanoseconds since 1970 are more than a number holds: the last six digits are kept apart. */
const LOW = 0x1_00_00_00;
/** A million is 15,625 x 64: so many milliseconds are 15,625 times `LOW` nanoseconds. */
const SPAN = LOW / 64;

/** "00" to "ff" */
const hexOf = Array.from({ length: 256 }, (_, byte) => (0x100 + byte).toString(16).slice(1));

let lastMoment = { milliseconds: NaN, low: 0, high: "", next: "" };

/**
 * The last six hexadecimal digits of its nanoseconds, those before them, and those where a million
 * more is carried over. Much happens in the same millisecond.
 */
function momentAt(milliseconds: number): typeof lastMoment {
  if (milliseconds === lastMoment.milliseconds) return lastMoment;
  const rest = (milliseconds % SPAN) * 15_625;
  const high = Math.floor(milliseconds / SPAN) * 15_625 + Math.floor(rest / SPAN);
  return (lastMoment = {
    milliseconds,
    low: (rest % SPAN) * 64,
    high: high.toString(16),
    next: (high + 1).toString(16),
  });
}
