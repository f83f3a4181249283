/**
 * Random clusters as manifests (a node, Services, EndpointSlices, kube-proxy's configuration), and
 * random packets that have some chance to meet them. All addresses fit the rig: "node-a" is the
 * node under test, its Pods are in podRanges.
 */
import fc, { type Arbitrary } from "fast-check";
import { endpoint, type Family } from "stopover/internal/net/ip";
import type { Flags, Packet, Transport } from "stopover/internal/net/packet";
import type { EndpointSlice, Node, Service, ServicePort } from "stopover/internal/objects/types";
import { nodeAddresses, type Link } from "./rig.js";

export interface Cluster {
  family: Family;
  node: Node;
  services: Service[];
  slices: EndpointSlice[];
  /** A KubeProxyConfiguration document. */
  proxy: Record<string, unknown>;
  randomFully: boolean;
}

export interface Sent {
  from: Link | "process";
  packet: Packet;
  /**
   * What a TCP client sends once it was answered; stray: with a sequence number that does not fit.
   */
  then: Flags | "stray";
}

const weighted = <T>(...choices: [weight: number, value: T][]): Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
const rarely: Arbitrary<boolean> = weighted([5, false], [1, true]);
const transport: Arbitrary<Transport> = weighted([6, "TCP"], [3, "UDP"], [1, "SCTP"]);

/**
 * Numbers to addresses, by family: Pods of this node and of the other, the other node, Services,
 * load balancers, strangers.
 */
const plans = {
  IPv4: {
    pods: "10.1.0.0/16",
    own: "10.1.1.0/24",
    localPod: (n: number) => `10.1.1.${n + 2}`,
    remotePod: (n: number) => `10.1.2.${n + 2}`,
    otherNode: "192.168.0.2",
    service: (n: number) => `10.2.0.${n + 1}`,
    balancer: (n: number) => `203.0.113.${n + 100}`,
    external: ["198.51.100.7", "198.51.100.8", nodeAddresses.IPv4],
    strangers: ["203.0.113.9", "8.8.8.8"],
    loopback: "127.0.0.1",
    ranges: ["203.0.113.0/24", "10.1.0.0/16", "192.168.0.0/24", "0.0.0.0/0", "8.0.0.0/8"],
    nodePorts: [
      [],
      [],
      ["192.168.0.0/24"],
      ["primary"],
      ["127.0.0.0/8"],
      ["192.168.0.0/16", "127.0.0.0/8"],
    ],
  },
  IPv6: {
    pods: "fd00:10:1::/48",
    own: "fd00:10:1:1::/64",
    localPod: (n: number) => `fd00:10:1:1::${n + 2}`,
    remotePod: (n: number) => `fd00:10:1:2::${n + 2}`,
    otherNode: "fd00:192::2",
    service: (n: number) => `fd00:10:2::${n + 1}`,
    balancer: (n: number) => `2001:db8:113::${n + 100}`,
    external: ["2001:db8:51::7", "2001:db8:51::8", nodeAddresses.IPv6],
    strangers: ["2001:db8:113::9", "2001:db8:8::8"],
    loopback: "::1",
    ranges: ["2001:db8:113::/64", "fd00:10:1::/48", "fd00:192::/64", "::/0", "2001:db8:8::/48"],
    nodePorts: [[], [], ["fd00:192::/64"], ["primary"], ["::1/128"]],
  },
} as const;

// ---- clusters -----------------------------------------------------------------------------------

const endpointOf = fc.record({
  place: weighted<"local" | "remote" | "localHost" | "remoteHost" | "outside">(
    [6, "local"],
    [5, "remote"],
    [1, "localHost"],
    [1, "remoteHost"],
    [1, "outside"],
  ),
  number: fc.nat(5),
  state: weighted<"ready" | "terminating" | "gone" | "unready">(
    [7, "ready"],
    [2, "terminating"],
    [1, "gone"],
    [1, "unready"],
  ),
  hint: weighted<string | undefined>([4, undefined], [2, "zone-1"], [1, "zone-2"]),
});

const portOf = fc.record({
  protocol: transport,
  port: fc.constantFrom(80, 443, 53, 8080),
  targetPort: fc.constantFrom(80, 8080, 53, 9376),
});

