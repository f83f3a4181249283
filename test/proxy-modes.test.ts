/**
 * The same Services in both modes of kube-proxy: the same ends with the same probabilities, and the
 * differences that are true. (kubernetes: pkg/proxy/nftables/README.md)
 */
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, gcp, openSnapshot, parse, read } from "stopover";
import type { Cluster, ClusterOptions } from "stopover";
import type { ServiceSpec } from "stopover/internal/objects/types";

const manifests = fileURLToPath(new URL("../../notebooks/manifests", import.meta.url));
const url = "http://mynginx-app.com:8080/";
const modes = ["iptables", "nftables"] as const;
type Mode = (typeof modes)[number];

/** The article's cluster; node-a has a second address. */
function articleCluster(proxyMode: Mode, options: ClusterOptions = {}): Cluster {
  const cluster = createCluster({
    nodes: [
      { name: "node-a", addresses: ["192.168.0.1", "34.1.1.1"] },
      { name: "node-b" },
      { name: "node-c" },
    ],
    cloud: gcp(),
    seed: 1,
    proxyMode,
    ...options,
  });
  cluster.apply(read([`${manifests}/deployment.yaml`, `${manifests}/service.yaml`]));
  cluster.settle();
  return cluster;
}

function change(cluster: Cluster, spec: Partial<ServiceSpec>): void {
  cluster.patch("Service", "nginx", { spec });
  cluster.settle();
}

/** Every door of the Service that there is, from everywhere: who answers, and how often. */
function shares(cluster: Cluster): Record<string, Record<string, number>> {
  const { spec, status } = cluster.get("Service", "nginx");
  const [{ port, nodePort = 0 }] = spec.ports as [{ port: number; nodePort?: number }];
  const pod = `pod/default/${cluster.list("Pod")[0]!.metadata.name}`;
  const balancer = status?.loadBalancer?.ingress?.[0]?.ip;
  const doors = [
    `http://${spec.clusterIP}:${port}/`,
    ...(nodePort ? [`http://192.168.0.2:${nodePort}/`] : []),
    ...(balancer !== undefined ? [`http://${balancer}:${port}/`] : []),
  ];
  const external = spec.externalIPs?.[0];
  const asked: Record<string, Record<string, number>> = {};
  for (const door of doors)
    for (const from of ["internet", pod, "node/node-b", "node/node-a"])
      asked[`${door} from ${from}`] = cluster.shares(door, { from });
  if (external !== undefined)
    asked[external] = Object.fromEntries(
      cluster
        .packetOutcomes({ node: "node-a", from: "203.0.113.9", to: `${external}:${port}` })
        .outcomes.map(({ probability, pod: end, disposition }) => [
          end ?? disposition,
          probability,
        ]),
    );
  return asked;
}

const both = suite("both modes of kube-proxy");

both("the article's request: the same three Pods, each with 1/3, by the same stop-overs", () => {
  for (const mode of modes) {
    const cluster = articleCluster(mode, { nodes: 3, cloud: aws() });
    assert.equal(Object.values(cluster.shares(url)), Array(3).fill(1 / 3), mode);
    const trip = cluster.request(url);
    assert.is(trip.disposition, "delivered");
    assert.equal(
      trip.hops.map(({ stop }) => stop).filter((stop) => stop !== null),
      [1, 2, 3],
      mode,
    );
    assert.is(trip.hops.find(({ stop }) => stop === 3)!.name, "default/nginx");
    assert.is(trip.reply.at(-1)!.kind, "client");
  }
});

const kinds: readonly [string, Partial<ServiceSpec>][] = [
  ["a ClusterIP", { type: "ClusterIP" }],
  ["a NodePort", { type: "NodePort" }],
  ["a load balancer", {}],
  ["a NodePort for local endpoints", { type: "NodePort", externalTrafficPolicy: "Local" }],
  ["a load balancer for local endpoints", { externalTrafficPolicy: "Local" }],
  ["a ClusterIP for local endpoints", { type: "ClusterIP", internalTrafficPolicy: "Local" }],
  [
    "all of it for local endpoints",
    { externalTrafficPolicy: "Local", internalTrafficPolicy: "Local" },
  ],
  ["session affinity", { sessionAffinity: "ClientIP" }],
  ["an external address", { externalIPs: ["203.0.113.77"] }],
  [
    "an external address for local endpoints",
    { externalIPs: ["203.0.113.77"], externalTrafficPolicy: "Local" },
  ],
  ["a load balancer for some", { loadBalancerSourceRanges: ["198.51.100.0/24"] }],
  ["a load balancer for all", { loadBalancerSourceRanges: ["0.0.0.0/0"] }],
];

