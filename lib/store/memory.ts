import type { KubeObject } from "../objects/types.js";
import { CompactedError, stamped, type Change, type Entry, type Store } from "./store.js";

/**
 * The store in memory: etcd's semantics, as far as Kubernetes uses them.
 *
 * Every write is appended to a log and the log is the history: a watch from an old revision replays
 * it, a range at an old revision takes it back, compaction cuts it off. Keys are kept by directory
 * ("/registry/pods/default/"), each sorted when somebody next asks for its order, so that a write
 * costs the same whatever the store holds.
 */
export class MemoryStore implements Store {
  readonly immediate = true;
  revision = 1;
  readonly #entries = new Map<string, Entry>();
  readonly #directories = new Map<string, Directory>();
  #lastDirectory: Directory | undefined;
  /** log[i] is the change of revision `#logStart + i`. */
  readonly #log: Change[] = [];
  #logStart = 2;
  readonly #watchers = new Set<Watcher>();
  readonly #logLimit: number;

  /**
   * `historyLimit`: changes kept before the older half is compacted away by itself; default
   * 100,000.
   */
  constructor({ historyLimit = 100_000 }: { historyLimit?: number } = {}) {
    this.#logLimit = historyLimit;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  put(key: string, value: KubeObject, expected?: number, isGiven = false): Entry | undefined {
    const previous = this.#entries.get(key);
    if (expected !== undefined && (previous?.modRevision ?? 0) !== expected) return undefined;
    const revision = this.revision + 1;
    const entry: Entry = {
      key,
      value: stamped(value, revision, isGiven),
      createRevision: previous?.createRevision ?? revision,
      modRevision: revision,
      version: (previous?.version ?? 0) + 1,
    };
    this.#entries.set(key, entry);
    const directory = this.#directory(key);
    if (!previous) directory.add(key);
    this.#append({ type: "PUT", revision, key, value: entry.value, previous }, directory);
    return entry;
  }

