/**
 * Most doors of a Service are the same door on another node. Where neither the Service nor the
 * state of the nodes makes a difference, two nodes without endpoints are asked for all of them; a
 * node that has an endpoint is always asked itself.
 */
import type { Machine } from "../node/machine.js";
import type { Service } from "../objects/types.js";
import type { Way } from "./doors.js";
import type { Objects } from "./objects.js";
import { tryDoor, type Tried } from "./tries.js";
import type { World } from "./types.js";

/** With fewer nodes nothing is gained. */
const fewNodes = 5;
/** So many nodes speak for those that are like them. */
const spokesmen = 2;

export class AlikeNodes {
  readonly #signatures = new Map<string, string>();

  constructor(private readonly world: World) {}

  /** What comes of each of these doors, in their order. */
  tryAll(ways: readonly Way[], service: Service, objects: Objects): Tried[] {
    const { network } = this.world;
    if (network.machines.size < fewNodes || network.fault || !isUniform(service, objects))
      return ways.map((way) => tryDoor(network, way));
    const own = nodesOf(service, objects);
    const known = new Map<string, Tried[]>();
    return ways.map((way) => {
      const like = this.#likeness(way, own);
      if (like === undefined) return tryDoor(network, way);
      const answers = known.get(like) ?? [];
      if (answers.length >= spokesmen && answers.every((each) => isSame(each, answers[0]!)))
        return asAt(way, answers[0]!);
      const tried = tryDoor(network, way);
      known.set(like, [...answers, tried]);
      return tried;
    });
  }

  /** What doors have in common that are alike; undefined: this one is like no other. */
  #likeness({ door, node, attempts }: Way, own: ReadonlySet<string>): string | undefined {
    if (node === undefined || own.has(node) || attempts.length === 0) return undefined;
    if (door !== "node-port" && door !== "cluster-ip") return undefined;
    const machine = this.world.network.machines.get(node);
    const { from } = attempts[0]!;
    // who asks from a node of his own asks each node alike
    const asker = from === `node/${node}` ? "itself" : from;
    return machine && `${door} ${asker} ${this.#signature(machine)}`;
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

/** The same of another node's door. */
const asAt = ({ attempts }: Way, tried: Tried): Tried => ({
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
