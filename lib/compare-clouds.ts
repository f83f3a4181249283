/**
 * The same request to the same objects, behind each kind of load balancer.
 *
 *     compareClouds(read("manifests"), { url: "http://mynginx-app.com:8080/" })
 */
import { cloudNames, clouds, type CloudName } from "./cloud/clouds.js";
import { type Cluster, createCluster } from "./cluster.js";
import type { ClusterOptions } from "./cluster-options.js";
import type { Header, Journey, Outcomes } from "./journey/types.js";
import { parseEndpoint } from "./net/ip.js";
import type { Documents } from "./objects/files.js";

/** What one kind of load balancer makes of the request. */
export interface CloudRow {
  cloud: CloudName;
  /** As its status says: a hostname, an IP with its ipMode, "<pending>". */
  address: string;
  /** The places of the shortest way that is answered: "load-balancer node-a cluster-ip pod". */
  hops: string[];
  /** What is rewritten on that way, and where: "node-a: to 192.168.0.1:30519 -> 10.1.1.2:80". */
  translations: string[];
  /** The addresses that Pods take for their client, sorted. */
  clientSeenByPod: string[];
  /** Node -> the share of the requests that come to it first. */
  enters: Record<string, number>;
  /** What becomes of a Pod of the Service that asks for the same URL. */
  fromPod: FromPod;
  /**
   * What becomes of requests when the node dies that hurts the most; undefined: none is answered.
   */
  nodeDies: NodeDies | undefined;
}

export interface FromPod {
  /** Whether it gets as far as the load balancer. */
  meetsBalancer: boolean;
  /** The share of its requests that is not answered. */
  fails: number;
}

export interface NodeDies {
  node: string;
  /** The share of the requests that is not answered, right after. */
  fails: number;
  /**
   * Seconds until the load balancer sends nothing there; undefined: it does so after five minutes.
   */
  balancerKnows: number | undefined;
  /** Seconds until all are answered again; undefined: not within five minutes. */
  wellAgain: number | undefined;
}

export interface CompareOptions extends Pick<
  ClusterOptions,
  "nodes" | "seed" | "domains" | "proxyMode" | "version"
> {
  /** Whose load balancers. Default: all. */
  clouds?: readonly CloudName[];
  url: string;
  /** Who asks. Default "internet". */
  from?: string;
}

/** So long one waits for a cluster to be well again. Seconds. */
const patience = 300;
/** Health checks and new connections have come to rest by then. */
const settling = "60s";

export function compareClouds(
  documents: Documents,
  { clouds: names = cloudNames, url, from = "internet", ...options }: CompareOptions,
): CloudRow[] {
  return names.map((cloud) => {
    const cluster = createCluster({ ...options, cloud: clouds[cloud]() });
    cluster.apply(documents);
    cluster.settle();
    cluster.advance(settling);
    const { outcomes } = cluster.outcomes(url, { from });
    const answered = outcomes.filter(({ disposition }) => disposition === "delivered");
    const [shortest] = [...answered].sort((a, b) => a.hops.length - b.hops.length);
    return {
      cloud,
      address: addressOf(cluster),
      hops: shortest ? placesOf(shortest) : [],
      translations: shortest ? translationsOf(shortest) : [],
      clientSeenByPod: [
        ...new Set(answered.map((way) => parseEndpoint(way.clientSeenByPod!).address)),
      ].sort(),
      enters: entersOf(outcomes),
      fromPod: askedByPod(cluster, url),
      nodeDies: answered.length > 0 ? death(cluster, url, from) : undefined,
    };
  });
}

/** Where the first Service of type LoadBalancer is to be reached. */
function addressOf(cluster: Cluster): string {
  const service = cluster.list("Service").find(({ spec }) => spec.type === "LoadBalancer");
  const [first] = service?.status?.loadBalancer?.ingress ?? [];
  if (first?.ip === undefined) return first?.hostname ?? "<pending>";
  return `${first.ip} (ipMode ${first.ipMode ?? "VIP"})`;
}

const placesOf = ({ hops }: Journey): string[] =>
  hops
    .filter(({ kind }) => kind !== "client" && kind !== "dns")
    .map(({ kind, name }) => (kind === "node" ? name : kind));

/** What each place did to the packet's addresses. */
function translationsOf({ hops }: Journey): string[] {
  return hops
    .filter(({ kind }) => kind !== "dns")
    .flatMap(({ kind, name, in: before, out }) =>
      changed(before, out).map((text) => `${kind === "node" ? name : kind}: ${text}`),
    );
}

const changed = (before: Header, after: Header): string[] => [
  ...(before.source === after.source ? [] : [`from ${before.source} -> ${after.source}`]),
  ...(before.destination === after.destination
    ? []
    : [`to ${before.destination} -> ${after.destination}`]),
];

function entersOf(outcomes: Outcomes["outcomes"]): Record<string, number> {
  const shares: Record<string, number> = {};
  for (const { hops, probability } of outcomes) {
    const first = hops.find(({ kind }) => kind === "node");
    if (first) shares[first.name] = (shares[first.name] ?? 0) + probability;
  }
  return Object.fromEntries(
    Object.entries(shares)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([node, share]) => [node, rounded(share)]),
  );
}

/** Sums of fractions are not quite what they should be. */
const rounded = (share: number): number => Math.round(share * 1e9) / 1e9;

function askedByPod(cluster: Cluster, url: string): FromPod {
  const [pod] = cluster.list("Pod");
  if (!pod) return { meetsBalancer: false, fails: 1 };
  const { namespace = "default", name } = pod.metadata;
  const { outcomes } = cluster.outcomes(url, { from: `pod/${namespace}/${name}` });
  const failed = outcomes.filter(({ disposition }) => disposition !== "delivered");
  return {
    meetsBalancer: outcomes.some(({ hops }) => hops.some(({ kind }) => kind === "load-balancer")),
    fails: rounded(failed.reduce((sum, { probability }) => sum + probability, 0)),
  };
}

// ---- a node dies ----

/** The share of the requests that is not answered now. */
function failing(cluster: Cluster, url: string, from: string): number {
  const pods = new Set(
    cluster.list("Pod").map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
  );
  const lost = Object.entries(cluster.shares(url, { from })).filter(([end]) => !pods.has(end));
  return rounded(lost.reduce((sum, [, share]) => sum + share, 0));
}

function death(cluster: Cluster, url: string, from: string): NodeDies {
  const worst = [...cluster.network.machines.values()]
    .map((machine) => {
      machine.up = false;
      const fails = failing(cluster, url, from);
      machine.up = true;
      return { node: machine.name, fails };
    })
    .reduce((a, b) => (b.fails > a.fails ? b : a));
  cluster.node(worst.node).stop();
  let balancerKnows: number | undefined;
  let wellAgain: number | undefined;
  for (let seconds = 0; seconds <= patience && wellAgain === undefined;) {
    if (!sendsTo(cluster, worst.node)) balancerKnows ??= seconds;
    if (failing(cluster, url, from) === 0) wellAgain = seconds;
    const step = seconds < 20 ? 1 : 5;
    cluster.advance(step * 1_000);
    seconds += step;
  }
  return { ...worst, balancerKnows, wellAgain };
}

function sendsTo({ cloud }: Cluster, node: string): boolean {
  const all = [...(cloud?.targets.values() ?? [])].flat();
  return all.some(({ healthy, instance }) => healthy && instance === node);
}
