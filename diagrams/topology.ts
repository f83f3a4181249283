import type { EndpointSlice, Journey, KubeObject, Node, Pod, Service } from "stopover";
import { printable } from "stopover/internal/net/printable";
import type { Mermaid } from "./picture.js";
import { Flow } from "./flow.js";
import { count, hostLines, shorten } from "./text.js";

/**
 * Anything that lists objects: a Cluster, a Client, or `{ list: (kind) => objects.filter((o) =>
 * o.kind === kind) }`.
 */
export interface Lister {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a Cluster knows kinds
  list(kind: any): readonly KubeObject[] | { items: readonly KubeObject[] };
}

/** What `topology` shows; default: the first Service of type LoadBalancer, no path. */
export interface TopologyOptions {
  /** "name" or "namespace/name". Default: the Service the journey went to, else the first one. */
  service?: string;
  /** Its way is drawn thick. */
  journey?: Journey;
  /**
   * More nodes than this are summed up in one box; those on the way are always drawn. Default 6.
   */
  nodes?: number;
  /** Likewise for Pods. Default 9. */
  pods?: number;
}

/**
 * The article's third figure, from what the cluster holds now: the stop-overs of one Service, and
 * the way that a request took.
 */
export function topology(cluster: Lister, options: TopologyOptions = {}): Mermaid {
  const scene = sceneOf(cluster, options),
    flow = new Flow("LR"),
    name = scene.service.metadata.name;
  drawPlaces(flow, scene);
  drawArrows(flow, scene);
  return flow.picture(
    `The stop-overs of Service ${name}${scene.way.length ? ", and the way the request took" : ""}`,
  );
}

/**
 * What is to be drawn. Places are named by keys: "client", "lb", "door node-a", "clusterIP", "pod
 * nginx-…".
 */
interface Scene {
  service: Service;
  clusterIP: string | undefined;
  /** Where the load balancer is reached; none yet, or none at all. */
  address: string | undefined;
  /** Where the request comes from, if one is drawn or if anybody may ask. */
  client: string | undefined;
  nodes: Some<Node>;
  pods: Some<Destination>;
  /**
   * Under externalTrafficPolicy Local a node without a ready Pod drops what comes from outside, and
   * load balancers leave it out.
   */
  shut: (node: Node) => boolean;
  /** The places that the request came through, in order. */
  way: string[];
}

function sceneOf(
  cluster: Lister,
  { service: wanted, journey, nodes = 6, pods = 9 }: TopologyOptions,
): Scene {
  const service = findService(cluster, wanted ?? servedBy(cluster, journey)),
    { spec } = service,
    way = journey ? placesOn(journey) : [],
    endpoints = endpointsOf(cluster, service);
  return {
    service,
    way,
    address: loadBalancerOf(service),
    clusterIP: spec.clusterIP === "None" ? undefined : spec.clusterIP,
    client: journey?.request.from ?? (spec.type === "LoadBalancer" ? "internet" : undefined),
    nodes: some(spec.ports?.[0]?.nodePort ? items<Node>(cluster, "Node") : [], nodes, (node) =>
      way.includes(doorOf(node)),
    ),
    pods: some(endpoints, pods, (pod) => way.includes(`pod ${pod.name}`)),
    shut: ({ metadata: { name } }) =>
      spec.externalTrafficPolicy === "Local" &&
      !endpoints.some(({ node, ready }) => ready && node === name),
  };
}

function drawPlaces(
  flow: Flow,
  { service: { metadata, spec }, clusterIP, address, client, nodes, pods, shut, way }: Scene,
): void {
  const [port] = spec.ports ?? [],
    path = (key: string) => ({ path: way.includes(key) });
  if (client) flow.node("client", "client", [shorten(client, 24)], path("client"));
  if (spec.type === "LoadBalancer")
    flow.node(
      "lb",
      "stop1",
      [
        "Stop-over 1",
        "load balancer",
        ...(address
          ? [...hostLines(address), `port ${port?.port}`]
          : ["pending: no cloud", "has made one"]),
      ],
      path("lb"),
    );
  flow.group(
    "cluster",
    "cluster",
    [`Service ${shorten(metadata.name)}, ${spec.type ?? "ClusterIP"}`],
    () => {
      if (nodes.shown.length)
        flow.group("doors", "stop2box", ["Stop-over 2: NodePort"], () => {
          for (const node of nodes.shown)
            flow.node(
              doorOf(node),
              "stop2",
              [
                shorten(node.metadata.name, 24),
                `${addressOf(node)}:${port!.nodePort}`,
                shut(node) ? "drops: no Pod here" : undefined,
              ],
              path(doorOf(node)),
            );
          if (nodes.more) flow.node("door …", "stop2", [`… and ${count(nodes.more, "more node")}`]);
        });
      if (clusterIP)
        flow.node(
          "clusterIP",
          "stop3",
          ["Stop-over 3", "ClusterIP", `${clusterIP}:${port?.port ?? ""}`, "rules on all nodes"],
          path("clusterIP"),
        );
      drawPods(flow, pods, path);
    },
    client ? {} : { direction: "LR" },
  ); // said only where no arrow leads in: JupyterLab's mermaid would end the arrows at the border
}

