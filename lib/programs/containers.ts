/**
 * Containers whose commands are run: a container runtime for clusters that ask for one.
 *
 *     createCluster({ runtime: runsCommands });
 *
 * A command that a place knows (sh, sleep, nc, …) runs there as process 1, in the cluster's time:
 * what it prints is the container's log, its end is the container's. Any other program is taken to
 * run for ever, as everywhere else; its image says what it answers (images.ts).
 */
import { Signal, type Act } from "../machinery/act.js";
import { bytesOf } from "../machinery/pipe.js";
import type { Runtime } from "../node/kubelet/runtime.js";
import type { Granted } from "../node/granted.js";
import type { Machine, Sandbox } from "../node/machine.js";
import { containersOf } from "../objects/pods.js";
import type { Container, Pod, Probe } from "../objects/types.js";
import { commands } from "../shell/commands.js";
import { programIn, type Place } from "../shell/place.js";
import { placesOf, type Places, type World } from "../shell/places.js";
import { Allowance, signals, type Process } from "../shell/process.js";
import { runCommand } from "../shell/shell.js";
import { inputOf, Stream } from "../shell/streams.js";

/** What a container has printed. */
export class Log {
  readonly entries: { at: number; stream: "stdout" | "stderr"; bytes: string }[] = [];
  /** Something was printed, or the container has ended. */
  readonly changed = new Signal();
  hasEnded = false;
  #size = 0;

  add(at: number, stream: "stdout" | "stderr", bytes: string): void {
    this.entries.push({ at, stream, bytes });
    this.#size += bytes.length;
    // the oldest go, as when a kubelet rotates files
    while (this.#size > MOST_LOG && this.entries.length > 1)
      this.#size -= this.entries.shift()!.bytes.length;
    this.changed.fire();
  }
}

/** A kubelet keeps 10 MiB of a container's output (containerLogMaxSize). */
const MOST_LOG = 10 * 1024 * 1024;
/** Steps that a container's processes may make in all. */
const MOST_STEPS = 50_000_000;

class LogStream extends Stream {
  constructor(
    private readonly log: Log,
    private readonly name: "stdout" | "stderr",
    private readonly clock: { now(): number },
  ) {
    super();
  }

  override *write(bytes: string): Act<boolean> {
    this.log.add(this.clock.now(), this.name, bytes);
    return true;
  }
}

const logs = new WeakMap<Sandbox, Map<string, Log[]>>();

/** What a container's runs have printed, this one's last; none: it has not begun. */
export const logsOf = (sandbox: Sandbox, container: string): readonly Log[] =>
  logs.get(sandbox)?.get(container) ?? [];

/** A cluster's `runtime`: commands are run. */
export const runsCommands = (machine: Machine, world: World): Runtime =>
  new ContainerRuntime(machine, placesOf(world));

class ContainerRuntime implements Runtime {
  readonly #exits = new WeakMap<Sandbox, Map<string, number>>();

  constructor(
    private readonly machine: Machine,
    private readonly places: Places,
  ) {}

  set onExit(heard: () => void) {
    this.machine.onExit = heard;
  }

  start(pod: Pod, podCIDRs: readonly string[], granted?: () => Granted[]): { ips: string[] } {
    return this.machine.start(pod, podCIDRs, granted);
  }

  probe(pod: Pod, container: string, probe: Probe): { ok: boolean; message: string } {
    return this.machine.probe(pod, container, probe);
  }

  running(pod: Pod, container: string): boolean {
    return this.machine.running(pod, container);
  }

  exitCode(pod: Pod, container: string): number | undefined {
    const sandbox = this.#sandbox(pod);
    return sandbox && this.#exits.get(sandbox)?.get(container);
  }

  run(pod: Pod, container: string): void {
    this.machine.run(pod, container);
    const sandbox = this.#sandbox(pod);
    const { containers, initContainers = [] } = pod.spec;
    const spec = containersOf(pod.spec).find(({ name }) => name === container);
    // programs that are not run are known by what their spec says
    if (sandbox) sandbox.knowsSockets = containers.every(isRun);
    const isInit = initContainers.some(({ name }) => name === container);
    if (sandbox && spec) this.#begin(sandbox, spec, !isInit);
  }

  end(pod: Pod, container: string): void {
    this.machine.end(pod, container);
    this.#place(pod, container)?.processes.endAll();
  }

  close(pod: Pod, container: string): void {
    this.machine.close(pod, container);
    // process 1 hears of signals that it has a handler for
    const first = this.#place(pod, container)?.processes.get(1);
    if (first) first.onSignal?.(signals.TERM);
  }

  stop(pod: Pod): void {
    for (const { name } of containersOf(pod.spec)) this.#place(pod, name)?.processes.endAll();
    this.machine.stop(pod);
  }

  #sandbox({ metadata }: Pod): Sandbox | undefined {
    return this.machine.sandbox(`${metadata.namespace ?? "default"}/${metadata.name}`);
  }

  #place(pod: Pod, container: string): Place | undefined {
    const sandbox = this.#sandbox(pod);
    return sandbox && this.places.known(sandbox, container);
  }

  /** `background`: nobody waits for its end. */
  #begin(sandbox: Sandbox, container: Container, background: boolean): void {
    const { name } = container;
    const place = this.places.begin(this.machine, sandbox, name);
    const log = new Log();
    const all = logs.get(sandbox) ?? new Map<string, Log[]>();
    logs.set(sandbox, all.set(name, [...(all.get(name) ?? []).slice(-1), log]));
    const { clock } = place.acts;
    const input = inputOf("");
    const streams = [
      input,
      new LogStream(log, "stdout", clock),
      new LogStream(log, "stderr", clock),
    ];
    const process = spawn(place, container, streams, background);
    input.release();
    process.ended.wait(() => this.#ended(sandbox, name, place, process, log), true);
  }

  /** Its first process has ended, and so the container, unless somebody ended it from outside. */
  #ended(sandbox: Sandbox, name: string, place: Place, process: Process, log: Log): void {
    log.hasEnded = true;
    log.changed.fire();
    if (this.places.known(sandbox, name) !== place || !sandbox.runs(name)) return;
    place.processes.endAll();
    const exits = this.#exits.get(sandbox) ?? new Map<string, number>();
    this.#exits.set(sandbox, exits.set(name, process.status!));
    this.machine.crash(sandbox, name);
  }
}

function spawn(
  place: Place,
  container: Container,
  streams: readonly Stream[],
  background: boolean,
): Process {
  const { command = [], args = [] } = container;
  const words = [...command, ...args].map((word) => bytesOf(expanded(word, place.environment)));
  const known = programOf(words);
  return place.processes.spawn({
    args: words.length > 0 ? words : [container.image ?? container.name],
    fds: new Map(streams.map((stream, fd) => [fd, stream])),
    env: place.environment,
    folder: (container as { workingDir?: string }).workingDir ?? place.folder,
    allowance: new Allowance(MOST_STEPS),
    background,
    run: (process) => (known ? runCommand(place, process, known, words) : forEver()),
  });
}

const programOf = ([name = ""]: readonly string[]) => programIn(commands, name);

const isRun = ({ command = [], args = [] }: Container): boolean =>
  programOf([...command, ...args]) !== undefined;

function* forEver(): Act<never> {
  for (;;) yield () => () => {};
}

/** `$(NAME)` of the environment; `$$` stands for `$`. (third_party/forked/golang/expansion) */
const expanded = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replace(/\$\$|\$\(([^()]*)\)/g, (all, name?: string) =>
    name === undefined ? "$" : (env[name] ?? all),
  );
