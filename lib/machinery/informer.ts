import type { Client, ListOptions, WatchEvent } from "../api/client.js";
import type { Kind, Kinds, KubeObject } from "../objects/types.js";
import type { Guard, Task } from "./supervisor.js";

/**
 * A component's local copy of one kind, kept true by list and watch: what client-go calls a shared
 * informer. Controllers read from here, never from the API server, so that reading costs nothing.
 *
 *     const pods = informers.of("Pod");
 *     pods.index("node", (pod) => pod.spec.nodeName);
 *     pods.onChange((key) => queue.add(key));
 *     informers.start();
 *     pods.by("node", "node-a")
 *
 * Objects are the API server's own, frozen and shared: nothing is copied.
 *
 * A handler that trips over an object keeps nobody from hearing of it: it is told of that object
 * again, later and later, until it has taken it in. A list or a watch that fails is begun again.
 * (client-go: tools/cache/reflector.go)
 */
export class Informer<T extends KubeObject> {
  readonly #items = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  /** Those that keep the indexes, which the others may ask. */
  readonly #filing: Listener<T>[] = [];
  readonly #listeners: Listener<T>[] = [];
  readonly #listing: Task;
  #waiting: (() => void)[] = [];
  #synced = false;
  #stop: (() => void) | undefined;

  /** `guard`: the component's. */
  constructor(
    private readonly client: Client,
    readonly kind: Kind,
    private readonly guard: Guard,
    private readonly options: ListOptions = {},
  ) {
    this.#listing = guard.task({ about: `the list of ${kind} objects` });
  }

  /** Whether it has listed: from then on it is no more than a little behind. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Calls `run` as soon as it has listed. */
  whenSynced(run: () => void): void {
    if (this.#synced) run();
    else this.#waiting.push(run);
  }

  get(key: string): T | undefined {
    return this.#items.get(key);
  }

  get size(): number {
    return this.#items.size;
  }

  all(): IterableIterator<T> {
    return this.#items.values();
  }

  /**
   * Makes `by(name, value)` answer; `values` says under which values an object is found. `reads`
   * names the part of the object that they come from: where that part stayed the same (unchanged
   * parts are shared), nothing is worked out again. To ask again for an index that exists is fine.
   */
  index(
    name: string,
    values: (object: T) => string | readonly string[] | undefined,
    reads?: (object: T) => unknown,
  ): void {
    if (this.#indexes.has(name)) return;
    const index = new Index(values, reads);
    this.#indexes.set(name, index);
    const file: ChangeHandler<T> = (key, object, previous) => index.update(key, object, previous);
    this.#listen(this.#filing, this.guard, file);
  }

  /** The objects that an index files under `value`, oldest first. */
  by(name: string, value: string): T[] {
    const objects: T[] = [];
    for (const key of this.keysBy(name, value)) objects.push(this.#items.get(key)!);
    return objects;
  }

  keysBy(name: string, value: string): ReadonlySet<string> {
    const index = this.#indexes.get(name);
    if (!index) throw new Error(`informer of ${this.kind}: there is no index "${name}"`);
    return index.keys(value);
  }

  /**
   * Calls `handler` for every object there is, and for every change from now on. `guard`: of whose
   * handler it is; default: the guard of the process.
   */
  onChange(handler: ChangeHandler<T>, guard = this.guard): void {
    this.#listen(this.#listeners, guard, handler);
  }

  /**
   * Takes in what the API server answered to a write of our own, before the watch tells of it: so a
   * controller reads its own writes and never acts twice on a stale cache. (client-go:
   * tools/cache/mutation_cache.go)
   */
  learn(object: KubeObject): void {
    this.#apply(object as T);
  }

  start(): void {
    if (!this.#stop) this.#listing.run(() => this.#list());
  }

  /**
   * Starts from an object that is known to be all there is, as a kubelet's own Node: nothing needs
   * to be listed.
   */
  startFrom(object: KubeObject): void {
    this.#apply(object as T);
    this.#hasListed();
    // it may be older than what the API server, begun anew, remembers: then it is listed after all
    if (!this.#listing.run(() => this.#watch(object.metadata.resourceVersion!))) this.#relist();
  }

  #list(): void {
    const { items, resourceVersion } = this.client.list(this.kind, this.options);
    const current = new Set(items.map(keyOf));
    for (const [key, object] of [...this.#items]) if (!current.has(key)) this.#remove(key, object);
    for (const item of items) this.#apply(item as T);
    this.#watch(resourceVersion);
    this.#hasListed();
  }

  #hasListed(): void {
    this.#synced = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
  }

  #watch(resourceVersion: string): void {
    this.#stop = this.client.watch(this.kind, { ...this.options, resourceVersion }, (event) =>
      this.#hear(event),
    );
  }

  #hear(event: WatchEvent<KubeObject>): void {
    if (event.type === "ERROR")
      this.#relist(); // 410: our revision was compacted away
    else if (event.type === "DELETED") this.#remove(keyOf(event.object), event.object as T);
    else if (event.type !== "BOOKMARK") this.#apply(event.object as T);
  }

  stop(): void {
    this.#endWatch();
    this.#listing.stop();
    for (const listener of [...this.#filing, ...this.#listeners]) listener.stop();
  }

  #relist(): void {
    this.#endWatch();
    this.start();
  }

  #endWatch(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #listen(listeners: Listener<T>[], guard: Guard, handler: ChangeHandler<T>): void {
    const listener = new Listener(this, guard, handler);
    listeners.push(listener);
    for (const [key, object] of this.#items) listener.tell(key, object, undefined);
  }

  #apply(object: T): void {
    const key = keyOf(object);
    const previous = this.#items.get(key);
    // we know this, or better
    if (previous === object || (previous && isAsNew(previous, object))) return;
    const successor = previous !== undefined && isAnother(object, previous);
    // its end was missed: whoever waits for it must hear of it
    if (successor) this.#drop(key, previous);
    this.#items.set(key, object);
    this.#tell(key, object, successor ? undefined : previous);
  }

  #remove(key: string, last: T): void {
    const previous = this.#items.get(key);
    if (!previous || (previous.metadata.uid !== last.metadata.uid && !isAsNew(last, previous)))
      return; // its successor of the same name is here
    this.#drop(key, previous);
  }

  #drop(key: string, previous: T): void {
    this.#items.delete(key);
    this.#tell(key, undefined, previous);
  }

