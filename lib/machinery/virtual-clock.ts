import type { Clock } from "../api/clock.js";

/**
 * Time that moves only when it is told to: one event loop for the whole cluster.
 *
 *     const clock = new VirtualClock();
 *     clock.schedule(800, startPod);
 *     clock.settle();        // runs startPod; 800 ms have passed
 *     clock.advance(60_000); // a quiet minute: heartbeats, resyncs
 *
 * Work that is due at the same moment runs in the order in which it was scheduled, so a run is the
 * same every time.
 */
export class VirtualClock implements Clock {
  #now: number;
  #sequence = 0;
  #foreground = 0;
  #later: Task[] = []; // a binary heap, the earliest first
  #ready: Task[] = []; // due at once, in order: most work is, and a queue is cheaper than a heap
  #readyHead = 0;

  /** `start`: a date; default: the second at which the article's cluster was made. */
  constructor(start: string | number = "2024-01-21T05:09:08Z") {
    this.#now = typeof start === "number" ? start : Date.parse(start);
  }

  now(): number {
    return this.#now;
  }

  schedule(delay: number, run: () => void, options?: { background?: boolean }): () => void {
    if (!(delay >= 0))
      throw new RangeError(`schedule: the delay is ${delay}; it must be 0 or more milliseconds`);
    const task: Task = {
      time: this.#now + delay,
      sequence: this.#sequence++,
      background: options?.background ?? false,
      run,
    };
    if (!task.background) this.#foreground++;
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
   * hour) or `steps` pieces of work.
   */
  settle({
    within = 3_600_000,
    steps = 100_000_000,
  }: { within?: number; steps?: number } = {}): void {
    const start = this.#now;
    for (let done = 0; this.#foreground > 0; done++) {
      if (done >= steps || this.#next()!.time > start + within)
        throw new Error(
          `settle: still busy after ${done} steps and ${this.#now - start} ms of virtual time; use advance("10s") to look at a cluster that never comes to rest`,
        );
      this.#step();
    }
  }

  /** Lets `ms` milliseconds pass and runs everything that falls due until then. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`advance: ${ms} is no duration; time only moves forward`);
    const end = this.#now + ms;
    for (let next = this.#next(); next && next.time <= end; next = this.#next()) this.#step();
    this.#now = end;
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
    run();
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
  }
}

interface Task {
  time: number;
  sequence: number;
  background: boolean;
  /** Gone once it has run or was cancelled. */
  run: (() => void) | undefined;
}

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
