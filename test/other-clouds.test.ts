/**
 * The load balancers beside the classic ones, by what becomes of packets: which node gets them,
 * what the Pod sees, what a Pod of the cluster meets at the same address, and what the death of a
 * node does.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  createCluster,
  openSnapshot,
  parse,
  type Cluster,
  type Outcomes,
  type Snapshot,
} from "stopover";
import {
  clouds,
  cloudNames,
  compareClouds,
  gcpNegs,
  kubeVip,
  metallb,
  nlb,
  octavia,
  type CloudName,
} from "stopover/clouds";
import type { Cloud } from "stopover/internal/cloud/provider";

interface Asked {
  policy?: "Cluster" | "Local";
  replicas?: number;
  nodes?: number;
  /** Where its Pods are. */
  node?: string;
  spec?: string;
  annotations?: string;
  ports?: string;
}

const web = ({
  policy = "Cluster",
  replicas = 3,
  node,
  spec = "",
  annotations = "",
  ports = "[{port: 8080, targetPort: 80}]",
}: Asked): string => `
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: ${replicas}, selector: {matchLabels: {app: web}},
  template: {metadata: {labels: {app: web}}, spec: {${node ? `nodeName: ${node}, ` : ""}containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, annotations: {${annotations}}},
  spec: {type: LoadBalancer, externalTrafficPolicy: ${policy}, selector: {app: web}, ports: ${ports}${spec}}}
`;

function made(cloud: CloudName | Cloud, asked: Asked = {}): Cluster {
  const cluster = createCluster({
    nodes: asked.nodes ?? 3,
    cloud: typeof cloud === "string" ? clouds[cloud]() : cloud,
    domains: { "web.example": "default/web" },
  });
  cluster.apply(parse(web(asked)));
  cluster.settle();
  cluster.advance("60s");
  return cluster;
}

const known = new Map<string, Cluster>();
/** The same for who changes nothing. */
function same(cloud: CloudName, asked: Asked = {}): Cluster {
  const key = JSON.stringify([cloud, asked]);
  const cluster = known.get(key) ?? made(cloud, asked);
  known.set(key, cluster);
  return cluster;
}

const url = "http://web.example:8080/";
const podOn = (cluster: Cluster, node: string): string =>
  cluster.list("Pod").find(({ spec }) => spec.nodeName === node)!.metadata.name;
const ingress = (cluster: Cluster) =>
  cluster.get("Service", "web").status?.loadBalancer?.ingress?.[0];

/**
 * Every way of a request, added up: "delivered to node-a, which sees 203.0.113.2" -> probability.
 */
function ways(cluster: Cluster, from = "internet"): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of cluster.outcomes(url, { from }).outcomes) {
    const who = one.clientSeenByPod?.replace(/:\d+$/, "");
    const nodes = one.hops.filter(({ kind }) => kind === "node").map(({ name }) => name);
    const end =
      one.disposition === "delivered" ? `${nodes.join(" > ")} sees ${who}` : one.disposition;
    sums[end] = (sums[end] ?? 0) + one.probability;
  }
  return Object.fromEntries(
    Object.entries(sums).map(([end, share]) => [end, Math.round(share * 1e6) / 1e6]),
  );
}

const failing = (cluster: Cluster): number => {
  const shares = cluster.shares(url);
  const bad = Object.entries(shares).filter(([end]) => !end.includes("/"));
  return Math.round(bad.reduce((sum, [, share]) => sum + share, 0) * 1e3) / 1e3;
};

// ---- which way it comes, and who the Pod takes for its client
// ------------------------------------

const third = 0.333333;
const ninth = 0.111111;
const client = "203.0.113.2";
/** From each node to each Pod: node-a sees its own, the others see the node that it came by. */
const spread = (seen: (node: string) => string): Record<string, number> =>
  Object.fromEntries(
    ["node-a", "node-b", "node-c"].flatMap((first) =>
      ["node-a", "node-b", "node-c"].map((last) => [
        `${first === last ? first : `${first} > ${last}`} sees ${seen(first)}`,
        ninth,
      ]),
    ),
  );
const address = { "node-a": "192.168.0.1", "node-b": "192.168.0.2", "node-c": "192.168.0.3" };
const nodeSeen = (node: string): string => address[node as keyof typeof address];
const own = (seen: string): Record<string, number> =>
  Object.fromEntries(["node-a", "node-b", "node-c"].map((node) => [`${node} sees ${seen}`, third]));
