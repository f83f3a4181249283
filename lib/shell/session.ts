/**
 * A shell that somebody types into while the cluster's time stands still: time moves on as far as
 * what was typed needs it. Whoever has the keys calls `go` until it answers "waits". Its processes
 * are nobody's to wait for: `cluster.settle()` does not.
 *
 *     const session = new TerminalSession(world, { pod: "default/client" }, { show });
 *     session.keys("curl -s http://nginx:8080\r");
 *     while (session.go() !== "waits");
 */
import { sleepersOf, type Act } from "../machinery/act.js";
import { bytesOf, textOf } from "../machinery/pipe.js";
import { VirtualClock } from "../machinery/virtual-clock.js";
import type { Network, Typed } from "../journey/network.js";
import { execute, placeAt, type Where } from "./index.js";
import type { Place } from "./place.js";
import type { World } from "./places.js";
import { Allowance, signals, type Process } from "./process.js";
import { Stream } from "./streams.js";
import { Terminal, type Recorder } from "./terminal.js";
import { MOST_OUTPUT, recording } from "./typed.js";

export interface TerminalOptions {
  /** Bytes that appear on it, with the escapes of a VT100. */
  show: (bytes: string) => void;
  /** A command has ended. */
  onCommand?: (typed: Typed) => void;
  /** The shell has ended, by `exit` or with its container. */
  onEnd?: (exitCode: number) => void;
  columns?: number;
}

/** So long a command may be silent until time goes on slowly. */
const PATIENT_MS = 3_600_000;
/** So far it goes on then. */
const SLOW_MS = 1_000;

export class TerminalSession {
  readonly #place: Place;
  readonly #terminal: Terminal;
  readonly #process: Process;
  readonly #clock: VirtualClock;
  // whoever types sees what it takes, and has ^C
  readonly #allowance = new Allowance(Infinity);
  /** Since when nobody has typed anything. */
  #since: number;
  #shown = 0;
  /** What has appeared since the command began that runs. */
  #output: string | undefined;

  /** Opens a shell at a place. Throws where there is none. */
  constructor(
    world: World,
    where: Where,
    private readonly options: TerminalOptions,
  ) {
    if (!(world.clock instanceof VirtualClock))
      throw new Error("a terminal moves virtual time, and this cluster has none");
    this.#clock = world.clock;
    this.#since = this.#clock.now();
    this.#place = placeAt(world, where);
    const show = (bytes: string): void => this.#show(bytes);
    const signal = (name: "INT" | "QUIT"): void => this.#signal(signals[name]);
    this.#terminal = new Terminal(new Shown(show), signal, show);
    this.#terminal.recorder = this.#recorder(world.network);
    this.resize(options.columns ?? 80);
    const { input, output } = this.#terminal;
    this.#process = execute(this.#place, ["bash"], {
      stdin: input,
      stdout: output,
      env: { TERM: "xterm" },
      background: true,
      allowance: this.#allowance,
    });
  }

  /** "default/client", "node-a", "internet". */
  get place(): string {
    return this.#place.name;
  }

  /** Ends its processes. */
  close(): void {
    this.#terminal.recorder = undefined; // nobody sees any more how it ends
    this.#signal(signals.KILL);
  }

  #signal(signal: number): void {
    for (const each of [...this.#place.processes.all])
      if (each.allowance === this.#allowance) each.signal(signal);
  }

  #show(bytes: string): void {
    this.#shown += bytes.length;
    if (this.#output !== undefined && this.#output.length < MOST_OUTPUT) this.#output += bytes;
    this.options.show(bytes);
  }

  #recorder(network: Network): Recorder {
    let noted: ReturnType<typeof recording> | undefined;
    return {
      begins: (line) => {
        this.#output = "";
        noted = recording(network, this.place, line);
      },
      ends: (exitCode) => {
        const output = textOf(this.#output ?? "").replaceAll("\r\n", "\n");
        this.#output = undefined;
        if (noted) this.options.onCommand?.(noted(output, exitCode));
        noted = undefined;
      },
    };
  }

  /** The shell's exit code, once it has ended. */
  get status(): number | undefined {
    return this.#process.status;
  }

  /** What somebody types, as text. */
  keys(text: string): void {
    this.#since = this.#clock.now();
    this.#terminal.keys(bytesOf(text));
  }

  resize(columns: number): void {
    if (Number.isInteger(columns) && columns > 0) this.#terminal.columns = columns;
  }

  /**
   * Moves time on until the shell waits for keys ("waits") or what runs has shown something, or
   * `isEnough` says so ("goes on"). What is silent for an hour goes on by a second each time
   * ("is slow").
   */
  go(isEnough: () => boolean = () => false): "waits" | "goes on" | "is slow" | "ended" {
    const before = this.#shown;
    const isPatient = this.#clock.now() - this.#since < PATIENT_MS;
    const isDone = (): boolean =>
      this.status !== undefined || this.#isWaiting || this.#shown > before || isEnough();
    this.#clock.until(isDone, isPatient ? PATIENT_MS : SLOW_MS);
    if (this.status !== undefined) {
      this.options.onEnd?.(this.status);
      return "ended";
    }
    if (this.#isWaiting) return "waits";
    return isPatient ? "goes on" : "is slow";
  }

  /** Nothing will happen by itself: for somebody reads the keys, or waits for a packet. */
  get #isWaiting(): boolean {
    const { acts } = this.#place;
    return !acts.busy && (this.#terminal.isAwaited || sleepersOf(acts.clock) === 0);
  }
}

/** Hands on what is written, and keeps none of it. */
class Shown extends Stream {
  constructor(private readonly show: (bytes: string) => void) {
    super();
  }

  override *write(bytes: string): Act<boolean> {
    this.show(bytes);
    return true;
  }
}
