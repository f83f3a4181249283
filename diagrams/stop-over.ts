import type { Node } from "stopover";
import { printable } from "stopover/internal/net/printable";
import { nameOf } from "stopover/internal/node/proxy/iptables/names";
import type { Mermaid } from "./picture.js";
import { Flow } from "./flow.js";
import { addressOf, findService, isVip, items, loadBalancerOf, type Lister } from "./objects.js";
import { endpointsOf } from "./endpoints.js";
import { count, hostLines, shorten } from "./text.js";

/** More boxes than this in one column are summed up. */
const most = 6;

/**
 * One of the article's stop-overs by itself, from what the cluster holds now: 1 the load balancer
 * with the nodes behind it, 2 the NodePort as every node knows it, 3 the ClusterIP with the share
 * of each Pod. `service`: default the first.
 */
export function stopOver(
  stop: 1 | 2 | 3,
  cluster: Lister,
  { service }: { service?: string } = {},
): Mermaid {
  const draw = { 1: loadBalancer, 2: nodePort, 3: clusterIP }[stop];
  if (!draw)
    throw new RangeError(
      `there are stop-overs 1 (load balancer), 2 (NodePort) and 3 (ClusterIP), and no ${stop}`,
    );
  return draw(cluster, findService(cluster, service));
}

type Service = ReturnType<typeof findService>;

function loadBalancer(cluster: Lister, service: Service): Mermaid {
  const flow = new Flow("LR", 60),
    { spec, metadata } = service,
    address = loadBalancerOf(service),
    [port] = spec.ports ?? [];
  if (spec.type !== "LoadBalancer")
    throw new Error(
      printable(
        `Service ${metadata.name} is of type ${spec.type ?? "ClusterIP"}: only type LoadBalancer has stop-over 1`,
      ),
    );
  flow.node("client", "client", ["anybody on", "the internet"]);
  flow.node("lb", "stop1", [
    "Stop-over 1",
    "load balancer",
    ...(address ? hostLines(address) : ["pending: no cloud", "has made one"]),
  ]);
  flow.edge("client", "lb", { label: [`port ${port?.port}`] });
  const nodes = items<Node>(cluster, "Node"),
    targets = nodes.filter(
      ({ metadata }) =>
        metadata.labels?.["node.kubernetes.io/exclude-from-external-load-balancers"] === undefined,
    );
  const ready = endpointsOf(cluster, service).filter((pod) => pod.ready);
  for (const node of nodes.slice(0, most)) {
    const key = node.metadata.name;
    // under policy Local the health check asks after a Pod on the node (pkg/proxy/healthcheck)
    const isEmpty =
      spec.externalTrafficPolicy === "Local" && !ready.some((pod) => pod.node === key);
    const isTarget = address !== undefined && targets.includes(node) && !isEmpty;
    const excluded = targets.includes(node) ? [] : ["excluded by its label"];
    const words = isEmpty ? ["no Pod here:", "fails the health check"] : excluded;
    flow.node(key, "node", [shorten(key), addressOf(node), ...words], { faint: !isTarget });
    if (isTarget)
      flow.edge("lb", key, {
        label: isVip(service)
          ? [`to ${address}`, `port ${port?.port}, as it is`]
          : port?.nodePort
            ? [`port ${port.nodePort}`]
            : [],
      });
    else flow.order("lb", key);
  }
  if (nodes.length > most)
    flow
      .node("more", "node", [`… and ${count(nodes.length - most, "more node")}`])
      .edge("lb", "more");
  return flow.picture(
    `Stop-over 1: the load balancer of Service ${metadata.name} and the nodes behind it`,
  );
}

