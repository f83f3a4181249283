/**
 * Values by key, as of any version that somebody still uses (multi-version concurrency control, as
 * in a database).
 *
 *     const table = new Versions<string>();
 *     table.set("default/nginx", "one");
 *     table.use(table.version);                     // node-a has synced
 *     table.set("default/nginx", "two");
 *     table.at("default/nginx", 1)                  // "one", for as long as node-a uses version 1
 *
 * The versions in use cut time into eras. Of each key, no more than one value is kept for an era:
 * whoever uses versions 3 and 900 sees two values, whatever came in between. So a node that is down
 * for a month costs one old value of each key that has changed since, and not each of its changes.
 */

/** A value from this version on; undefined: the key is gone. */
interface Since<T> {
  version: number;
  value: T | undefined;
}

/** The time up to a version in use, from the one before it. */
interface Era {
  readonly version: number;
  users: number;
  /** The keys that changed in it; of no interest in the oldest era. */
  changed: Set<string>;
}

export class Versions<T> {
  /** Counts the changes. */
  version = 0;
  readonly #histories = new Map<string, Since<T>[]>();
  /** Oldest first. */
  readonly #eras: Era[] = [];
  /** The keys that changed since the newest version in use. */
  #open = new Set<string>();
  #sorted: Since<T>[][] | undefined;

  /** What a key stands for from now on, in a new version; undefined: it is gone. */
  set(key: string, value: T | undefined): void {
    this.version++;
    const history = this.#histories.get(key) ?? [];
    // nobody has seen what came after the newest version in use
    if (history.length > 0 && history.at(-1)!.version > this.#newest) history.pop();
    if (history.length === 0 && value === undefined) return this.#drop(key);
    history.push({ version: this.version, value });
    if (this.#eras.length > 0) this.#open.add(key);
    if (!this.#histories.has(key)) {
      this.#histories.set(key, history);
      this.#sorted = undefined;
    }
  }

  #drop(key: string): void {
    this.#open.delete(key);
    if (this.#histories.delete(key)) this.#sorted = undefined;
  }

  /** How many values are remembered, those that say "gone" among them. */
  get kept(): number {
    let kept = 0;
    for (const history of this.#histories.values()) kept += history.length;
    return kept;
  }

  /** The newest value of a key. */
  latest(key: string): T | undefined {
    return this.#histories.get(key)?.at(-1)?.value;
  }

  at(key: string, version: number): T | undefined {
    return valueAt(this.#histories.get(key) ?? [], version);
  }

  /** All values as of a version, sorted by key. */
  *all(version: number): Generator<T> {
    this.#sorted ??= [...this.#histories]
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([, history]) => history);
    for (const history of this.#sorted) {
      const value = valueAt(history, version);
      if (value !== undefined) yield value;
    }
  }

  /**
   * The keys that changed after `from`, up to `to`: two versions in use, or the present one for
   * `to`.
   */
  changed(from: number, to: number): Set<string> {
    const keys = new Set<string>();
    const add = (more: Set<string>): void => more.forEach((key) => keys.add(key));
    for (const era of this.#eras) if (era.version > from && era.version <= to) add(era.changed);
    if (to > this.#newest) add(this.#open);
    return keys;
  }

  /** Somebody uses this version from now on: the present one, or one that is in use already. */
  use(version: number): void {
    if (version === this.version && this.#newest !== version) {
      this.#eras.push({ version, users: 0, changed: this.#open });
      this.#open = new Set();
    }
    const era = this.#eras.findLast((each) => each.version === version);
    if (era === undefined)
      throw new Error(`version ${version} is gone; use ${this.version}, the present one`);
    era.users++;
  }

  /** The newest version in use. */
  get #newest(): number {
    return this.#eras.at(-1)?.version ?? -1;
  }

  /** Somebody no longer uses this version; values that nobody else can see go. */
  release(version: number): void {
    const place = this.#eras.findIndex((each) => each.version === version);
    const era = this.#eras[place];
    if (era === undefined || --era.users > 0) return;
    this.#eras.splice(place, 1);
    if (place === 0) this.#forgetBefore();
    else this.#merge(era, this.#eras[place - 1]!.version, this.#eras[place]);
  }

  /** The oldest era ends: what the next oldest one does not see goes. */
  #forgetBefore(): void {
    const [oldest] = this.#eras;
    const changed = oldest?.changed ?? this.#open;
    for (const key of changed) {
      const history = this.#histories.get(key)!;
      const seen = history.findLastIndex((each) => each.version <= (oldest?.version ?? Infinity));
      history.splice(0, history[seen]?.value === undefined ? seen + 1 : seen);
      if (history.length === 0) this.#drop(key);
    }
    changed.clear();
  }

  /** An era becomes part of the one after it, which sees only its own value of a key. */
  #merge({ version, changed }: Era, before: number, next: Era | undefined): void {
    const later = next?.changed ?? this.#open;
    const [few, many] = changed.size < later.size ? [changed, later] : [later, changed];
    for (const key of few) {
      if (!many.has(key)) {
        many.add(key);
        continue;
      }
      const history = this.#histories.get(key)!;
      const hidden = history.findIndex((each) => each.version > before && each.version <= version);
      if (hidden >= 0) history.splice(hidden, 1);
    }
    if (next) next.changed = many;
    else this.#open = many;
  }
}

function valueAt<T>(history: readonly Since<T>[], version: number): T | undefined {
  return history.findLast((each) => each.version <= version)?.value;
}
