/**
 * Connection tracking: who talks to whom, in both directions, and how each direction was
 * translated. (net/netfilter/nf_conntrack_core.c, nf_conntrack_proto_tcp.c,
 * nf_conntrack_proto_udp.c)
 *
 * A Connection holds two tuples: the original one, as the first packet came, and the reply's, as
 * the answer will come. Without translation one is the inverse of the other. NAT changes the reply
 * tuple, and every later packet is rewritten from the two.
 */
import type { Flags, Packet } from "./packet.js";

export type Tuple = Pick<
  Packet,
  "protocol" | "source" | "sourcePort" | "destination" | "destinationPort"
>;
export type Direction = "original" | "reply";

/** Seconds, the kernel's defaults (net.netfilter.nf_conntrack_*_timeout_*). */
export const timeouts = {
  TCP: {
    SYN_SENT: 120,
    SYN_RECV: 60,
    ESTABLISHED: 432000,
    FIN_WAIT: 120,
    CLOSE_WAIT: 60,
    LAST_ACK: 30,
    TIME_WAIT: 120,
    CLOSE: 10,
    SYN_SENT2: 120,
  },
  UDP: { unreplied: 30, stream: 120 },
  SCTP: { COOKIE_WAIT: 3, ESTABLISHED: 756000 },
  ICMP: 30,
} as const;
export type TCPState = keyof typeof timeouts.TCP;

/**
 * A UDP flow whose first packet is older than this, and that was answered, is a stream.
 * Milliseconds.
 */
const streamAfter = 2000;

export class Connection {
  reply: Tuple;
  /** What `replyKey` was made of. */
  #keyed: Tuple | undefined;
  #replyKey = "";
  tcp: TCPState | undefined;
  /** Milliseconds on the kernel's clock. */
  expires = Infinity;
  confirmed = false;
  replied = false;
  assured = false;
  /**
   * It was first seen in the middle: nobody knows its windows, so none is held against it
   * (nf_conntrack_proto_tcp.c, IP_CT_TCP_FLAG_BE_LIBERAL).
   */
  pickedUp = false;
  /**
   * Whether source and destination of this connection have been decided upon, and whether a
   * translation came out of it.
   */
  sourceDecided = false;
  destinationDecided = false;
  snat = false;
  dnat = false;

  /** `key`: how the table calls the original direction. */
  constructor(
    readonly original: Tuple,
    readonly created: number,
    readonly key = keyOf(original),
  ) {
    this.reply = inverse(original);
  }

  /** How the table calls the other direction, for as long as NAT leaves it at that. */
  get replyKey(): string {
    if (this.#keyed !== this.reply) {
      this.#keyed = this.reply;
      this.#replyKey = keyOf(this.reply);
    }
    return this.#replyKey;
  }
}

const inverse = ({ protocol, source, sourcePort, destination, destinationPort }: Tuple): Tuple => ({
  protocol,
  source: destination,
  sourcePort: destinationPort,
  destination: source,
  destinationPort: sourcePort,
});

const keyOf = (tuple: Tuple): string =>
  `${tuple.protocol} ${tuple.source} ${tuple.sourcePort} ${tuple.destination} ${tuple.destinationPort}`;

/**
 * What TCP's next state is: `tcp_conntracks`. "ignore" leaves it, "invalid" makes the packet
 * INVALID. Columns: the current state, as in `columns`.
 */
const columns = ["NONE", ...Object.keys(timeouts.TCP)];
/** The states' letters, in the order of `columns`. */
const letters = "NSREFWLTC2";
const transitions: Readonly<Record<Direction, Readonly<Record<Flags, string>>>> = {
  original: {
    SYN: "SS-----SS2",
    "SYN,ACK": "!!R!!!!!!R",
    "FIN,ACK": "!!FFLLLTC!",
    ACK: "E!EEWWTTC!",
    RST: "!CCCCCCCCC",
  },
  reply: {
    SYN: "!2!!!!!S!2",
    "SYN,ACK": "!R-------R",
    "FIN,ACK": "!!FFLLLTC!",
    ACK: "!-REWWTTC-",
    RST: "!CCCCCCCCC",
  },
};
const nextState = (
  direction: Direction,
  flags: Flags,
  state: TCPState | "NONE",
): TCPState | "ignore" | "invalid" => {
  const letter = transitions[direction][flags][columns.indexOf(state)]!;
  const next = columns[letters.indexOf(letter)] as TCPState | undefined;
  return next ?? (letter === "-" ? "ignore" : "invalid");
};

export interface Tracked {
  connection: Connection;
  direction: Direction;
  state: "NEW" | "ESTABLISHED" | "RELATED";
}

type Undo = (() => void)[] | undefined;