const from = (first: string): Record<string, number> =>
  Object.fromEntries(
    Object.entries(spread(nodeSeen))
      .filter(([way]) => way.startsWith(first))
      .map(([way]) => [way, third]),
  );

const table: [
  sentence: string,
  cloud: CloudName,
  asked: Asked,
  expected: Record<string, number>,
][] = [
  ["a classic ELB: any node, which hides the client a second time", "aws", {}, spread(nodeSeen)],
  [
    "a classic ELB with Local: the load balancer's address",
    "aws",
    { policy: "Local" },
    own("192.168.0.250"),
  ],
  ["an NLB with instance targets: the node hides the client", "nlb", {}, spread(nodeSeen)],
  [
    "an NLB with instance targets and Local: the client's address",
    "nlb",
    { policy: "Local" },
    own(client),
  ],
  [
    "an NLB with IP targets: straight to the Pod, which sees the load balancer of its zone",
    "nlb-ip",
    {},
    {
      "node-a sees 192.168.0.250": third,
      "node-b sees 192.168.0.249": third,
      "node-c sees 192.168.0.248": third,
    },
  ],
  [
    "an NLB with IP targets that is told to preserve it: the client's address, whatever the policy",
    "nlb-ip",
    {
      annotations:
        "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes: preserve_client_ip.enabled=true",
    },
    own(client),
  ],
  ["Google's passthrough: the node hides the client", "gcp", {}, spread(nodeSeen)],
  [
    "Google's passthrough with Local: the client's address",
    "gcp",
    { policy: "Local" },
    own(client),
  ],
  ["Google's with NEGs: the same", "gcp-neg", {}, spread(nodeSeen)],
  ["Google's with NEGs and Local: the same", "gcp-neg", { policy: "Local" }, own(client)],
  ["Octavia: as a classic ELB", "octavia", {}, spread(nodeSeen)],
  [
    "MetalLB in layer 2: one node gets everything, and spreads it",
    "metallb-l2",
    {},
    from("node-a"),
  ],
  [
    "MetalLB in layer 2 with Local: one node, and its own Pods alone",
    "metallb-l2",
    { policy: "Local" },
    { [`node-a sees ${client}`]: 1 },
  ],
  ["MetalLB in BGP mode: each node gets its share", "metallb-bgp", {}, spread(nodeSeen)],
  [
    "MetalLB in BGP mode with Local: the client's address",
    "metallb-bgp",
    { policy: "Local" },
    own(client),
  ],
  ["kube-vip: the node that holds the Lease gets everything", "kube-vip", {}, from("node-a")],
  [
    "kube-vip with Local: one node, and its own Pods alone",
    "kube-vip",
    { policy: "Local" },
    { [`node-a sees ${client}`]: 1 },
  ],
  ["no cloud: there is no address to resolve", "none", {}, { "name not found": 1 }],
];
for (const [sentence, cloud, asked, expected] of table)
  test(sentence, () => {
    assert.equal(ways(same(cloud, asked)), expected);
  });

test("every name of --cloud is in the table", () => {
  assert.equal([...new Set(table.map(([, cloud]) => cloud))].sort(), [...cloudNames].sort());
});

// ---- one Pod, so that two nodes have none
// --------------------------------------------------------

const alone: [sentence: string, cloud: CloudName, expected: Record<string, number>][] = [
  [
    "an NLB's name leaves out the zones whose node fails its check",
    "nlb",
    { [`node-a sees ${client}`]: 1 },
  ],
  ["NEGs hold the node that has the Pod", "gcp-neg", { [`node-a sees ${client}`]: 1 }],
  [
    "MetalLB announces from the node that has the Pod",
    "metallb-l2",
    { [`node-a sees ${client}`]: 1 },
  ],
  ["over BGP too", "metallb-bgp", { [`node-a sees ${client}`]: 1 }],
];
for (const [sentence, cloud, expected] of alone)
  test(`one Pod and Local: ${sentence}`, () => {
    const cluster = same(cloud, { policy: "Local", replicas: 1 });
    const node = cluster.list("Pod")[0]!.spec.nodeName!;
    assert.equal(
      ways(cluster),
      Object.fromEntries(
        Object.entries(expected).map(([way, p]) => [way.replace("node-a", node), p]),
      ),
    );
  });

