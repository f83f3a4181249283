/**
 * Commands in containers, as `kubectl exec` asks for them: a WebSocket whose messages begin with a
 * channel's number.
 * (kubernetes: pkg/registry/core/pod/strategy.go, streamLocation; k8s.io/apimachinery:
 * pkg/util/remotecommand/constants.go; k8s.io/kubelet: pkg/cri/streaming/remotecommand)
 */
import * as errors from "../../api/errors.js";
import type { Status } from "../../api/client.js";
import { Signal, type Act } from "../../machinery/act.js";
import { execute, NoProgramError, pipe, type Place, type Process } from "../../shell/index.js";
import { ForkError, signals } from "../../shell/process.js";
import { Terminal } from "../../shell/terminal.js";
import type { EventStream } from "./event-stream.js";
import type { StreamStart } from "./exchange.js";
import { success, type Call } from "./http-call.js";
import { flag } from "./http-options.js";
import { containerOf, hasHost, noHost, podOf } from "./pod-target.js";

const offered = ["exec"] as const;
export type Streamed = (typeof offered)[number];

export const isStreamed = (subresource: string): subresource is Streamed =>
  offered.some((one) => one === subresource);

/** Those that are spoken, best first. v5 can say that standard input has ended (KEP-4006). */
const spoken = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const [STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE] = [0, 1, 2, 3, 4, 255];

/** Commands that may run at a time, over all containers. */
const MOST_SESSIONS = 200;
/** Bytes that may wait for a client before its command waits, too. */
const UNREAD = 256 * 1024;
/** Bytes of standard input that a command may leave unread before it is given up. */
const UNHEARD = 16 * 1024 * 1024;

let sessions = 0;

/** @throws where the command cannot run, with what a real API server says. */
export function streamed(call: Call, _what: Streamed): StreamStart {
  const { request, kubelets } = call;
  const pod = podOf(call);
  const options = optionsOf(call.query);
  const container = containerOf(pod, call.query.get("container"));
  if (!hasHost(call, pod)) throw noHost(pod);
  if (!request.protocols)
    throw errors.badRequest(
      "Upgrade request required: to a WebSocket, as kubectl 1.31 and later ask for it (1.29 and 1.30 with KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true)",
    );
  const protocol = spoken.find((one) => request.protocols!.includes(one));
  if (protocol === undefined)
    throw errors.badRequest(
      `unable to upgrade: the client speaks ${request.protocols.join(", ") || "nothing"}; here are spoken ${spoken.join(", ")}`,
    );
  if (!options.stdin && !options.stdout && !options.stderr)
    throw errors.badRequest("you must specify at least 1 of stdin, stdout, stderr");
  const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
  const place = kubelets!.container(key, container);
  if (!place)
    throw errors.internal(
      `unable to upgrade connection: container not found (${JSON.stringify(container)})`,
    );
  if (sessions >= MOST_SESSIONS)
    throw errors.tooManyRequests(`${MOST_SESSIONS} commands are running already`);
  return { protocol, begin: (stream) => new Session(place, options, stream).begin() };
}

interface CommandOptions {
  command: string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** PodExecOptions, whose stdout and stderr are true unless said otherwise. */
function optionsOf(query: URLSearchParams): CommandOptions {
  const tty = flag(query, "tty");
  return {
    command: query.getAll("command"),
    stdin: flag(query, "stdin"),
    stdout: flag(query, "stdout"),
    stderr: flag(query, "stderr") && !tty, // a terminal shows both as one
    tty,
  };
}

/** One command and its client. */
class Session {
  readonly #left = new Signal();
  readonly #stdin = pipe();
  #terminal: Terminal | undefined;
  #process: Process | undefined;

  constructor(
    private readonly place: Place,
    private readonly options: CommandOptions,
    private readonly stream: EventStream,
  ) {}

  begin(): void {
    const { stream, place, options } = this;
    sessions++;
    stream.onHeard = (message) => this.#hear(message);
    stream.onSent = () => this.#left.fire();
    stream.whenOver(() => {
      sessions--;
      this.#left.fire();
      this.#signal(signals.KILL); // its client is gone
    });
    const [out, err] = [pipe(), pipe()];
    const stdin = options.tty ? this.#terminalTo(out.writer).input : this.#stdin.reader;
    const stdout = this.#terminal?.output ?? out.writer;
    try {
      this.#process = execute(place, options.command, {
        ...(options.stdin && { stdin }),
        stdout,
        stderr: options.tty ? stdout : err.writer,
        background: true,
        ...(options.tty && { env: { TERM: "xterm" } }),
      });
    } catch (error) {
      return this.#end(notStarted(error));
    }
    stdout.release();
    err.writer.release();
    place.acts.begin(this.#follow(this.#process, out.reader, err.reader), () => {}, true);
  }

  #terminalTo(show: ReturnType<typeof pipe>["writer"]): Terminal {
    this.#terminal = new Terminal(
      show,
      (name) => this.#signal(signals[name]),
      (echo) => this.#send(STDOUT, echo),
    );
    return this.#terminal;
  }

  /** Until the process has ended and all that it said has gone out. */
  *#follow(process: Process, ...outputs: { read: () => Act<string> }[]): Act<void> {
    const { stdout, stderr } = this.options;
    const open = new Signal();
    let running = 0;
    for (const [i, output] of outputs.entries()) {
      running++;
      const wanted = i === 0 ? stdout : stderr;
      this.place.acts.begin(
        this.#copy(output, wanted ? (i === 0 ? STDOUT : STDERR) : undefined),
        () => {
          running--;
          open.fire();
        },
        true,
      );
    }
    const status = yield* process.wait();
    while (running > 0) yield open.wait;
    this.#end(status === 0 ? success() : endedWith(status, this.options.command));
  }

  *#copy(output: { read: () => Act<string> }, channel: number | undefined): Act<void> {
    for (let bytes = yield* output.read(); bytes !== ""; bytes = yield* output.read()) {
      if (channel === undefined) continue;
      while (this.stream.unread > UNREAD && !this.stream.over) yield this.#left.wait;
      this.#send(channel, bytes);
    }
  }

  #hear(message: Uint8Array): void {
    const [channel] = message;
    if (channel === CLOSE && message[1] === STDIN) return this.#noMoreInput();
    if (channel === RESIZE || channel !== STDIN) return; // no program here draws
    const bytes = Buffer.from(message.subarray(1)).toString("latin1");
    if (this.#terminal) return this.#terminal.keys(bytes);
    const { pipe } = this.#stdin.writer;
    if (pipe.size + bytes.length > UNHEARD) return this.stream.cut();
    pipe.push(bytes);
  }

  #noMoreInput(): void {
    this.#terminal?.hangUp();
    this.#stdin.writer.pipe.end();
  }

  /** The command and all that it began. */
  #signal(signal: number): void {
    const first = this.#process;
    if (!first) return;
    this.place.processes.signalAll(signal, (each) => each.allowance === first.allowance);
  }

  #send(channel: number, bytes: string): void {
    const message = Buffer.allocUnsafe(1 + bytes.length);
    message[0] = channel;
    message.write(bytes, 1, "latin1");
    // memory of its own: a stream's bytes are counted by identity
    this.stream.send(message);
  }

  #end(status: Status): void {
    if (this.stream.over) return;
    const text = JSON.stringify(status);
    this.#send(ERROR, Buffer.from(text).toString("latin1"));
    this.stream.end();
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