export class Conntrack {
  /** Each under the keys of both its tuples. */
  readonly #byTuple = new Map<string, Connection>();
  readonly #udp = new Set<Connection>();
  /** Out-of-window TCP packets are not INVALID (net.netfilter.nf_conntrack_tcp_be_liberal). */
  tcpLiberal = false;

  /** `max`: net.netfilter.nf_conntrack_max. */
  constructor(
    readonly clock: { now(): number },
    readonly max = 262_144,
  ) {}

  /**
   * Finds or begins the packet's connection and moves its state on; undefined: INVALID. A new one
   * is not kept before `confirm`.
   */
  track(packet: Packet, undo: Undo): Tracked | undefined {
    if (packet.about) return this.#related(packet.about);
    const key = keyOf(packet);
    const connection = this.#find(key);
    if (connection === undefined) return this.#begin(packet, key);
    const direction = directionOf(connection, key);
    if (reopens(packet, connection, direction)) {
      this.delete(connection, undo);
      return this.#begin(packet, key);
    }
    if (!this.#advance(packet, connection, direction, undo)) return undefined;
    return {
      connection,
      direction,
      state: direction === "reply" || connection.replied ? "ESTABLISHED" : "NEW",
    };
  }

  /** Keeps the connection: its first packet got through. False where the table is full. */
  confirm(connection: Connection, undo: Undo): boolean {
    if (connection.confirmed) return true;
    if (this.#byTuple.size >= 2 * this.max && !this.#makeRoom(undo)) return false;
    connection.confirmed = true;
    this.#byTuple.set(connection.key, connection);
    this.#byTuple.set(connection.replyKey, connection);
    if (connection.original.protocol === "UDP") this.#udp.add(connection);
    undo?.push(() => this.delete(connection));
    return true;
  }

  /** Whether another connection's packets already look like this. */
  taken(reply: Tuple): boolean {
    return this.#find(keyOf(reply)) !== undefined;
  }

  /** The same of the connection's own reply. */
  isReplyTaken({ replyKey }: Connection): boolean {
    return this.#find(replyKey) !== undefined;
  }

  delete(connection: Connection, undo?: Undo): void {
    this.#forget(connection, connection.key, undo);
    this.#forget(connection, connection.replyKey, undo);
    if (this.#udp.delete(connection)) undo?.push(() => this.#udp.add(connection));
  }

  #forget(connection: Connection, key: string, undo: Undo): void {
    if (this.#byTuple.get(key) !== connection) return;
    this.#byTuple.delete(key);
    undo?.push(() => this.#byTuple.set(key, connection));
  }

  /** All connections that have not timed out, oldest first. */
  *connections(): Generator<Connection> {
    for (const [key, connection] of this.#byTuple)
      if (key === connection.key && this.#alive(connection)) yield connection;
  }

  /** As connections, of UDP alone: without a look at the many others. */
  *udpConnections(): Generator<Connection> {
    for (const connection of this.#udp) if (this.#alive(connection)) yield connection;
  }

  readonly #alive = (connection: Connection): boolean => connection.expires > this.clock.now();

  #find(key: string): Connection | undefined {
    const found = this.#byTuple.get(key);
    if (found === undefined || this.#alive(found)) return found;
    this.delete(found);
    return undefined;
  }

  /**
   * An ICMP error belongs to the connection of the packet that it complains of, and goes the other
   * way.
   */
  #related(about: Packet): Tracked | undefined {
    const key = keyOf(inverse(about));
    const connection = this.#find(key);
    if (connection === undefined) return undefined;
    return { connection, direction: directionOf(connection, key), state: "RELATED" };
  }

  #begin(packet: Packet, key: string): Tracked | undefined {
    const connection = new Connection(tupleOf(packet), this.clock.now(), key);
    if (packet.protocol === "TCP") {
      // an ACK is picked up in the middle: nf_conntrack_tcp_loose = 1
      const state = nextState("original", packet.flags ?? "SYN", "NONE");
      if (state === "invalid" || state === "ignore") return undefined;
      connection.tcp = state;
      connection.pickedUp = state !== "SYN_SENT";
    }
    connection.expires = this.clock.now() + 1000 * lifetime(connection, this.clock.now());
    return { connection, direction: "original", state: "NEW" };
  }

  /** False: the packet is INVALID. */
  #advance(packet: Packet, connection: Connection, direction: Direction, undo: Undo): boolean {
    const next =
      packet.protocol === "TCP"
        ? nextState(direction, packet.flags ?? "SYN", connection.tcp ?? "NONE")
        : "ignore";
    if (next === "invalid" || (packet.outOfWindow && !this.tcpLiberal && !connection.pickedUp))
      return false;
    const { tcp, replied, assured, expires } = connection;
    undo?.push(() => Object.assign(connection, { tcp, replied, assured, expires }));
    const now = this.clock.now();
    if (next !== "ignore") connection.tcp = next;
    connection.replied ||= direction === "reply";
    connection.assured ||=
      connection.replied &&
      (packet.protocol === "TCP"
        ? connection.tcp === "ESTABLISHED"
        : now > connection.created + streamAfter);
    connection.expires = now + 1000 * lifetime(connection, now);
    return true;
  }

  /**
   * nf_conntrack_core.c, early_drop: a full table gives up a connection that nobody has confirmed
   * from both sides.
   */
  #makeRoom(undo: Undo): boolean {
    let looks = 0;
    for (const connection of this.#byTuple.values()) {
      if (!connection.assured || !this.#alive(connection)) {
        this.delete(connection, undo);
        return true;
      }
      if (++looks > 1000) break;
    }
    return false;
  }
}

const tupleOf = ({
  protocol,
  source,
  sourcePort,
  destination,
  destinationPort,
}: Packet): Tuple => ({ protocol, source, sourcePort, destination, destinationPort });

/** Which way a packet goes whose tuple has this key. */
const directionOf = ({ replyKey }: Connection, key: string): Direction =>
  key === replyKey ? "reply" : "original";

/** A SYN may open again what is closed, as a connection of its own. */
const reopens = (packet: Packet, connection: Connection, direction: Direction): boolean =>
  packet.protocol === "TCP" &&
  (packet.flags ?? "SYN") === "SYN" &&
  direction === "original" &&
  (connection.tcp === "TIME_WAIT" || connection.tcp === "CLOSE");

/** Seconds that a connection may stay silent from now on. */
function lifetime(connection: Connection, now: number): number {
  switch (connection.original.protocol) {
    case "TCP":
      return timeouts.TCP[connection.tcp ?? "SYN_SENT"];
    case "UDP":
      return connection.replied && now > connection.created + streamAfter
        ? timeouts.UDP.stream
        : timeouts.UDP.unreplied;
    case "SCTP":
      return connection.replied ? timeouts.SCTP.ESTABLISHED : timeouts.SCTP.COOKIE_WAIT;
    case "ICMP":
      return timeouts.ICMP;
  }
}

/** The packet with other addresses. A copy of all its fields is slow, and most packets have few. */
function readdressed(
  packet: Packet,
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
): Packet {
  const { protocol, flags, outOfWindow, error } = packet;
  if (outOfWindow !== undefined || error !== undefined)
    return { ...packet, source, sourcePort, destination, destinationPort };
  return flags === undefined
    ? { protocol, source, sourcePort, destination, destinationPort }
    : { protocol, source, sourcePort, destination, destinationPort, flags };
}

/**
 * What the packet looks like on the far side of the translation: `side` says which end is rewritten
 * now (nf_nat_core.c, nf_nat_packet).
 */
export function translate(
  packet: Packet,
  { connection, direction }: Tracked,
  side: "source" | "destination",
): Packet {
  const other = direction === "original" ? connection.reply : connection.original;
  const address = side === "source" ? other.destination : other.source;
  const port = side === "source" ? other.destinationPort : other.sourcePort;
  if (packet.about)
    return packet[side] === address && keyOf(packet.about) === keyOf(other)
      ? packet
      : { ...packet, [side]: address, about: { ...packet.about, ...other } };
  if (side === "source")
    return packet.source === address && packet.sourcePort === port
      ? packet
      : readdressed(packet, address, port, packet.destination, packet.destinationPort);
  return packet.destination === address && packet.destinationPort === port
    ? packet
    : readdressed(packet, packet.source, packet.sourcePort, address, port);
}

/** A line as `conntrack -L` prints it, without its counters. */
export function conntrackText(connection: Connection, now: number): string {
  const { original, reply, tcp, assured, replied, expires } = connection;
  const { protocol } = original;
  const side = (tuple: Tuple, type: number): string =>
    `src=${tuple.source} dst=${tuple.destination} ${protocol === "ICMP" ? `type=${type} code=0 id=` : `sport=${tuple.sourcePort} dport=`}${tuple.destinationPort}`;
  return [
    `${protocol.toLowerCase().padEnd(8)} ${protocolNumbers[protocol]} ${Math.ceil((expires - now) / 1000)}`,
    ...(tcp ? [tcp] : []),
    side(original, 8),
    ...(replied ? [] : ["[UNREPLIED]"]),
    side(reply, 0),
    ...(assured ? ["[ASSURED]"] : []),
    "mark=0 use=1",
  ].join(" ");
}

const protocolNumbers = { TCP: 6, UDP: 17, SCTP: 132, ICMP: 1 } as const;
