/**
 * What a process does at a socket of its own. Who sends it a packet finds it by Sandbox.sockets, or
 * by the behaviour of its image.
 */
import type { Act } from "../machinery/act.js";
import type { Pipe } from "../machinery/pipe.js";

/** Where the other side is, and where this one. */
export interface Ends {
  peer: { address: string; port: number };
  own: { address: string; port: number };
}

/** One side of a TCP connection: what it reads, and where it writes. */
export interface Stream extends Ends {
  input: Pipe;
  output: Pipe;
}

/** Takes what comes to a port. */
export interface Listener {
  /** A TCP connection, to its end. */
  accept?(stream: Stream): Act<void>;
  /** A datagram; answers another, or nothing. */
  answer?(datagram: string, ends: Ends): Act<string | undefined>;
}