  #tell(key: string, object: T | undefined, previous: T | undefined): void {
    for (const index of this.#filing) index.tell(key, object, previous);
    for (const listener of this.#listeners) listener.tell(key, object, previous);
  }
}

/** `object` is undefined where it is gone, `previous` where it is new. */
export type ChangeHandler<T> = (
  key: string,
  object: T | undefined,
  previous: T | undefined,
) => void;

/** One handler, and the objects that it tripped over. */
class Listener<T extends KubeObject> {
  /**
   * Each with what the handler knows of it: the last version that it took in. Made for the first:
   * a cluster has hundreds of handlers, and hardly one ever trips.
   */
  #behind: Map<string, { known: T | undefined; task: Task }> | undefined;

  constructor(
    private readonly informer: Informer<T>,
    private readonly guard: Guard,
    private readonly handler: ChangeHandler<T>,
  ) {}

  tell(key: string, object: T | undefined, previous: T | undefined): void {
    if (this.#behind?.has(key)) return this.#catchUp(key);
    try {
      this.handler(key, object, previous);
    } catch (error) {
      const task = this.guard.task({ about: `${this.informer.kind} ${key}` });
      (this.#behind ??= new Map<string, { known: T | undefined; task: Task }>()).set(key, {
        known: previous,
        task,
      });
      task.failed(error, () => this.#takeIn(key));
    }
  }

  stop(): void {
    for (const { task } of this.#behind?.values() ?? []) task.stop();
  }

  #catchUp(key: string): void {
    this.#behind!.get(key)!.task.run(() => this.#takeIn(key));
  }

  #takeIn(key: string): void {
    const behind = this.#behind!.get(key)!;
    const object = this.informer.get(key);
    if (object && behind.known && isAnother(object, behind.known)) {
      this.handler(key, undefined, behind.known);
      behind.known = undefined;
    }
    if (object || behind.known) this.handler(key, object, behind.known); // else it came and went
    this.#behind!.delete(key);
  }
}

let lastAsked: KubeObject["metadata"] | undefined;
let lastKey = "";

/**
 * "namespace/name", or "name" for what is in no namespace: how queues and caches call an object.
 * Those who hear of an object ask one after the other, and share the text.
 */
export function keyOf({ metadata }: KubeObject): string {
  const { namespace, name } = metadata;
  if (namespace === undefined) return name;
  if (metadata === lastAsked) return lastKey;
  const key = [namespace, name].join("/"); // flat, as a map's key has to be
  if (Object.isFrozen(metadata)) [lastAsked, lastKey] = [metadata, key];
  return key;
}

export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf("/");
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Of the same name, but not the same. */
const isAnother = (a: KubeObject, b: KubeObject): boolean => a.metadata.uid !== b.metadata.uid;

/** Whether `a` is of the same version as `b`, or of a later one: whole numbers, kept as text. */
function isAsNew({ metadata: a }: KubeObject, { metadata: b }: KubeObject): boolean {
  const [one = "", other = ""] = [a.resourceVersion, b.resourceVersion];
  return one.length === other.length ? one >= other : one.length > other.length;
}
const nothing: ReadonlySet<string> = new Set();

class Index<T> {
  readonly #keys = new Map<string, Set<string>>();