  delete(key: string, expected?: number): Entry | undefined {
    const previous = this.#entries.get(key);
    if (!previous || (expected !== undefined && previous.modRevision !== expected))
      return undefined;
    const revision = this.revision + 1;
    this.#entries.delete(key);
    const directory = this.#directory(key);
    directory.remove(this.#has);
    this.#append({ type: "DELETE", revision, key, value: previous.value, previous }, directory);
    return { ...previous, modRevision: revision };
  }

  range(
    prefix: string,
    { revision, limit = Infinity, from }: { revision?: number; limit?: number; from?: string } = {},
  ) {
    const keys =
      revision === undefined || revision === this.revision
        ? this.#entries
        : this.#asOf(revision, prefix);
    const all = keys === this.#entries ? this.#keysUnder(prefix) : [...keys.keys()].sort(byteOrder);
    const start = from === undefined ? 0 : firstAtLeast(all, from);
    const end = Math.min(all.length, start + limit);
    const entries = new Array<Entry>(end - start);
    for (let i = start; i < end; i++) entries[i - start] = keys.get(all[i]!)!;
    return { entries, revision: this.revision, more: end < all.length, count: all.length - start };
  }

  watch(prefix: string, revision: number, on: (events: readonly Change[]) => void): () => void {
    if (Math.max(revision, 1) + 1 < this.#logStart) throw new CompactedError(this.#logStart - 1);
    const past = this.#log
      .slice(Math.max(0, revision + 1 - this.#logStart))
      .filter((change) => change.key.startsWith(prefix));
    if (past.length > 0) on(past);
    const watcher = { prefix, on };
    this.#watchers.add(watcher);
    this.#forgetListeners();
    return () => {
      this.#watchers.delete(watcher);
      this.#forgetListeners();
    };
  }

  compact(revision: number): void {
    if (revision > this.revision)
      throw new RangeError(
        `cannot compact at revision ${revision}: it is in the future (the last one is ${this.revision})`,
      );
    if (revision < this.#logStart) throw new CompactedError(this.#logStart - 1);
    this.#log.splice(0, revision + 1 - this.#logStart);
    this.#logStart = revision + 1;
  }

  close(): void {
    this.#watchers.clear();
    this.#forgetListeners();
  }

  #append(change: Change, directory: Directory): void {
    this.revision = change.revision;
    this.#log.push(change);
    if (this.#log.length > this.#logLimit)
      this.compact(this.revision - Math.floor(this.#logLimit / 2));
    directory.listeners ??= this.#listenersTo(directory.path);
    for (const watcher of directory.listeners)
      if (this.#watchers.has(watcher) && change.key.startsWith(watcher.prefix))
        watcher.on([change]);
  }

  /** Those that watch a whole directory, something above it or something in it. */
  #listenersTo(path: string): Watcher[] {
    return [...this.#watchers].filter(
      ({ prefix }) => path.startsWith(prefix) || prefix.startsWith(path),
    );
  }

  #forgetListeners(): void {
    for (const directory of this.#directories.values()) directory.listeners = undefined;
  }

  readonly #has = (key: string): boolean => this.#entries.has(key);

  #directory(key: string): Directory {
    const end = key.lastIndexOf("/") + 1;
    // much is written side by side
    const last = this.#lastDirectory;
    if (last?.path.length === end && key.startsWith(last.path)) return last;
    const path = key.slice(0, end);
    let directory = this.#directories.get(path);
    if (!directory) this.#directories.set(path, (directory = new Directory(path)));
    return (this.#lastDirectory = directory);
  }

  #keysUnder(prefix: string): readonly string[] {
    const lists: (readonly string[])[] = [];
    for (const [path, directory] of this.#directories) {
      if (path.startsWith(prefix)) lists.push(directory.sorted(this.#has));
      else if (prefix.startsWith(path))
        lists.push(directory.sorted(this.#has).filter((key) => key.startsWith(prefix)));
    }
    return lists.length === 1 ? lists[0]! : lists.flat().sort(byteOrder);
  }

  /** Takes back, newest first, what happened under the prefix after `revision`. */
  #asOf(revision: number, prefix: string): Map<string, Entry> {
    if (revision > this.revision)
      throw new RangeError(
        `revision ${revision} is in the future (the last one is ${this.revision})`,
      );
    if (revision + 1 < this.#logStart) throw new CompactedError(this.#logStart - 1);
    const entries = new Map(this.#keysUnder(prefix).map((key) => [key, this.#entries.get(key)!]));
    for (let i = this.#log.length - 1; i >= revision + 1 - this.#logStart; i--) {
      const { key, previous } = this.#log[i]!;
      if (!key.startsWith(prefix)) continue;
      if (previous) entries.set(key, previous);
      else entries.delete(key);
    }
    return entries;
  }
}

interface Watcher {
  prefix: string;
  on: (events: readonly Change[]) => void;
}

/** The keys of one directory, put in order only when somebody asks for it. */
class Directory {
  /** With keys that are gone, or there twice, until they are put in order. */
  #keys: string[] = [];
  #live = 0;
  #ordered = true;
  /** Who hears of changes here; undefined: to be found out. */
  listeners: readonly Watcher[] | undefined;

  constructor(readonly path: string) {}

  add(key: string): void {
    this.#keys.push(key);
    this.#live++;
    this.#ordered = false;
  }

  remove(has: (key: string) => boolean): void {
    this.#live--;
    this.#ordered = false;
    // keys come and go, and nobody asks: let go of the old ones
    if (this.#keys.length > 2 * this.#live + 100) this.sorted(has);
  }

  sorted(has: (key: string) => boolean): readonly string[] {
    if (this.#ordered) return this.#keys;
    this.#ordered = true;
    const sorted = this.#keys.sort(byteOrder);
    return (this.#keys = sorted.filter((key, i) => key !== sorted[i - 1] && has(key)));
  }
}

/** etcd orders keys by their bytes; keys are ASCII here, where that is the order of code units. */
const byteOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function firstAtLeast(sorted: readonly string[], from: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
