/**
 * From a plan to namespaces. The fabric stands for the cloud's network: a bridge that the nodes
 * share, a router to everything else. No link leads out of the lab.
 *
 *     client -- fabric -- load balancer           (each on a link of its own, with a /32 address)
 *      dns ----/  |  \
 *               bridge -- node-a -- Pods          (192.168.0.0/16)
 *                     \-- node-b -- Pods
 */
import { existsSync } from "node:fs";
import { parseAddress, parseCIDR } from "../../net/ip.js";
import type { Namespaces } from "./namespaces.js";
import { isDefault } from "./plan.js";
import type { LabBridge, LabNode, LabPlan, LabPod } from "./types.js";
import { traceRules } from "./trace.js";

export const fabric = "fabric";
export const client = "client";
export const dns = "dns";
export const dnsAddresses = ["192.0.2.53", "2001:db8:53::53"] as const;
export const nodeSpace = (name: string): string => `node-${name}`;
export const podSpace = (plan: LabPlan, pod: LabPod): string =>
  pod.hostNetwork ? nodeSpace(pod.node) : `pod-${plan.pods.indexOf(pod)}`;
export const balancerSpace = (index: number): string => `lb-${index}`;

/** The namespace in which the client's process runs. */
export function clientSpace(plan: LabPlan): string {
  const { kind, name } = plan.client;
  return kind === "outside"
    ? client
    : kind === "node"
      ? nodeSpace(name)
      : podSpace(
          plan,
          plan.pods.find(({ key }) => key === name)!,
        );
}

/** Lines of ip(8), gathered first and run at once: all links, then each namespace's own lines. */
class Wiring {
  readonly links: string[] = [];
  readonly spaces = new Map<string, string[]>();

  /** Lines to run in a namespace, after those that it has. */
  in(space: string, ...lines: string[]): void {
    const own = this.spaces.get(space) ?? ["link set lo up"];
    own.push(...lines);
    this.spaces.set(space, own);
  }

  /** A link of its own between a host and its router; see `hang`. */
  link(space: string, own: string, router: string, theirs: string, mac = ""): void {
    this.links.push(
      `link add ${own} netns @${space} type veth peer name ${theirs} ${mac && `address ${mac} `}netns @${router}`,
    );
    this.in(router, `link set ${theirs} up`);
    this.in(space, `link set ${own} up`);
  }
}

/** Makes everything but the processes. */
export function build(house: Namespaces, plan: LabPlan): void {
  const wiring = new Wiring();
  wiring.in(fabric, "link add bridge type bridge", "link set bridge up");
  for (const node of plan.nodes) wireNode(wiring, node, plan.nodes.indexOf(node));
  joinBridge(wiring, plan.nodes);
  for (const pod of plan.pods.filter(({ hostNetwork }) => !hostNetwork)) hangPod(wiring, plan, pod);
  hang(
    wiring,
    client,
    fabric,
    "client",
    plan.client.kind === "outside" ? plan.client.addresses : [],
  );
  hang(wiring, dns, fabric, "dns", dnsAddresses);
  cloud(wiring, plan);
  house.add(...wiring.spaces.keys());
  for (const space of [fabric, ...plan.nodes.map(({ name }) => nodeSpace(name))])
    forwards(house, space);
  house.ip(wiring.links);
  for (const [space, lines] of wiring.spaces) house.ip(lines, space);
  for (const node of plan.nodes) {
    setBridges(house, node);
    loadRules(house, node);
  }
}

/**
 * A router; and, as most distributions set it for nodes, without a check of the way back (kubelets
 * and CNI plugins need rp_filter 0 or 2).
 */
function forwards(house: Namespaces, space: string): void {
  const both = (key: string, value: number): Record<string, number> => ({
    [`net.ipv4.conf.all.${key}`]: value,
    [`net.ipv4.conf.default.${key}`]: value,
  });
  house.sysctl(space, {
    "net.ipv4.ip_forward": 1,
    "net.ipv6.conf.all.forwarding": 1,
    "net.ipv4.fib_multipath_hash_policy": 1,
    ...both("rp_filter", 0),
    ...both("send_redirects", 0),
  });
}

const addressLines = (addresses: readonly string[], device: string): string[] =>
  addresses.map(
    (address) => `address add ${address} dev ${device}${address.includes(":") ? " nodad" : ""}`,
  );