test("NEGs and announcements hold no other node than that; other clouds' targets are all nodes", () => {
  const counts = (["gcp", "gcp-neg", "metallb-l2", "metallb-bgp", "nlb-ip", "nlb"] as const).map(
    (cloud) =>
      [...same(cloud, { policy: "Local", replicas: 1 }).cloud!.targets.values()][0]!.length,
  );
  assert.equal(counts, [3, 1, 1, 1, 1, 3]);
});

test("kube-vip's leader drops what comes where it has no Pod and the policy is Local; an election for each Service mends that", () => {
  const asked: Asked = { policy: "Local", replicas: 1, node: "node-b" };
  const leader = (cluster: Cluster): string =>
    [...cluster.cloud!.targets.values()][0]![0]!.instance;
  const one = made(kubeVip(), asked);
  assert.equal([leader(one), ways(one)], ["node-a", { dropped: 1 }]);
  const each = made(kubeVip({ servicesElection: true }), asked);
  assert.equal([leader(each), ways(each)], ["node-b", { [`node-b sees ${client}`]: 1 }]);
});

// ---- a Pod asks for the same address
// -------------------------------------------------------------

test("a Pod at an NLB that keeps the client: where it comes back to the Pod's own node it times out", () => {
  const cluster = same("nlb");
  const shares = cluster.shares(url, { from: `pod/default/${podOn(cluster, "node-b")}` });
  assert.ok(Math.abs(shares["timed out"]! - 1 / 3) < 1e-9, JSON.stringify(shares));
});

test("a Pod at an NLB with IP targets gets to every Pod, itself as well", () => {
  const cluster = same("nlb-ip");
  const shares = cluster.shares(url, { from: `pod/default/${podOn(cluster, "node-b")}` });
  assert.equal(Object.values(shares), [1 / 3, 1 / 3, 1 / 3]);
});

for (const cloud of ["gcp", "octavia", "metallb-l2", "metallb-bgp", "kube-vip"] as const)
  test(`a Pod at ${cloud}'s address never leaves its node's rules: ipMode is VIP`, () => {
    const cluster = same(cloud);
    assert.is(ingress(cluster)?.ipMode, "VIP");
    const { hops, disposition } = cluster.request(url, {
      from: `pod/default/${podOn(cluster, "node-c")}`,
    });
    assert.is(disposition, "delivered");
    assert.not.ok(hops.some(({ kind }) => kind === "load-balancer"));
  });

test("with ipMode Proxy a Pod goes by the load balancer, which writes the PROXY header (KEP-1860)", () => {
  const annotations = 'loadbalancer.openstack.org/proxy-protocol: "true"';
  const cluster = made(octavia(), { annotations });
  assert.equal(ingress(cluster), { ip: "198.51.100.10", ipMode: "Proxy" });
  const journey = cluster.request(url, { from: `pod/default/${podOn(cluster, "node-c")}` });
  const hop = journey.hops.find(({ kind }) => kind === "load-balancer");
  assert.is(journey.disposition, "delivered");
  assert.match(hop!.steps[0]!.note!, /begins with a PROXY header that names 10\.1\./);
  assert.match(journey.leftOut.map(({ sentence }) => sentence).join(), /PROXY header/);
});

for (const [name, cloud, key] of [
  ["Octavia", "octavia", "loadbalancer.openstack.org/proxy-protocol"],
  ["a classic ELB", "aws", "service.beta.kubernetes.io/aws-load-balancer-proxy-protocol"],
] as const)
  test(`${name} of which no PROXY header is asked any more writes none, at the same address`, () => {
    const cluster = made(cloud, { annotations: `${key}: "v1"` });
    const told = () => {
      const { hops, leftOut } = cluster.request(url);
      const notes = hops.flatMap(({ steps }) => steps.map(({ note = "" }) => note));
      return [...notes, ...leftOut.map(({ sentence }) => sentence)].join();
    };
    const { ip, hostname } = ingress(cluster)!;
    assert.match(told(), /PROXY header/);
    cluster.patch("Service", "web", { metadata: { annotations: { [key]: null } } });
    cluster.settle();
    assert.not.match(told(), /PROXY header/);
    const now = ingress(cluster)!;
    assert.equal([now.ip, now.hostname], [ip, hostname]);
    if (cloud === "octavia") assert.is(now.ipMode, "VIP");
  });