for (const [what, spec] of kinds)
  both(`${what}: the same ends with the same probabilities`, () => {
    const [x, y] = modes.map((mode) => {
      const cluster = articleCluster(mode);
      const port = { name: "http", port: 8080, targetPort: 80 };
      change(cluster, spec.type === "ClusterIP" ? { ...spec, ports: [port] } : spec);
      return shares(cluster);
    });
    assert.equal(y, x);
  });

both("nobody left to answer: the same", () => {
  const [x, y] = modes.map((mode) => {
    const cluster = articleCluster(mode);
    cluster.scale("Deployment", "nginx", 0);
    cluster.settle();
    const { spec } = cluster.get("Service", "nginx");
    return [`${spec.clusterIP}:8080`, `192.168.0.2:${spec.ports![0]!.nodePort}`].flatMap((to) =>
      ["internet", "node/node-b"].map((from) => cluster.shares(`http://${to}/`, { from })),
    );
  });
  assert.equal(y, x);
});

/** What the modes do not share: what is sent, and what becomes of it in each. */
const differences: readonly {
  what: string;
  ask: (cluster: Cluster) => { disposition: string };
  iptables: string;
  nftables: string;
}[] = [
  {
    what: "NodePorts answer on the node's primary address alone",
    ask: (cluster) => cluster.request(`http://34.1.1.1:${nodePortOf(cluster)}/`),
    iptables: "delivered",
    nftables: "connection refused",
  },
  {
    what: "NodePorts do not answer on 127.0.0.1",
    ask: (cluster) =>
      cluster.packet({ node: "node-a", from: "127.0.0.1", to: `127.0.0.1:${nodePortOf(cluster)}` }),
    iptables: "delivered",
    nftables: "connection refused",
  },
  {
    what: "a ClusterIP's undefined port is rejected",
    ask: (cluster) =>
      cluster.request(`http://${cluster.get("Service", "nginx").spec.clusterIP}:9999/`, {
        from: "node/node-b",
      }),
    iptables: "no route",
    nftables: "rejected",
  },
  {
    what: "a ClusterIP that nobody has is dropped",
    ask: (cluster) => cluster.request("http://10.2.200.200/", { from: "node/node-b" }),
    iptables: "no route",
    nftables: "dropped",
  },
  {
    what: "whom the source ranges leave out hears nothing, though nobody could answer",
    ask(cluster) {
      change(cluster, { loadBalancerSourceRanges: ["198.51.100.0/24"] });
      cluster.scale("Deployment", "nginx", 0);
      cluster.settle();
      const [{ ip }] = cluster.get("Service", "nginx").status!.loadBalancer!.ingress as [
        { ip: string },
      ];
      return cluster.packet({ node: "node-a", from: "203.0.113.9", to: `${ip}:8080` });
    },
    iptables: "rejected",
    nftables: "dropped",
  },
];

const nodePortOf = (cluster: Cluster): number =>
  cluster.get("Service", "nginx").spec.ports![0]!.nodePort!;

for (const { what, ask, ...expected } of differences)
  both(`in nftables mode ${what}`, () => {
    for (const mode of modes)
      assert.is(ask(articleCluster(mode)).disposition, expected[mode], mode);
  });

both("a client that an endpoint remembers goes there again, until the Service's timeout", () => {
  for (const mode of modes) {
    const cluster = articleCluster(mode);
    const clientIP = { timeoutSeconds: 60 };
    change(cluster, { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP } });
    const door = `http://192.168.0.2:${nodePortOf(cluster)}/`;
    const { pod } = cluster.request(door);
    for (let i = 0; i < 5; i++) assert.is(cluster.request(door).pod, pod, mode);
    cluster.advance("59s");
    assert.equal(cluster.shares(door), { [pod!]: 1 }, mode);
    cluster.advance("2s");
    assert.equal(Object.values(cluster.shares(door)), Array(3).fill(1 / 3), mode);
  }
});

both("nodes may differ, as while a cluster migrates: all are the same for a client", () => {
  const nodes = ["node-a", "node-b", "node-c"].map((name) => ({
    name,
    ...(name === "node-b" && { proxyMode: "nftables" }),
  }));
  const cluster = articleCluster("iptables", { nodes });
  assert.equal(Object.values(cluster.shares(url)), Array(3).fill(1 / 3));
  assert.match(cluster.node("node-a").rules.text(), "KUBE-SERVICES");
  assert.match(cluster.node("node-b").rules.text(), "table ip kube-proxy {");
  const named = ["node-a", "node-b"].map((name) => cluster.node(name).rules.mode);
  assert.equal(named, [...modes]);
});

