/**
 * Time, as the cluster's components see it. None of them touches setTimeout, Date or Math.random:
 * they get a Clock.
 *
 * Two kinds of work: *foreground* is what somebody waits for (a reconcile, a Pod's start);
 * *background* is what goes on for ever (lease renewals, heartbeats, resyncs, retries far ahead).
 * `settle()` ends when no foreground work is left.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Calls `run` once, `delay` milliseconds from now (0: as soon as what runs now has ended).
   * Answers a function that cancels it.
   */
  schedule(delay: number, run: () => void, options?: { background?: boolean }): () => void;
}
