/**
 * Containers whose commands are run: a container runtime for clusters that ask for one.
 *
 *     createCluster({ runtime: runsCommands });
 *
 * A command that a place knows (sh, sleep, nc, …) runs there as process 1, in the cluster's time:
 * what it prints is the container's log, its end is the container's. Any other program is taken to
 * run for ever, as everywhere else; its image says what it answers (images.ts).
 */
import { bytesOf } from "../machinery/pipe.js";
import { expanded } from "../node/kubelet/containers/expansion.js";
import type { Answer } from "../node/kubelet/prober.js";
import type { Hook, Runtime } from "../node/kubelet/runtime.js";
import type { Granted } from "../node/granted.js";
import type { Machine, Sandbox } from "../node/machine.js";
import { namespacedName } from "../objects/names.js";
import { containersOf } from "../objects/pods.js";
import type { Container, Pod, Probe } from "../objects/types.js";
import { programIn, type Command, type Place } from "../shell/place.js";
import { placesOf, type Places, type World } from "../shell/places.js";
import { Allowance, signals, type Process } from "../shell/process.js";
import { runCommand } from "../shell/running.js";
import type { Stream } from "../shell/streams.js";
import { answerOf, runAsked } from "./asked.js";
import { Log } from "./log.js";
import { bringsAll, isRun, wordsOf } from "./own-commands.js";
import { Stdio } from "./stdio.js";
import { endsWell, isGranted, runsForEver } from "./taken.js";

/** Steps that a container's processes may make in all. */
const MOST_STEPS = 50_000_000;
/** What a machine keeps of Pods that have ended: bytes of all logs together. */
const MOST_KEPT = 64 * 1024 * 1024;

/** By container: its runs, the last two of them. */
type Logs = Map<string, Log[]>;

const logs = new WeakMap<Sandbox, Logs>();
const keptBy = new WeakMap<Machine, Map<string, Logs>>();

const stdios = new WeakMap<Place, Stdio>();

/** The standard streams of the container that runs at a place. */
export const stdioOf = (place: Place): Stdio | undefined => stdios.get(place);

/** What a container's runs have printed, this one's last; none: it has not begun. */
export const logsOf = (sandbox: Sandbox, container: string): readonly Log[] =>
  logs.get(sandbox)?.get(container) ?? [];

/** The same of a Pod that may have ended: until it is deleted, a machine keeps what it printed. */
export const logsAt = (machine: Machine, { metadata }: Pod, container: string): readonly Log[] =>
  keptBy.get(machine)?.get(metadata.uid!)?.get(container) ?? [];

/** A cluster's `runtime`: commands are run. */
export const runsCommands = (machine: Machine, world: World): Runtime =>
  new ContainerRuntime(machine, placesOf(world));

class ContainerRuntime implements Runtime {
  readonly #exits = new WeakMap<Sandbox, Map<string, number>>();
  /** Containers with programs of which it is not known what they do. */
  readonly #assumed = new WeakMap<Sandbox, Set<string>>();
  /** Of the commands that the kubelet asks for, beside containers' own. */
  readonly #asked = new WeakSet<Allowance>();
  /** By the Pod's UID. */
  readonly #kept = new Map<string, Logs>();