both("whatever the bit of the mark, what is marked is masqueraded, once", () => {
  for (const masqueradeBit of [0, 14, 31]) {
    const kubeProxy = {
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      metadata: { name: "" },
      clusterCIDR: "10.1.0.0/16",
      nftables: { masqueradeBit },
    };
    const trip = articleCluster("nftables", { kubeProxy }).request(url);
    const translated = trip.hops.flatMap((hop) =>
      hop.steps.filter(({ action }) => action === "snat"),
    );
    assert.is(translated.length, 1, `bit ${masqueradeBit}`);
    assert.match(trip.clientSeenByPod!, /^192\.168\.0\.[123]:/);
  }
});

both("a step says what the map said, and whose it is", () => {
  const cluster = articleCluster("nftables");
  const door = `http://192.168.0.2:${nodePortOf(cluster)}/`;
  const steps = cluster.request(door).hops.flatMap((hop) => hop.steps);
  const found = steps.find(({ chain }) => chain === "services")!;
  assert.is(found.object, "Service default/nginx");
  assert.match(found.why!, /^Hands what comes here to external-.*spec\.ports\[0\]\.nodePort/);
  cluster.scale("Deployment", "nginx", 0);
  cluster.settle();
  const { reason } = cluster.request(door);
  assert.match(
    reason,
    /"default\/nginx:http" in .*reject-chain, because of Service default\/nginx/,
  );
});

both("a reader's rows: whatever a Service has in chains, sets and maps, and why", () => {
  const cluster = articleCluster("nftables");
  const { rules } = cluster.node("node-a");
  assert.equal(rules.endpoints("default/nginx"), ["10.1.1.2:80", "10.1.2.2:80", "10.1.3.2:80"]);
  const rows = rules.of("default/nginx");
  const places = new Set(rows.map(({ chain }) => chain.split("-2ETI3MDI")[0]!.slice(0, 17)));
  for (const place of ["cluster-ips", "service-ips", "service-nodeports", "service", "external"])
    assert.ok(places.has(place), place);
  for (const { why, rule } of rows) assert.match(why, /\((Service|EndpointSlice) default/, rule);
  for (const { chain, why } of rules.chains()) assert.ok(why, chain);
  cluster.delete("Service", "nginx");
  cluster.settle();
  assert.equal(rules.of("default/nginx"), []);
  assert.match(rules.chains().at(-1)!.why!, /^Empty: nothing leads here/);
});

both("a changed Pod is followed: more, and none", () => {
  const cluster = articleCluster("nftables");
  cluster.scale("Deployment", "nginx", 4);
  cluster.settle();
  assert.is(Object.keys(cluster.shares(url)).length, 4);
  cluster.scale("Deployment", "nginx", 0);
  cluster.settle();
  assert.equal(Object.keys(cluster.shares(url)), ["rejected"]);
});

both(
  "somebody flushed the rules: nobody looks, so it takes a change until all is there again",
  () => {
    const cluster = articleCluster("nftables");
    const { dataplanes } = cluster.network.machines.get("node-b")!.kernel;
    for (const each of [...dataplanes]) dataplanes.detach(each);
    const door = `http://192.168.0.2:${nodePortOf(cluster)}/`;
    cluster.advance("1m");
    assert.is(cluster.request(door).disposition, "connection refused");
    cluster.scale("Deployment", "nginx", 4);
    cluster.settle();
    const { kubeProxy } = cluster.node("node-b");
    assert.match(kubeProxy.lastError()!.message, "no longer there");
    cluster.advance("31s");
    assert.is(kubeProxy.lastError(), undefined);
    assert.is(Object.keys(cluster.shares(door)).length, 4);
  },
);

const configured = suite("which mode it is");

configured(
  "what nft was given last is told of each family; in iptables mode there is no such",
  () => {
    const cluster = createCluster({
      nodes: 1,
      clusterCIDR: "10.1.0.0/16,fd00:10:1::/48",
      serviceCIDR: "10.2.0.0/16,fd00:10:2::/112",
      proxyMode: "nftables",
    });
    const sent = (family?: "IPv4" | "IPv6"): string =>
      (cluster.node("node-a").rules.sentTexts?.(family) ?? []).join("");
    cluster.settle();
    cluster.apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "six", namespace: "default" },
      spec: { ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack", ports: [{ port: 80 }] },
    } as never);
    cluster.settle();
    assert.match(sent("IPv6"), /^add element ip6 kube-proxy cluster-ips \{ fd00:10:2::/);
    assert.not.match(sent(), "fd00:10:2::");
    const { rules } = createCluster({ nodes: 1 }).node("node-a");
    assert.is(rules.sentTexts?.("IPv4"), undefined);
  },
);

