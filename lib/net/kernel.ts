/**
 * The network of one machine, a node's or a client's: interfaces, routes, netfilter, sockets that
 * listen.
 *
 *     const interfaces = [{ name: "eth0", addresses: ["192.168.0.1/24"] }];
 *     const node = new Kernel({ name: "node-a", clock, forwarding: true, interfaces });
 *     node.routes.add({ to: "10.1.1.2/32", dev: "veth1" });
 *     iptables(node).rules.IPv4 = parseRules(text);      // or another dataplane: dataplane.ts
 *     const verdict = node.receive(packet, "eth0", { choose });  // where the packet goes from here
 *
 * (net/ipv4/ip_input.c, ip_forward.c, ip_output.c, fib_frontend.c)
 */
import { Conntrack } from "./conntrack.js";
import { Dataplanes, type Stop } from "./dataplane.js";
import { type CIDR, parseAddress, parseCIDR, type Address, type Family } from "./ip.js";
import { destinationOf, sourceOf, type Packet, type Transport } from "./packet.js";
import { Passage, type Walk } from "./passage.js";
import { Routes, type Route } from "./routes.js";

export interface Interface {
  name: string;
  /**
   * With their prefix lengths: "192.168.0.1/24". It may have none, as the host's end of a veth pair
   * has none where the way to its other end is a route of its own.
   */
  addresses: readonly string[];
}

export interface KernelOptions {
  name: string;
  interfaces: readonly Interface[];
  clock: { now(): number };
  /** net.ipv4.ip_forward. Default: false. */
  forwarding?: boolean;
  /** net.ipv4.conf.all.route_localnet: 127.0.0.0/8 may be routed. Default: false. */
  routeLocalnet?: boolean;
  /** net.netfilter.nf_conntrack_tcp_be_liberal. Default: false. */
  tcpLiberal?: boolean;
  /** Routes that many kernels share. */
  sharedRoutes?: Routes | undefined;
}

export type Verdict =
  /** It is for this machine; `listening`: a socket takes it. */
  | { kind: "local"; packet: Packet; interface: string; listening: boolean }
  /**
   * It leaves by this interface, towards `nextHop` (the destination itself where that is on the
   * link).
   */
  | { kind: "forward"; packet: Packet; interface: string; nextHop: string }
  | Stop; // rejected, dropped, or without a route

const loopback: Interface = { name: "lo", addresses: ["127.0.0.1/8", "::1/128"] };

export type AddressType = "LOCAL" | "UNICAST" | "BROADCAST" | "MULTICAST";

/**
 * IPv6 drops these before any rule sees them (net/ipv6/ip6_input.c, ip6_rcv_core); IPv4 asks
 * route_localnet later.
 */
const isStrayLoopback = ({ source, destination }: Passage): boolean =>
  source.family === "IPv6" && (source.loopback || destination.loopback);

export class Kernel {
  readonly name: string;
  readonly conntrack: Conntrack;
  readonly routes: Routes;
  /** What looks at packets. Where nothing does, they pass untouched and untracked. */
  readonly dataplanes = new Dataplanes();
  forwarding: boolean;
  routeLocalnet: boolean;
  readonly #interfaces = new Map<string, CIDR[]>();
  readonly #local = new Map<string, number>();
  readonly #sockets = new Map<string, readonly { address: string }[]>();

  constructor({
    name,
    interfaces,
    clock,
    forwarding = false,
    routeLocalnet = false,
    tcpLiberal = false,
    sharedRoutes,
  }: KernelOptions) {
    this.name = name;
    this.conntrack = new Conntrack(clock);
    this.conntrack.tcpLiberal = tcpLiberal;
    this.routes = new Routes(sharedRoutes);
    this.forwarding = forwarding;
    this.routeLocalnet = routeLocalnet;
    this.setInterface(loopback);
    interfaces.forEach((each) => this.setInterface(each));
  }

  /**
   * Adds an interface or replaces its addresses; the networks of its addresses get their routes.
   * Other routes out of it stay.
   */
  setInterface({ name, addresses }: Interface): void {
    this.#takeAddresses(name);
    const ranges = addresses.map(parseCIDR);
    this.#interfaces.set(name, ranges);
    for (const range of ranges) {
      this.#local.set(range.address.text, (this.#local.get(range.address.text) ?? 0) + 1);
      if (name !== "lo") this.routes.append({ to: range.text, dev: name });
    }
  }

