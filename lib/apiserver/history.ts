import type { HistoryEntry } from "../api/history.js";

/** What many entries have in common: who does what to which kind, and how it ends. */
export interface Deed {
  who: string;
  verb: HistoryEntry["verb"];
  kind: string;
  /** A notification's event, any other's subresource. */
  what: string | undefined;
  error: number | undefined;
}

/** Kinds that deeds are kept of; the others may be any text from outside. */
const KINDS = 1_000;

/** All that one component does: a handful of deeds, each told again and again. */
export class Deeds {
  readonly #byKind = new Map<string, Deed[]>();

  constructor(private readonly who: string) {}

  /** The same one whenever it is asked for. */
  of(verb: Deed["verb"], kind: string, what?: string, error?: number): Deed {
    let known = this.#byKind.get(kind);
    if (!known) {
      known = [];
      if (this.#byKind.size < KINDS) this.#byKind.set(kind, known);
    }
    for (const deed of known)
      if (deed.verb === verb && deed.what === what && deed.error === error) return deed;
    const deed = { who: this.who, verb, kind, what, error };
    known.push(deed);
    return deed;
  }
}

/**
 * The last `limit` entries of who did what: a ring, so that a cluster that runs for days stays
 * small. They are kept field by field, and what many have in common once: a hundred thousand
 * objects would be a good part of all that the garbage collector has to carry about.
 */
export class History {
  readonly #time: number[] = [];
  readonly #deed: Deed[] = [];
  readonly #namespace: (string | undefined)[] = [];
  readonly #name: (string | undefined)[] = [];
  readonly #revision: (number | undefined)[] = [];
  #next = 0;

  constructor(readonly limit: number) {}

  add(
    time: number,
    deed: Deed,
    namespace: string | undefined,
    name: string | undefined,
    revision: number | undefined,
  ): void {
    if (this.limit === 0) return;
    const at = this.#next;
    this.#next = (at + 1) % this.limit;
    this.#time[at] = time;
    this.#deed[at] = deed;
    this.#namespace[at] = namespace;
    this.#name[at] = name;
    this.#revision[at] = revision;
  }

  /** Oldest first. */
  entries(): HistoryEntry[] {
    const { length } = this.#time;
    const oldest = length < this.limit ? 0 : this.#next;
    return Array.from({ length }, (_, i) => this.#entry((oldest + i) % length));
  }

  #entry(at: number): HistoryEntry {
    const { who, verb, kind, what, error } = this.#deed[at]!;
    const entry: HistoryEntry = { time: this.#time[at]!, who, verb, kind };
    const add = <K extends keyof HistoryEntry>(field: K, value: HistoryEntry[K] | undefined) => {
      if (value !== undefined) entry[field] = value;
    };
    const isNews = verb === "notify";
    add("namespace", this.#namespace[at] || undefined);
    add("name", this.#name[at] || undefined);
    if (!isNews) add("subresource", what);
    add("revision", this.#revision[at]);
    if (isNews) add("event", what);
    add("error", error);
    return entry;
  }
}
