/** What sockets send, packet by packet: for who keeps connections open (shell/network-end.ts). */
import { parseAddress } from "../net/ip.js";
import { destinationOf, sourceOf, type Packet } from "../net/packet.js";
import type { HttpRequest } from "../net/proxy.js";
import { departure } from "./carrier.js";
import { Trip } from "./connection.js";
import type { Network } from "./network.js";
import { nameOf, processName, type Origin } from "./origin.js";
import { headerOf } from "./record.js";
import { finished, founded, walked, type TravelOptions } from "./travel.js";
import type { Founded, Journey, JourneyRequest } from "./types.js";

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
  const asked = { url, from, source: sourceOf(first) };
  const isOwn =
    parseAddress(first.destination).loopback || origin.addresses.includes(first.destination);
  // a node's kernel delivers to itself, past its rules
  if (isOwn && origin.kind !== "node") return toItself(origin, first, asked);
  return finished(options, (walk) => {
    const trip = new Trip(network, walk, options.record ?? true);
    const header = headerOf(first);
    trip.there?.hop("client", processName(origin), null, header, header);
    const connection = { opener: origin, first, taken: undefined, request, behalf: undefined };
    const position = departure(origin, first);
    trip.beginWith(asked, origin, first, position, undefined);
    const journey = founded(network, walked(trip, { doing: "asking", connection, position }));
    return Object.assign(journey, { served: trip.served });
  });
}

/** No packet leaves: the Pod's own kernel delivers it by its loopback interface. */
function toItself(
  origin: Origin & { kind: "pod" | "outside" },
  first: Packet,
  request: JourneyRequest,
): Founded<Journey> & { served: Served | undefined } {
  const { protocol, destinationPort: port } = first;
  const header = headerOf(first);
  const common = {
    request,
    destination: destinationOf(first),
    hops: [
      {
        stop: null,
        kind: "client" as const,
        name: nameOf(origin),
        in: header,
        out: header,
        steps: [],
      },
    ],
    reply: [],
    leftOut: [],
    served: undefined,
  };
  const refused = (reason: string) => ({
    ...common,
    disposition: "connection refused" as const,
    reason,
    assumed: [],
  });
  if (origin.kind === "outside")
    return refused(`${first.destination} is the client itself, of which nothing is known`);
  const { machine, sandbox } = origin;
  if (protocol !== "ICMP" && !sandbox.listens(protocol, port))
    return refused(
      `${first.destination} is Pod ${sandbox.key} itself, and no process in it listens on ${protocol} ${port}`,
    );
  const granted = protocol === "ICMP" ? [] : sandbox.assumed(protocol, port);
  return {
    ...common,
    disposition: "delivered",
    reason: `Pod ${sandbox.key} itself answers, over its own loopback interface`,
    pod: sandbox.key,
    node: machine.name,
    clientSeenByPod: sourceOf(first),
    assumed: granted.map((each) => ({ object: `Pod ${sandbox.key}`, ...each })),
    served: { party: origin, sandbox, packet: first },
  };
}
