/**
 * What passes between the front, which speaks HTTP, and the API server behind it, which may live in
 * the same thread or in another one: everything here is plain data or a call that carries some.
 */
import type { EventStream } from "./event-stream.js";
import type { Kubernetes } from "../../objects/kubernetes.js";

/** A request that the front found fit to be asked: read wholly, and from this machine. */
export interface ApiRequest {
  method: string;
  /** The path's segments, decoded: ["api", "v1", "pods"]. */
  path: string[];
  /** Without the question mark. */
  query: string;
  accept: string | undefined;
  /** In small letters, without parameters. */
  contentType: string | undefined;
  /** The name in the history: "kubectl". */
  who: string;
  body: Uint8Array;
  /** It asks for a WebSocket: the sub-protocols that its client speaks. */
  protocols?: readonly string[] | undefined;
  /** What only those are told to whom it is passed on. */
  asSent?: AsSent;
}

/** A request as it came, for somebody behind the API server. */
export interface AsSent {
  /** The path, decoded, with each of its slashes. */
  path: string;
  /** As they came, but for those of the connection. */
  headers: readonly (readonly [name: string, value: string])[];
  /** The address that it came from. */
  client: string;
}

/** The whole answer to one that is no watch. */
export interface ApiAnswer {
  code: number;
  headers: Record<string, string | readonly string[]>;
  body: Uint8Array;
}

/**
 * The answer takes its time, and is delivered when it is there. Answers how to give it up: its
 * client is gone.
 */
export interface LaterAnswer {
  later(deliver: (answer: ApiAnswer) => void): () => void;
}

/** How a stream begins. */
export interface Beginning {
  /** The sub-protocol of a WebSocket. */
  protocol?: string | undefined;
  /** Default: application/json. */
  type?: string | undefined;
}

/** The answer goes on: it begins on the stream that this is given. */
export interface StreamStart extends Beginning {
  begin: (stream: EventStream) => void;
}

/** Where answers go: the client's connection. Either `answer`, or `begin` and what follows it. */
export interface Receiver {
  answer(answer: ApiAnswer): void;
  /**
   * The answer is a stream of what `write` is given. To somebody who asked for a WebSocket: it is
   * opened, and `write` is given a message each time.
   */
  begin(how: Beginning): void;
  write(chunk: Uint8Array): void;
  /** The stream is complete. */
  end(): void;
  /** The stream breaks off: its client reads too slowly. */
  cut(): void;
}

/** What the front says of a request that it asked. */
export interface Asked {
  /** The client is gone: nobody waits for an answer any more. */
  cancel(): void;
  /** So many chunks of the stream have left for the client. */
  sent(chunks: number): void;
  /** The client has said something on its WebSocket. */
  hear(message: Uint8Array): void;
}

/** The API server as the front sees it. */
export interface Backend {
  ask(request: ApiRequest, receiver: Receiver): Asked;
  /** What keeps it from answering; undefined: nothing. (/readyz) */
  problem(): string | undefined;
  /** Default: the usual one. */
  readonly kubernetes?: Kubernetes;
}