  constructor(
    private readonly machine: Machine,
    private readonly places: Places,
  ) {
    keptBy.set(machine, this.#kept);
  }

  set onExit(heard: () => void) {
    this.machine.onExit = heard;
  }

  /** Of a Pod that ran on a machine before it was started anew, all processes begin again. */
  start(pod: Pod, podCIDRs: readonly string[], granted?: () => Granted[]): { ips: string[] } {
    const isKnown = this.#sandbox(pod) !== undefined;
    const left = granted && (() => granted().filter(({ field }) => !isRun(pod, field)));
    const started = this.machine.start(pod, podCIDRs, left);
    const { phase, ...all } = pod.status ?? {};
    if (isKnown || phase !== "Running") return started;
    const statuses = [
      ...(all.initContainerStatuses ?? []),
      ...(all.containerStatuses ?? []),
      ...(all.ephemeralContainerStatuses ?? []),
    ];
    for (const { name, state } of statuses) if (state?.running) this.run(pod, name);
    return started;
  }

  /** A command that is known here is run; of others it is taken that they end well. */
  probe(
    pod: Pod,
    container: string,
    probe: Probe,
    later: (answer: Answer) => void,
    background: boolean,
  ): Answer | undefined {
    const { exec, timeoutSeconds: seconds = 1 } = probe;
    const sandbox = this.#sandbox(pod);
    const command = exec?.command ?? [];
    if (!sandbox || sandbox.sick || !this.#isKnown(sandbox, container, command))
      return this.machine.probe(pod, container, probe);
    const place = this.places.known(sandbox, container)!;
    runAsked(place, { command, seconds, background, allowance: this.#beside() }, (outcome) =>
      later(answerOf(outcome)),
    );
    return undefined;
  }

  hook(pod: Pod, { name, lifecycle }: Container, hook: Hook, done: (ok: boolean) => void): boolean {
    const { exec, sleep } = lifecycle?.[hook === "PostStart" ? "postStart" : "preStop"] ?? {};
    const sandbox = this.#sandbox(pod);
    const place = sandbox && this.places.known(sandbox, name);
    const command = sleep ? ["sleep", String(sleep.seconds)] : (exec?.command ?? []);
    if (!place || !this.#hasProgram(sandbox, name, command)) return false;
    runAsked(place, { command, background: false, allowance: this.#beside() }, (outcome) =>
      done(answerOf(outcome).ok),
    );
    return true;
  }

  /** What a command may use that the kubelet asks for. */
  #beside(): Allowance {
    const allowance = new Allowance();
    this.#asked.add(allowance);
    return allowance;
  }

  /** Whether a probe's command can be run: nothing of its container is taken for granted. */
  #isKnown(sandbox: Sandbox, container: string, command: readonly string[]): boolean {
    const isRun = sandbox.runs(container) && !this.#assumed.get(sandbox)?.has(container);
    return isRun && this.#hasProgram(sandbox, container, command);
  }

  /** Or is known not to have it, which is an answer, too. */
  #hasProgram(sandbox: Sandbox, container: string, [program]: readonly string[]): boolean {
    const place = this.places.known(sandbox, container);
    if (program === undefined || !place) return false;
    const spec = containersOf(sandbox.pod.spec).find(({ name }) => name === container);
    return programIn(place.commands, program) !== undefined || (!!spec && bringsAll(spec));
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
    const spec = containersOf(pod.spec).find(({ name }) => name === container);
    if (!sandbox || !spec) return;
    this.#begin(sandbox, spec, waitedFor(pod).includes(spec));
    this.#learnSockets(sandbox);
  }

  sync(pod: Pod): void {
    const sandbox = this.#sandbox(pod);
    if (sandbox) this.places.given.sync(sandbox);
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

  /** What a Pod has printed that has ended by itself can be read until it is deleted. */
  stop(pod: Pod): void {
    const sandbox = this.#sandbox(pod);
    const hasEnded =
      sandbox !== undefined && pod.spec.containers.every(({ name }) => !sandbox.runs(name));
    for (const { name } of containersOf(pod.spec)) this.#place(pod, name)?.processes.endAll();
    this.machine.stop(pod);
    if (!hasEnded || pod.metadata.deletionTimestamp) this.#kept.delete(pod.metadata.uid!);
    else this.#bound();
  }

  /** The oldest go, where all together are too much. */
  #bound(): void {
    const sizeOf = (all: Logs): number =>
      [...all.values()].flat().reduce((sum, { size }) => sum + size, 0);
    let size = 0;
    for (const all of this.#kept.values()) size += sizeOf(all);
    for (const [uid, all] of this.#kept) {
      if (size <= MOST_KEPT) return;
      if (![...all.values()].flat().every(({ hasEnded }) => hasEnded)) continue;
      this.#kept.delete(uid);
      size -= sizeOf(all);
    }
  }

  #sandbox(pod: Pod): Sandbox | undefined {
    return this.machine.sandbox(namespacedName(pod));
  }

  #place(pod: Pod, container: string): Place | undefined {
    const sandbox = this.#sandbox(pod);
    return sandbox && this.places.known(sandbox, container);
  }

  /** `isWaitedFor`: others begin once it has ended. */
  #begin(sandbox: Sandbox, container: Container, isWaitedFor: boolean): void {
    const { name } = container;
    const place = this.places.begin(this.machine, sandbox, name);
    const log = this.#newLog(sandbox, name);
    const { clock } = place.acts;
    const stdio = new Stdio({
      ...{ container, log, clock },
      onSignal: (signal) =>
        place.processes.signalAll(
          signals[signal],
          ({ allowance }) => allowance === process.allowance,
        ),
    });
    const assumed = this.#assumption(sandbox, name, isWaitedFor);
    const process = spawn(place, container, stdio.streams, !isWaitedFor, assumed);
    stdios.set(place, stdio);
    place.assumed = (program, { allowance }) => {
      if (bringsAll(container)) return undefined;
      if (this.#asked.has(allowance)) return isGranted;
      return allowance === process.allowance ? assumed(program) : undefined;
    };
    stdio.release();
    process.ended.wait(() => this.#ended(sandbox, name, place, process, stdio), true);
  }

  #newLog(sandbox: Sandbox, name: string): Log {
    const { uid = "" } = sandbox.pod.metadata;
    const all = logs.get(sandbox) ?? this.#kept.get(uid) ?? new Map<string, Log[]>();
    const log = new Log();
    all.set(name, [...(all.get(name) ?? []).slice(-1), log]);
    logs.set(sandbox, all);
    this.#kept.set(uid, all);
    return log;
  }

  /** What a program does that is not known: whoever waits for its end sees it end well. */
  #assumption(sandbox: Sandbox, name: string, isWaitedFor: boolean): (program: string) => Command {
    const all = this.#assumed.get(sandbox) ?? new Set<string>();
    this.#assumed.set(sandbox, all);
    all.delete(name);
    return (program) => {
      all.add(name);
      this.#learnSockets(sandbox);
      return isWaitedFor ? endsWell(program) : runsForEver(program);
    };
  }

