/**
 * Commands in containers, as `kubectl exec` asks for them.
 * (kubernetes: pkg/registry/core/pod/strategy.go, streamLocation; k8s.io/kubelet:
 * pkg/cri/streaming/remotecommand)
 */
import * as errors from "../../api/errors.js";
import type { Status } from "../../api/client.js";
import { Signal, type Act } from "../../machinery/act.js";
import { execute, NoProgramError, pipe, type Place, type Process } from "../../shell/index.js";
import { ForkError, signals } from "../../shell/process.js";
import { Terminal } from "../../shell/terminal.js";
import { Channels, checkSessions, chosenOf, type Client } from "./channels.js";
import type { EventStream } from "./event-stream.js";
import type { StreamStart } from "./exchange.js";
import { success, type Call } from "./http-call.js";
import { streamsOf, type Streams } from "./http-options.js";
import { containerOf, hasHost, noHost, podOf } from "./pod-target.js";

/** Bytes of standard input that a command may leave unread before it is given up. */
const UNHEARD = 16 * 1024 * 1024;

/** @throws where the command cannot run, with what a real API server says. */
export function executed(call: Call): StreamStart {
  const { request, kubelets, query } = call;
  const pod = podOf(call);
  const command = query.getAll("command");
  const container = containerOf(pod, query.get("container"));
  if (!hasHost(call, pod)) throw noHost(pod);
  const streams = streamsOf(query);
  const protocol = chosenOf(request.protocols);
  const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
  const place = kubelets!.container(key, container);
  if (!place)
    throw errors.internal(
      `unable to upgrade connection: container not found (${JSON.stringify(container)})`,
    );
  checkSessions();
  return { protocol, begin: (stream) => new Session(place, command, streams, stream).begin() };
}

/** One command and its client. */
class Session implements Client {
  readonly #channels: Channels;
  readonly #stdin = pipe();
  #terminal: Terminal | undefined;
  #process: Process | undefined;

  constructor(
    private readonly place: Place,
    private readonly command: readonly string[],
    private readonly streams: Streams,
    stream: EventStream,
  ) {
    this.#channels = new Channels(stream, this);
  }

  begin(): void {
    const { place, command, streams } = this;
    const [out, err] = [pipe(), pipe()];
    const stdin = streams.tty ? this.#terminalTo(out.writer).input : this.#stdin.reader;
    const stdout = this.#terminal?.output ?? out.writer;
    try {
      this.#process = execute(place, command, {
        ...(streams.stdin && { stdin }),
        stdout,
        stderr: streams.tty ? stdout : err.writer,
        background: true,
        ...(streams.tty && { env: { TERM: "xterm" } }),
      });
    } catch (error) {
      return this.#channels.end(notStarted(error));
    }
    stdout.release();
    err.writer.release();
    place.acts.begin(this.#follow(this.#process, out.reader, err.reader), () => {}, true);
  }

  #terminalTo(show: ReturnType<typeof pipe>["writer"]): Terminal {
    this.#terminal = new Terminal(
      show,
      (name) => this.#signal(signals[name]),
      (echo) => this.#channels.send("stdout", echo),
    );
    return this.#terminal;
  }

  /** Until the process has ended and all that it said has gone out. */
  *#follow(process: Process, ...outputs: { read: () => Act<string> }[]): Act<void> {
    const open = new Signal();
    let running = 0;
    for (const [i, output] of outputs.entries()) {
      running++;
      this.place.acts.begin(
        this.#copy(output, i === 0 ? "stdout" : "stderr"),
        () => {
          running--;
          open.fire();
        },
        true,
      );
    }
    const status = yield* process.wait();
    while (running > 0) yield open.wait;
    this.#channels.end(status === 0 ? success() : endedWith(status, this.command));
  }

  *#copy(output: { read: () => Act<string> }, name: "stdout" | "stderr"): Act<void> {
    for (let bytes = yield* output.read(); bytes !== ""; bytes = yield* output.read()) {
      if (!this.streams[name]) continue;
      yield* this.#channels.room();
      this.#channels.send(name, bytes);
    }
  }

  types(bytes: string): boolean {
    if (this.#terminal) this.#terminal.keys(bytes);
    if (this.#terminal) return true;
    const { pipe } = this.#stdin.writer;
    if (pipe.size + bytes.length > UNHEARD) return false;
    pipe.push(bytes);
    return true;
  }

  hasTypedAll(): void {
    this.#terminal?.hangUp();
    this.#stdin.writer.pipe.end();
  }

  resizes(columns: number): void {
    if (this.#terminal) this.#terminal.columns = columns;
  }

  leaves(): void {
    this.#signal(signals.KILL);
  }

  /** The command and all that it began. */
  #signal(signal: number): void {
    const first = this.#process;
    if (!first) return;
    this.place.processes.signalAll(signal, (each) => each.allowance === first.allowance);
  }
}

const failure = (rest: Partial<Status>): Status =>
  ({
    metadata: {},
    status: "Failure",
    ...rest,
  }) as Status;

/** (remotecommand/exec.go: NonZeroExitCodeReason, ExitCodeCauseType) */
const endedWith = (status: number, command: readonly string[]): Status =>
  failure({
    message: `command terminated with non-zero exit code: error executing command [${command.join(" ")}], exit code ${status}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(status) }] },
  });

function notStarted(error: unknown): Status {
  if (!(error instanceof NoProgramError) && !(error instanceof ForkError)) throw error;
  const why =
    error instanceof ForkError ? "fork/exec: resource temporarily unavailable" : error.message;
  return errors.internal(
    `error executing command in container: failed to exec in container: OCI runtime exec failed: exec failed: unable to start container process: ${why}`,
  ).status;
}
