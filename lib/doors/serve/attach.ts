/** A client at the streams of a container that runs: `kubectl attach`, `run -it`, `debug -it`. */
import * as errors from "../../api/errors.js";
import type { Act } from "../../machinery/act.js";
import type { Stdio } from "../../shell-parts.js";
import { Channels, checkSessions, chosenOf, type Client } from "./channels.js";
import type { EventStream } from "./event-stream.js";
import type { StreamStart } from "./exchange.js";
import { success, type Call } from "./http-call.js";
import { streamsOf, type Streams } from "./http-options.js";
import { containerOf, hasHost, noHost, podOf } from "./pod-target.js";

/** @throws what a real API server or a kubelet says. (GetAttach) */
export function attached(call: Call): StreamStart {
  const { request, kubelets, query } = call;
  const pod = podOf(call);
  const container = containerOf(pod, query.get("container"));
  if (!hasHost(call, pod)) throw noHost(pod);
  const streams = streamsOf(query);
  const protocol = chosenOf(request.protocols);
  const { namespace, name } = pod.metadata;
  const stdio = kubelets!.stdio(`${namespace}/${name}`, container);
  if (!stdio)
    throw errors.internal(
      `unable to upgrade connection: container ${container} not found in pod ${name}_${namespace}`,
    );
  checkSessions();
  return { protocol, begin: (stream) => void new Session(stdio, streams, stream) };
}

class Session implements Client {
  readonly #channels: Channels;
  readonly #leave: () => void;

  constructor(
    private readonly stdio: Stdio,
    private readonly streams: Streams,
    stream: EventStream,
  ) {
    this.#channels = new Channels(stream, this);
    this.#leave = stdio.attach(this, streams.stdin);
  }

  // ---- the container

  hear(name: "stdout" | "stderr", bytes: string): void {
    if (this.streams[name]) this.#channels.send(name, bytes);
  }

  catchUp(): Act<void> {
    return this.#channels.room();
  }

  /** How it has ended is its Pod's to say. */
  ended(): void {
    this.#channels.end(success());
  }

  // ---- the client

  types(bytes: string): boolean {
    return !this.streams.stdin || this.stdio.keys(bytes);
  }

  hasTypedAll(): void {
    if (this.streams.stdin) this.stdio.clientEnds();
  }

  resizes(columns: number): void {
    if (this.stdio.terminal) this.stdio.terminal.columns = columns;
  }

  leaves(): void {
    this.#leave();
  }
}
