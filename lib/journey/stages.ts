/** How far a journey has come: a value, from which one may go on in several ways. */
import { destinationOf, sourceOf, type Packet } from "../net/packet.js";
import type { HttpRequest } from "../net/proxy.js";
import type { Arrival, Lost, Moving } from "./carrier.js";
import { nameOf, processName } from "./origin.js";
import { isSame, type Origin, type Party } from "./party.js";
import type { Journey, Step } from "./types.js";

/** Who opened it, who ended it, and what goes over it. */
export interface Connection {
  readonly opener: Party;
  /** Its first packet, as the opener sent it. */
  readonly first: Packet;
  /** The same packet as it arrived, and who took it; undefined until then. */
  readonly taken: { readonly by: Party; readonly packet: Packet } | undefined;
  /** What is asked for; undefined for a bare packet. */
  readonly request: HttpRequest | undefined;
  /** The connection whose request this one passes on. */
  readonly behalf: Taken | undefined;
}

/** A connection that somebody took. */
export type Taken = Connection & { readonly taken: object };

/** The journey without its hops. */
export type Result = Omit<Journey, "hops" | "reply">;

/** How the journey ends if the answer gets home, and who answers, in words. */
export interface Served {
  result: Result;
  what: string;
}

export type Stage =
  /** Somebody is about to ask for a URL: the client, or a proxy on its behalf. */
  | {
      doing: "opening";
      origin: Origin;
      url: string;
      host: string | undefined;
      behalf: Taken | undefined;
      step: Step | undefined;
    }
  | { doing: "asking"; connection: Connection; position: Moving }
  | { doing: "answering"; connection: Taken; position: Moving; served: Served }
  | { doing: "ended"; result: Result };

export const takenBy = (
  { opener, first, request, behalf }: Connection,
  { party: by, packet }: Arrival,
): Taken => ({ opener, first, taken: { by, packet }, request, behalf });

/** The proxy that opened this connection on somebody's behalf. */
export const passerOf = ({ opener, behalf }: Connection): Party | undefined => behalf && opener;

/** How many connections stand behind each other. */
export function depthOf({ behalf }: Connection): number {
  return behalf ? 1 + depthOf(behalf) : 1;
}

/** Why the opener can do nothing with the answer; undefined where it can. */
export function whyLost(
  { opener, first, behalf }: Connection,
  end: Arrival | Lost,
): string | undefined {
  if (end.at === "nowhere") return `its answer does not come back: ${end.why}`;
  const who = behalf ? processName(opener) : "the client";
  if (!isSame(end.party, opener))
    return `its answer goes to ${nameOf(end.party)}, and ${who} waits for it`;
  const { packet } = end;
  if (packet.source !== first.destination || packet.sourcePort !== first.destinationPort)
    return `its answer comes from ${sourceOf(packet)}, and ${who} waits for one from ${destinationOf(first)}`;
  if (packet.destination !== first.source || packet.destinationPort !== first.sourcePort)
    return `its answer goes to ${destinationOf(packet)}, and ${who} waits for it at ${sourceOf(first)}`;
  return undefined;
}
