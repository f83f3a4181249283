/** What sockets send, packet by packet: for who keeps connections open (shell/network/). */
import { sourceOf, type Packet } from "../net/packet.js";
import type { HttpRequest } from "../net/proxy.js";
import { departure } from "./carrier.js";
import { Trip } from "./connection.js";
import type { Network } from "./network.js";
import { isItsOwn, processName } from "./origin.js";
import type { Origin } from "./party.js";
import { headerOf } from "./record.js";
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
  const { url, from } = request;
  return finished(options, (walk) => {
    const trip = new Trip(network, walk, options.record ?? true);
    const header = headerOf(first);
    trip.there?.hop("client", processName(origin), null, header, header);
    const asked = { url, from, source: sourceOf(first) };
    const position = departure(origin, first);
    const asking = trip.beginWith(asked, origin, first, position, undefined, request);
    const begun = isItsOwn(origin, first.destination) ? trip.toItself(origin, first) : asking;
    const journey = founded(network, walked(trip, begun));
    return Object.assign(journey, { served: trip.served });
  });
}