test("an NLB that is asked for PROXY headers says so in the trace, and that nobody knows who reads them", () => {
  const annotations = 'service.beta.kubernetes.io/aws-load-balancer-proxy-protocol: "*"';
  const journey = made(nlb({ targetType: "ip" }), { annotations }).request(url);
  const hop = journey.hops.find(({ kind }) => kind === "load-balancer");
  assert.match(hop!.steps[0]!.note!, /PROXY header \(v2\) that names 203\.0\.113\.2:/);
  assert.match(journey.leftOut.map(({ sentence }) => sentence).join(), /PROXY header/);
});

// ---- a node dies
// ---------------------------------------------------------------------------------

/**
 * The node that gets the most is switched off. How much fails at once; after how many seconds what
 * fails is no longer the load balancer's doing; and what share of the requests failed until then.
 */
const deaths: [cloud: CloudName, atOnce: number, cured: [from: number, to: number]][] = [
  // a third goes to the dead node, and of the rest a third to its Pod
  ["aws", 0.556, [50, 70]],
  ["nlb", 0.556, [20, 40]],
  ["nlb-ip", 0.333, [20, 40]],
  ["gcp", 0.556, [16, 30]],
  ["metallb-l2", 1, [3, 7]],
  ["metallb-bgp", 0.556, [120, 190]],
  ["kube-vip", 1, [3, 7]],
];
for (const [cloud, atOnce, [low, high]] of deaths)
  test(`${cloud}: a node dies, ${atOnce} fails at once, and in ${low} to ${high} s its load balancer knows`, () => {
    const cluster = made(cloud);
    const [first] = [...cluster.cloud!.targets.values()][0]!;
    const lost = first!.instance;
    assert.is(failing(cluster), 0);
    cluster.node(lost).stop();
    assert.is(failing(cluster), atOnce);
    const sends = (): boolean =>
      [...cluster.cloud!.targets.values()][0]!.some(
        ({ instance, healthy }) => instance === lost && healthy,
      );
    let seconds = 0;
    while (sends() && seconds < 300) {
      cluster.advance("1s");
      seconds++;
    }
    assert.ok(seconds >= low && seconds <= high, `${seconds} s`);
    cluster.advance("120s");
    assert.is(failing(cluster), 0, "and in the end all is well");
  });

test("MetalLB's address goes to the next node by the hash, and back when the first returns", () => {
  const cluster = made("metallb-l2");
  const leader = (): string =>
    cluster
      .request(url)
      .hops.find(({ kind }) => kind === "load-balancer")!
      .steps[0]!.note!.slice(0, 6);
  assert.is(leader(), "node-a");
  cluster.node("node-a").stop();
  cluster.advance("10s");
  const next = leader();
  assert.is.not(next, "node-a");
  cluster.node("node-a").start();
  cluster.advance("10s");
  assert.is(leader(), "node-a");
});

test("kube-vip's address stays with the node that took it over", () => {
  const cluster = made("kube-vip");
  const leader = (): string =>
    cluster
      .request(url)
      .hops.find(({ kind }) => kind === "load-balancer")!
      .steps[0]!.note!.slice(0, 6);
  const first = leader();
  cluster.node(first).stop();
  cluster.advance("10s");
  const next = leader();
  assert.is.not(next, first);
  cluster.node(first).start();
  cluster.advance("10s");
  assert.is(leader(), next);
});

test("BFD finds out in a second what BGP alone takes minutes for", () => {
  const cluster = made(metallb({ mode: "bgp", bfd: true }));
  cluster.node("node-a").stop();
  cluster.advance("1s");
  assert.is(failing(cluster), 0.333, "the Pod that is gone, and no node");
});

test("an NLB of which no target is healthy sends to all (fail open), a classic ELB to none", () => {
  const broken: Asked = { ports: "[{port: 8080, targetPort: 81}]" };
  assert.is(made("aws", broken).request(url).disposition, "no healthy target");
  assert.is(made("nlb", broken).request(url).disposition, "port not listening");
});

// ---- what is announced takes every port, and what is bound answers pings
// -------------------------

const ip = "198.51.100.10";
const seen = (cloud: CloudName, to: string, protocol: "TCP" | "ICMP") =>
  same(cloud).packet({ node: "node-b", from: "192.168.0.2", to, protocol });

test("a port that the Service does not have: a cloud's firewall drops it, an announced address leads to a node", () => {
  assert.match(same("gcp").request("http://web.example:22/").reason, /firewall drops/);
  assert.match(same("metallb-l2").request("http://web.example:22/").reason, /in a circle/);
  assert.is(same("kube-vip").request("http://web.example:22/").disposition, "connection refused");
});

