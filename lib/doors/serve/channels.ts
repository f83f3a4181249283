/**
 * A client's WebSocket whose messages begin with a channel's number: standard input, output, error
 * and the end of a command. (k8s.io/apimachinery: pkg/util/remotecommand/constants.go; k8s.io/
 * kubelet: pkg/cri/streaming/remotecommand; KEP-4006)
 */
import * as errors from "../../api/errors.js";
import type { Status } from "../../api/client.js";
import { Signal, type Act } from "../../machinery/act.js";
import type { EventStream } from "./event-stream.js";

/** Those that are spoken, best first. v5 can say that standard input has ended (KEP-4006). */
const spoken = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const [STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE] = [0, 1, 2, 3, 4, 255];

/** Sessions that may be open at a time, over all containers. */
const MOST_SESSIONS = 200;
/** Bytes that may wait for a client before its command waits, too. */
const UNREAD = 256 * 1024;

let sessions = 0;

/** @throws where no more may be opened. */
export function checkSessions(): void {
  if (sessions >= MOST_SESSIONS)
    throw errors.tooManyRequests(`${MOST_SESSIONS} commands are running already`);
}

/** It counts as a session until it is over. */
export function counted(stream: EventStream): void {
  sessions++;
  stream.whenOver(() => sessions--);
}

/** The sub-protocol of those that a client speaks. @throws where there is none */
export function chosenOf(
  protocols: readonly string[] | undefined,
  offered: readonly string[] = spoken,
): string {
  if (!protocols)
    throw errors.badRequest(
      "Upgrade request required: to a WebSocket, as kubectl 1.31 and later ask for it (1.29 and 1.30 with KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true)",
    );
  const found = offered.find((one) => protocols.includes(one));
  if (found !== undefined) return found;
  throw errors.badRequest(
    `unable to upgrade: the client speaks ${protocols.join(", ") || "nothing"}; here are spoken ${offered.join(", ")}`,
  );
}

/** What a client does. */
export interface Client {
  /** Bytes of standard input. False: too much is unread. */
  types(bytes: string): boolean;
  hasTypedAll(): void;
  resizes(columns: number): void;
  /** It is gone. */
  leaves(): void;
}

export class Channels {
  readonly #left = new Signal();

  constructor(
    private readonly stream: EventStream,
    private readonly client: Client,
  ) {
    counted(stream);
    stream.onHeard = (message) => this.#hear(message);
    stream.onSent = () => this.#left.fire();
    stream.whenOver(() => {
      this.#left.fire();
      client.leaves();
    });
  }

  send(name: "stdout" | "stderr", bytes: string): void {
    this.#send(name === "stdout" ? STDOUT : STDERR, bytes);
  }

  /** Waits until the client has read enough. */
  *room(): Act<void> {
    while (this.stream.unread > UNREAD && !this.stream.over) yield this.#left.wait;
  }

  end(status: Status): void {
    if (this.stream.over) return;
    this.#send(ERROR, Buffer.from(JSON.stringify(status)).toString("latin1"));
    this.stream.end();
  }

  #hear(message: Uint8Array): void {
    const [channel] = message;
    if (channel === CLOSE && message[1] === STDIN) return this.client.hasTypedAll();
    const bytes = Buffer.from(message.subarray(1)).toString("latin1");
    if (channel === RESIZE) return this.#resize(bytes);
    if (channel === STDIN && !this.client.types(bytes)) this.stream.cut();
  }

  #resize(text: string): void {
    try {
      const { Width } = JSON.parse(text) as { Width?: unknown };
      // a terminal that has no size is taken to be as usual
      if (Number.isInteger(Width)) this.client.resizes(Number(Width) || 80);
    } catch {} // who says no size keeps the one it has
  }

  #send(channel: number, bytes: string): void {
    const message = Buffer.allocUnsafe(1 + bytes.length);
    message[0] = channel;
    message.write(bytes, 1, "latin1");
    // memory of its own: a stream's bytes are counted by identity
    this.stream.send(message);
  }
}