/**
 * A host on a link of its own, as Calico makes it for a Pod: it has a bare address and sends
 * everything to the router's hardware address; the router's end has no address at all, so that
 * MASQUERADE there takes the machine's.
 */
function hang(
  wiring: Wiring,
  space: string,
  router: string,
  interfaceName: string,
  addresses: readonly string[],
): void {
  const mac = "ee:ee:ee:ee:ee:ee"; // and fe80::ecee:eeff:feee:eeee, which follows from it
  wiring.link(space, "eth0", router, interfaceName, mac);
  wiring.in(
    space,
    ...addressLines(addresses, "eth0"),
    `neighbour add 169.254.1.1 lladdr ${mac} dev eth0 nud permanent`,
    "route add default via 169.254.1.1 dev eth0 onlink",
    `neighbour add fe80::ecee:eeff:feee:eeee lladdr ${mac} dev eth0 nud permanent`,
    "route add ::/0 via fe80::ecee:eeff:feee:eeee dev eth0",
  );
  wiring.in(router, ...addresses.map((address) => `route add ${address} dev ${interfaceName}`));
}

/** A Pod on its node: on a link of its own, or on the node's bridge. */
function hangPod(wiring: Wiring, plan: LabPlan, pod: LabPod): void {
  const bridge = plan.nodes
    .find(({ name }) => name === pod.node)
    ?.bridges.find(({ name }) => name === pod.bridge);
  const [space, node] = [podSpace(plan, pod), nodeSpace(pod.node)];
  if (bridge) hangOnBridge(wiring, space, node, pod, bridge);
  else hang(wiring, space, node, pod.interface, pod.ips);
}

/**
 * As the bridge plugin does it: the Pod's address has its range's length, so that the others on the
 * bridge are its neighbours, and the bridge's own address is its gateway.
 * (containernetworking/plugins: plugins/main/bridge)
 */
function hangOnBridge(
  wiring: Wiring,
  space: string,
  node: string,
  { interface: port, ips }: LabPod,
  { name, addresses, hairpin }: LabBridge,
): void {
  wiring.link(space, "eth0", node, port);
  wiring.in(
    node,
    `link set ${port} master ${name}`,
    `link set ${port} type bridge_slave hairpin ${hairpin ? "on" : "off"}`,
  );
  for (const ip of ips) {
    const range = addresses.map(parseCIDR).find((each) => each.contains(parseAddress(ip)));
    if (!range)
      throw new Error(`a lab cannot build the Pod at ${ip}: ${name} is in no such network`);
    const six = range.family === "IPv6";
    wiring.in(
      space,
      ...addressLines([`${ip}/${range.length}`], "eth0"),
      `route add ${six ? "::/0" : "default"} via ${range.address.text} dev eth0`,
    );
  }
}

/** A place on the bridge, with addresses in its network. */
function plug(
  wiring: Wiring,
  space: string,
  own: string,
  interfaceName: string,
  addresses: readonly string[],
): void {
  wiring.link(space, own, fabric, interfaceName);
  wiring.in(fabric, `link set ${interfaceName} master bridge`);
  wiring.in(space, ...addressLines(addresses, own));
}

function wireNode(
  wiring: Wiring,
  { name, addresses, routes, bridges }: LabNode,
  number: number,
): void {
  plug(wiring, nodeSpace(name), "eth0", `node${number}`, addresses);
  wiring.in(
    nodeSpace(name),
    ...routes.map(({ to, via, dev, type }) =>
      type !== undefined && type !== "unicast"
        ? `route add ${type} ${to}`
        : `route add ${to} via ${via ?? "fe80::1"} dev ${dev}`,
    ),
  ); // an IPv6 default route of ours names no gateway
  for (const bridge of bridges)
    wiring.in(
      nodeSpace(name),
      `link add ${bridge.name} type bridge`,
      `link set ${bridge.name} up promisc ${bridge.promiscuous ? "on" : "off"}`,
      ...addressLines(bridge.addresses, bridge.name),
    );
}