  constructor(
    private readonly values: (object: T) => string | readonly string[] | undefined,
    private readonly reads: ((object: T) => unknown) | undefined,
  ) {}

  keys(value: string): ReadonlySet<string> {
    return this.#keys.get(value) ?? nothing;
  }

  update(key: string, object: T | undefined, previous: T | undefined): void {
    if (object && previous && this.reads && this.reads(object) === this.reads(previous)) return;
    const now = object && this.values(object);
    const before = previous && this.values(previous);
    if (now === before) return;
    const [added, removed] = [listed(now), listed(before)];
    for (const value of removed) if (!added.includes(value)) this.#drop(value, key);
    for (const value of added) if (!removed.includes(value)) this.#file(value, key);
  }

  #file(value: string, key: string): void {
    const keys = this.#keys.get(value);
    if (keys) keys.add(key);
    else this.#keys.set(value, new Set([key]));
  }

  #drop(value: string, key: string): void {
    const keys = this.#keys.get(value);
    if (keys?.delete(key) && keys.size === 0) this.#keys.delete(value);
  }
}

const listed = (values: string | readonly string[] | undefined): readonly string[] =>
  values === undefined ? [] : typeof values === "string" ? [values] : values;

/** One informer a kind, shared by all the controllers of a process. */
export class Informers {
  readonly #informers = new Map<Kind, Informer<KubeObject>>();
  #started = false;

  /** `guard`: of the process. */
  constructor(
    private readonly client: Client,
    private readonly guard: Guard,
  ) {}

  of<K extends Kind>(kind: K): Informer<Kinds[K]> {
    let informer = this.#informers.get(kind);
    if (!informer) {
      informer = new Informer<KubeObject>(this.client, kind, this.guard);
      this.#informers.set(kind, informer);
      if (this.#started) informer.start();
    }
    return informer as unknown as Informer<Kinds[K]>;
  }

  /** Whether all of them have listed. */
  get synced(): boolean {
    for (const { synced } of this.#informers.values()) if (!synced) return false;
    return true;
  }

  /** Calls `run` as soon as all of them have listed. */
  whenSynced(run: () => void): void {
    for (const informer of this.#informers.values())
      if (!informer.synced) return informer.whenSynced(() => this.whenSynced(run));
    run();
  }

  start(): void {
    this.#started = true;
    for (const informer of this.#informers.values()) informer.start();
  }

  stop(): void {
    this.#started = false;
    for (const informer of this.#informers.values()) informer.stop();
  }
}