test("a ping is answered where a node has the address on its interface", () => {
  assert.is(seen("gcp", ip, "ICMP").disposition, "timed out");
  assert.is(seen("metallb-l2", ip, "ICMP").disposition, "dropped");
  assert.is(seen("kube-vip", ip, "ICMP").disposition, "delivered");
});

test("spec.loadBalancerSourceRanges is a cloud's firewall's business, or kube-proxy's", () => {
  const spec = ", loadBalancerSourceRanges: [10.0.0.0/8]";
  const drops = (cloud: CloudName): string => made(cloud, { spec }).request(url).reason;
  assert.match(drops("nlb"), /the load balancer's firewall lets in 10\.0\.0\.0\/8/);
  assert.match(drops("metallb-l2"), /node-a drops it: /);
});

// ---- zones, ports, classes
// ------------------------------------------------------------------------

test("an NLB's address serves its own zone: a Pod that shares its zone with another gets half as much", () => {
  const cluster = made("nlb-ip", { replicas: 4 });
  const shares = Object.values(cluster.shares(url)).map((share) => Math.round(share * 1e3) / 1e3);
  assert.equal(shares.sort(), [0.167, 0.167, 0.333, 0.333]);
  const annotations =
    "service.beta.kubernetes.io/aws-load-balancer-attributes: load_balancing.cross_zone.enabled=true";
  const even = made("nlb-ip", { replicas: 4, annotations });
  assert.equal(Object.values(even.shares(url)), [0.25, 0.25, 0.25, 0.25]);
});

test("IP targets have the ports of the Pods, one group for each port, and need no NodePorts", () => {
  const cluster = made("nlb-ip", {
    ports: "[{name: a, port: 8080, targetPort: 80}, {name: b, port: 9090, targetPort: 81}]",
    spec: ", allocateLoadBalancerNodePorts: false",
  });
  const targets = [...cluster.cloud!.targets.values()][0]!;
  assert.equal(
    [...new Set(targets.map(({ listener, port }) => `${listener} -> ${port}`))],
    ["TCP 8080 -> 80", "TCP 9090 -> 81"],
  );
  assert.is(cluster.request(url).disposition, "delivered");
  const refused = made("nlb", { spec: ", allocateLoadBalancerNodePorts: false" });
  assert.is(ingress(refused), undefined);
  const why = refused.why("default/web");
  assert.match(JSON.stringify(why), /instance targets are reached by NodePort/);
});

test("each serves its own spec.loadBalancerClass beside Services without one", () => {
  const served: [CloudName, string | undefined][] = [
    ["aws", undefined],
    ["nlb", "service.k8s.aws/nlb"],
    ["gcp-neg", "networking.gke.io/l4-regional-external"],
    ["kube-vip", "kube-vip.io/kube-vip-class"],
  ];
  for (const [cloud, name] of served) {
    const spec = `, loadBalancerClass: ${name ?? "service.k8s.aws/nlb"}`;
    assert.is(ingress(made(cloud, { spec })) !== undefined, name !== undefined, cloud);
  }
});

test("where there is no cloud's machine, a Node has no providerID, and stays when its machine is gone", () => {
  const cluster = made("metallb-l2");
  assert.is(cluster.list("Node")[0]!.spec.providerID, undefined);
  assert.equal(cluster.list("Node")[0]!.spec.taints ?? [], []);
  cluster.removeNode("node-c");
  cluster.advance("10m");
  assert.is(cluster.list("Node").length, 3);
});

test("Google's NEGs hold at most 250 nodes, the same ones for the same Service", () => {
  const cloud = gcpNegs();
  const cluster = createCluster({ nodes: 260, cloud, domains: {} });
  cluster.apply(parse(web({})));
  cluster.settle();
  assert.is([...cluster.cloud!.targets.values()][0]!.length, 250);
});

// ---- all of them, side by side ---- the same in a dump
// ---------------------------------------------------------------------------

/**
 * The cluster's objects, as somebody reads them with kubectl; `note`: annotations of the Service.
 */
function dumped(cluster: Cluster, note: Record<string, string> = {}): Snapshot {
  const kinds = ["Node", "Pod", "Service", "EndpointSlice"] as const;
  const items = kinds.flatMap((kind) =>
    cluster.list(kind).map((object) => ({
      ...object,
      ...(kind === "Service" && {
        metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...note } },
      }),
    })),
  );
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  return openSnapshot(parse(list, { as: "dump" }), { domains: { "web.example": "default/web" } });
}
const seenIn = ({ outcomes }: Outcomes): string[] => [
  ...new Set(outcomes.map(({ clientSeenByPod = "" }) => clientSeenByPod.split(":")[0]!)),
];

