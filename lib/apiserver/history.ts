import type { HistoryEntry } from "../api/history.js";

/** An entry before it is kept. */
export interface Noted {
  time: number;
  who: string;
  verb: HistoryEntry["verb"];
  kind: string;
  namespace: string | undefined;
  name: string | undefined;
  revision: number | undefined;
  /** A notification's event, any other's subresource. */
  what: string | undefined;
  error: number | undefined;
}

/**
 * The last `limit` entries of who did what: a ring, so that a cluster that runs for days stays
 * small. They are kept field by field: a hundred thousand objects would be a good part of all that
 * the garbage collector has to carry about.
 */
export class History {
  readonly #time: number[] = [];
  readonly #who: string[] = [];
  readonly #verb: HistoryEntry["verb"][] = [];
  readonly #kind: string[] = [];
  readonly #namespace: (string | undefined)[] = [];
  readonly #name: (string | undefined)[] = [];
  readonly #revision: (number | undefined)[] = [];
  readonly #what: (string | undefined)[] = [];
  readonly #error: (number | undefined)[] = [];
  #next = 0;

  constructor(readonly limit: number) {}

  add(entry: Noted): void {
    const at = this.#next;
    this.#next = (at + 1) % this.limit;
    this.#time[at] = entry.time;
    this.#who[at] = entry.who;
    this.#verb[at] = entry.verb;
    this.#kind[at] = entry.kind;
    this.#namespace[at] = entry.namespace;
    this.#name[at] = entry.name;
    this.#revision[at] = entry.revision;
    this.#what[at] = entry.what;
    this.#error[at] = entry.error;
  }

  /** Oldest first. */
  entries(): HistoryEntry[] {
    const { length } = this.#time;
    const oldest = length < this.limit ? 0 : this.#next;
    return Array.from({ length }, (_, i) => this.#entry((oldest + i) % length));
  }

  #entry(at: number): HistoryEntry {
    const entry: HistoryEntry = {
      time: this.#time[at]!,
      who: this.#who[at]!,
      verb: this.#verb[at]!,
      kind: this.#kind[at]!,
    };
    const add = <K extends keyof HistoryEntry>(field: K, value: HistoryEntry[K] | undefined) => {
      if (value !== undefined) entry[field] = value;
    };
    const isNews = entry.verb === "notify";
    add("namespace", this.#namespace[at]);
    add("name", this.#name[at]);
    if (!isNews) add("subresource", this.#what[at]);
    add("revision", this.#revision[at]);
    if (isNews) add("event", this.#what[at]);
    add("error", this.#error[at]);
    return entry;
  }
}
