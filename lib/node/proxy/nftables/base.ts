/**
 * What kube-proxy puts into its table whatever the Services are: base chains at the kernel's hooks,
 * and the chains that look into the maps. (pkg/proxy/nftables/proxier.go, setupNFTables)
 */
import {
  drop,
  elementsOf,
  jump,
  meta,
  type Base,
  type Chain,
  type NamedSet,
  type Rule,
  type Statement,
} from "../../../net/nftables/ruleset.js";
import { inOrder } from "../../../net/nftables/order.js";
import { parseCIDR } from "../../../net/ip.js";
import { nodePortIPs, type FamilyConfig, type NodeView } from "../config.js";
import type { Place } from "../places.js";
import { purposeOf } from "./names.js";
import { mergedRanges } from "./ranges.js";
import type { SharedSet } from "./program.js";
import {
  addressOf,
  addressType,
  destinationOf,
  differs,
  equals,
  ip,
  isIn,
  isNew,
  lookUp,
  markText,
  ProxyRule,
  rejects,
  toLocal,
  transport,
} from "./rules.js";

/** What a chain does at its hook, beside jumping. */
type BaseChain = readonly [name: string, base: Base, jumps: readonly string[], isForNew: boolean];

/** In the order in which kube-proxy makes them; before DNAT is 10 before its turn. */
const baseChains: readonly BaseChain[] = [
  [
    "filter-prerouting-pre-dnat",
    { type: "filter", hook: "prerouting", priority: -110 },
    ["firewall-check"],
    true,
  ],
  [
    "filter-output-pre-dnat",
    { type: "filter", hook: "output", priority: -110 },
    ["firewall-check"],
    true,
  ],
  [
    "filter-input",
    { type: "filter", hook: "input", priority: 0 },
    ["nodeport-endpoints-check", "service-endpoints-check"],
    true,
  ],
  [
    "filter-forward",
    { type: "filter", hook: "forward", priority: 0 },
    ["service-endpoints-check", "cluster-ips-check"],
    true,
  ],
  [
    "filter-output",
    { type: "filter", hook: "output", priority: 0 },
    ["service-endpoints-check", "cluster-ips-check"],
    true,
  ],
  ["nat-prerouting", { type: "nat", hook: "prerouting", priority: -100 }, ["services"], false],
  ["nat-output", { type: "nat", hook: "output", priority: -100 }, ["services"], false],
  ["nat-postrouting", { type: "nat", hook: "postrouting", priority: 100 }, ["masquerading"], false],
];

/** Those chains, the same for all nodes and both families. */
const bases: readonly Chain[] = baseChains.map(([name, base, jumps, isForNew]) => ({
  name,
  base,
  rules: jumps.map((to) => new ProxyRule([...(isForNew ? [isNew] : []), jump(to)])),
}));

/** Which jump kube-proxy writes after which: not in the order of the chains that they are in. */
export const jumpOrder: readonly (readonly [from: string, to: string])[] = [
  ["filter-input", "nodeport-endpoints-check"],
  ["filter-input", "service-endpoints-check"],
  ["filter-forward", "service-endpoints-check"],
  ["filter-output", "service-endpoints-check"],
  ["filter-prerouting-pre-dnat", "firewall-check"],
  ["filter-output-pre-dnat", "firewall-check"],
  ["nat-output", "services"],
  ["nat-prerouting", "services"],
  ["nat-postrouting", "masquerading"],
  ["filter-forward", "cluster-ips-check"],
  ["filter-output", "cluster-ips-check"],
];

/** The chains that all Services share, by name, in the order in which they are listed. */
export function sharedChains(
  config: FamilyConfig,
  serviceCIDRs: readonly string[],
): ReadonlyMap<string, Chain> {
  const chain = (name: string, rules: readonly Rule[], comment?: string): Chain => ({
    name,
    rules,
    comment,
    purpose: purposeOf(name),
  });
  const all = [
    ...bases,
    chain("nodeport-endpoints-check", [nodePortRule(config, "no-endpoint-nodeports")]),
    chain("service-endpoints-check", [
      new ProxyRule([lookUp(destinationOf(config.family), "no-endpoint-services")]),
    ]),
    chain("firewall-check", [
      new ProxyRule([lookUp(destinationOf(config.family), "firewall-ips")]),
    ]),
    chain("services", [
      new ProxyRule([lookUp(destinationOf(config.family), "service-ips")]),
      nodePortRule(config, "service-nodeports"),
    ]),
    chain("masquerading", masquerading(config)),
    chain("cluster-ips-check", undefinedPorts(config, serviceCIDRs)),
    chain("mark-for-masquerade", [setMark(config, "|", "or")]),
    chain(
      "reject-chain",
      [new ProxyRule([rejects])],
      "helper for @no-endpoint-services / @no-endpoint-nodeports",
    ),
  ];
  return new Map(all.map((each) => [each.name, each]));
}