const serviceOf = fc.record({
  type: weighted<"ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName" | "headless">(
    [3, "ClusterIP"],
    [3, "NodePort"],
    [5, "LoadBalancer"],
    [1, "ExternalName"],
    [1, "headless"],
  ),
  ports: fc.uniqueArray(portOf, {
    minLength: 1,
    maxLength: 3,
    selector: ({ protocol, port }) => `${protocol} ${port}`,
  }),
  endpoints: fc.array(endpointOf, { maxLength: 5 }),
  split: fc.boolean(),
  hinted: rarely,
  externalIPs: fc.uniqueArray(fc.nat(2), { maxLength: 2 }),
  balancers: weighted([1, 0], [5, 1], [1, 2]),
  ipMode: weighted<"VIP" | "Proxy" | undefined>([3, undefined], [1, "VIP"], [1, "Proxy"]),
  ranges: weighted<readonly number[]>([5, []], [1, [0]], [1, [1, 2]], [1, [4]], [1, [0, 1, 2, 3]]),
  externalLocal: fc.boolean(),
  internalLocal: rarely,
  affinity: weighted([3, 0], [1, 10800]),
  nodePorts: weighted([6, true], [1, false]),
});
type Wish = typeof serviceOf extends Arbitrary<infer T> ? T : never;

const proxyOf = fc.record({
  detect: weighted<"cidr" | "node" | "none" | "prefix" | "bridge">(
    [4, "cidr"],
    [1, "node"],
    [1, "none"],
    [1, "prefix"],
    [1, "bridge"],
  ),
  nodePorts: fc.nat(5),
  masqueradeAll: rarely,
  localhostNodePorts: weighted([3, true], [1, false]),
  liberal: rarely,
});

export const cluster: Arbitrary<Cluster> = fc
  .record({
    family: weighted<Family>([3, "IPv4"], [1, "IPv6"]),
    services: fc.array(serviceOf, { minLength: 1, maxLength: 5 }),
    proxy: proxyOf,
    randomFully: fc.boolean(),
  })
  .map(({ family, services, proxy, randomFully }) => ({
    family,
    randomFully,
    node: nodeOf(family),
    proxy: documentOf(family, proxy),
    services: services.map((wish, i) => manifestOf(family, wish, i)),
    slices: services.flatMap((wish, i) => slicesOf(family, wish, i)),
  }));

const nodeOf = (family: Family): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node-a", labels: { "topology.kubernetes.io/zone": "zone-1" } },
  spec: { podCIDR: plans[family].own, podCIDRs: [plans[family].own] },
  status: { addresses: [{ type: "InternalIP", address: nodeAddresses[family] }] },
});

function documentOf(
  family: Family,
  {
    detect,
    nodePorts,
    masqueradeAll,
    localhostNodePorts,
    liberal,
  }: typeof proxyOf extends Arbitrary<infer T> ? T : never,
): Record<string, unknown> {
  const plan = plans[family];
  const detection = {
    cidr: { clusterCIDR: plan.pods },
    node: { detectLocalMode: "NodeCIDR" },
    none: {},
    prefix: { detectLocalMode: "InterfaceNamePrefix", detectLocal: { interfaceNamePrefix: "pod" } },
    bridge: { detectLocalMode: "BridgeInterface", detectLocal: { bridgeInterface: "pods" } },
  }[detect];
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    ...detection,
    nodePortAddresses: plan.nodePorts[nodePorts % plan.nodePorts.length],
    iptables: { masqueradeAll, localhostNodePorts },
    conntrack: { tcpBeLiberal: liberal },
  };
}

