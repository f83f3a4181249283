/**
 * A place's end of the network: names are looked up, connections opened, datagrams sent as the
 * kernel and the resolver of that place do. Every packet takes the data path (journey/), so stale
 * rules, a policy or a node that is down show in what a command prints.
 */
import { travelFrom, type Served } from "../journey/socket.js";
import { lookUp, type Lookup } from "../journey/lookup.js";
import type { Network } from "../journey/network.js";
import { back, tapsOf, there, type Said, type Spot, type Taps } from "./capture.js";
import { forgetReset, showRound } from "./exchange.js";
import { sourceTowards, type Origin } from "../journey/origin.js";
import type { Disposition, Founded, Journey } from "../journey/types.js";
import { sleep, type Act, type Acts } from "../machinery/act.js";
import { Pipe } from "../machinery/pipe.js";
import { seeded, type Chooser } from "../net/choice.js";
import { endpoint } from "../net/ip.js";
import { destinationOf, sourceOf, type Flags, type Packet, type Transport } from "../net/packet.js";
import type { HttpRequest } from "../net/proxy.js";
import type { Sandbox } from "../node/machine.js";
import type { Ends, Listener } from "../node/socket.js";

/** Why the kernel says no; errno by its name. */
export type Refusal = "ECONNREFUSED" | "ETIMEDOUT" | "EHOSTUNREACH" | "ENETUNREACH" | "unknown";

export const refusals = {
  ECONNREFUSED: "Connection refused",
  ETIMEDOUT: "Connection timed out",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network is unreachable",
  unknown: "unknown",
} as const;

export interface Failed {
  failed: Refusal;
  /** What a person is told who asks why: the journey's own sentence. */
  why: string;
}

/** Linux's net.ipv4.ip_local_port_range. */
const ephemeral = [32768, 60999] as const;
/** When a SYN is sent again, milliseconds after the last (net.ipv4.tcp_syn_retries = 6). */
const synWaits = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000];
/** When data that nobody acknowledges is sent again (milliseconds); then it is given up. */
const dataWaits = [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600];
/** So long a neighbour is asked for that is not there (net/core/neighbour.c: 3 tries, a second). */
const neighbourMs = 3_000;

/** So long its closer remembers a connection, and so many it does. */
const TIME_WAIT_MS = 60_000;
const MOST_CLOSED = 1_000;

/** Connections that a Pod's or a node's processes have taken. */
const taken = new WeakMap<object, Set<Ends>>();

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

