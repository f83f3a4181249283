/**
 * The processes of one place: made, told signals, waited for. A process is an act
 * (machinery/act.ts) with a number, a folder, an environment and descriptors.
 */
import { throwSoon } from "../api/clock.js";
import { sleep, Signal, type Act, type Acts, type Running } from "../machinery/act.js";
import type { Stream } from "./streams.js";

export const signals = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  USR1: 10,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
} as const;

/** The signal of "TERM", "SIGTERM" or "15". */
export function signalOf(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) <= 64 ? Number(text) : undefined;
  return signals[text.toUpperCase().replace(/^SIG/, "") as keyof typeof signals];
}

/** "TERM" of 15. */
export const signalName = (signal: number | undefined): string | undefined =>
  Object.entries(signals).find(([, each]) => each === signal)?.[0];

/** A process may make so many steps before the others have their turn, and time moves on. */
const SLICE = 1_000;
/** What a slice takes of time. */
const SLICE_MS = 5;
/** After so many slices without a wait, each takes twice as long as the last, up to a second. */
const PATIENT_SLICES = 100;
const LONGEST_SLICE_MS = 1_000;
/** So many processes may be in a place at a time (ulimit -u): 200 sessions and its own. */
const MOST_PROCESSES = 256;

/** What a process costs that cannot be made: who asks again and again is ended soon. */
const FORK_FAILED = 1_000;

/** Ends the process that throws it. */
export class Exit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

/** No further process: EAGAIN. */
export class ForkError extends Error {
  constructor() {
    super("Resource temporarily unavailable");
  }
}

/** What the processes of one command may use up together. */
export class Allowance {
  /** Said by whoever ran out of it. */
  spent: string | undefined;

  constructor(public steps = 1_000_000) {}
}

export interface Spawned {
  args: readonly string[];
  run: (process: Process) => Act<number>;
  parent?: Process | undefined;
  fds: ReadonlyMap<number, Stream>;
  env: Readonly<Record<string, string>>;
  folder: string;
  allowance: Allowance;
  background: boolean;
  /** Its process group; default: the parent's. */
  group?: number | "own" | undefined;
}

export class Process {
  /** Set once it has ended: 128 and the signal's number where a signal ended it. */
  status: number | undefined;
  readonly ended = new Signal();
  /** Answers whether it takes the signal itself; else the signal ends it. */
  onSignal: ((signal: number) => boolean) | undefined;
  parent: Process | undefined;
  group: number;
  args: readonly string[];
  folder: string;
  env: Readonly<Record<string, string>>;
  readonly fds: Map<number, Stream>;
  readonly background: boolean;
  readonly allowance: Allowance;
  readonly started: number;
  running: Running<number> | undefined;
  #steps = 0;
  #slice = SLICE_MS;
  #sliceEnd = 0;
  #busy = 0;
  /** The signal that ends it. */
  killed: number | undefined;

  constructor(
    readonly table: Processes,
    readonly pid: number,
    spawned: Spawned,
  ) {
    this.parent = spawned.parent;
    this.group = spawned.group === "own" ? pid : (spawned.group ?? spawned.parent?.group ?? pid);
    this.args = spawned.args;
    this.folder = spawned.folder;
    this.env = spawned.env;
    this.fds = new Map([...spawned.fds].map(([fd, stream]) => [fd, stream.retain()]));
    this.background = spawned.background;
    this.allowance = spawned.allowance;
    this.started = table.acts.clock.now();
  }

  /** Counts work; now and then lets others work, and time pass. */
  *spend(steps = 1): Act<void> {
    this.#steps += steps;
    this.allowance.steps -= steps;
    if (this.allowance.steps < 0) {
      this.allowance.spent ??= "it made as many steps as a command may";
      throw new Exit(128 + signals.KILL);
    }
    if (this.#steps < SLICE) return;
    this.#steps = 0;
    const { clock } = this.table.acts;
    // whoever has waited of itself since then is as good as new
    this.#busy = clock.now() === this.#sliceEnd ? this.#busy + 1 : 0;
    if (this.#busy === 0) this.#slice = SLICE_MS;
    if (this.#busy > PATIENT_SLICES) this.#slice = Math.min(2 * this.#slice, LONGEST_SLICE_MS);
    yield* sleep(clock, this.#slice);
    this.#sliceEnd = clock.now();
  }

  /** A signal arrives. */
  signal(signal: number): void {
    if (this.status !== undefined || signal === 0) return;
    const isSure = signal === signals.KILL;
    if (!isSure && this.onSignal?.(signal)) return;
    if (signal === signals.CHLD || signal === signals.CONT) return;
    this.killed = signal;
    this.running?.stop();
  }

  /** Waits for its end; answers its status. */
  *wait(): Act<number> {
    while (this.status === undefined) yield this.ended.wait;
    return this.status;
  }

  setFd(fd: number, stream: Stream | undefined): void {
    this.fds.get(fd)?.release();
    if (stream) this.fds.set(fd, stream);
    else this.fds.delete(fd);
  }
}

export class Processes {
  readonly #all = new Map<number, Process>();
  #next = 1;

  constructor(readonly acts: Acts) {}

  get all(): Iterable<Process> {
    return this.#all.values();
  }

  get count(): number {
    return this.#all.size;
  }

  get(pid: number): Process | undefined {
    return this.#all.get(pid);
  }

  /** Throws ForkError where there are too many. */
  spawn(spawned: Spawned): Process {
    if (this.#all.size >= MOST_PROCESSES) {
      spawned.allowance.steps -= FORK_FAILED;
      throw new ForkError();
    }
    const process = new Process(this, this.#next++, spawned);
    this.#all.set(process.pid, process);
    process.running = this.acts.begin(
      running(process, spawned.run),
      (end) => {
        if (end.how === "returned") return this.#ended(process, end.value);
        if (end.how === "stopped") return this.#ended(process, 128 + (process.killed ?? 9));
        this.#ended(process, 255);
        throwSoon(this.acts.clock, end.error);
      },
      spawned.background,
    );
    return process;
  }

  #ended(process: Process, status: number): void {
    process.status = status & 255;
    this.#all.delete(process.pid);
    for (const stream of process.fds.values()) stream.release();
    process.fds.clear();
    for (const other of this.#all.values())
      if (other.parent === process) other.parent = this.#all.get(1);
    process.ended.fire();
  }

  /** A signal for each that is meant; answers whether there is one. */
  signalAll(signal: number, isMeant: (process: Process) => boolean): boolean {
    const meant = [...this.#all.values()].filter(isMeant);
    for (const process of meant) process.signal(signal);
    return meant.length > 0;
  }

  /** Every process of the place is ended, as when its container is. */
  endAll(): void {
    this.signalAll(signals.KILL, () => true);
  }
}

function* running(process: Process, run: (process: Process) => Act<number>): Act<number> {
  try {
    return yield* run(process);
  } catch (error) {
    if (error instanceof Exit) return error.code;
    throw error;
  }
}
