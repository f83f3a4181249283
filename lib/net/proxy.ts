/**
 * A process that ends connections and opens others of its own, to pass on what it was asked: an
 * Ingress proxy, a service mesh's sidecar. It says where to; how it gets there is the network's
 * business.
 *
 *     sandbox.proxy = { passOn: ({ path }) => ({ url: `http://web:8080${path}`, host: "web" }) };
 */
import type { Chooser } from "./choice.js";
import type { Packet } from "./packet.js";

/** What is asked for over a connection. */
export interface HttpRequest {
  /** The header Host: "mynginx-app.com:8080". */
  readonly host: string;
  /** Path and query: "/". */
  readonly path: string;
}

export interface Proxy {
  /**
   * Where a request goes from here, or what the proxy answers by itself. `arrived`: its first
   * packet, as the proxy sees it.
   */
  passOn(request: HttpRequest, arrived: Packet, choose: Chooser): Onward | OwnAnswer;
}

export interface Onward {
  /** Asked for in the proxy's own name, from its own address. */
  readonly url: string;
  /** The header Host of the new request. Default: as it came. */
  readonly host?: string;
  /** The line of its configuration that decided, and the object that caused it. */
  readonly rule?: string;
  readonly object?: string;
}

export interface OwnAnswer {
  /** What it says itself: "404 Not Found". */
  readonly answers: string;
}