const dump = (kubeProxy: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: { name: kube-proxy, namespace: kube-system }
data:
  config.conf: |
    apiVersion: kubeproxy.config.k8s.io/v1alpha1
    kind: KubeProxyConfiguration
    ${kubeProxy}
---
apiVersion: v1
kind: Node
metadata: { name: node-a }
spec: { podCIDR: 10.1.1.0/24 }
status: { addresses: [{ type: InternalIP, address: 192.168.0.1 }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec:
  type: NodePort
  clusterIP: 10.96.0.10
  ports: [{ port: 80, nodePort: 30080, protocol: TCP }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-x, namespace: default, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
endpoints: [{ addresses: [10.1.1.2], nodeName: node-a, conditions: { ready: true } }]
ports: [{ name: "", port: 80, protocol: TCP }]
`;
const opened = (kubeProxy: string, options = {}) =>
  openSnapshot(parse(dump(kubeProxy), { as: "dump" }), options);

configured("a dump's ConfigMap says it", () => {
  const cluster = opened("mode: nftables");
  assert.is(cluster.node("node-a").rules.mode, "nftables");
  assert.is(cluster.request("http://192.168.0.1:30080/").disposition, "delivered");
  assert.is(opened('mode: ""').node("node-a").rules.mode, "iptables");
  assert.is(
    opened("mode: iptables", { proxyMode: "nftables" }).node("node-a").rules.mode,
    "nftables",
  );
});

configured("ipvs is known, and what its nodes do is not: the verdict is unknown", () => {
  const cluster = opened("mode: ipvs");
  const { disposition, reason } = cluster.request("http://192.168.0.1:30080/");
  assert.is(disposition, "unknown");
  assert.match(reason, /ipvs mode.*deprecated since Kubernetes 1\.35.*not modelled/);
});

configured("of a living cluster the document says it, or the option, which comes first", () => {
  const kubeProxy = {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    metadata: { name: "" },
    mode: "nftables",
  };
  const modeOf = (options: ClusterOptions): string =>
    createCluster({ nodes: 1, ...options }).node("node-a").rules.mode;
  assert.is(modeOf({ kubeProxy }), "nftables");
  assert.is(modeOf({ kubeProxy, proxyMode: "iptables" }), "iptables");
  assert.is(modeOf({}), "iptables");
});

both("nftables' rows name the field that led to them, and what they are for", () => {
  const cluster = createCluster({ nodes: 2, proxyMode: "nftables" });
  cluster.apply(
    parse(`
{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, spec: {nodeName: node-b, containers: [{name: web, image: nginx}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: NodePort, selector: {app: web}, internalTrafficPolicy: Local, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: none}, spec: {selector: {app: none}, ports: [{port: 80}]}}
`),
  );
  cluster.settle();
  const { rules } = cluster.node("node-a");
  const rows = (service: string): string[] =>
    rules
      .of(service)
      .map(({ chain, object, field }) => `${chain.split("-web")[0]}: ${object} ${field}`);
  assert.equal(rows("default/none"), [
    "cluster-ips: Service default/none spec.clusterIP",
    "no-endpoint-services: Service default/none spec.clusterIP",
  ]);
  assert.equal(rows("default/web").slice(0, 3), [
    "cluster-ips: Service default/web spec.clusterIP",
    "no-endpoint-services: Service default/web spec.internalTrafficPolicy",
    "service-nodeports: Service default/web spec.ports[0].nodePort",
  ]);
  assert.ok(
    rules.of("default/web").every(({ chain }) => /default\/(web|none)|^[a-z-]+$/.test(chain)),
  );
  const shared = rules.chain("masquerading");
  assert.equal(
    shared.map((row) => Object.keys(row).join(" ")),
    shared.map(() => "table chain rule why"),
  );
  assert.match(shared.at(-1)!.why, /^Gives the packet the node's own address/);
});

both.run();
configured.run();