function drawArrows(
  flow: Flow,
  { service, clusterIP, address, nodes, pods, shut, way }: Scene,
): void {
  const drawn = new Set<string>(),
    isLoadBalancer = service.spec.type === "LoadBalancer";
  const arrow = (from: string, to: string) => {
    const path = way.some((place, i) => place === from && way[i + 1] === to);
    drawn.add(`${from} ${to}`);
    flow.edge(from, to, { path, faint: way.length > 0 && !path });
  };
  if (isLoadBalancer && (!way.length || way.includes("lb"))) arrow("client", "lb");
  if (isVip(service) && clusterIP) arrow("lb", "clusterIP");
  for (const [door, open] of [
    ...nodes.shown.map((node) => [doorOf(node), !shut(node)] as const),
    ...(nodes.more ? [["door …", true] as const] : []),
  ]) {
    if (isLoadBalancer)
      address && open && !isVip(service) ? arrow("lb", door) : flow.order("lb", door);
    if (clusterIP) open ? arrow(door, "clusterIP") : flow.order(door, "clusterIP");
  }
  if (clusterIP)
    for (const key of [
      ...pods.shown.filter(({ ready }) => ready).map(({ name }) => `pod ${name}`),
      ...(pods.more ? ["pod …"] : []),
      ...(pods.shown.length ? [] : ["nobody"]),
    ])
      arrow("clusterIP", key);
  if (clusterIP)
    for (const { name, ready } of pods.shown) if (!ready) flow.order("clusterIP", `pod ${name}`);
  way.forEach((from, i) => {
    // a way that no arrow stands for yet: from a Pod, by stale rules, past the NodePort
    const to = way[i + 1];
    if (to && !drawn.has(`${from} ${to}`) && flow.has(from) && flow.has(to)) arrow(from, to);
  });
}

function doorOf({ metadata }: Node): string {
  return `door ${metadata.name}`;
}

function drawPods(
  flow: Flow,
  pods: Some<Destination>,
  path: (key: string) => { path: boolean },
): void {
  // Reversed, because mermaid's layout puts boxes that hold something in the reverse order of their
  // lines.
  for (const [node, here] of [
    ...groupBy(pods.shown, (pod) => pod.node ?? "no node yet"),
  ].reverse()) {
    flow.group(`home ${node}`, "node", [shorten(node)], () => {
      for (const { name, address, ready, terminating } of here)
        flow.node(
          `pod ${name}`,
          ready ? "pod" : "unready",
          [
            shorten(name, 24),
            address ?? "no address yet",
            ready ? undefined : terminating ? "terminating" : "not ready",
          ],
          path(`pod ${name}`),
        );
    });
  }
  if (pods.more) flow.node("pod …", "pod", [`… and ${count(pods.more, "more Pod")}`]);
  if (!pods.shown.length) flow.node("nobody", "ending", ["no Pod matches", "the selector"]);
}

/**
 * The places that the request came through, as the keys used above. A node that only forwards is
 * not drawn by itself.
 */
function placesOn({ hops }: Journey): string[] {
  return hops.flatMap(({ kind, name, stop }) =>
    kind === "client"
      ? ["client"]
      : kind === "load-balancer"
        ? ["lb"]
        : kind === "cluster-ip"
          ? ["clusterIP"]
          : kind === "pod"
            ? [`pod ${name.replace(/^.*\//, "")}`]
            : kind === "node" && stop === 2
              ? [`door ${name}`]
              : [],
  );
}