export class NetworkEnd {
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
   * nobody answers are sent again, as Linux does, for two minutes.
   */
  *connect(
    to: { address: string; port: number },
    asked: Partial<HttpRequest> & {
      url?: string;
      sourcePort?: number | undefined;
      source?: string | undefined;
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

/** Ports that images listen on without a word in the spec. (node/listening.ts) */
const usualPorts = [80, 443, 5678, 6379, 8080];

/** Each number that the spec names is tried; one that is silent may listen on any of them. */
function portsOf(sandbox: Sandbox): { protocol: string; port: number; address: string }[] {
  const opened = [...sandbox.sockets.keys()].map((key) => Number(key.split(" ")[1]));
  const spec = JSON.stringify(sandbox.pod.spec);
  const named = [...spec.matchAll(/(?<![\w.])\d{1,5}(?![\w.])/g)].map(([text]) => Number(text));
  const isAny = sandbox.listens("TCP", 65_535) && !named.includes(65_535);
  const tried = isAny ? opened : [...opened, ...named, ...usualPorts];
  return (["TCP", "UDP", "SCTP"] as const).flatMap((protocol) =>
    [...new Set(tried)]
      .sort((x, y) => x - y)
      .filter((port) => port > 0 && port < 65_536 && sandbox.listens(protocol, port))
      .map((port) => ({ protocol, port, address: "*" })),
  );
}

/** Which connection a packet opens, for who looks on. */
const nameOf = (packet: Packet): string => `${sourceOf(packet)} ${destinationOf(packet)}`;

const synOf = (packet: Packet): Said => ({
  kind: "tcp",
  by: "client",
  flags: "S",
  seq: 0,
  ack: 0,
  bytes: "",
  connection: nameOf(packet),
});

const endsOf = (arrived: Packet): Ends => ({
  peer: { address: arrived.source, port: arrived.sourcePort },
  own: { address: arrived.destination, port: arrived.destinationPort },
});

/** Somebody says no: with a reset, or with an ICMP message. */
export const isRefused = (disposition: Disposition): boolean =>
  disposition === "rejected" ||
  disposition === "connection refused" ||
  disposition === "port not listening";

/** A gateway, a blackhole route and a cloud's network say nothing of what they cannot deliver. */
export const isSwallowed = ({ reason }: Journey, origin: Origin): boolean =>
  origin.kind === "outside" ||
  /nobody on the network|blackhole route|no route leads there/.test(reason);

/** What the client's kernel makes of a journey that ended badly. */
export function failureOf(journey: Journey, origin: Origin): Refusal {
  const { disposition, reason, hops } = journey;
  switch (disposition) {
    case "rejected":
      return /\((?:icmp6?-)?(?:host|net|adm|no-route)[\w-]*\)/.test(reason)
        ? "EHOSTUNREACH"
        : "ECONNREFUSED";
    case "connection refused":
    case "port not listening":
      // a cloud's firewall says nothing
      return hops.at(-1)?.kind === "load-balancer" ? "ETIMEDOUT" : "ECONNREFUSED";
    case "no route":
      if (isSwallowed(journey, origin)) return "ETIMEDOUT";
      return /has no route to/.test(reason) ? "ENETUNREACH" : "EHOSTUNREACH";
    case "unknown":
      return "unknown";
    default:
      return "ETIMEDOUT";
  }
}

/** What the server says, as it comes to the client. */
class FromServer extends Pipe {
  #hasEnded = false;

  constructor(private readonly onSaid: (bytes: string | undefined) => void) {
    super(1_000_000);
  }

  override push(bytes: string): void {
    if (bytes !== "" && !this.#hasEnded) this.onSaid(bytes);
    super.push(bytes);
  }

  override end(): void {
    if (this.#hasEnded) return;
    this.onSaid(undefined);
    this.cut();
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Nothing more comes, and nobody has said so. */
  cut(): void {
    this.#hasEnded = true;
    super.end();
  }
}

/** An open TCP connection, as its client has it. */
export class Connection {
  /** What the server sends. */
  readonly input = new FromServer((bytes) => this.#serverSays(bytes));
  /** What the server reads. */
  readonly #toServer = new Pipe(1_000_000);
  readonly local: { address: string; port: number };
  readonly remote: { address: string; port: number };
  #isClosed = false;
  /** `isFirst`: the other side had not closed it before. */
  onClose: (isFirst: boolean) => void = () => {};
  /** Whether the other side, or somebody on the way, has broken it off. */
  wasReset = false;
  readonly #name: string;
  /** Sequence numbers: how much each side has sent; the SYN was the first. */
  #sent = 1;
  #heard = 1;

  constructor(
    private readonly first: Packet,
    readonly journey: Founded<Journey>,
    private readonly end: NetworkEnd,
    /** Others open connections of their own on the way; what they do later is theirs. */
    private readonly isPassedOn: boolean,
    private readonly acts: Acts,
  ) {
    this.#name = nameOf(first);
    this.local = { address: first.source, port: first.sourcePort };
    this.remote = { address: first.destination, port: first.destinationPort };
  }

  get ends(): Ends {
    return { own: this.local, peer: this.remote };
  }

  /** The third packet of the handshake, and the server's process. */
  begin({ packet, party, sandbox }: Served, listener: Listener | undefined): void {
    this.#passes("ACK", this.#said("client", "."));
    const output = this.input;
    const stream = { ...endsOf(packet), input: this.#toServer, output };
    if (!listener?.accept) return output.end();
    const holder =
      sandbox?.hostNetwork === false ? sandbox : party.kind === "node" && party.machine;
    const ends = endsOf(packet);
    const all = (holder && taken.get(holder)) || new Set<Ends>();
    if (holder) taken.set(holder, all.add(ends));
    this.acts.begin(listener.accept(stream), () => {
      all.delete(ends);
      output.end();
      stream.input.close();
    });
  }

  /** Whether the bytes got there. */
  *send(bytes: string): Act<boolean> {
    for (const wait of dataWaits) {
      const passes = this.#passes("ACK", this.#said("client", "P.", bytes));
      if (passes === "yes") break;
      if (passes === "reset" || wait === dataWaits.at(-1)) {
        this.wasReset = passes === "reset";
        this.input.cut();
        return false;
      }
      yield* sleep(this.acts.clock, wait);
    }
    this.#sent += bytes.length;
    this.#show("back", this.#said("server", "."));
    return yield* this.#toServer.write(bytes);
  }

  /** The client has said all; it may still read. */
  shut(): void {
    this.#toServer.end();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onClose(!this.input.hasEnded);
    this.#passes("FIN,ACK", this.#said("client", "F."));
    this.#sent++;
    const { hasEnded } = this.input;
    this.#show("back", this.#said("server", hasEnded ? "." : "F."));
    this.#heard++;
    this.#passes("ACK", hasEnded ? undefined : this.#said("client", "."));
    this.#toServer.end();
    this.input.close();
  }

  /** `said`: what who looks on is shown. */
  #passes(flags: Flags, said: Said | undefined): "yes" | "no" | "reset" {
    if (!this.isPassedOn) return this.end.passes(this.first, flags, said);
    if (said) this.#show("there", said);
    return "yes";
  }

  #show(direction: "there" | "back", said: Said): void {
    this.end.show(this.journey, direction, said);
  }

  /** Undefined: it has said all. */
  #serverSays(bytes: string | undefined): void {
    if (this.#isClosed) return;
    this.#show("back", this.#said("server", bytes === undefined ? "F." : "P.", bytes));
    this.#heard += bytes === undefined ? 1 : bytes.length;
    this.#show("there", this.#said("client", "."));
  }

  #said(by: "client" | "server", flags: string, bytes = ""): Said {
    const [seq, ack] = by === "client" ? [this.#sent, this.#heard] : [this.#heard, this.#sent];
    return { kind: "tcp", by, flags, seq, ack, bytes, connection: this.#name };
  }
}
