/**
 * What kube-proxy puts into its table whatever the Services are: base chains at the kernel's hooks,
 * and the chains that look into the maps. (pkg/proxy/nftables/proxier.go, setupNFTables)
 */
import * as features from "../../../objects/kubernetes-features.js";
import {
  concat,
  drop,
  elementsOf,
  jump,
  meta,
  payload,
  type Base,
  type Chain,
  type Expression,
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
  localMatch,
  lookUp,
  markMasquerade,
  markText,
  ProxyRule,
  rejects,
  setMark,
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
  view: NodeView,
): ReadonlyMap<string, Chain> {
  const isDirect = config.kubernetes.has(features.directDNAT);
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
      ...(isDirect ? masqueradeForClusterIPs(view, config) : []),
      new ProxyRule([lookUp(destinationOf(config.family), "service-ips")]),
      nodePortRule(config, "service-nodeports"),
    ]),
    chain("masquerading", masquerading(config)),
    chain("cluster-ips-check", undefinedPorts(config, serviceCIDRs)),
    ...(isDirect
      ? []
      : [chain("mark-for-masquerade", [new ProxyRule([setMark(config.masqueradeMark, "|")])])]),
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
const masquerade: Statement = { kind: "masquerade", flags: ["fully-random"] };

function masquerading(config: FamilyConfig): Rule[] {
  const { masqueradeMark, kubernetes } = config;
  const unmark = setMark(masqueradeMark, "^");
  const bit = markText(masqueradeMark);
  if (kubernetes.has(features.directDNAT))
    return [
      new ProxyRule([isMarked(masqueradeMark, "!="), unmark, masquerade], {
        sent: `mark and ${bit} != 0 mark set mark xor ${bit} masquerade fully-random`,
      }),
      new ProxyRule([wasTranslated, isIn(hairpin(config), "hairpin-connections"), masquerade]),
    ];
  return [
    new ProxyRule([isMarked(masqueradeMark, "=="), { kind: "return" }], {
      sent: `mark and ${bit} == 0 return`,
    }),
    new ProxyRule([unmark]),
    new ProxyRule([masquerade]),
  ];
}

function isMarked(bit: number, op: "==" | "!="): Statement {
  // nft takes the highest bit for a prefix of a length of 1
  if (bit === 2 ** 31)
    return op === "==" ? equals(mark, `${markText(0)}/1`) : differs(mark, `${markText(0)}/1`);
  const left = { kind: "bitwise", op: "&", left: mark, right: markText(bit) } as const;
  return { kind: "match", left, op, right: markText(0) };
}

const wasTranslated: Statement = {
  kind: "match",
  left: { kind: "ct", key: "status" },
  right: "dnat",
};

/** ip saddr . ip daddr . meta l4proto . th dport */
const hairpin = ({ family }: FamilyConfig): Expression =>
  concat(
    addressOf(family, "saddr"),
    addressOf(family, "daddr"),
    meta("l4proto"),
    payload("th", "dport"),
  );

/** What comes to any ClusterIP from elsewhere: one rule, and not one for each Service. */
function masqueradeForClusterIPs(view: NodeView, config: FamilyConfig): Rule[] {
  const toClusterIP = isIn(addressOf(config.family, "daddr"), "cluster-ips");
  const marks = markMasquerade(config);
  if (config.masqueradeAll)
    return [
      new ProxyRule([toClusterIP, marks], {
        comment: "masquerade all clusterIP traffic",
        purpose: { field: "KubeProxyConfiguration nftables.masqueradeAll" },
      }),
    ];
  const foreign = localMatch(view, config, true);
  return foreign
    ? [
        new ProxyRule([toClusterIP, foreign, marks], {
          comment: "masquerade clusterIP traffic from outside cluster",
        }),
      ]
    : [];
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
  "hairpin-connections": "service hairpin connections",
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
  kubernetes,
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
  const hairpins = {
    ...set("hairpin-connections"),
    type: [address, address, "inet_proto", "inet_service"],
  };
  return [
    ...(kubernetes.has(features.directDNAT) ? [hairpins] : []),
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
