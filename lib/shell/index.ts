/**
 * Shells at every place of a cluster: a later part, which a page loads when somebody opens one.
 *
 *     const places = placesOf(world);
 *     const { stdout, exitCode } = await sh(world, places.pod("default/client"), "curl -s http://web");
 *     const running = execute(place, ["sh", "-c", "…"], { stdout: (bytes) => … });
 *
 * How a shell is made: shell.ts. What a command gets: place.ts. What waits: machinery/act.ts.
 */
import { duration } from "../machinery/duration.js";
import { bytesOf, textOf } from "../machinery/pipe.js";
import { VirtualClock } from "../machinery/virtual-clock.js";
import { programIn, type Place } from "./place.js";
import { placesOf, type World } from "./places.js";
import { Allowance, signals, type Process } from "./process.js";
import { runCommand } from "./running.js";
import { inputOf, Sink, type Stream } from "./streams.js";
import { recording } from "./typed.js";

export {
  behaveAs,
  bringAlong,
  nameUnmodelled,
  placesOf,
  Places,
  type Behaviour,
  type World,
} from "./places.js";
export { PipeReader, PipeWriter, Sink, inputOf, pipe } from "./streams.js";
export type { Command, Context, Place } from "./place.js";
export type { Process } from "./process.js";

/** Which place of a cluster. */
export type Where = { pod: string; container?: string | undefined } | { node: string } | "internet";

/** What a script is given. */
export interface ShellOptions {
  /** Standard input. Default: nothing. */
  input?: string;
  /** Variables beside those of the place. */
  env?: Readonly<Record<string, string>>;
  /** How long it may take: "30s", "5m", or milliseconds. Default: an hour. */
  timeout?: string | number;
  /** Which container of a Pod. Default: the first. */
  container?: string;
}

/** What a script came to. */
export interface ShellResult {
  stdout: string;
  stderr: string;
  /** Both, in the order in which they were written. */
  output: string;
  exitCode: number;
  /** Set where a bound ended it: what it had too much of. */
  stopped?: string;
  /** What it printed, without the last line's end: as `$(…)` has it. */
  toString(): string;
}

export interface ExecuteOptions {
  /** Default: an empty one. */
  stdin?: Stream;
  stdout: Stream;
  /** Default: where standard output goes. */
  stderr?: Stream;
  env?: Readonly<Record<string, string>>;
  folder?: string;
  /** Nobody waits for it: a container's own process. Default: false. */
  background?: boolean;
  allowance?: Allowance;
}

/**
 * Begins a program at a place; it goes on as the cluster's clock does. Throws where there is no
 * such program, and ForkError where there are too many processes.
 */
export function execute(
  place: Place,
  args: readonly string[],
  { stdin, stdout, stderr, env, folder, background, allowance }: ExecuteOptions,
): Process {
  const [name = ""] = args;
  const command = programIn(place.commands, name) ?? place.unmodelled?.(name);
  if (!command) throw new NoProgramError(name);
  const input = stdin ?? inputOf("");
  const process = place.processes.spawn({
    args,
    fds: new Map([
      [0, input],
      [1, stdout],
      [2, stderr ?? stdout],
    ]),
    env: { ...place.environment, ...env },
    folder: folder ?? place.folder,
    allowance: allowance ?? new Allowance(),
    background: background ?? false,
    run: (process) => runCommand(place, process, command, args),
    group: "own",
  });
  if (!stdin) input.release();
  return process;
}

/** There is no such program at the place. */
export class NoProgramError extends Error {
  constructor(readonly program: string) {
    super(`exec: "${program}": executable file not found in $PATH`);
  }
}

/** So much a script may print. */
const MOST_OUTPUT = 1024 * 1024;
const MOST_MS = 3_600_000;
const MOST_STEPS_AFTERWARDS = 100_000;

/** The place that is meant. Throws where there is none. */
export function placeAt(world: World, where: Where): Place {
  const places = placesOf(world);
  if (where === "internet") return places.internet;
  return "node" in where ? places.node(where.node) : places.pod(where.pod, where.container);
}

/**
 * Runs a script of bash at a place, to its end. In virtual time it moves the cluster's clock until
 * then; several that are begun together run side by side.
 */
export async function sh(
  world: World,
  where: Where,
  script: string,
  { input = "", env, timeout = MOST_MS, container }: ShellOptions = {},
): Promise<ShellResult> {
  const named =
    typeof where === "object" && "pod" in where && container ? { ...where, container } : where;
  const place = placeAt(world, named);
  const parts: string[] = [];
  const allowance = new Allowance();
  const stop = (why: string): void => {
    allowance.spent ??= why;
    place.processes.signalAll(signals.KILL, (each) => each.allowance === allowance);
  };
  const sink = (): Sink =>
    new Sink(
      MOST_OUTPUT,
      (bytes) => parts.push(bytes),
      () => stop(`it printed more than ${MOST_OUTPUT} bytes`),
    );
  const [stdout, stderr] = [sink(), sink()];
  const stdin = inputOf(bytesOf(input));
  const noted = recording(world.network, place.name, script);
  const process = execute(place, ["bash", "-c", bytesOf(script)], {
    stdin,
    stdout,
    stderr,
    allowance,
    ...(env && { env }),
  });
  stdin.release();
  await ended(world, process, duration(timeout), () =>
    stop(`it took longer than ${duration(timeout)} ms`),
  );
  // what it left behind goes on, but not for ever
  allowance.steps = Math.min(allowance.steps, MOST_STEPS_AFTERWARDS);
  const output = textOf(parts.join(""));
  noted(output, process.status!);
  return new Result(
    textOf(stdout.bytes),
    textOf(stderr.bytes),
    output,
    process.status!,
    allowance.spent,
  );
}

/** Waits for a process, in the cluster's own time. */
async function ended(
  { clock }: World,
  process: Process,
  ms: number,
  giveUp: () => void,
): Promise<void> {
  await Promise.resolve(); // whoever is begun together with it begins now
  const isDone = (): boolean => process.status !== undefined;
  if (clock instanceof VirtualClock) {
    if (!clock.until(isDone, ms)) giveUp();
    return;
  }
  if (isDone()) return;
  await new Promise<void>((resolve) => {
    const cancel = clock.schedule(ms, () => {
      giveUp();
      resolve();
    });
    process.ended.wait(() => {
      cancel();
      resolve();
    }, false);
  });
}

class Result implements ShellResult {
  declare stopped?: string;

  constructor(
    readonly stdout: string,
    readonly stderr: string,
    readonly output: string,
    readonly exitCode: number,
    stopped: string | undefined,
  ) {
    if (stopped !== undefined) this.stopped = stopped;
  }

  /** What a script that is a value stands for: what it printed, without the last line's end. */
  toString(): string {
    return this.stdout.replace(/\n$/, "");
  }

  /** What a terminal would show. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const lines = [
      this.output.replace(/\n$/, ""),
      ...(this.stopped === undefined ? [] : [`stopped: ${this.stopped}`]),
      ...(this.exitCode === 0 ? [] : [`exit code ${this.exitCode}`]),
    ];
    return lines.filter((line) => line !== "").join("\n");
  }
}