function manifestOf(family: Family, wish: Wish, i: number): Service {
  const plan = plans[family];
  const base: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `svc${i}`, namespace: "default" },
    spec: {},
  };
  if (wish.type === "ExternalName")
    return { ...base, spec: { type: "ExternalName", externalName: "example.com" } };
  const external = wish.type === "NodePort" || wish.type === "LoadBalancer";
  const clusterIP = wish.type === "headless" ? "None" : plan.service(i);
  const externalIPs =
    wish.type === "headless" ? [] : wish.externalIPs.map((n) => plan.external[n]!);
  const local = (external || externalIPs.length > 0) && wish.externalLocal;
  const sourceRanges = wish.type === "LoadBalancer" ? wish.ranges.map((n) => plan.ranges[n]!) : [];
  return {
    ...base,
    spec: {
      type: wish.type === "headless" ? "ClusterIP" : wish.type,
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: [family],
      ports: wish.ports.map((port, p) => servicePort(wish, port, i, p)),
      ...(externalIPs.length && { externalIPs }),
      ...(local && { externalTrafficPolicy: "Local" as const }),
      ...(wish.internalLocal && { internalTrafficPolicy: "Local" as const }),
      ...(wish.affinity && {
        sessionAffinity: "ClientIP" as const,
        sessionAffinityConfig: { clientIP: { timeoutSeconds: wish.affinity } },
      }),
      ...(sourceRanges.length && { loadBalancerSourceRanges: sourceRanges }),
      ...(wish.type === "LoadBalancer" && local && { healthCheckNodePort: 32000 + i }),
    },
    ...(wish.type === "LoadBalancer" && {
      status: {
        loadBalancer: {
          ingress: Array.from({ length: wish.balancers }, (_, n) => ({
            ip: plan.balancer(2 * i + n),
            ...(wish.ipMode && n === 0 && { ipMode: wish.ipMode }),
          })),
        },
      },
    }),
  };
}

const servicePort = (
  { type, nodePorts }: Wish,
  { protocol, port, targetPort }: Wish["ports"][number],
  i: number,
  p: number,
): ServicePort => ({
  name: `p${p}`,
  protocol,
  port,
  targetPort,
  ...((type === "NodePort" || (type === "LoadBalancer" && nodePorts)) && {
    nodePort: 30000 + 10 * i + p,
  }),
});

function slicesOf(
  family: Family,
  { type, endpoints, ports, split, hinted }: Wish,
  i: number,
): EndpointSlice[] {
  if (type === "ExternalName") return [];
  const all = endpoints.map((each) => ({
    addresses: [
      {
        local: plans[family].localPod(each.number),
        remote: plans[family].remotePod(each.number),
        localHost: nodeAddresses[family],
        remoteHost: plans[family].otherNode,
        outside: plans[family].strangers[0],
      }[each.place],
    ],
    conditions: {
      ready: each.state === "ready",
      serving: each.state === "ready" || each.state === "terminating",
      terminating: each.state === "terminating" || each.state === "gone",
    },
    ...(each.place !== "outside" && {
      nodeName: each.place.startsWith("local") ? "node-a" : "node-b",
    }),
    ...(hinted && { hints: { forZones: [{ name: each.hint ?? "zone-1" }] } }),
  }));
  const half = split ? Math.ceil(all.length / 2) : all.length;
  return [all.slice(0, half), all.slice(half)]
    .filter((part) => part.length > 0)
    .map((part, n) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      addressType: family,
      endpoints: part,
      metadata: {
        name: `svc${i}-${n}`,
        namespace: "default",
        labels: { "kubernetes.io/service-name": `svc${i}` },
      },
      ports: ports.map(({ targetPort, protocol }, p) => ({
        name: `p${p}`,
        port: targetPort,
        protocol,
      })),
    }));
}

// ---- packets ------------------------------------------------------------------------------------

/**
 * Numbers that become a packet once the cluster is known (and keep meaning something while the
 * cluster shrinks).
 */
export interface Shot {
  from: "localPod" | "remotePod" | "otherNode" | "stranger" | "node" | "loopback";
  number: number;
  to:
    | "cluster"
    | "external"
    | "balancer"
    | "nodePort"
    | "localhost"
    | "endpoint"
    | "pod"
    | "closed"
    | "away"
    | "healthCheck";
  service: number;
  port: number;
  protocol: "same" | Transport;
  flags: Flags;
  then: Sent["then"];
}

