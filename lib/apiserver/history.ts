import type { HistoryEntry } from "../api/history.js";

/**
 * The last `limit` entries of who did what: a ring, so that a cluster that runs for days stays
 * small.
 */
export class History {
  #entries: HistoryEntry[] = [];
  #next = 0;

  constructor(readonly limit: number) {}

  add(entry: HistoryEntry): void {
    if (this.#entries.length < this.limit) this.#entries.push(entry);
    else if (this.limit > 0) this.#entries[this.#next] = entry;
    this.#next = (this.#next + 1) % Math.max(1, this.limit);
  }

  /** Oldest first. */
  entries(): HistoryEntry[] {
    return this.#entries.length < this.limit
      ? this.#entries.slice()
      : [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)];
  }
}