test("a dump with an NLB knows by its name that it keeps the client, and for IP targets not", () => {
  assert.equal(seenIn(dumped(same("nlb", { policy: "Local" })).outcomes(url)), [client]);
  const ip = { "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip" };
  const hidden = dumped(same("nlb-ip"), ip).outcomes(url);
  assert.not.ok(seenIn(hidden).includes(client));
  const attributes = "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes";
  const note = { ...ip, [attributes]: "preserve_client_ip.enabled=true" };
  const kept = dumped(same("nlb-ip"), note).outcomes(url);
  assert.equal([seenIn(kept), kept.leftOut], [[client], []], "and the attribute is read");
  const classic = dumped(same("aws", { policy: "Local" })).outcomes(url);
  assert.not.ok(seenIn(classic).includes(client));
});

test("a dump says which node has kube-vip's address; it does not say MetalLB's mode, and that is told", () => {
  const held = dumped(same("kube-vip"), { "kube-vip.io/vipHost": "node-c" }).outcomes(url);
  assert.equal([seenIn(held), held.leftOut], [["192.168.0.3"], []]);
  const pool = { "metallb.io/ip-allocated-from-pool": "default" };
  const announced = dumped(same("metallb-l2"), pool).outcomes(url);
  assert.is(seenIn(announced).length, 3);
  assert.match(announced.leftOut[0]!.sentence, /layer 2.* is not in a dump/);
});

// --------------------------------------------------------------------

test("one table compares them: hops, translations, the client that Pods see, what a dead node breaks", () => {
  const rows = compareClouds(parse(web({})), {
    url,
    clouds: ["aws", "nlb-ip", "metallb-l2", "none"],
    domains: { "web.example": "default/web" },
  });
  assert.equal(
    rows.map(({ cloud, hops, clientSeenByPod, enters, fromPod }) => [
      cloud,
      hops.join(" "),
      clientSeenByPod.length,
      Object.keys(enters).length,
      fromPod,
    ]),
    [
      ["aws", "load-balancer node-a cluster-ip pod", 3, 3, { meetsBalancer: true, fails: 0 }],
      ["nlb-ip", "load-balancer node-a pod", 3, 3, { meetsBalancer: true, fails: 0 }],
      [
        "metallb-l2",
        "load-balancer node-a cluster-ip pod",
        1,
        1,
        { meetsBalancer: false, fails: 0 },
      ],
      ["none", "", 0, 0, { meetsBalancer: false, fails: 1 }],
    ],
  );
  assert.equal(
    rows.map(({ translations }) => translations.length),
    [4, 2, 2, 0],
  );
  assert.match(
    rows[1]!.translations[1]!,
    /^load-balancer: to 198\.51\.100\.10:8080 -> 10\.1\.1\.2:80$/,
  );
  assert.equal(
    rows.map(({ nodeDies }) => nodeDies && [nodeDies.node, Math.round(nodeDies.fails * 1e3)]),
    [["node-a", 556], ["node-a", 333], ["node-a", 1000], undefined],
  );
  const [aws, ip, l2] = rows.map(({ nodeDies }) => nodeDies!);
  assert.ok(ip!.wellAgain! < aws!.wellAgain!, "no node holds the dead Pod's address any more");
  assert.ok(l2!.balancerKnows! < 10 && l2!.wellAgain! > 30);
});

test("options that mean nothing are refused", () => {
  assert.throws(() => nlb({ target: "ip" } as never), /no option target/);
  assert.throws(
    () => nlb({ targetType: "pod" as never }),
    /targetType is "pod"; allowed are "instance" and "ip"/,
  );
  assert.throws(
    () => metallb({ mode: "ospf" as never }),
    /mode is "ospf"; allowed are "l2" and "bgp"/,
  );
  assert.throws(() => metallb({ holdTime: 1 }), /holdTime is 1/);
  assert.throws(() => kubeVip({ election: true } as never), /no option election/);
  assert.throws(() => octavia({ mode: "x" } as never), /no option mode/);
  assert.throws(() => createCluster({ cloud: metallb as never }), /metallb: there is no option/);
});

test.run();
