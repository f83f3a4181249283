/**
 * What the map shows, as plain data: of each thing what the API server believes of it and what is
 * true. Where it is drawn is layout.ts's business, and how, draw.ts's.
 */
import type { Disposition, Header } from "stopover";

export interface MapData {
  title: string;
  /** What is to be said below the title. */
  caption: string;
  service: MapService;
  /** Who asks from outside of the cluster. */
  client?: MapClient | undefined;
  dns?: MapDns | undefined;
  balancer?: MapBalancer | undefined;
  /** Those that are drawn; `more` are summed up. */
  nodes: MapNode[];
  moreNodes: number;
  pods: MapPod[];
  /** Pods that are not drawn, by node. */
  morePods: Readonly<Record<string, number>>;
  journey?: MapJourney | undefined;
  ways?: MapWays | undefined;
  /** Of all ways: which node was entered, and who answered. */
  grid?: Grid | undefined;
}

/** A table of shares. */
export interface Grid {
  /** The nodes that requests enter. */
  rows: string[];
  /** The Pods that answer them, each with its node, and after those the ways to fail. */
  columns: { name: string; node: string | undefined }[];
  cells: number[][];
}

export interface MapService {
  /** "default/nginx" */
  key: string;
  name: string;
  type: string;
  clusterIP: string | undefined;
  port: number | undefined;
  nodePort: number | undefined;
  /** externalTrafficPolicy. */
  policy: "Cluster" | "Local";
}

export interface MapClient {
  name: string;
  address: string;
}

export interface MapDns {
  /** What was asked for. */
  name: string;
  /** The records that it found, or why it found none. */
  lines: string[];
}

export interface MapBalancer {
  /** Believed: the Service's status names one. */
  believed: boolean;
  /** True: the cloud has one; undefined where nobody knows. */
  there: boolean | undefined;
  hostname: string | undefined;
  address: string | undefined;
  port: number | undefined;
}

/** How a load balancer holds a node; none: it is not among the targets. */
export type Target = "healthy" | "unhealthy" | "excluded" | "none";

export interface MapNode {
  name: string;
  address: string;
  /** Believed: the Node's condition Ready. */
  ready: boolean;
  /** True: the machine runs; undefined where nobody knows. */
  up: boolean | undefined;
  /** True: its kube-proxy runs; undefined where nobody knows. */
  proxy: "running" | "stopped" | undefined;
  /** Its rules for the Service are older than the Service. */
  stale: boolean;
  target: Target;
  /** The Service's rules here drop what comes from outside: policy Local, and no endpoint here. */
  shut: boolean;
}

export interface MapPod {
  /** "default/nginx-…" */
  key: string;
  name: string;
  /** The node it is on; undefined: on none yet, or outside of the cluster. */
  node: string | undefined;
  address: string;
  /** Believed: what the EndpointSlices say; "absent": they do not name it. */
  believed: "ready" | "not ready" | "terminating" | "absent";
  /** True: a process of it listens where the Service sends packets; undefined: nobody knows. */
  listens: boolean | undefined;
  /** Who asks, where that is a Pod. */
  asks: boolean;
  /** None of the Service's: it asks, or passes a request on. */
  stranger: boolean;
}

/**
 * Where a packet can be: the client, the load balancer, DNS; and on a node its NodePort ("door"),
 * its link ("eth"), its kernel ("core"), the Service's rules ("bar"), a process of its own
 * ("proc"); in front of it, where it does not answer ("edge"); a Pod.
 */
export type Place =
  | { at: "client" | "dns" | "balancer" }
  | { at: "door" | "eth" | "core" | "bar" | "proc" | "edge"; node: string }
  | { at: "pod"; pod: string };

/** A place that the packet came to, and at which of the journey's hops. */
export interface Visit {
  place: Place;
  hop: number;
}

/** A stretch of the way on which the packet's addresses stay as they are. */
export interface Leg {
  header: Header;
  /** The visits that it leads from and to, by their number. */
  from: number;
  to: number;
}

/** A way: where it came through, and what the packet said meanwhile. */
export interface Way {
  visits: Visit[];
  legs: Leg[];
}

export interface MapJourney {
  there: Way;
  back: Way;
  /** "there": it ended on its way; "back": its answer did; undefined: all went well. */
  lost: "there" | "back" | undefined;
  disposition: Disposition;
}

/** A part of a way, and the share of all requests that takes it. */
export interface Edge {
  from: Place;
  to: Place;
  share: number;
}

export interface MapWays {
  edges: Edge[];
  /** Which share of the requests comes to this place, by `keyOf(place)`. */
  shares: Readonly<Record<string, number>>;
  /** Where requests end that nobody answers. */
  ends: { place: Place; disposition: Disposition; share: number }[];
}

export function keyOf(place: Place): string {
  return "node" in place
    ? `${place.at} ${place.node}`
    : "pod" in place
      ? `pod ${place.pod}`
      : place.at;
}
