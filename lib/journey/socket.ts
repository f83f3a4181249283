/** What sockets send, packet by packet: for who keeps connections open (shell/network-end.ts). */
import { sourceOf, type Packet } from "../net/packet.js";
import type { HttpRequest } from "../net/proxy.js";
import { Trip } from "./connection.js";
import type { Network } from "./network.js";
import type { Origin } from "./origin.js";
import { finished, founded, walked, type TravelOptions } from "./travel.js";
import type { Founded, Journey } from "./types.js";

/** Who took a packet that a socket sent, and the packet as it came there. */
export type Served = NonNullable<Trip["served"]>;

/**
 * A packet that a socket of `origin` sends, and its answer: a connection's first, or a later one.
 * `request`: what is asked over the connection, as far as it is known (net/proxy.ts).
 */
export function travelFrom(
  network: Network,
  origin: Origin,
  first: Packet,
  request: HttpRequest & { url: string; from: string },
  options: TravelOptions,
): Founded<Journey> & { served: Served | undefined } {
  return finished(options, (walk) => {
    const trip = new Trip(network, walk, options.record ?? true);
    const { url, from } = request;
    const begun = trip.beginFrom(origin, first, { url, from, source: sourceOf(first) }, request);
    const journey = founded(network, walked(trip, begun));
    return Object.assign(journey, { served: trip.served });
  });
}
