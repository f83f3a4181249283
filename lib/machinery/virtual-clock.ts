import { checkDelay, type Clock, type ScheduleOptions } from "../api/clock.js";

/**
 * So many acts may follow from each other without time moving on. What is honest needs a few; who
 * needs more would go on for ever.
 */
const CHAIN_LIMIT = 100_000;
/**
 * Nobody waits for what is further ahead than a day (minReadySeconds may be 68 years): it is
 * background work. Milliseconds.
 */
const LONGEST_WAIT_MS = 86_400_000;
/**
 * A wait longer than this, as for minReadySeconds, is no sign of a cluster that never rests: to
 * settle() it counts as so much, however long it is. Milliseconds.
 */
const WAIT_COUNTS_MS = 60_000;
/** So many mistakes are gathered before settle() or advance() gives up at once. */
const ERROR_LIMIT = 100;
/** Pieces of work that settle() and advance() do before they give up: hours of a machine. */
const STEP_LIMIT = 100_000_000;

/**
 * Time that moves only when it is told to: one event loop for the whole cluster.
 *
 *     const clock = new VirtualClock();
 *     clock.schedule(800, startPod);
 *     clock.settle();        // runs startPod; 800 ms have passed
 *     clock.advance(60_000); // a quiet minute: heartbeats, resyncs
 *
 * Work that is due at the same moment runs in the order in which it was scheduled, so a run is the
 * same every time. Work that throws keeps no other work from being done: settle() and advance() go
 * on to their end, and throw it then (several as an AggregateError).
 */
export class VirtualClock implements Clock {
  #now: number;
  #sequence = 0;
  #foreground = 0;
  /** Those of them that are long waits. */
  #waits = 0;
  /** How many acts led to the one that runs now, without time moving on. */
  #chain = 0;
  readonly #later: Task[] = []; // a binary heap, the earliest first
  /** Due at once, in order: most work is, and a queue is cheaper than a heap. */
  readonly #ready: Task[] = [];
  #readyHead = 0;
  /** What work threw since somebody last made time pass. */
  #errors: unknown[] = [];

  /** `start`: a date; default: the second at which the article's cluster was made. */
  constructor(start: string | number = "2024-01-21T05:09:08Z") {
    this.#now = typeof start === "number" ? start : Date.parse(start);
  }

  now(): number {
    return this.#now;
  }

  schedule(delay: number, run: () => void, options: ScheduleOptions = {}): () => void {
    checkDelay(delay);
    const background = (options.background ?? false) || delay > LONGEST_WAIT_MS;
    const task: Task = {
      time: this.#now + delay,
      sequence: this.#sequence++,
      background,
      waits: !background && delay > WAIT_COUNTS_MS,
      chain: delay === 0 ? this.#chain + 1 : 0,
      options,
      run,
    };
    if (!background) this.#foreground++;
    if (task.waits) this.#waits++;
    if (delay === 0) this.#ready.push(task);
    else push(this.#later, task);
    return () => this.#finish(task);
  }

  /** Whether somebody still waits for something. */
  get busy(): boolean {
    return this.#foreground > 0;
  }

  /**
   * Runs until no foreground work is left, moving time on as needed; background work that falls due
   * on the way runs too. Throws where that takes more than `within` ms of virtual time (default: an
   * hour, in which a long wait counts as a minute) or `steps` pieces of work.
   */
  settle({
    within = 3_600_000,
    steps = STEP_LIMIT,
  }: { within?: number; steps?: number } = {}): void {
    const start = this.#now;
    let busy = 0;
    for (let done = 0; this.#foreground > 0; done++) {
      const { time, waits } = this.#next()!;
      const onlyWaits = this.#foreground === this.#waits;
      busy += onlyWaits ? 0 : time - this.#now;
      if (done >= steps || busy > within)
        return this.#giveUp(
          `settle: still busy after ${done} steps and ${this.#now - start} ms of virtual time; ` +
            `use advance("10s") to look at a cluster that never comes to rest`,
        );
      if (waits) busy += WAIT_COUNTS_MS;
      this.#step();
    }
    this.#throwErrors();
  }

