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
  schedule(delay: number, run: () => void, options?: ScheduleOptions): () => void;
}

export interface ScheduleOptions {
  /** Nobody waits for it. Default false. */
  background?: boolean;
  /** Whose work it is: "kubelet/node-a". A component's own clock says that for it. */
  who?: string;
  /** The object that it is about: "Pod default/web". Said where it fails, or never ends. */
  about?: string;
}

/** Refuses what no clock can wait for. */
export function checkDelay(delay: number): void {
  if (delay >= 0 && delay < Infinity) return;
  throw new RangeError(
    `schedule: the delay is ${delay}; it must be a finite number of milliseconds, 0 or more`,
  );
}

/**
 * Throws the error as an act of its own: whoever makes time pass gets it, and nobody else loses a
 * notification by it.
 */
export function throwSoon(clock: Clock, error: unknown): void {
  clock.schedule(0, () => {
    throw error;
  });
}

/**
 * Calls `run` every `period` milliseconds, in the background, until the answered function is
 * called. `first`: milliseconds until the first time; default: one period.
 *
 * The next time is planned before `run` begins, so that a run that fails ends nothing.
 */
export function every(
  clock: Clock,
  period: number,
  run: () => void,
  { first = period }: { first?: number } = {},
): () => void {
  let stopped = false;
  let cancel = () => {};
  const plan = (delay: number): void => {
    cancel(); // a run that is tried again plans again: there is never more than one next time
    cancel = clock.schedule(delay, next, { background: true });
  };
  const next = (): void => {
    if (stopped) return;
    plan(period);
    run();
  };
  plan(first);
  return () => {
    stopped = true;
    cancel();
  };
}