export const shot: Arbitrary<Shot> = fc.record({
  from: weighted<Shot["from"]>(
    [4, "localPod"],
    [1, "remotePod"],
    [1, "otherNode"],
    [5, "stranger"],
    [2, "node"],
    [1, "loopback"],
  ),
  number: fc.nat(5),
  to: weighted<Shot["to"]>(
    [5, "cluster"],
    [3, "external"],
    [6, "balancer"],
    [6, "nodePort"],
    [1, "localhost"],
    [1, "endpoint"],
    [1, "pod"],
    [1, "closed"],
    [1, "away"],
    [1, "healthCheck"],
  ),
  service: fc.nat(4),
  port: fc.nat(2),
  protocol: weighted<Shot["protocol"]>([12, "same"], [1, "TCP"], [1, "UDP"]),
  flags: weighted<Flags>([16, "SYN"], [1, "ACK"], [1, "SYN,ACK"], [1, "RST"]),
  then: weighted<Sent["then"]>([3, "ACK"], [1, "FIN,ACK"], [1, "RST"], [2, "stray"]),
});

/** `serial` makes the source port, so that no two packets of a run are the same connection. */
export function aim({ family, services, slices }: Cluster, shot: Shot, serial: number): Sent {
  const { from, source } = origin(family, shot);
  const service = services[shot.service % services.length]!;
  const port = service.spec.ports?.[shot.port % (service.spec.ports.length || 1)];
  const { address, port: destinationPort } = target(family, shot, service, port, slices);
  const wanted = shot.protocol === "same" ? (port?.protocol ?? "TCP") : shot.protocol;
  const protocol = from === "process" && wanted === "SCTP" ? "TCP" : wanted;
  return {
    from,
    then: shot.then,
    packet: {
      protocol,
      source,
      sourcePort: serial,
      destination: address,
      destinationPort,
      ...(protocol === "TCP" && { flags: from === "process" ? "SYN" : shot.flags }),
    },
  };
}

function origin(
  family: Family,
  { from, number, to }: Shot,
): { from: Sent["from"]; source: string } {
  const plan = plans[family];
  switch (from) {
    case "localPod":
      return { from: "pods", source: plan.localPod(number) };
    case "remotePod":
      return { from: "eth0", source: plan.remotePod(number) };
    case "otherNode":
      return { from: "eth0", source: plan.otherNode };
    case "stranger":
      return { from: "eth0", source: plan.strangers[number % 2]! };
    case "node":
      return {
        from: "process",
        source: to === "localhost" ? plan.loopback : nodeAddresses[family],
      };
    case "loopback":
      return { from: "process", source: plan.loopback };
  }
}

function target(
  family: Family,
  { to, number, service: s }: Shot,
  { spec, status }: Service,
  port: ServicePort | undefined,
  slices: readonly EndpointSlice[],
): { address: string; port: number } {
  const plan = plans[family];
  const at = (
    address: string | undefined,
    number = port?.port ?? 80,
  ): { address: string; port: number } => ({
    address: address && address !== "None" ? address : plan.service(99),
    port: number,
  });
  const slice = slices[s % (slices.length || 1)];
  switch (to) {
    case "cluster":
      return at(spec.clusterIP);
    case "external":
      return at(spec.externalIPs?.[0] ?? plan.external[number % 3]);
    case "balancer":
      return at(status?.loadBalancer?.ingress?.[number % 2]?.ip ?? plan.balancer(2 * s));
    case "nodePort":
      return at(nodeAddresses[family], port?.nodePort ?? 30000 + number);
    case "localhost":
      return at(plan.loopback, port?.nodePort ?? 30000 + number);
    case "endpoint":
      return at(
        slice?.endpoints[number % slice.endpoints.length]?.addresses[0] ?? plan.localPod(number),
        slice?.ports?.[0]?.port,
      );
    case "pod":
      return at(number % 2 ? plan.localPod(number) : plan.remotePod(number), 9);
    case "closed":
      return at(spec.clusterIP, 7);
    case "away":
      return at(plan.strangers[number % 2]);
    case "healthCheck":
      return at(nodeAddresses[family], spec.healthCheckNodePort ?? 32000 + number);
  }
}

export const shown = ({ from, packet }: Omit<Sent, "then">): string =>
  `${packet.protocol} ${packet.flags ?? ""} ${endpoint(packet.source, packet.sourcePort)} -> ${endpoint(packet.destination, packet.destinationPort)} (${from === "process" ? "from a process of the node" : `in by ${from}`})`;