/** The Service whose rules the request met, "namespace/name". */
function servedBy(cluster: Lister, trip: Journey | undefined): string | undefined {
  const names = new Set(
    trip?.hops.flatMap(({ steps }) =>
      steps.flatMap(({ object }) => /^Service (.+)$/.exec(object ?? "")?.[1] ?? []),
    ),
  );
  return items<Service>(cluster, "Service")
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    .find((name) => names.has(name));
}

interface Destination {
  name: string;
  node: string | undefined;
  address: string | undefined;
  ready: boolean;
  terminating: boolean;
}

/**
 * Who may answer for a Service: its EndpointSlices' endpoints, and Pods that match the selector but
 * are in no slice yet.
 */
export function endpointsOf(cluster: Lister, { metadata, spec }: Service): Destination[] {
  const slices = items<EndpointSlice>(cluster, "EndpointSlice").filter(
    (slice) =>
      slice.metadata.namespace === metadata.namespace &&
      slice.metadata.labels?.["kubernetes.io/service-name"] === metadata.name,
  );
  const found = new Map<string, Destination>();
  for (const slice of slices) {
    for (const {
      addresses: [ip],
      conditions,
      nodeName,
      targetRef,
    } of slice.endpoints) {
      const port = slice.ports?.[0]?.port,
        name = targetRef?.name ?? ip!;
      found.set(name, {
        name,
        node: nodeName,
        address: port ? `${ip}:${port}` : ip,
        ready: conditions?.ready !== false,
        terminating: conditions?.terminating === true,
      });
    }
  }
  const selector = Object.entries(spec.selector ?? {});
  for (const {
    metadata: pod,
    spec: { nodeName },
    status,
  } of selector.length ? items<Pod>(cluster, "Pod") : []) {
    if (
      pod.namespace === metadata.namespace &&
      !found.has(pod.name) &&
      selector.every(([key, value]) => pod.labels?.[key] === value)
    )
      found.set(pod.name, {
        name: pod.name,
        node: nodeName,
        address: status?.podIP,
        ready: false,
        terminating: pod.deletionTimestamp !== undefined,
      });
  }
  return [...found.values()].sort(
    (a, b) => (a.node ?? "").localeCompare(b.node ?? "") || a.name.localeCompare(b.name),
  );
}

/** Throws an Error that names what there is, where the one asked for is not. */
export function findService(cluster: Lister, wanted?: string): Service {
  const services = items<Service>(cluster, "Service");
  const service =
    wanted === undefined
      ? services[0]
      : services.find(
          ({ metadata }) =>
            wanted === metadata.name || wanted === `${metadata.namespace}/${metadata.name}`,
        );
  if (service) return service;
  throw new Error(
    wanted === undefined
      ? "the cluster has no Service to draw: apply one first"
      : printable(
          `there is no Service ${JSON.stringify(wanted)}; there are: ${services.map(({ metadata }) => metadata.name).join(", ") || "none"}`,
        ),
  );
}

/** Its hostname, else its address; undefined while it is pending. */
export function loadBalancerOf({ status }: Service): string | undefined {
  const ingress = status?.loadBalancer?.ingress?.[0];
  return ingress?.hostname ?? ingress?.ip;
}

/**
 * Whether the load balancer hands packets on with its own address as their destination, so that no
 * NodePort is met (KEP-1860).
 */
export function isVip({ status }: Service): boolean {
  const ingress = status?.loadBalancer?.ingress?.[0];
  return ingress?.ip !== undefined && ingress.ipMode !== "Proxy";
}

export function items<T extends KubeObject>(cluster: Lister, kind: T["kind"]): readonly T[] {
  const list = cluster.list(kind);
  return ("items" in list ? list.items : list) as readonly T[];
}

export function addressOf({ status }: Node): string {
  return status?.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "no address";
}

interface Some<T> {
  shown: T[];
  more: number;
}
/** The first `limit` of them, and before those the ones that must be there. */
function some<T>(all: readonly T[], limit: number, must: (one: T) => boolean): Some<T> {
  const musts = all.filter(must).length;
  let room = Math.max(0, (all.length > limit ? limit - 1 : limit) - musts);
  const shown = all.filter((one) => must(one) || room-- > 0);
  return { shown, more: all.length - shown.length };
}

function groupBy<T>(all: readonly T[], key: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return groups;
}
