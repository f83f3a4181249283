import { ApiError } from "../api/errors.js";
import type { Kind, Kinds, KubeObject } from "../objects/types.js";
import type { Client, ListOptions } from "../api/client.js";

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
 */
export class Informer<T extends KubeObject> {
  readonly #items = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #handlers: ChangeHandler<T>[] = [];
  #stop: (() => void) | undefined;

  constructor(
    private readonly client: Client,
    readonly kind: Kind,
    private readonly options: ListOptions = {},
  ) {}

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
    for (const [key, object] of this.#items) index.update(key, object, undefined);
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

  /** Calls `handler` for every object there is, and for every change from now on. */
  onChange(handler: ChangeHandler<T>): void {
    this.#handlers.push(handler);
    for (const [key, object] of this.#items) handler(key, object, undefined);
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
    if (this.#stop) return;
    const { items, resourceVersion } = this.client.list(this.kind, this.options);
    const current = new Set(items.map(keyOf));
    for (const [key, object] of [...this.#items]) if (!current.has(key)) this.#remove(key, object);
    for (const item of items) this.#apply(item as KubeObject as T);
    this.#watch(resourceVersion);
  }

  /**
   * Starts from an object that is known to be all there is, as a kubelet's own Node: nothing needs
   * to be listed.
   */
  startFrom(object: KubeObject): void {
    this.#apply(object as T);
    try {
      this.#watch(object.metadata.resourceVersion!);
    } catch (error) {
      // it is older than what the API server, started anew, remembers
      if (!isApiError(error, 410)) throw error;
      this.#relist();
    }
  }

  #watch(resourceVersion: string): void {
    this.#stop = this.client.watch(this.kind, { ...this.options, resourceVersion }, (event) => {
      if (event.type === "ERROR")
        this.#relist(); // 410: our revision was compacted away
      else if (event.type === "DELETED")
        this.#remove(keyOf(event.object), event.object as KubeObject as T);
      else if (event.type !== "BOOKMARK") this.#apply(event.object as KubeObject as T);
    });
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #relist(): void {
    this.stop();
    this.start();
  }

  #apply(object: T): void {
    const key = keyOf(object);
    const previous = this.#items.get(key);
    if (previous && version(previous) >= version(object)) return; // we know this, or better
    this.#items.set(key, object);
    for (const index of this.#indexes.values()) index.update(key, object, previous);
    for (const handler of this.#handlers) handler(key, object, previous);
  }

  #remove(key: string, last: T): void {
    const previous = this.#items.get(key);
    if (
      !previous ||
      (previous.metadata.uid !== last.metadata.uid && version(previous) > version(last))
    )
      return; // its successor of the same name is here
    this.#items.delete(key);
    for (const index of this.#indexes.values()) index.update(key, undefined, previous);
    for (const handler of this.#handlers) handler(key, undefined, previous);
  }
}

/** `object` is undefined where it is gone, `previous` where it is new. */
export type ChangeHandler<T> = (
  key: string,
  object: T | undefined,
  previous: T | undefined,
) => void;

/**
 * "namespace/name", or "name" for what is in no namespace: how queues and caches call an object.
 */
export function keyOf({ metadata }: KubeObject): string {
  return metadata.namespace === undefined
    ? metadata.name
    : `${metadata.namespace}/${metadata.name}`;
}

export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf("/");
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

const version = (object: KubeObject): number => Number(object.metadata.resourceVersion);
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

  constructor(private readonly client: Client) {}

  of<K extends Kind>(kind: K): Informer<Kinds[K]> {
    let informer = this.#informers.get(kind);
    if (!informer) {
      this.#informers.set(kind, (informer = new Informer<KubeObject>(this.client, kind)));
      if (this.#started) informer.start();
    }
    return informer as unknown as Informer<Kinds[K]>;
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

/** Whether an error is the API server's answer with this code: 404, 409, 422, … */
export const isApiError = (error: unknown, ...codes: number[]): error is ApiError =>
  error instanceof ApiError && (codes.length === 0 || codes.includes(error.code));
