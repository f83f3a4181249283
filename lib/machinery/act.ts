/**
 * What takes time, written as if it took none: a generator that yields what it waits for. Many of
 * them go on side by side, in virtual time as in real time, each a step at a time, in an order that
 * is the same every time.
 *
 *     function* greet(clock: Clock): Act<string> {
 *       yield* sleep(clock, 5_000);
 *       return "hello";
 *     }
 *     acts.begin(greet(clock), (end) => …);
 */
import type { Clock } from "../api/clock.js";

/**
 * Something to wait for: it calls `wake` when it may have happened, once or more often, and answers
 * how to stop waiting. `background`: nobody waits for whoever waits here (see Clock).
 */
export type Wait = (wake: () => void, background: boolean) => () => void;

/** Whoever is woken looks again whether what it waits for is there. */
export type Act<T> = Generator<Wait, T, void>;

/** How an act ended. */
export type ActEnd<T> =
  { how: "returned"; value: T } | { how: "stopped" } | { how: "failed"; error: unknown };

/** What a queue knows of an act. */
interface Steps {
  step(): void;
  readonly background: boolean;
}

/** An act that goes on. */
export class Running<T> implements Steps {
  #stopWaiting: (() => void) | undefined;
  #ended = false;
  #isStepping = false;
  #stopsSoon = false;

  constructor(
    private readonly queue: { ready(running: Steps): void },
    private readonly act: Act<T>,
    private readonly onEnd: (end: ActEnd<T>) => void,
    readonly background: boolean,
  ) {}

  get ended(): boolean {
    return this.#ended;
  }

  /** Ends it where it is; its `finally` blocks run, and must not wait for anything. */
  stop(): void {
    if (this.#ended) return;
    if (this.#isStepping) return void (this.#stopsSoon = true); // it does so to itself
    this.#ended = true;
    this.#stopWaiting?.();
    try {
      this.act.return(undefined as never);
    } catch (error) {
      return this.onEnd({ how: "failed", error });
    }
    this.onEnd({ how: "stopped" });
  }

  /** To its next wait. Called by its queue. */
  step(): void {
    if (this.#ended) return;
    let step: IteratorResult<Wait, T>;
    this.#isStepping = true;
    try {
      step = this.act.next();
    } catch (error) {
      this.#ended = true;
      return this.onEnd({ how: "failed", error });
    } finally {
      this.#isStepping = false;
    }
    if (step.done) {
      this.#ended = true;
      return this.onEnd({ how: "returned", value: step.value });
    }
    if (this.#stopsSoon) return this.stop();
    let woken = false;
    const wake = (): void => {
      if (woken) return;
      woken = true;
      this.#stopWaiting?.();
      this.#stopWaiting = undefined;
      this.queue.ready(this);
    };
    const cancel = step.value(wake, this.background);
    // `wake` may have come at once
    if (woken as boolean) cancel();
    else this.#stopWaiting = cancel;
  }
}

/** All acts of a cluster: those that can go on do so in turn, as acts of its clock. */
export class Acts {
  #queue: Steps[] = [];
  #planned: "background" | "foreground" | undefined;

  constructor(readonly clock: Clock) {}

  /** Begins an act; its first step comes when what runs now has ended. */
  begin<T>(act: Act<T>, onEnd: (end: ActEnd<T>) => void, background = false): Running<T> {
    const running = new Running(this, act, onEnd, background);
    this.ready(running);
    return running;
  }

  /** Whether any can go on now. */
  get busy(): boolean {
    return this.#planned !== undefined;
  }

  /** It can go on. */
  ready(running: Steps): void {
    this.#queue.push(running);
    const wanted = running.background ? "background" : "foreground";
    if (this.#planned === wanted || this.#planned === "foreground") return;
    this.#planned = wanted;
    this.clock.schedule(0, () => this.#run(), { background: running.background, who: "a shell" });
  }

  /** A round: those that become ready in it have their turn in the next one. */
  #run(): void {
    this.#planned = undefined;
    const round = this.#queue;
    this.#queue = [];
    for (const running of round) running.step();
  }
}

/** Lets time pass. */
export function* sleep(clock: Clock, ms: number): Act<void> {
  const end = clock.now() + ms;
  for (let left = ms; left > 0; left = end - clock.now()) yield after(clock, left);
}

const after =
  (clock: Clock, ms: number): Wait =>
  (wake, background) => {
    sleepers.set(clock, sleepersOf(clock) + 1);
    let isAsleep = true;
    const awake = (): void => {
      if (isAsleep) sleepers.set(clock, sleepersOf(clock) - 1);
      isAsleep = false;
    };
    const cancel = clock.schedule(
      Math.ceil(ms),
      () => {
        awake();
        wake();
      },
      { background, who: "a shell" },
    );
    return () => {
      awake();
      cancel();
    };
  };

const sleepers = new WeakMap<Clock, number>();

/** How many acts wait for this clock, and for nothing else. */
export const sleepersOf = (clock: Clock): number => sleepers.get(clock) ?? 0;

/** The act's value, or undefined where it takes longer than `ms`: then it is ended. */
export function* within<T>(clock: Clock, ms: number, act: Act<T>): Act<T | undefined> {
  const end = clock.now() + ms;
  try {
    for (;;) {
      const step = act.next();
      if (step.done) return step.value;
      const left = end - clock.now();
      if (left <= 0) return undefined;
      yield either(step.value, after(clock, left));
    }
  } finally {
    act.return(undefined as never);
  }
}

/** Woken by whichever comes first. */
export const either =
  (...waits: readonly Wait[]): Wait =>
  (wake, background) => {
    const cancels = waits.map((wait) => wait(wake, background));
    return () => cancels.forEach((cancel) => cancel());
  };

/** Something that happens now and then; whoever waits for it is woken each time. */
export class Signal {
  readonly #waiting = new Set<() => void>();

  readonly wait: Wait = (wake) => {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  };

  /** It has happened. */
  fire(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
