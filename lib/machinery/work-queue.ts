import type { Clock } from "../api/clock.js";
import { controllerBackOff, waitAfter, type BackOff } from "./back-off.js";

export interface WorkQueueOptions {
  /**
   * Milliseconds from the adding of a key to the work on it; all that is added in between is done
   * in the same go.
   */
  latency: number;
  /** Milliseconds that a key rests after it was worked on. */
  pace: number;
  backOff?: BackOff;
}

/**
 * The queue between "something changed" and "look at it": a key that is added twice is worked on
 * once, and what failed comes back later and later. (client-go: util/workqueue)
 */
export class WorkQueue {
  readonly #ready = new Set<string>();
  readonly #delayed = new Map<string, { time: number; cancel: () => void }>();
  readonly #failures = new Map<string, number>();
  readonly #lastRun = new Map<string, number>();
  #cancelRun: (() => void) | undefined;
  #stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly work: (key: string) => void,
    private readonly options: WorkQueueOptions,
  ) {}

  add(key: string): void {
    if (this.#stopped || this.#ready.has(key)) return;
    const rest = (this.#lastRun.get(key) ?? -Infinity) + this.options.pace - this.clock.now();
    if (rest > this.options.latency) return this.addAfter(key, rest);
    this.#ready.add(key);
    this.#cancelRun ??= this.clock.schedule(this.options.latency, () => this.#run());
  }

  /** Adds the key `delay` ms from now, or earlier if that was asked for already. */
  addAfter(key: string, delay: number, options?: { background?: boolean }): void {
    const time = this.clock.now() + delay;
    const waiting = this.#delayed.get(key);
    if (this.#stopped || (waiting && waiting.time <= time)) return;
    waiting?.cancel();
    const cancel = this.clock.schedule(
      delay,
      () => {
        this.#delayed.delete(key);
        this.add(key);
      },
      options,
    );
    this.#delayed.set(key, { time, cancel });
  }

  /** Adds the key after a delay that doubles with each failure in a row. */
  retry(key: string): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const { delay, background } = waitAfter(failures, this.options.backOff ?? controllerBackOff);
    this.addAfter(key, delay, { background });
  }

  /** The key's work went well: its next failure begins at the shortest delay again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRun?.();
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#ready.clear();
    this.#delayed.clear();
  }

  #run(): void {
    this.#cancelRun = undefined;
    const keys = [...this.#ready];
    this.#ready.clear();
    for (const key of keys) {
      if (this.#stopped) return;
      this.work(key);
      this.#rest(key);
    }
  }

  #rest(key: string): void {
    const { pace } = this.options;
    const now = this.clock.now();
    if (pace === 0) return;
    for (const [rested, time] of this.#lastRun) {
      // the oldest come first: those that rested long enough are forgotten
      if (time + pace > now) break;
      this.#lastRun.delete(rested);
    }
    this.#lastRun.delete(key);
    this.#lastRun.set(key, now);
  }
}
