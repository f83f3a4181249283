import { checkDelay, type Clock, type ScheduleOptions } from "../api/clock.js";

/**
 * The machine's own time, for `stopover serve` and for controllers that run in a process of their
 * own. Background timers do not keep the process alive.
 */
export class RealClock implements Clock {
  now(): number {
    return Date.now();
  }

  schedule(delay: number, run: () => void, options?: ScheduleOptions): () => void {
    checkDelay(delay);
    if (delay === 0 && !options?.background) {
      const immediate = setImmediate(run);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(run, Math.min(delay, 2 ** 31 - 1)); // Node runs longer timers at once
    if (options?.background) timer.unref();
    return () => clearTimeout(timer);
  }
}