  /**
   * Lets `ms` milliseconds pass and runs everything that falls due until then. Throws where that
   * takes more than `steps` pieces of work.
   */
  advance(ms: number, { steps = STEP_LIMIT }: { steps?: number } = {}): void {
    if (!(ms >= 0)) throw new RangeError(`advance: ${ms} is no duration; time only moves forward`);
    const start = this.#now;
    const end = start + ms;
    let done = 0;
    for (let next = this.#next(); next && next.time <= end; next = this.#next()) {
      if (done++ >= steps)
        return this.#giveUp(
          `advance: ${this.#now - start} of ${ms} ms have passed after ${steps} steps`,
        );
      this.#step();
    }
    this.#now = end;
    this.#throwErrors();
  }

  /**
   * Runs until `done`, moving time on as needed, but no further than `within` milliseconds.
   * Answers whether it is done.
   */
  until(done: () => boolean, within: number): boolean {
    const end = this.#now + within;
    while (!done() && (this.#next()?.time ?? Infinity) <= end) this.#step();
    this.#throwErrors();
    return done();
  }

  #giveUp(why: string): void {
    this.#errors.push(new Error(`${why}. ${this.#waiting()}`));
    this.#throwErrors();
  }

  #throwErrors(): void {
    const errors = this.#errors;
    this.#errors = [];
    if (errors.length > 1) throw new AggregateError(errors, errors.map(messageOf).join("\n"));
    if (errors.length === 1) throw errors[0];
  }

  /** Who waits for what: those that wait for the most first. */
  #waiting(): string {
    const counts = new Map<string, number>();
    for (const { run, options } of [...this.#ready.slice(this.#readyHead), ...this.#later])
      if (run) counts.set(nameOf(options), (counts.get(nameOf(options)) ?? 0) + 1);
    const most = [...counts].sort(([, a], [, b]) => b - a);
    const shown = most.slice(0, 5).map(([name, count]) => `${name} (${count})`);
    const others = most.length > 5 ? `, and ${most.length - 5} others` : "";
    return `Waiting: ${shown.join(", ") || "nobody"}${others}`;
  }

  #next(): Task | undefined {
    while (this.#readyHead < this.#ready.length && !this.#ready[this.#readyHead]!.run)
      this.#shiftReady();
    while (this.#later.length > 0 && !this.#later[0]!.run) pop(this.#later);
    const [ready, later] = [this.#ready[this.#readyHead], this.#later[0]];
    return ready && later ? (before(ready, later) ? ready : later) : (ready ?? later);
  }

  #step(): void {
    const task = this.#next()!;
    if (task === this.#later[0]) pop(this.#later);
    else this.#shiftReady();
    this.#now = task.time;
    const run = task.run!;
    this.#finish(task);
    this.#chain = task.chain;
    try {
      if (task.chain > CHAIN_LIMIT) throw new Error(this.#standsStill(task));
      run();
    } catch (error) {
      this.#errors.push(error);
    }
    this.#chain = 0;
    if (this.#errors.length >= ERROR_LIMIT) this.#throwErrors();
  }

  #standsStill({ options }: Task): string {
    const moment = new Date(this.#now).toISOString();
    return (
      `time stands still at ${moment}: ${CHAIN_LIMIT} acts followed from each other without a ` +
      `delay; the last was to be one of ${nameOf(options)}, and was left out`
    );
  }

  #shiftReady(): void {
    this.#readyHead++;
    if (this.#readyHead === this.#ready.length) this.#ready.length = this.#readyHead = 0;
    else if (this.#readyHead > 10_000 && this.#readyHead * 2 > this.#ready.length) {
      this.#ready.splice(0, this.#readyHead);
      this.#readyHead = 0;
    }
  }

  #finish(task: Task): void {
    if (!task.run) return;
    task.run = undefined;
    if (!task.background) this.#foreground--;
    if (task.waits) this.#waits--;
  }
}

interface Task {
  time: number;
  sequence: number;
  background: boolean;
  /** Somebody waits for it, and for long. */
  waits: boolean;
  /** How many acts led to it without time moving on. */
  chain: number;
  options: ScheduleOptions;
  /** Gone once it has run or was cancelled. */
  run: (() => void) | undefined;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const nameOf = ({ who = "somebody", about }: ScheduleOptions): string =>
  about === undefined ? who : `${who}, ${about}`;

const before = (a: Task, b: Task): boolean =>
  a.time < b.time || (a.time === b.time && a.sequence < b.sequence);

function push(heap: Task[], task: Task): void {
  let hole = heap.push(task) - 1;
  while (hole > 0) {
    const parent = (hole - 1) >> 1;
    if (!before(task, heap[parent]!)) break;
    heap[hole] = heap[parent]!;
    hole = parent;
  }
  heap[hole] = task;
}

function pop(heap: Task[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let hole = 0;
  for (;;) {
    let child = 2 * hole + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[hole] = heap[child]!;
    hole = child;
  }
  heap[hole] = last;
}
