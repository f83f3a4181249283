/**
 * Reads what the map shows out of a cluster, a snapshot or a list of objects: of each thing what
 * the API server believes (its objects) and, where machines are to be had, what is true.
 */
import type { Journey, Node, Outcomes } from "stopover";
import { findService, items } from "../objects.js";
import { fraction } from "../text.js";
import { choose } from "./choose.js";
import type { Grid, MapData, MapPod, MapService } from "./data.js";
import type { MapSource } from "./inside.js";
import { gridOf, summedUp } from "./matrix.js";
import { nodeOf } from "./nodes.js";
import { balancedBy, balancerOf, clientOf, dnsOf } from "./outside.js";
import { podsOf } from "./pods.js";
import { servedBy, serviceOf } from "./service.js";
import { enteredBy, journeyOf, readHeader, waysOf, type World } from "./way.js";

export type { MapSource };

/** What `map` shows; default: the first Service, without a way. */
export interface MapOptions {
  /** "name" or "namespace/name". Default: the Service that the journey met, else the first one. */
  service?: string | undefined;
  /** Its way is drawn, there and back. */
  journey?: Journey | undefined;
  /** Every way is drawn, with its share. */
  outcomes?: Outcomes | undefined;
  /** More nodes than this are summed up; those on the way are always drawn. Default 6. */
  nodes?: number | undefined;
  /** Likewise for Pods. Default 12. */
  pods?: number | undefined;
}

/** What the map of one Service shows. */
export function mapOf(source: MapSource, options: MapOptions = {}): MapData {
  const { journey, outcomes } = options;
  const trips = journey ? [journey] : (outcomes?.outcomes ?? []);
  const object = findService(source, options.service ?? servedBy(source, trips));
  const service = serviceOf(object);
  const all = podsOf(source, object, trips);
  const nodes = items<Node>(source, "Node");
  const world = worldOf(source, service, nodes, all);
  const way = journey && journeyOf(journey, world);
  const visits = way && [...way.there.visits, ...way.back.visits];
  const { shown, ...others } = choose(nodes, all, visits, world, options);
  const drawn = { nodes: shown, pods: others.pods };
  const ways = journey ? undefined : outcomes;
  const balanced = balancedBy(source, object, trips);
  return {
    ...wordsOf(service, options),
    service,
    client: clientOf(object, trips[0], world),
    dns: dnsOf(object, trips[0]),
    balancer: balanced && balancerOf(source, balanced),
    nodes: shown.map((node) => nodeOf(source, node, { service: object, balanced }, all)),
    ...others,
    journey: way,
    ways: ways && waysOf(ways, world),
    grid: ways && nodes.length > 1 ? sharesOf(ways, world, { nodes, pods: all }, drawn) : undefined,
  };
}

/** The table of shares, with what the map does not draw summed up. */
function sharesOf(
  ways: Outcomes,
  world: World,
  all: { nodes: readonly Node[]; pods: readonly MapPod[] },
  shown: { nodes: readonly Node[]; pods: readonly MapPod[] },
): Grid {
  const nodes = all.nodes.filter((node) => !shown.nodes.includes(node));
  const pods = all.pods.filter((pod) => !shown.pods.includes(pod));
  return summedUp(
    gridOf(ways, (trip) => enteredBy(trip, world)),
    {
      nodes: new Set(nodes.map(({ metadata }) => metadata.name)),
      pods: new Set(pods.map(({ name }) => name)),
    },
  );
}

function wordsOf(
  { name, policy, type }: MapService,
  { journey, outcomes }: MapOptions,
): { title: string; caption: string } {
  if (journey) {
    const { request, disposition, reason } = journey;
    const what = request.url || "A packet";
    return {
      title: `${what} from ${placeOf(request.from)}: ${disposition}`,
      caption: `${reason}.`,
    };
  }
  if (outcomes) {
    const { url, from } = outcomes.request;
    return {
      title: `Every way ${url || "the packet"} can go from ${placeOf(from)}`,
      caption: endsOf(outcomes),
    };
  }
  const local = policy === "Local" && type !== "ClusterIP";
  return {
    title: `The stop-overs of Service ${name}`,
    caption: local
      ? "externalTrafficPolicy Local: a node passes what comes from outside to Pods of its own, or drops it."
      : "",
  };
}

function placeOf(from: string): string {
  return from === "internet" ? "the internet" : from;
}

/** "delivered 2/3, dropped 1/3" */
function endsOf({ outcomes }: Outcomes): string {
  const ends = new Map<string, number>();
  for (const { disposition, probability } of outcomes)
    ends.set(disposition, (ends.get(disposition) ?? 0) + probability);
  return `${[...ends].map(([end, share]) => `${end} ${fraction(share)}`).join(", ")}.`;
}

function worldOf(
  { network }: MapSource,
  service: MapService,
  nodes: readonly Node[],
  pods: readonly MapPod[],
): World {
  const names = new Set(nodes.map(({ metadata }) => metadata.name));
  const byAddress = new Map(
    nodes.flatMap(({ metadata, status }) =>
      (status?.addresses ?? []).map(({ address }) => [address, metadata.name] as const),
    ),
  );
  const podAt = new Map(pods.map(({ address, key }) => [readHeader(address).address, key]));
  const homes = new Map(pods.map(({ key, node }) => [key, node]));
  return {
    service,
    nodeAt: (address) => byAddress.get(address),
    podAt: (address) => podAt.get(address),
    homeOf: (pod) => homes.get(pod),
    isNode: (name) => names.has(name),
    isDown: (node) => network !== undefined && network.machines.get(node)?.up !== true,
  };
}
