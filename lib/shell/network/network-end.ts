/**
 * A place's end of the network: names are looked up, connections opened, datagrams sent as the
 * kernel and the resolver of that place do. Every packet takes the data path (journey/), so stale
 * rules, a policy or a node that is down show in what a command prints.
 */
import { type Lookup, lookUp } from "../../journey/lookup.js";
import type { Network } from "../../journey/network.js";
import { sourceTowards } from "../../journey/origin.js";
import type { Origin } from "../../journey/party.js";
import { type Served, travelFrom } from "../../journey/socket.js";
import type { Founded, Journey } from "../../journey/types.js";
import { type Act, type Acts, sleep } from "../../machinery/act.js";
import { type Chooser, seeded } from "../../net/choice.js";
import { endpoint } from "../../net/ip.js";
import type { Flags, Packet, Transport } from "../../net/packet.js";
import type { HttpRequest } from "../../net/proxy.js";
import type { Ends, Listener } from "../../node/socket.js";
import { back, type Taps, tapsOf, there } from "./capture.js";
import type { Said, Spot } from "./frame.js";
import { Connection, endsOf, type Sender, synOf, taken } from "./connection.js";
import { forgetReset, showRound } from "./exchange.js";
import { portsOf } from "./listening-sockets.js";
import { type Failed, failureOf, isRefused } from "./refusals.js";

/** Linux's net.ipv4.ip_local_port_range. */
const ephemeral = [32768, 60999] as const;

/** When a SYN is sent again, milliseconds after the last (net.ipv4.tcp_syn_retries = 6). */
const synWaits = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000];

/** So long a neighbour is asked for that is not there (net/core/neighbour.c: 3 tries, a second). */
const neighbourMs = 3_000;

/** So long its closer remembers a connection, and so many it does. */
const TIME_WAIT_MS = 60_000;

const MOST_CLOSED = 1_000;

/** Whom a packet has reached, and by which socket it is taken. */
export type Finding = (served: Served, protocol: Transport) => Listener | undefined;

export interface EndOptions {
  network: Network;
  /** Whose packets they are. */
  origin: () => Origin;
  /** The same in words: "pod/default/client". */
  from: string;
  acts: Acts;
  random: () => number;
  listenerOf: Finding;
  /** A process of the place listens. Answers how it stops; undefined: somebody has the port. */
  listen: (protocol: Transport, port: number, listener: Listener) => (() => void) | undefined;
}

export class NetworkEnd implements Sender {
  readonly #choose: Chooser;
  readonly #taps: Taps;
  #lastPort: number;

  constructor(private readonly options: EndOptions) {
    this.#choose = seeded(options.random);
    this.#taps = tapsOf(options.network);
    this.#lastPort = this.#choose.port(...ephemeral);
  }

  /** Connections that it has opened and not closed. */
  readonly open = new Set<Connection>();
  #closed: (Ends & { until: number })[] = [];

  /** Those that it closed first, for a minute. (net/ipv4/tcp_minisocks.c, TCP_TIMEWAIT_LEN) */
  closed(): readonly Ends[] {
    const now = this.options.acts.clock.now();
    this.#closed = this.#closed.filter(({ until }) => until > now);
    return this.#closed;
  }

  /** Connections that processes here have taken and that are open. */
  accepted(): readonly Ends[] {
    const { origin } = this;
    if (origin.kind === "outside") return [];
    return [...(taken.get(origin.kind === "pod" ? origin.sandbox : origin.machine) ?? [])];
  }

  /** The sockets that listen here, as far as anybody knows; "*": at every address. */
  listening(): { protocol: string; port: number; address: string }[] {
    const { origin } = this;
    if (origin.kind === "pod") return portsOf(origin.sandbox);
    if (origin.kind === "outside") return [];
    const { machine } = origin;
    const pods = [...machine.sandboxes].filter(({ hostNetwork }) => hostNetwork);
    return [...machine.kernel.sockets, ...pods.flatMap(portsOf)];
  }

  get acts(): Acts {
    return this.options.acts;
  }

  /** From 0 up to 1: what is drawn for what goes by here. */
  get random(): () => number {
    return this.options.random;
  }

  get network(): Network {
    return this.options.network;
  }

  get origin(): Origin {
    return this.options.origin();
  }

  /** What its resolver answers (getaddrinfo). */
  lookUp(host: string): Lookup {
    return lookUp(this.network, this.origin, host);
  }

  /** The address that its packets to `destination` come from. */
  sourceFor(destination: string): string | undefined {
    return sourceTowards(this.origin, destination);
  }

  listen(protocol: Transport, port: number, listener: Listener): (() => void) | undefined {
    return this.options.listen(protocol, port, listener);
  }

  #port(): number {
    this.#lastPort += 1 + Math.floor(this.options.random() * 16);
    if (this.#lastPort > ephemeral[1]) this.#lastPort = ephemeral[0] + (this.#lastPort % 1_000);
    return this.#lastPort;
  }