/** Whether what passes between a node's Pods meets its rules; the kernel has it for all bridges. */
function setBridges(house: Namespaces, { name, bridges }: LabNode): void {
  if (bridges.length === 0) return;
  const netfilter = bridges.some((bridge) => bridge.netfilter);
  if (!existsSync("/proc/sys/net/bridge")) {
    if (!netfilter) return;
    throw new Error(
      `the Pods of ${name} hang on a bridge whose packets meet its rules, and this kernel has not loaded what does that: modprobe br_netfilter`,
    );
  }
  house.sysctl(nodeSpace(name), {
    "net.bridge.bridge-nf-call-iptables": Number(netfilter),
    "net.bridge.bridge-nf-call-ip6tables": Number(netfilter),
  });
}

/** The fabric itself is the nodes' gateway. */
function joinBridge(wiring: Wiring, nodes: readonly LabNode[]): void {
  const length = nodes[0]?.addresses.find((address) => !address.includes(":"))?.split("/")[1];
  const gateway = nodes
    .flatMap(({ routes }) => routes)
    .find(({ to, via }) => isDefault(to) && via !== undefined)?.via;
  const six = nodes
    .flatMap(({ addresses }) => addresses)
    .filter((address) => address.includes(":"));
  wiring.in(
    fabric,
    ...(gateway ? [`address add ${gateway}/${length} dev bridge`] : []),
    "address add fe80::1/64 dev bridge nodad",
    ...six.map((address) => `route add ${address.split("/")[0]} dev bridge`),
  );
}

/** A node's rules, and TRACE for the two packets that open a connection. */
function loadRules(house: Namespaces, { name, rules, routeLocalnet }: LabNode): void {
  const space = nodeSpace(name);
  house.sysctl(space, { "net.ipv4.conf.all.route_localnet": Number(routeLocalnet) });
  if (rules.nftables !== undefined) house.run(space, "nft", ["-f", "-"], rules.nftables);
  for (const [family, text] of [
    ["", rules.IPv4],
    ["6", rules.IPv6],
  ] as const) {
    if (text !== undefined) house.run(space, `ip${family}tables-nft-restore`, [], text);
    if (text !== undefined || rules.nftables !== undefined)
      house.run(
        space,
        `ip${family}tables-nft-restore`,
        ["--noflush"],
        traceRules("-p tcp --tcp-flags SYN SYN"),
      );
  }
}

/** What the cloud's network knows: where Pods are, and where load balancers are. */
function cloud(wiring: Wiring, plan: LabPlan): void {
  wiring.in(
    fabric,
    ...plan.podRoutes.map(({ to, via }) => `route add ${to} via ${via} dev bridge`),
  );
  // from the internet, none leads there
  if (!plan.client.inside)
    wiring.in(
      fabric,
      ...plan.podRoutes.map(({ to }) => `rule add iif client to ${to} unreachable`),
    );
  plan.balancers.forEach((balancer, i) => {
    if (balancer.mode === "passthrough") return passThrough(wiring, balancer, i);
    const length = plan.nodes[0]?.addresses[0]?.split("/")[1] ?? 16;
    hang(wiring, balancerSpace(i), fabric, balancerSpace(i), balancer.addresses);
    plug(
      wiring,
      balancerSpace(i),
      "eth1",
      `${balancerSpace(i)}-in`,
      balancer.privateAddresses.map((address) => `${address}/${length}`),
    );
  });
}

/**
 * A load balancer that hands packets on is a route of the fabric's: to one of the healthy nodes for
 * each connection, for its ports and its clients.
 */
function passThrough(
  wiring: Wiring,
  { addresses, listeners, sourceRanges, targets }: LabPlan["balancers"][number],
  i: number,
): void {
  const table = 100 + i;
  for (const address of addresses) {
    const alike = (other: string): boolean => other.includes(":") === address.includes(":");
    const hops = targets
      .filter((target) => target.healthy && alike(target.address))
      .map((target) => `nexthop via ${target.address} dev bridge`)
      .join(" ");
    const ranges = (sourceRanges.length ? sourceRanges : ["0.0.0.0/0", "::/0"]).filter(alike);
    wiring.in(
      fabric,
      `route add unreachable ${address}`,
      hops
        ? `route add ${address} table ${table} ${hops}`
        : `route add unreachable ${address} table ${table}`,
      ...listeners.flatMap(({ protocol, port }) =>
        ranges.map(
          (range) =>
            `rule add from ${range} to ${address} ipproto ${protocol.toLowerCase()} dport ${port} lookup ${table}`,
        ),
      ),
    );
  }
}
