/**
 * From a plan to namespaces. The fabric stands for the cloud's network: a bridge that the nodes share, a router to everything
 * else. No link leads out of the lab.
 *
 *     client -- fabric -- load balancer           (each on a link of its own, with a /32 address)
 *      dns ----/  |  \
 *               bridge -- node-a -- Pods          (192.168.0.0/16)
 *                     \-- node-b -- Pods
 */
import type { Namespaces } from "./namespaces.js";
import { isDefault, type LabNode, type LabPlan, type LabPod } from "./plan.js";
import { traceRules } from "./trace.js";

export const fabric = "fabric";
export const client = "client";
export const dns = "dns";
export const dnsAddresses = ["192.0.2.53", "2001:db8:53::53"] as const;
export const nodeSpace = (name: string): string => `node-${name}`;
export const podSpace = (plan: LabPlan, pod: LabPod): string => (pod.hostNetwork ? nodeSpace(pod.node) : `pod-${plan.pods.indexOf(pod)}`);
export const balancerSpace = (index: number): string => `lb-${index}`;

/** The namespace in which the client's process runs. */
export function clientSpace(plan: LabPlan): string {
  const { kind, name } = plan.client;
  return kind === "outside" ? client : kind === "node" ? nodeSpace(name) : podSpace(plan, plan.pods.find(({ key }) => key === name)!);
}

/** Makes everything but the processes. */
export function build(house: Namespaces, plan: LabPlan): void {
  const proxies = plan.balancers.flatMap(({ mode }, i) => (mode === "proxy" ? [balancerSpace(i)] : []));
  const pods = plan.pods.filter(({ hostNetwork }) => !hostNetwork);
  house.add(fabric, client, dns, ...proxies, ...plan.nodes.map(({ name }) => nodeSpace(name)), ...pods.map((pod) => podSpace(plan, pod)));
  for (const space of [fabric, ...plan.nodes.map(({ name }) => nodeSpace(name))]) forwards(house, space);
  house.ip(["link add bridge type bridge", "link set bridge up"], fabric);
  plan.nodes.forEach((node, i) => plug(house, nodeSpace(node.name), "eth0", `node${i}`, node.addresses));
  joinBridge(house, plan.nodes);
  plan.nodes.forEach((node) => settle(house, node));
  for (const pod of pods) hang(house, podSpace(plan, pod), nodeSpace(pod.node), pod.interface, pod.ips);
  hang(house, client, fabric, "client", plan.client.kind === "outside" ? plan.client.addresses : []);
  hang(house, dns, fabric, "dns", dnsAddresses);
  cloud(house, plan);
}