  /** Takes an interface away, with its addresses and every route out of it. */
  removeInterface(name: string): void {
    this.#takeAddresses(name);
    this.routes.removeDevice(name);
    this.#interfaces.delete(name);
  }

  #takeAddresses(name: string): void {
    for (const range of this.#interfaces.get(name) ?? []) {
      const users = this.#local.get(range.address.text)! - 1;
      if (users > 0) this.#local.set(range.address.text, users);
      else this.#local.delete(range.address.text);
      this.routes.remove(range.text, { dev: name });
    }
  }

  get interfaces(): Interface[] {
    return [...this.#interfaces].map(([name, ranges]) => ({
      name,
      addresses: ranges.map((range) => `${range.address.text}/${range.length}`),
    }));
  }

  /** A process listens on `port`, of all addresses or one; answers how it closes its socket. */
  listen(protocol: Transport, port: number, address = "*"): () => void {
    const key = `${protocol} ${port}`;
    const socket = { address };
    this.#sockets.set(key, [...(this.#sockets.get(key) ?? []), socket]);
    return () => {
      const others = this.#sockets.get(key)!.filter((each) => each !== socket);
      this.#sockets.set(key, others);
    };
  }

  /** Whether a socket listens where this packet is going. */
  listening({ protocol, destination, destinationPort }: Packet): boolean {
    return (
      this.#sockets
        .get(`${protocol} ${destinationPort}`)
        ?.some(({ address }) => address === "*" || address === destination) ?? false
    );
  }

  /** The sockets that listen, as `ss -ln` lists them. */
  get sockets(): { protocol: string; port: number; address: string }[] {
    return [...this.#sockets].flatMap(([key, addresses]) =>
      addresses.map(({ address }) => ({
        protocol: key.split(" ")[0]!,
        port: Number(key.split(" ")[1]),
        address,
      })),
    );
  }

  isLocal(address: Address): boolean {
    return address.loopback || this.#local.has(address.text);
  }

  /** A packet arrives by an interface. */
  receive(packet: Packet, interfaceName: string, walk: Walk): Verdict {
    const passage = new Passage(this, packet, walk);
    if (interfaceName !== "lo" && isStrayLoopback(passage))
      return {
        kind: "drop",
        packet,
        why: `::1 cannot come from outside, yet ${sourceOf(packet)} -> ${destinationOf(packet)} came by ${interfaceName}`,
      };
    return (
      passage.through("PREROUTING", interfaceName, "") ?? this.#routeIn(passage, interfaceName)
    );
  }

  /** A process of this machine sends a packet. */
  send(packet: Packet, walk: Walk): Verdict {
    const passage = new Passage(this, packet, walk);
    let route = this.#routeOut(passage);
    if ("kind" in route) return route;
    const stop =
      passage.through("OUTPUT", "", route.dev, () => {
        const again = this.#routeOut(passage);
        if ("kind" in again) return again;
        route = again;
        return undefined;
      }) ?? passage.through("POSTROUTING", "", route.dev);
    if (stop) return stop;
    if (route.dev !== "lo") return this.#leave(passage, route);
    return passage.through("PREROUTING", "lo", "") ?? this.#deliver(passage, "lo");
  }

  /**
   * The source address that a process gets which names none; undefined where nothing leads to
   * `destination`.
   */
  sourceFor(destination: string): string | undefined {
    const to = parseAddress(destination);
    if (this.isLocal(to)) return to.text;
    const route = this.routes.lookup(to);
    return route && this.sourceAddress(route.dev, to);
  }

  // ---- routing ----

  #routeIn(passage: Passage, incoming: string): Verdict {
    const { source, destination } = passage;
    const martian = this.#martian(source, destination, incoming);
    if (martian) return { kind: "drop", packet: passage.packet, why: martian };
    if (this.isLocal(destination)) return this.#deliver(passage, incoming);
    if (!this.forwarding)
      return {
        kind: "drop",
        packet: passage.packet,
        why: `${destination.text} is no address of ${this.name}, and it forwards nothing (net.ipv4.ip_forward = 0)`,
      };
    const route = this.#route(passage);
    if ("kind" in route) return route;
    return (
      passage.through("FORWARD", incoming, route.dev) ??
      // what is passed on is still known by the interface that it came by (ip_output)
      passage.through("POSTROUTING", incoming, route.dev) ??
      this.#leave(passage, route)
    );
  }

  /**
   * Addresses that cannot come from outside (fib_frontend.c, __fib_validate_source; route.c,
   * ip_route_input_slow).
   */
  #martian(source: Address, destination: Address, incoming: string): string | undefined {
    if (incoming === "lo" || source.family === "IPv6") return undefined;
    if (destination.loopback && !this.routeLocalnet)
      return `martian destination ${destination.text} on ${incoming} (net.ipv4.conf.all.route_localnet = 0)`;
    if (source.loopback && !this.routeLocalnet)
      return `martian source ${source.text} on ${incoming} (net.ipv4.conf.all.route_localnet = 0)`;
    if (!source.loopback && this.isLocal(source))
      return `martian source: ${source.text} is an address of ${this.name} itself, yet the packet came by ${incoming}`;
    return undefined;
  }

  #routeOut(passage: Passage): Route | Stop {
    const { source, destination } = passage;
    if (this.isLocal(destination)) return { to: destination.text, dev: "lo" };
    if (source.loopback && source.family === "IPv4" && !this.routeLocalnet)
      return {
        kind: "drop",
        packet: passage.packet,
        why: `a packet from ${source.text} cannot leave the machine (net.ipv4.conf.all.route_localnet = 0)`,
      };
    return this.#route(passage);
  }

  #route(passage: Passage): Route | Stop {
    const { packet, destination } = passage;
    const route = this.routes.lookup(destination);
    if (route === undefined)
      return { kind: "no route", packet, why: `${this.name} has no route to ${destination.text}` };
    if (route.type === "blackhole")
      return {
        kind: "no route",
        packet,
        why: `${this.name}'s blackhole route to ${route.to} swallows it: nobody has ${destination.text} (any more)`,
      };
    if (route.type === "unreachable")
      return {
        kind: "no route",
        packet,
        why: `${this.name}'s route to ${route.to} says unreachable`,
      };
    if (passage.recorded)
      passage.note("route", `${route.to}${route.via ? ` via ${route.via}` : ""} dev ${route.dev}`);
    return route;
  }

  #leave({ packet }: Passage, { dev, via }: Route): Verdict {
    return { kind: "forward", packet, interface: dev, nextHop: via ?? packet.destination };
  }

  #deliver(passage: Passage, incoming: string): Verdict {
    const stop = passage.through("INPUT", incoming, "");
    if (stop) return stop;
    if (passage.recorded) passage.note("deliver", passage.destination.text);
    return {
      kind: "local",
      packet: passage.packet,
      interface: incoming,
      listening: this.listening(passage.packet),
    };
  }

  // ---- what dataplanes and NAT ask ----

  /**
   * inet_select_addr: an address of that interface, best one of the destination's network; else the
   * first of any interface but lo. In IPv6 what goes to an address of the machine's own has that
   * address as its source, too (ipv6_dev_get_saddr, rule 1 of RFC 6724).
   */
  sourceAddress(out: string, destination: Address): string | undefined {
    if (destination.family === "IPv6" && this.isLocal(destination)) return destination.text;
    const own = this.#interfaces.get(out);
    const best =
      own?.find((range) => range.contains(destination)) ??
      own?.find(({ family, address }) => family === destination.family && !address.loopback);
    return (
      (best?.address.loopback ? undefined : best?.address.text) ?? this.#first(destination.family)
    );
  }

  interfaceAddress(name: string, family: Family): string | undefined {
    return this.#interfaces.get(name)?.find((range) => range.family === family)?.address.text;
  }

  #first(family: Family): string | undefined {
    for (const ranges of this.#interfaces.values())
      for (const { address } of ranges)
        if (address.family === family && !address.loopback) return address.text;
    return undefined;
  }

  addressType(address: Address): AddressType {
    if (this.isLocal(address)) return "LOCAL";
    const v4 = address.family === "IPv4";
    if (v4 ? address.a >>> 28 === 14 : address.a >>> 24 === 255) return "MULTICAST";
    return v4 && address.a === -1 ? "BROADCAST" : "UNICAST";
  }
}
