/**
 * Most doors of a Service are the same door on another node. Where neither the Service nor the
 * state of the nodes makes a difference, one node without endpoints and one with them are asked for
 * all; the endpoints themselves are all asked. Where one of these does not answer, two nodes are.
 */
import { readAddress } from "../net/ip.js";
import type { Target } from "../net/load-balancer.js";
import type { Machine } from "../node/machine.js";
import type { Service } from "../objects/types.js";
import type { Way } from "./doors.js";
import type { Objects } from "./objects.js";
import { tryDoor, type Tried } from "./tries.js";
import type { World } from "./types.js";

/** With fewer nodes nothing is gained. */
const fewNodes = 5;
/** So many nodes speak for those that are like them, where something is wrong. */
const spokesmen = 2;

/** What came of a door; `like`: the place of the door that was tried for it. */
export type TriedOrLike = Tried & { like?: number };

export class AlikeNodes {
  readonly #signatures = new Map<string, string>();
  readonly #kinds = new Map<Machine, number>();
  readonly #signaturesSeen = new Map<string, number>();
  readonly #askers = new Map<string, number>();

  constructor(private readonly world: World) {}

  /** What comes of each of these doors, in their order. */
  tryAll(ways: readonly Way[], service: Service, objects: Objects): TriedOrLike[] {
    const { network } = this.world;
    if (network.machines.size < fewNodes || network.fault || !isUniform(service, objects))
      return ways.map((way) => tryDoor(network, way));
    const own = nodesOf(service, objects);
    const sound = this.#allSound(ways, own);
    return sound ?? this.#bySpokesmen(ways, own);
  }

  /** A node of each kind speaks for its like; undefined: something is wrong. */
  #allSound(ways: readonly Way[], own: ReadonlySet<string>): TriedOrLike[] | undefined {
    const known = new Map<string | number, TriedOrLike>();
    const found: TriedOrLike[] = [];
    for (const [place, way] of ways.entries()) {
      const like = this.#likeness(way, own) ?? this.#sameBalancer(way);
      const answer = like === undefined ? undefined : known.get(like);
      const tried = answer ?? { ...this.#try(way, own), like: place };
      if (tried.disposition !== "delivered") return undefined;
      if (like !== undefined) known.set(like, tried);
      found.push(tried);
    }
    return found;
  }