/** A router; and, as most distributions set it for nodes, without a check of the way back (kubelets and CNI plugins need rp_filter 0 or 2). */
function forwards(house: Namespaces, space: string): void {
  const both = (key: string, value: number): Record<string, number> => ({ [`net.ipv4.conf.all.${key}`]: value, [`net.ipv4.conf.default.${key}`]: value });
  house.sysctl(space, { "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1, "net.ipv4.fib_multipath_hash_policy": 1, ...both("rp_filter", 0), ...both("send_redirects", 0) });
}

/**
 * A link of its own between a host and its router, as Calico makes it for a Pod: the host has a bare address and sends everything
 * to the router's hardware address; the router's end has no address at all, so that MASQUERADE there takes the machine's.
 */
function hang(house: Namespaces, space: string, router: string, interfaceName: string, addresses: readonly string[]): void {
  const mac = "ee:ee:ee:ee:ee:ee"; // and fe80::ecee:eeff:feee:eeee, which follows from it
  house.ip([`link add eth0 netns @${space} type veth peer name ${interfaceName} address ${mac} netns @${router}`]);
  house.ip([`link set ${interfaceName} up`], router);
  house.ip([
    "link set eth0 up", ...addresses.map((address) => `address add ${address} dev eth0${address.includes(":") ? " nodad" : ""}`),
    `neighbour add 169.254.1.1 lladdr ${mac} dev eth0 nud permanent`, "route add default via 169.254.1.1 dev eth0 onlink",
    `neighbour add fe80::ecee:eeff:feee:eeee lladdr ${mac} dev eth0 nud permanent`, "route add ::/0 via fe80::ecee:eeff:feee:eeee dev eth0",
  ], space);
  house.ip(addresses.map((address) => `route add ${address} dev ${interfaceName}`), router);
}

/** A place on the bridge, with addresses in its network. */
function plug(house: Namespaces, space: string, own: string, interfaceName: string, addresses: readonly string[]): void {
  house.ip([`link add ${own} netns @${space} type veth peer name ${interfaceName} netns @${fabric}`]);
  house.ip([`link set ${interfaceName} master bridge up`], fabric);
  house.ip([`link set ${own} up`, ...addresses.map((address) => `address add ${address} dev ${own}${address.includes(":") ? " nodad" : ""}`)], space);
}

/** The fabric itself is the nodes' gateway. */
function joinBridge(house: Namespaces, nodes: readonly LabNode[]): void {
  const length = nodes[0]?.addresses.find((address) => !address.includes(":"))?.split("/")[1];
  const gateway = nodes.flatMap(({ routes }) => routes).find(({ to, via }) => isDefault(to) && via !== undefined)?.via;
  const six = nodes.flatMap(({ addresses }) => addresses).filter((address) => address.includes(":"));
  house.ip([
    ...(gateway ? [`address add ${gateway}/${length} dev bridge`] : []), "address add fe80::1/64 dev bridge nodad",
    ...six.map((address) => `route add ${address.split("/")[0]} dev bridge`),
  ], fabric);
}

/** A node's own routes, its kernel's settings, its rules, and TRACE for the two packets that open a connection. */
function settle(house: Namespaces, { name, routes, rules, routeLocalnet }: LabNode): void {
  const space = nodeSpace(name);
  house.ip(routes.map(({ to, via, dev, type }) => {
    if (type !== undefined && type !== "unicast") return `route add ${type} ${to}`;
    return `route add ${to} via ${via ?? "fe80::1"} dev ${dev}`; // an IPv6 default route of ours names no gateway
  }), space);
  house.sysctl(space, { "net.ipv4.conf.all.route_localnet": Number(routeLocalnet) });
  for (const [family, text] of [["", rules.IPv4], ["6", rules.IPv6]] as const) {
    if (text === undefined) continue;
    house.run(space, `ip${family}tables-nft-restore`, [], text);
    house.run(space, `ip${family}tables-nft-restore`, ["--noflush"], traceRules("-p tcp --tcp-flags SYN SYN"));
  }
}

/** What the cloud's network knows: where Pods are, and where load balancers are. */
function cloud(house: Namespaces, plan: LabPlan): void {
  house.ip(plan.podRoutes.map(({ to, via }) => `route add ${to} via ${via} dev bridge`), fabric);
  house.ip(plan.podRoutes.map(({ to }) => `rule add iif client to ${to} unreachable`), fabric); // from the internet, none leads there
  plan.balancers.forEach((balancer, i) => {
    const space = balancerSpace(i);
    if (balancer.mode === "proxy") {
      hang(house, space, fabric, space, balancer.addresses);
      const length = plan.nodes[0]?.addresses[0]?.split("/")[1] ?? 16;
      return plug(house, space, "eth1", `${space}-in`, balancer.privateAddresses.map((address) => `${address}/${length}`));
    }
    passThrough(house, balancer, i);
  });
}

/** A load balancer that hands packets on is a route of the fabric's: to one of the healthy nodes for each connection, for its ports and its clients. */
function passThrough(house: Namespaces, { addresses, listeners, sourceRanges, targets }: LabPlan["balancers"][number], i: number): void {
  const healthy = targets.filter((target) => target.healthy);
  const table = 100 + i;
  for (const address of addresses) {
    const hops = healthy.filter((target) => target.address.includes(":") === address.includes(":")).map((target) => `nexthop via ${target.address} dev bridge`).join(" ");
    const ranges = (sourceRanges.length ? sourceRanges : [address.includes(":") ? "::/0" : "0.0.0.0/0"]).filter((range) => range.includes(":") === address.includes(":"));
    house.ip([
      `route add unreachable ${address}`,
      hops ? `route add ${address} table ${table} ${hops}` : `route add unreachable ${address} table ${table}`,
      ...listeners.flatMap(({ protocol, port }) => ranges.map((range) => `rule add from ${range} to ${address} ipproto ${protocol.toLowerCase()} dport ${port} lookup ${table}`)),
    ], fabric);
  }
}
