import type { Zone } from "../net/dns.js";
import type { Packet } from "../net/packet.js";
import type { Balancer, Balancers } from "../net/load-balancer.js";
import type { Machine, Sandbox } from "../node/machine.js";
import { parseAddress, type CIDR } from "../net/ip.js";
import { Routes } from "../net/routes.js";
import type { Party } from "./party.js";
import type { Basis, Founded, Journey, Remark } from "./types.js";

/** A line that somebody typed in a shell of this network, and what came of it. */
export interface Typed {
  /** "default/client", "node-a", "internet". */
  place: string;
  line: string;
  /** What appeared then; its beginning, where it is long. */
  output: string;
  exitCode: number;
  /** Of the packet that it sent last. */
  journey: Founded<Journey> | undefined;
}

/** What may go wrong on the network between machines. */
export interface NetworkFault {
  /**
   * What becomes of a packet on its way over the network, of requests and answers alike: it comes,
   * it is lost, or it comes `delay` milliseconds late. `from`, `to`: a machine's name, "internet",
   * or "load balancer".
   */
  onPacket(from: string, to: string, packet: Packet): "pass" | "drop" | { delay: number };
}

/**
 * Answers what decides whether the opener's packet is let in where it has arrived, if that is
 * something that is not modelled.
 */
export type Doubt = (opener: Party, by: Party, packet: Packet) => Remark | undefined;

/** The objects of a kind that there are now. */
export type ListOf = (kind: string) => readonly object[];

type Teacher = (network: Network, list: ListOf) => void;
const teachers: Teacher[] = [];

/** Every network from now on is told this: who evaluates nothing can say so, at least. */
export const teach = (teacher: Teacher): void => void teachers.push(teacher);

/**
 * All that a packet can meet: machines, load balancers, names, and the fabric between them (a
 * cloud's network with its route table). Nothing of Kubernetes is in here; a packet sees what was
 * programmed, be it stale or not.
 */
export class Network {
  readonly machines = new Map<string, Machine>();
  readonly #machineAt = new Map<string, Machine>();
  /** Where a Pod of this name runs, the newest last: its former self may be on a lost node yet. */
  readonly #machinesOf = new Map<string, readonly Machine[]>();
  /** The networks that the machines themselves are in. */
  readonly #links = new Routes();
  /** Where Pods have their addresses, known ones or not. */
  readonly podRanges: CIDR[] = [];
  /**
   * Hosts that are no part of the cluster, by address: endpoints outside of it. They answer on
   * every port.
   */
  readonly outside = new Map<string, string>();
  /** Who else may be there, outside of the cluster; asked where nobody inside has the address. */
  readonly strangers: ((address: string) => string | undefined)[] = [];
  /** Sticky load balancers and their clients -> the target that it was sent to. */
  readonly stickiness = new Map<string, string>();
  /** The journey of the packet that a command sent last. */
  lastJourney: Founded<Journey> | undefined;
  /** What was typed in the shells of this network, the last one last; undefined: nothing. */
  declare typed?: Typed[];
  /** Default: nothing goes wrong. */
  fault: NetworkFault | undefined;
  /** What every verdict here rests on. */
  readonly bases: Basis[] = [];
  /** Why nobody answers Pods that ask the cluster's DNS; undefined where somebody does. */
  dnsFault: Remark | undefined;
  /** What decides about a connection and is not modelled. */
  readonly doubts: Doubt[] = [];
  /**
   * Whether a Pod in a node's network takes what comes there, as it might; undeclared.ts knows of
   * those that declare no port.
   */
  declare takes?: (told: { basis: Basis }, pod: Sandbox, packet: Packet) => boolean;

  constructor(
    /** Which range of Pods lies behind which node: next hops are node addresses. */
    readonly routes: Routes,
    readonly internet: Zone,
    /** The cluster's own DNS, which Pods ask. */
    readonly clusterDns: Zone,
    readonly balancers: Balancers,
  ) {}

  learn(list: ListOf): void {
    for (const teacher of teachers) teacher(this, list);
  }

  addMachine(machine: Machine): void {
    this.machines.set(machine.name, machine);
    for (const address of machine.addresses) this.#machineAt.set(address, machine);
    for (const { key } of machine.sandboxes) this.#runs(key, machine, true);
    machine.onSandbox = ({ key }, there) => this.#runs(key, machine, there);
    for (const range of machine.ranges) this.#links.add({ to: range, dev: "eth0" });
  }

  removeMachine(name: string): void {
    const machine = this.machines.get(name);
    if (!machine) return;
    delete machine.onSandbox;
    for (const { key } of machine.sandboxes) this.#runs(key, machine, false);
    for (const address of machine.addresses) this.#machineAt.delete(address);
    this.machines.delete(name);
  }

  #runs(key: string, machine: Machine, there: boolean): void {
    const known = this.#machinesOf.get(key);
    if (!known && there) return void this.#machinesOf.set(key, [machine]);
    const others = (known ?? []).filter((each) => each !== machine);
    if (there || others.length > 0)
      this.#machinesOf.set(key, there ? [...others, machine] : others);
    else this.#machinesOf.delete(key);
  }

  /**
   * The machine that the fabric hands a packet for `address` to: its owner, or the node whose Pods
   * have that range.
   */
  machineFor(address: string): Machine | undefined {
    const own = this.#machineAt.get(address);
    if (own) return own;
    const route = this.routes.lookup(parseAddress(address));
    return route?.via === undefined ? undefined : this.#machineAt.get(route.via);
  }

  /** The host outside of the cluster that has this address. */
  outsideAt(address: string): string | undefined {
    const known = this.outside.get(address);
    if (
      known !== undefined ||
      this.podRanges.some((range) => range.contains(parseAddress(address)))
    )
      return known;
    for (const stranger of this.strangers) {
      const name = stranger(address);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  machineAt(address: string): Machine | undefined {
    return this.#machineAt.get(address);
  }

  /**
   * The load balancer that a packet to this address and port meets. Where none listens on that
   * port, any one of the address: it says so.
   */
  balancerAt(address: string, protocol: string, port: number): Balancer | undefined {
    const there = this.balancers.at(address);
    const listens = ({ balancer }: Balancer): boolean =>
      balancer.listeners.some((each) => each.protocol === protocol && each.port === port);
    return there.length < 2 ? there[0] : (there.find(listens) ?? there[0]);
  }

  /**
   * Whether an address lies in a network of the cluster's: the machines' own, or the Pods'. Only
   * from there do routes lead to Pods; everybody else comes from the internet.
   */
  isInside(address: string): boolean {
    const parsed = parseAddress(address);
    return (
      this.#links.lookup(parsed) !== undefined ||
      this.routes.lookup(parsed) !== undefined ||
      this.podRanges.some((range) => range.contains(parsed))
    );
  }

  /** An address of a Pod that no machine runs: in a dump, its Pod may not be among the objects. */
  isUnknownPod(address: string): boolean {
    return (
      this.podRanges.some((range) => range.contains(parseAddress(address))) &&
      !this.machineFor(address)?.sandboxAt(address)
    );
  }

  /** The Pod "namespace/name" and the machine it runs on: of several the newest that is up. */
  sandbox(key: string): { machine: Machine; sandbox: Sandbox } | undefined {
    const machines = this.#machinesOf.get(key) ?? [];
    const machine = machines.findLast(({ up }) => up) ?? machines.at(-1);
    const sandbox = machine?.sandbox(key);
    return machine && sandbox && { machine, sandbox };
  }
}
