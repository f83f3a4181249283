/**
 * Ports forwarded over channels in a WebSocket, as the clients for JavaScript and Python ask for
 * them: two channels a port, which each begin with the port's number; a connection to each port is
 * opened at once, and the WebSocket ends with the last of them. (k8s.io/kubelet:
 * pkg/cri/streaming/portforward/websocket.go)
 */
import * as errors from "../../api/errors.js";
import { Signal, type Act, type Running } from "../../machinery/act.js";
import { Pipe } from "../../machinery/pipe.js";
import type { NetworkEnd } from "../../shell/network/network-end.js";
import { counted } from "./channels.js";
import type { EventStream } from "./event-stream.js";
import { forwardedTo, UNHEARD, UNREAD } from "./forwarded-connection.js";

export const CHANNELS = "v4.channel.k8s.io";

/** A channel's number is one byte, and each port has two. */
const MOST_PORTS = 127;

/** @throws what a kubelet says of a request for none, or for something else. */
export function portsIn(query: URLSearchParams): number[] {
  const ports = query.getAll("ports").flatMap((text) => text.split(","));
  if (ports.length === 0) throw errors.badRequest('query parameter "port" is required');
  if (ports.length > MOST_PORTS)
    throw errors.badRequest(`ports: ${ports.length} are asked for; at most ${MOST_PORTS} can be`);
  return ports.map(portIn);
}

function portIn(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port >= 1 && port <= 65_535) return port;
  const said = JSON.stringify(text);
  throw errors.badRequest(
    port === 0
      ? `port ${said} must be > 0`
      : `unable to parse ${said} as a port: it must be a number from 1 to 65535`,
  );
}

export class ForwardedChannels {
  readonly #left = new Signal();
  readonly #inputs: readonly Pipe[];
  readonly #running: Running<string | undefined>[] = [];

  constructor(
    end: NetworkEnd,
    sandbox: string,
    private readonly stream: EventStream,
    ports: readonly number[],
  ) {
    counted(stream);
    stream.onHeard = (message) => this.#hear(message);
    stream.onSent = () => this.#left.fire();
    stream.whenOver(() => {
      this.#left.fire();
      for (const each of this.#running) each.stop();
    });
    let open = ports.length;
    const done = (): void => {
      if (--open === 0 && !stream.over) stream.end();
    };
    // what comes before a connection begins is kept for it
    this.#inputs = ports.map(() => new Pipe(Infinity));
    for (const [i, port] of ports.entries()) {
      const act = this.#connection(end, sandbox, port, i);
      this.#running.push(end.acts.begin(act, done, true));
    }
  }

  *#connection(end: NetworkEnd, sandbox: string, port: number, i: number): Act<string | undefined> {
    const [input, channel] = [this.#inputs[i]!, 2 * i];
    const number = String.fromCharCode(port & 255, port >> 8);
    for (const each of [channel, channel + 1]) this.#send(each, number);
    const why = yield* forwardedTo(end, sandbox, port, {
      input,
      write: (bytes) => this.#send(channel, bytes),
      room: () => this.#room(),
    });
    if (why !== undefined) this.#send(channel + 1, why);
    return why;
  }

  #send(channel: number, bytes: string): void {
    if (this.stream.over) return;
    // memory of its own: a stream's bytes are counted by identity
    this.stream.send(Uint8Array.from(`${String.fromCharCode(channel)}${bytes}`, codeOf));
  }

  #hear(message: Uint8Array): void {
    const [channel = 1] = message;
    const input = channel % 2 === 0 ? this.#inputs[channel / 2] : undefined;
    const bytes = Buffer.from(message.subarray(1)).toString("latin1");
    if (!input || bytes === "") return;
    if (input.size + bytes.length > UNHEARD) this.stream.cut();
    else input.push(bytes);
  }

  /** Waits until the client has read enough. */
  *#room(): Act<void> {
    while (this.stream.unread > UNREAD && !this.stream.over) yield this.#left.wait;
  }
}

const codeOf = (character: string): number => character.charCodeAt(0);
