/** What a journey's record says of those who open connections and pass requests on. */
import { endpoint } from "../net/ip.js";
import { destinationOf, type Packet } from "../net/packet.js";
import type { Onward } from "../net/proxy.js";
import type { Lookup, Meeting } from "./lookup.js";
import { nameOf, processName } from "./origin.js";
import type { Origin, Party } from "./party.js";
import { headerOf, type Recorder } from "./record.js";
import type { Connection, Taken } from "./stages.js";
import type { Header, Step } from "./types.js";

/** The client, or a proxy that asks on its behalf. */
export function recordOpener(
  there: Recorder | undefined,
  origin: Origin,
  asked: Header,
  behalf: Taken | undefined,
  step: Step | undefined,
): void {
  if (!behalf) return there?.hop("client", nameOf(origin), null, asked, asked);
  const steps = step ? [step] : [];
  there?.hop("proxy", processName(origin), null, headerOf(behalf.taken.packet), asked, steps);
}

/** Who answered a name, and with what. */
export function recordLookup(
  there: Recorder | undefined,
  { server, addresses, trail, failure, unknown }: Lookup,
  meeting: Meeting | undefined,
  asked: Header,
  port: number,
): void {
  if (server === undefined || !there) return;
  const note =
    unknown ??
    failure ??
    (meeting && meeting.among > 1
      ? `one of ${meeting.among} addresses: each answer lists them in another order, and the client takes the first`
      : undefined);
  const address = meeting?.other ?? addresses[0];
  const out = address === undefined ? asked : { ...asked, destination: endpoint(address, port) };
  there.hop("dns", server, null, asked, out, [
    ...trail.map((rule) => ({ action: "resolve" as const, rule })),
    ...(note === undefined ? [] : [{ action: "resolve" as const, note }]),
  ]);
}

/** What a proxy does with a request. */
export function passing({ request }: Connection, { url, host, rule, object }: Onward): Step {
  const rewrites = host !== undefined && host !== request!.host;
  return {
    action: "forward",
    ...(rule !== undefined && { rule }),
    ...(object !== undefined && { object }),
    note: `the proxy ends the connection and opens one of its own, to ${url}${rewrites ? `; Host: ${request!.host} becomes ${host}` : ""}`,
  };
}

/** What it does with the answer. */
export function copying(opener: Party, packet: Packet, front: Packet): Step {
  const who = opener.kind === "load-balancer" ? "the load balancer" : "the proxy";
  return {
    action: "forward",
    before: destinationOf(packet),
    after: destinationOf(front),
    note: `${who} copies the answer into the client's own connection`,
  };
}