  /** On what programs listen that are not run is known by what their spec says. */
  #learnSockets(sandbox: Sandbox): void {
    const assumed = this.#assumed.get(sandbox);
    sandbox.knowsSockets = !sandbox.pod.spec.containers.some(({ name }) => assumed?.has(name));
  }

  /** Its first process has ended, and so the container, unless somebody ended it from outside. */
  #ended(sandbox: Sandbox, name: string, place: Place, process: Process, stdio: Stdio): void {
    stdio.end();
    if (this.places.known(sandbox, name) !== place || !sandbox.runs(name)) return;
    place.processes.endAll();
    const exits = this.#exits.get(sandbox) ?? new Map<string, number>();
    this.#exits.set(sandbox, exits.set(name, process.status!));
    this.machine.crash(sandbox, name);
  }
}

/** Init containers whose end the others wait for. */
const waitedFor = ({ spec }: Pod): readonly Container[] =>
  (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy !== "Always");

function spawn(
  place: Place,
  container: Container,
  streams: readonly Stream[],
  background: boolean,
  assumed: (program: string) => Command,
): Process {
  const valueOf = (name: string): string | undefined => place.variables?.get(name);
  const words = wordsOf(container).map((word) => expanded(bytesOf(word), valueOf));
  const args = words.length > 0 ? words : [container.image ?? container.name];
  const command = programIn(place.commands, words[0] ?? "") ?? assumed(args[0]!);
  return place.processes.spawn({
    args,
    fds: new Map(streams.map((stream, fd) => [fd, stream])),
    env: { ...place.environment, ...(container.tty && { TERM: "xterm" }) },
    folder: container.workingDir ?? place.folder,
    allowance: new Allowance(MOST_STEPS),
    background,
    run: (process) => runCommand(place, process, command, args),
  });
}
