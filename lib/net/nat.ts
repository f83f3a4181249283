/**
 * Network address translation: what a connection's first packet is translated to is decided once,
 * and written into the connection; conntrack rewrites it and all packets that follow, both ways.
 * (net/netfilter/nf_nat_core.c)
 */
import type { Connection, Conntrack } from "./conntrack.js";
import type { Address } from "./ip.js";
import type { Chooser } from "./choice.js";
import type { Packet } from "./packet.js";

/** Ports: from `low` to `high`, or the one; none: the port stays where it can. */
interface Ports {
  low?: number;
  high?: number;
}

export type Translation =
  | ({ kind: "DNAT" | "SNAT"; address?: string; randomFully?: boolean } & Ports)
  /** The source becomes the address of the interface by which the packet leaves. */
  | ({ kind: "MASQUERADE"; randomFully?: boolean } & Ports)
  /** The destination becomes the machine itself. */
  | { kind: "REDIRECT"; low: number; high: number };

/** The packet that is translated, where it is, and what is asked there. A Passage is one. */
interface Translated {
  packet: Packet;
  source: Address;
  destination: Address;
  in: string;
  out: string;
  choose: Chooser;
  kernel: {
    interfaceAddress(name: string, family: Address["family"]): string | undefined;
    sourceAddress(name: string, destination: Address): string | undefined;
    conntrack: Conntrack;
  };
}

/** Decides the connection's destination. False: there is no address to translate it to. */
export function bindDestination(
  passage: Translated,
  connection: Connection,
  translation: Translation | undefined,
): boolean {
  switch (translation?.kind) {
    case "DNAT":
      redirect(passage, connection, translation.address ?? passage.packet.destination, translation);
      return true;
    case "REDIRECT": {
      // nf_nat_redirect.c
      const here = passage.kernel.interfaceAddress(passage.in || "lo", passage.source.family);
      if (here !== undefined) redirect(passage, connection, here, translation);
      return here !== undefined;
    }
    default:
      return true;
  }
}

function redirect(
  { choose }: Translated,
  connection: Connection,
  address: string,
  { low, high }: Ports,
): void {
  const port =
    low === undefined
      ? connection.reply.sourcePort
      : low === high || high === undefined
        ? low
        : choose.port(low, high);
  // IPS_DST_NAT tells of a change, not of a rule
  connection.dnat = address !== connection.reply.source || port !== connection.reply.sourcePort;
  connection.reply = { ...connection.reply, source: address, sourcePort: port };
}

/**
 * Decides the connection's source, and with it the tuple of its replies. Without a translation the
 * port still changes where it would clash (get_unique_tuple). False: there is no address.
 */
export function bindSource(
  passage: Translated,
  connection: Connection,
  translation: Translation | undefined,
): boolean {
  const { packet, kernel } = passage;
  const address =
    translation?.kind === "MASQUERADE"
      ? kernel.sourceAddress(passage.out, passage.destination)
      : translation?.kind === "SNAT"
        ? (translation.address ?? packet.source)
        : packet.source;
  if (address === undefined) return false;
  const range =
    translation?.kind === "MASQUERADE" || translation?.kind === "SNAT" ? translation : {};
  const port = sourcePort(passage, connection, address, range);
  if (address === connection.reply.destination && port === connection.reply.destinationPort)
    return true;
  connection.reply = { ...connection.reply, destination: address, destinationPort: port };
  connection.snat = true;
  return true;
}

/**
 * Keeps the port where nobody else uses it, as nf_nat_l4proto_unique_tuple does; with
 * --random-fully, draws at once.
 */
function sourcePort(
  { kernel, packet, choose }: Translated,
  connection: Connection,
  address: string,
  { low, high, randomFully }: Ports & { randomFully?: boolean },
): number {
  const { original, reply } = connection;
  const own = original.sourcePort;
  if (packet.protocol === "ICMP") return own;
  const free = (port: number): boolean =>
    address === reply.destination && port === reply.destinationPort
      ? !kernel.conntrack.isReplyTaken(connection)
      : !kernel.conntrack.taken({ ...reply, destination: address, destinationPort: port });
  const inRange = low === undefined || (own >= low && own <= (high ?? low));
  if (!randomFully && inRange && free(own)) return own;
  const range = low !== undefined ? ([low, high ?? low] as const) : portsLike(own);
  let port = choose.port(...range);
  for (let tries = 1; tries < 128 && !free(port); tries++) port = choose.port(...range);
  return port;
}

/** A low port stays a low one. */
const portsLike = (own: number): readonly [number, number] =>
  own < 512 ? [1, 511] : own < 1024 ? [600, 1023] : [1024, 65535];