/** On which addresses NodePorts answer; never on the loopback ones. */
function nodePortRule({ family, nodePortAddresses }: FamilyConfig, map: SharedSet): Rule {
  const destination = addressOf(family, "daddr");
  const purpose = {
    place: "nodeports" satisfies Place,
    field: "KubeProxyConfiguration nodePortAddresses",
  };
  const nodes: Statement[] =
    nodePortAddresses !== "all"
      ? [isIn(destination, "nodeport-ips")]
      : [
          // what reaches input has a local destination anyway
          ...(map === "service-nodeports" ? [toLocal] : []),
          differs(destination, family === "IPv4" ? "127.0.0.0/8" : "::1"),
        ];
  return new ProxyRule([...nodes, lookUp(transport, map)], { purpose });
}

const mark = meta("mark");

function masquerading({ masqueradeMark }: FamilyConfig): Rule[] {
  const bit = markText(masqueradeMark);
  const marked = { kind: "bitwise", op: "&", left: mark, right: bit } as const;
  // nft takes the highest bit for a prefix of a length of 1
  const isUnmarked: Statement =
    masqueradeMark === 2 ** 31
      ? equals(mark, `${markText(0)}/1`)
      : { kind: "match", left: marked, op: "==", right: markText(0) };
  return [
    new ProxyRule([isUnmarked, { kind: "return" }], { sent: `mark and ${bit} == 0 return` }),
    setMark({ masqueradeMark }, "^", "xor"),
    new ProxyRule([{ kind: "masquerade", flags: ["fully-random"] }]),
  ];
}

function setMark(
  { masqueradeMark }: Pick<FamilyConfig, "masqueradeMark">,
  op: "|" | "^",
  word: string,
): Rule {
  const bit = markText(masqueradeMark);
  return new ProxyRule(
    [{ kind: "set", what: mark, to: { kind: "bitwise", op, left: mark, right: bit } }],
    { sent: `mark set mark ${word} ${bit}` },
  );
}

function undefinedPorts({ family }: FamilyConfig, serviceCIDRs: readonly string[]): Rule[] {
  const destination = addressOf(family, "daddr");
  const known = new ProxyRule([isIn(destination, "cluster-ips"), rejects], {
    comment: "Reject traffic to invalid ports of ClusterIPs",
  });
  if (serviceCIDRs.length === 0) return [known];
  const ranges = mergedRanges(serviceCIDRs.map(parseCIDR));
  const among: Statement =
    serviceCIDRs.length === 1
      ? equals(destination, ranges[0]!)
      : { kind: "match", left: destination, right: { elements: ranges.map((key) => ({ key })) } };
  const comment = "Drop traffic to unallocated ClusterIPs";
  const sent = `${ip(family)} daddr { ${serviceCIDRs.join(",")} } drop`;
  const purpose = { object: "ServiceCIDR", field: "spec.cidrs" };
  return [known, new ProxyRule([among, drop], { comment, sent, purpose })];
}

const comments: Readonly<Record<SharedSet | "nodeport-ips", string>> = {
  "cluster-ips": "Active ClusterIPs",
  "nodeport-ips": "IPs that accept NodePort traffic",
  "no-endpoint-services": "vmap to drop or reject packets to services with no endpoints",
  "no-endpoint-nodeports": "vmap to drop or reject packets to service nodeports with no endpoints",
  "firewall-ips": "destinations that are subject to LoadBalancerSourceRanges",
  "service-ips": "ClusterIP, ExternalIP and LoadBalancer IP traffic",
  "service-nodeports": "NodePort traffic",
};

/** The sets and maps that all Services share, without their elements, as they are listed. */
export function sharedSets({
  family,
  nodePortAddresses,
}: FamilyConfig): readonly Omit<NamedSet, "elements">[] {
  const address = addressType(family);
  const set = (name: keyof typeof comments): Omit<NamedSet, "elements"> => ({
    name,
    type: [address],
    comment: comments[name],
  });
  const map = (name: SharedSet): Omit<NamedSet, "elements"> => ({
    name,
    type: [...(name.endsWith("nodeports") ? [] : [address]), "inet_proto", "inet_service"],
    data: "verdict",
    comment: comments[name],
  });
  return [
    set("cluster-ips"),
    ...(nodePortAddresses === "all" ? [] : [set("nodeport-ips")]),
    map("no-endpoint-services"),
    map("no-endpoint-nodeports"),
    map("firewall-ips"),
    map("service-ips"),
    map("service-nodeports"),
  ];
}

/** The node's addresses on which NodePorts answer, and which of its own these are. */
export function nodePortSet(
  view: NodeView,
  config: FamilyConfig,
): Pick<NamedSet, "elements" | "own"> {
  const answering = nodePortIPs(view, config).filter(({ loopback }) => !loopback);
  const keys = answering.map(({ text: key }) => ({ key }));
  return {
    elements: elementsOf(inOrder(keys, [addressType(config.family)])),
    own: answering.map(({ text }) => view.addresses.indexOf(text)),
  };
}