function nodePort(cluster: Lister, service: Service): Mermaid {
  const flow = new Flow("LR", 50),
    { spec, metadata } = service,
    [port] = spec.ports ?? [];
  if (!port?.nodePort)
    throw new Error(
      printable(
        `Service ${metadata.name} has no NodePort (type ${spec.type ?? "ClusterIP"}): stop-over 2 is for types NodePort and LoadBalancer`,
      ),
    );
  const nodes = items<Node>(cluster, "Node"),
    local = spec.externalTrafficPolicy === "Local",
    ready = endpointsOf(cluster, service).filter(({ ready }) => ready);
  if (nodes.length > most)
    flow.node("more", "stop2", [`… and ${count(nodes.length - most, "more node")}`]);
  for (const node of nodes.slice(0, most).reverse()) {
    // mermaid's layout puts boxes that hold something in the reverse order of their lines
    const { name } = node.metadata,
      [rule, end, ends] = fate(
        local,
        ready.length,
        ready.some((pod) => pod.node === name),
      );
    flow.group(
      `box ${name}`,
      "node",
      [shorten(name)],
      () => {
        flow
          .node(name, "stop2", [
            "Stop-over 2",
            `${addressOf(node)}:${port.nodePort}`,
            "a rule, no open socket",
          ])
          .node(`rule ${name}`, "rule", rule)
          .node(`end ${name}`, ends ? "ending" : "stop3", end);
      },
      { direction: "LR" },
    );
    flow.edge(name, `rule ${name}`).edge(`rule ${name}`, `end ${name}`);
  }
  return flow.picture(
    `Stop-over 2: NodePort ${port.nodePort} of Service ${metadata.name}, the same on every node`,
  );
}

/**
 * The rules that what comes to a node's NodePort meets there, where they lead, and whether that is
 * the end.
 */
function fate(
  local: boolean,
  ready: number,
  own: boolean,
): [rules: string[], end: string[], ends: boolean] {
  const refusals = ["filter", nameOf("external refusals")];
  const entry = [`${nameOf("nodeports")},`, nameOf("external")];
  if (!ready) return [refusals, ["no Pod is ready:", "rejected"], true];
  if (!local)
    return [
      [...entry, "mark: masquerade"],
      [nameOf("service"), "the ClusterIP's rules", "choose a Pod"],
      false,
    ];
  return own
    ? [
        [...entry, "keep the source"],
        [nameOf("local service"), "choose one of", "the node's own Pods"],
        false,
      ]
    : [refusals, ["no ready Pod here:", "dropped"], true];
}

function clusterIP(cluster: Lister, service: Service): Mermaid {
  const flow = new Flow("LR", 60),
    { spec, metadata } = service,
    [port] = spec.ports ?? [];
  if (!spec.clusterIP || spec.clusterIP === "None")
    throw new Error(
      printable(
        `Service ${metadata.name} has no ClusterIP (${spec.clusterIP === "None" ? "it is headless" : `type ${spec.type}`}): there is no stop-over 3 to draw`,
      ),
    );
  const pods = endpointsOf(cluster, service),
    ready = pods.filter((pod) => pod.ready);
  flow.node("vip", "stop3", [
    "Stop-over 3",
    "ClusterIP",
    `${spec.clusterIP}:${port?.port}`,
    "rules on all nodes",
  ]);
  if (!ready.length)
    flow.node("nobody", "ending", ["no Pod is ready:", "rejected"]).edge("vip", "nobody");
  for (const pod of pods.slice(0, most * 2)) {
    flow.node(pod.name, pod.ready ? "pod" : "unready", [
      shorten(pod.name),
      `${pod.address ?? "no address yet"}${pod.node ? ` on ${shorten(pod.node)}` : ""}`,
      pod.ready ? undefined : pod.terminating ? "terminating" : "not ready",
    ]);
    if (pod.ready)
      flow.edge("vip", pod.name, {
        label: [ready.length === 1 ? "always" : `1 in ${ready.length}`],
      });
    else flow.order("vip", pod.name);
  }
  if (pods.length > most * 2)
    flow
      .node("more", "pod", [`… and ${count(pods.length - most * 2, "more Pod")}`])
      .edge("vip", "more");
  return flow.picture(
    `Stop-over 3: the ClusterIP of Service ${metadata.name} and the Pods behind it`,
  );
}
