import type { HistoryEntry } from "../api/history.js";

/** In the order in which an entry has them. */
const fields = [
  "time",
  "who",
  "verb",
  "kind",
  "namespace",
  "name",
  "subresource",
  "revision",
  "event",
  "error",
] as const;

/**
 * The last `limit` entries of who did what: a ring, so that a cluster that runs for days stays
 * small. Their values are kept one after the other: a hundred thousand objects would be a good part
 * of all that the garbage collector has to carry about.
 */
export class History {
  readonly #values: unknown[] = [];
  #next = 0;

  constructor(readonly limit: number) {}

  add(entry: HistoryEntry): void {
    let at = this.#next * fields.length;
    this.#next = (this.#next + 1) % this.limit;
    for (const field of fields) this.#values[at++] = entry[field];
  }

  /** Oldest first. */
  entries(): HistoryEntry[] {
    const length = this.#values.length / fields.length;
    const oldest = length < this.limit ? 0 : this.#next;
    return Array.from({ length }, (_, i) => {
      const at = ((oldest + i) % length) * fields.length;
      const entry: Record<string, unknown> = {};
      fields.forEach((field, j) => {
        const value = this.#values[at + j];
        if (value !== undefined) entry[field] = value;
      });
      return entry as unknown as HistoryEntry;
    });
  }
}