  /** Behind a load balancer, a node of each kind is picked for all that are like it. */
  #try(way: Way, own: ReadonlySet<string>): Tried {
    const { network } = this.world;
    const targets = way.via.includes("load-balancer") ? this.#targetsOf(way) : [];
    const kinds = new Map<string, { place: number; count: number }>();
    targets.forEach(({ instance }, place) => {
      const machine = network.machines.get(instance);
      const kind = machine ? `${own.has(instance)} ${this.#signature(machine)}` : instance;
      const known = kinds.get(kind);
      if (known) known.count++;
      else kinds.set(kind, { place, count: 1 });
    });
    if (kinds.size === 0) return tryDoor(network, way);
    const tried = [...kinds.values()].map(({ place, count }) => ({
      ...tryDoor(network, way, () => place),
      count,
    }));
    const share = tried.reduce((sum, one) => sum + one.share * one.count, 0) / targets.length;
    const worst = tried.find(({ failing }) => failing) ?? tried[0]!;
    return { disposition: worst.disposition, share, failing: worst.failing };
  }

  #targetsOf(way: Way): readonly Target[] {
    const [address] = this.#addressesOf(way);
    const balanced = address === undefined ? [] : this.world.network.balancers.at(address);
    const { balancer, targets = [] } = balanced[0] ?? {};
    // picks among some of them
    if (balancer?.single || balancer?.zones || targets.some(({ listener }) => listener)) return [];
    return targets.filter(({ healthy }) => healthy);
  }

  #addressesOf({ attempts: [first] }: Way): readonly string[] {
    const host = first?.goal?.host ?? "";
    return readAddress(host) ? [host] : this.world.network.internet.resolve(host).addresses;
  }

  /** A name and the load balancer that it leads to are one door, once the name is known. */
  #sameBalancer(way: Way): string | undefined {
    if (!way.via.includes("load-balancer")) return undefined;
    const addresses = this.#addressesOf(way);
    const ports = way.attempts.map(({ goal }) => goal?.port);
    return addresses.length > 0
      ? `${addresses.join()} ${ports.join()} ${way.attempts[0]!.from}`
      : undefined;
  }

  #bySpokesmen(ways: readonly Way[], own: ReadonlySet<string>): TriedOrLike[] {
    const known = new Map<string | number, TriedOrLike[]>();
    return ways.map((way, place) => {
      const isOwn = way.node !== undefined && own.has(way.node);
      const like = isOwn ? undefined : this.#likeness(way, own);
      if (like === undefined) return this.#try(way, own);
      const answers = known.get(like) ?? [];
      if (answers.length >= spokesmen && answers.every((each) => isSame(each, answers[0]!)))
        return asAt(way, answers[0]!);
      const tried = { ...this.#try(way, own), like: place };
      known.set(like, [...answers, tried]);
      return tried;
    });
  }

  /**
   * What doors have in common that are alike, as a number, since this is asked of every door of
   * every node; undefined: this one is like no other.
   */
  #likeness({ door, node, attempts }: Way, own: ReadonlySet<string>): number | undefined {
    if (node === undefined || attempts.length === 0) return undefined;
    if (door !== "node-port" && door !== "cluster-ip") return undefined;
    const machine = this.world.network.machines.get(node);
    if (!machine) return undefined;
    const { from } = attempts[0]!;
    // who asks from a node of his own asks each node alike
    const asker = isFromNode(from, node) ? "itself" : from;
    const kind = numbered(this.#askers, asker) * mostKinds + this.#kindOf(machine);
    return kind * 4 + (own.has(node) ? 2 : 0) + (door === "node-port" ? 1 : 0);
  }

  /** Nodes of one signature are of one kind. */
  #kindOf(machine: Machine): number {
    let kind = this.#kinds.get(machine);
    if (kind === undefined) {
      kind = numbered(this.#signaturesSeen, this.#signature(machine));
      this.#kinds.set(machine, kind);
    }
    return kind;
  }

  #signature(machine: Machine): string {
    let signature = this.#signatures.get(machine.name);
    if (signature === undefined) {
      const { kernel, up } = machine;
      const proxy = this.world.proxy(machine.name);
      signature = [
        up,
        kernel.forwarding,
        kernel.routeLocalnet,
        [...kernel.dataplanes].length,
        proxy?.running,
        proxy?.version,
        proxy?.pending,
      ].join(" ");
      this.#signatures.set(machine.name, signature);
    }
    return signature;
  }
}

/** More kinds of nodes than a cluster has nodes. */
const mostKinds = 1_000_000;

/** The number of a text: the next one where it is new. */
function numbered(known: Map<string, number>, text: string): number {
  let number = known.get(text);
  if (number === undefined) known.set(text, (number = known.size));
  return number;
}

/** Whether it is "node/NAME", without making that text. */
const isFromNode = (from: string, node: string): boolean =>
  from.length === node.length + 5 && from.startsWith("node/") && from.endsWith(node);

/** The same of another node's door. */
const asAt = ({ attempts }: Way, tried: TriedOrLike): TriedOrLike => ({
  ...tried,
  failing: tried.failing && attempts.find(({ port }) => port === tried.failing!.port),
});

const isSame = (x: Tried, y: Tried): boolean =>
  x.disposition === y.disposition && x.share === y.share;

/** Whether kube-proxy writes the same rules for it on every node. */
function isUniform(service: Service, objects: Objects): boolean {
  const { externalTrafficPolicy, internalTrafficPolicy, loadBalancerSourceRanges } = service.spec;
  return (
    externalTrafficPolicy !== "Local" &&
    internalTrafficPolicy !== "Local" &&
    !loadBalancerSourceRanges?.length &&
    service.spec.sessionAffinity !== "ClientIP" &&
    objects.slicesOf(service).every(({ endpoints }) => endpoints.every(({ hints }) => !hints))
  );
}

const nodesOf = (service: Service, objects: Objects): Set<string> =>
  new Set(
    objects
      .slicesOf(service)
      .flatMap(({ endpoints }) => endpoints.flatMap(({ nodeName }) => nodeName ?? [])),
  );