  /** `to`: with the port that the client has, where it has named one. */
  packetTo(
    protocol: Packet["protocol"],
    to: { address: string; port: number },
    sourcePort?: number,
    source = this.sourceFor(to.address),
  ): Packet | undefined {
    if (source === undefined) return undefined;
    return {
      protocol,
      source,
      sourcePort: protocol === "ICMP" ? 0 : (sourcePort ?? this.#port()),
      destination: to.address,
      destinationPort: to.port,
    };
  }

  /** Sends one packet and follows it and its answer. */
  travel(
    packet: Packet,
    { url = "", host = "", path = "" }: Partial<HttpRequest> & { url?: string } = {},
    record = true,
    said?: Said,
  ): Travelled {
    const { network, from, acts } = this.options;
    const isSeen = this.#taps.active;
    const asked = { url, from, host, path };
    const options = { choose: this.#choose, record: record || isSeen };
    const { served, ...journey } = travelFrom(network, this.origin, packet, asked, options);
    if (record) network.lastJourney = journey;
    if (isSeen) showRound(this.#taps, network, this.spot, acts.clock.now(), packet, journey, said);
    this.#taps.passed();
    return { ...journey, served };
  }

  /** Where its packets begin, as somebody calls it who looks on. */
  get spot(): Spot {
    const { origin } = this;
    if (origin.kind === "outside") return this.options.from;
    return origin.kind === "node" ? `node/${origin.machine.name}` : `pod/${origin.sandbox.key}`;
  }

  /** A packet of an open connection, on the way that its last one took, while somebody looks on. */
  show(path: Journey, direction: "there" | "back", said: Said): void {
    if (!this.#taps.active) return;
    const { network, acts } = this.options;
    const way = direction === "there" ? there : back;
    this.#taps.show(acts.clock.now(), way(network, this.spot, path), said);
  }

  /**
   * Opens a TCP connection. `asked`: what will be asked for, as far as it is known. SYNs that
   * nobody answers are sent again, as Linux does, for two minutes; each time `unanswered` hears
   * why.
   */
  *connect(
    to: { address: string; port: number },
    asked: Partial<HttpRequest> & {
      url?: string;
      sourcePort?: number | undefined;
      source?: string | undefined;
      unanswered?: (why: string) => void;
    } = {},
  ): Act<Connection | Failed> {
    const packet = this.packetTo("TCP", to, asked.sourcePort, asked.source);
    if (!packet) return { failed: "ENETUNREACH", why: `no source address for ${to.address}` };
    const { clock } = this.options.acts;
    let why = "";
    for (const wait of synWaits) {
      const journey = this.travel(packet, asked, true, synOf(packet));
      if (journey.disposition === "delivered") return this.#opened(packet, journey);
      const failed = failureOf(journey, this.origin);
      why = journey.reason;
      if (failed === "ECONNREFUSED" && journey.disposition !== "rejected") {
        forgetReset(this.network, journey);
        this.#taps.passed();
      }
      if (failed === "EHOSTUNREACH") yield* sleep(clock, neighbourMs);
      if (failed !== "ETIMEDOUT") return { failed, why };
      asked.unanswered?.(why);
      yield* sleep(clock, wait);
    }
    return { failed: "ETIMEDOUT", why };
  }

  #opened(packet: Packet, journey: Travelled): Connection | Failed {
    const { acts, listenerOf } = this.options;
    const served = journey.served!;
    const listener = listenerOf(served, "TCP");
    const isPassedOn = journey.hops.some(
      ({ kind }) => kind === "proxy" || kind === "load-balancer",
    );
    const connection = new Connection(packet, journey, this, isPassedOn, acts);
    this.open.add(connection);
    connection.onClose = (isFirst) => {
      this.open.delete(connection);
      const until = acts.clock.now() + TIME_WAIT_MS;
      if (isFirst && this.#closed.length < MOST_CLOSED)
        this.#closed.push({ ...connection.ends, until });
    };
    connection.begin(served, listener);
    return connection;
  }

  /** A later packet of a connection; whether it gets there and its answer comes back. */
  passes(first: Packet, flags: Flags, said: Said | undefined): "yes" | "no" | "reset" {
    const { disposition } = this.travel({ ...first, flags }, {}, false, said);
    if (disposition === "delivered") return "yes";
    return isRefused(disposition) ? "reset" : "no";
  }

  /** Sends a datagram; answers what comes back. Nothing: undefined. */
  *ask(
    to: { address: string; port: number },
    datagram: string,
    sourcePort?: number,
  ): Act<{ answer: string | undefined; ends: Ends | undefined } | Failed> {
    const packet = this.packetTo("UDP", to, sourcePort);
    if (!packet) return { failed: "ENETUNREACH", why: `no source address for ${to.address}` };
    const said: Said = { kind: "udp", bytes: datagram };
    const asked = { url: `udp://${endpoint(to.address, to.port)}` };
    const journey = this.travel(packet, asked, true, said);
    if (journey.disposition !== "delivered") {
      const failed = failureOf(journey, this.origin);
      if (failed === "ETIMEDOUT") return { answer: undefined, ends: undefined };
      return { failed, why: journey.reason };
    }
    const { packet: arrived } = journey.served!;
    const ends = endsOf(arrived);
    const listener = this.options.listenerOf(journey.served!, "UDP");
    const answer = listener?.answer ? yield* listener.answer(datagram, ends) : undefined;
    if (answer !== undefined) this.show(journey, "back", { kind: "udp", bytes: answer });
    return { answer, ends };
  }
}

type Travelled = Founded<Journey> & { served: Served | undefined };
