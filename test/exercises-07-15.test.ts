/**
 * The checks of chapters from 07 on: each accepts what is right, in several spellings, and refuses
 * what readers may well think instead.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readFileSync } from "node:fs";
import { aws, createCluster, gcp, parse, read, type Cluster, type ClusterOptions } from "stopover";
import { nlb } from "stopover/clouds";
import { compareWith, type LabReport } from "stopover/lab";
import { recall } from "stopover/internal/doors/lab/recording";
import { verdict } from "@stopover/exercises";

const folder = new URL("../../notebooks/", import.meta.url);
const manifests = new URL("manifests", folder).pathname;
const url = "http://mynginx-app.com:8080/",
  user = "203.0.113.9";

function article(change?: (cluster: Cluster) => void, cloud: Cloud | null = aws()): Cluster {
  const cluster = createCluster({ nodes: 3, ...(cloud && { cloud }), seed: 1 });
  cluster.apply(read(manifests));
  cluster.settle();
  change?.(cluster);
  return cluster;
}
type Cloud = NonNullable<ClusterOptions["cloud"]>;
const settled = (change: (cluster: Cluster) => void, cloud: Cloud = aws()): Cluster =>
  article((cluster) => {
    change(cluster);
    cluster.settle();
    cluster.advance("2m");
  }, cloud);

const deployment = (port: number, replicas = 3): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: nginx }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: nginx } }
  template:
    metadata: { labels: { app: nginx } }
    spec: { containers: [{ name: nginx, image: nginx, readinessProbe: { httpGet: { path: /, port: ${port} } } }] }
`;
function fresh(port: number, replicas?: number): Cluster {
  const cluster = createCluster({ nodes: 3, cloud: aws(), seed: 1 });
  cluster.apply(parse(deployment(port, replicas)));
  cluster.apply(read(`${manifests}/service.yaml`));
  cluster.settle();
  cluster.advance("1m");
  return cluster;
}

/** A cluster in which scripts were typed, on a node or in its first Pod (0). */
async function typed(
  cluster: Cluster,
  ...lines: [place: string | number, script: string][]
): Promise<Cluster> {
  for (const [place, script] of lines) {
    if (typeof place === "string") await cluster.node(place).sh(script);
    else await cluster.pod(cluster.list("Pod")[place]!.metadata.name).sh(script);
  }
  return cluster;
}
const image = "agnhost:2.53";
const agnhost = [{ name: "nginx", image, args: ["netexec", "--http-port=80"] }];
const echoing = (): Cluster =>
  settled(
    (cluster) =>
      cluster.patch("Deployment", "nginx", {
        spec: { template: { spec: { containers: agnhost } } },
      }),
    gcp(),
  );
const loop = (times: number): string =>
  `for i in $(seq ${times}); do curl -s http://nginx:8080/clientip; echo; done`;
const oftenAsked = await typed(echoing(), [0, loop(20)]);
const neverAsked = await typed(echoing(), [0, "hostname"]);
const [asker] = oftenAsked.list("Pod");
const itsNode = oftenAsked.node(asker!.spec.nodeName!).machine.addresses[0]!;

const targetsRead = await typed(article(), ["node-b", "iptables-save -t nat"]);
const otherRead = await typed(article(), ["node-b", "iptables-save -t filter"]);
/** Where the chain of the rule with 1/2 leads. */
const [half, otherHalf] = ((cluster: Cluster) => {
  const lines = cluster.node("node-a").rules.saveText().split("\n");
  const chain = lines.find((line) => line.includes("--probability 0.5"))!.replace(/.*-j /, "");
  const all = lines.filter((line) => line.includes("-j DNAT"));
  const to = (line: string): string => line.replace(/.*--to-destination /, "");
  return [
    to(all.find((line) => line.includes(chain))!),
    to(all.find((line) => !line.includes(chain))!),
  ];
})(targetsRead);

const goneBehind = (): Cluster =>
  article((cluster) => {
    cluster.node("node-b").kubeProxy.stop();
    cluster.delete("Pod", cluster.list("Pod")[0]!.metadata.name);
    cluster.settle();
    cluster.advance("1m");
  });
const dnat: [string, string] = ["node-b", "iptables-save -t nat | grep DNAT"];
const staleRead = await typed(goneBehind(), dnat);
const staleUnread = await typed(goneBehind(), ["node-a", "iptables-save -t nat | grep DNAT"]);
const addresses = staleRead.list("Pod").map(({ status }) => status!.podIP!);
const gone = staleRead
  .node("node-b")
  .rules.endpoints("default/nginx")
  .find((each) => !addresses.includes(each.replace(":80", "")))!;

/** A cluster some of whose nodes are in nftables' mode. */
function migrating(
  young: readonly string[],
  change?: (cluster: Cluster) => void,
  nodes = 3,
): Cluster {
  const names = nodes === 1 ? ["node-b"] : ["node-a", "node-b", "node-c"];
  const cluster = createCluster({
    nodes: names.map((name) => ({ name, ...(young.includes(name) && { proxyMode: "nftables" }) })),
    cloud: aws(),
    seed: 1,
  });
  cluster.apply(read(manifests));
  cluster.settle();
  change?.(cluster);
  cluster.settle();
  cluster.advance("2m");
  return cluster;
}

/** One whose Services have more ranges than their own, and a Service with an address. */
function ranged(cidrs: string[], clusterIP?: string, own = "10.2.0.0/16"): Cluster {
  const cluster = createCluster({ systemObjects: true, serviceCIDR: own, first: {}, seed: 1 });
  if (cidrs.length > 0)
    cluster.apply({
      apiVersion: "networking.k8s.io/v1",
      kind: "ServiceCIDR",
      metadata: { name: "more" },
      spec: { cidrs },
    } as never);
  cluster.settle();
  if (clusterIP !== undefined)
    cluster.apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { clusterIP, ports: [{ port: 80 }] },
    } as never);
  return cluster;
}

const keptClient = "preserve_client_ip.enabled=true";
/** Behind an NLB that sends to Pods, with these attributes of its target group. */
function behindNlb(attributes: string): Cluster {
  const key = "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes";
  const annotations = attributes === "" ? {} : { [key]: attributes };
  return settled(
    (cluster) => cluster.patch("Service", "nginx", { metadata: { annotations } }),
    nlb({ targetType: "ip" }),
  );
}

/** A Service without a selector that leads outside. */
const legacy = (port: string, portName = ""): string => `
apiVersion: v1
kind: Service
metadata: { name: legacy }
spec: { ports: [{ port: 9000 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: legacy-1, labels: { kubernetes.io/service-name: legacy } }
addressType: IPv4
ports: [{ name: "${portName}", port: ${port}, protocol: TCP }]
endpoints: [{ addresses: [198.51.100.10] }]
`;
const outsideName = `
apiVersion: v1
kind: Service
metadata: { name: legacy }
spec: { type: ExternalName, externalName: mynginx-app.com }
`;
const selecting = `
apiVersion: v1
kind: Service
metadata: { name: legacy }
spec: { selector: { app: nginx }, ports: [{ port: 9000, targetPort: 80 }] }
`;

const plain = article();
const without = article(undefined, null);
without.settle();
const local = (cloud: Cloud = gcp()) =>
  settled(
    (cluster) => cluster.patch("Service", "nginx", { spec: { externalTrafficPolicy: "Local" } }),
    cloud,
  );
const keepsAddress = local().request(url, { from: user });
const nodePort = without.get("Service", "nginx").spec.ports![0]!.nodePort;
const pod = plain.list("Pod")[0]!.metadata.name;

const labels = (who: string, labels: Record<string, string>, cluster: Cluster) => {
  const client = cluster.as(who),
    now = client.get("Service", "nginx", "default");
  return client.update({
    ...now,
    metadata: { ...now.metadata, labels: { ...now.metadata.labels, ...labels } },
  });
};
const both = article(),
  one = article(),
  other = article();
labels("alice", { owner: "alice" }, both);

const report = (recording: string, cluster: Cluster, url: string, from = "internet"): LabReport =>
  compareWith(
    cluster.outcomes(url, { from }).outcomes,
    recall(readFileSync(new URL(`dumps/${recording}.json`, folder), "utf8")),
  );

/** For each exercise what is right, and what is wrong but plausible. */
const table: Record<string, { right: unknown[]; wrong: unknown[] }> = {
  "07.1": {
    right: [7 / 16, "7/16", 0.4375, "43.75 %"],
    wrong: [1 / 4, 1 / 2, 9 / 16, 5 / 9, 1 / 16, "half"],
  },
  "07.2": {
    right: ["load balancer", "the load balancer", "LB"],
    wrong: ["node-lifecycle controller", "kube-proxy", "kubelet"],
  },
  "07.3": {
    right: [
      { periodSeconds: 1, failureThreshold: 2 },
      { periodSeconds: 2, failureThreshold: 1 },
      { periodSeconds: 1, failureThreshold: 1, httpGet: { port: 80 } },
    ],
    wrong: [
      { periodSeconds: 1, failureThreshold: 3 },
      { periodSeconds: 3, failureThreshold: 1 },
      { periodSeconds: 1 },
      { failureThreshold: 1 },
      {},
      { periodSeconds: 0.5, failureThreshold: 2 },
      3,
      "1 and 2",
    ],
  },
  "07.4": {
    right: [fresh(81)],
    wrong: [
      plain,
      fresh(80),
      fresh(81, 2),
      settled((cluster) => cluster.scale("Deployment", "nginx", 0)),
      settled((cluster) =>
        cluster.patch("Service", "nginx", { spec: { selector: { app: "none" } } }),
      ),
      settled((cluster) => cluster.apply(parse(deployment(81)))),
      settled((cluster) => cluster.patch("Service", "nginx", { spec: { type: "ClusterIP" } })),
      settled((cluster) => cluster.delete("Service", "nginx")),
      {},
      "cluster",
    ],
  },
  "08.1": { right: ["load balancer", "the load balancer's", "LB"], wrong: ["user", "node", "Pod"] },
  "08.2": { right: [1 / 4, "1/4", "25%"], wrong: [1 / 6, 1 / 8, 1 / 3, 4] },
  "08.3": {
    right: [
      keepsAddress,
      local().request(
        `http://192.168.0.1:${local().get("Service", "nginx").spec.ports![0]!.nodePort}/`,
        { from: user },
      ),
    ],
    wrong: [
      plain.request(url, { from: user }),
      article(undefined, gcp()).request(url, { from: user }),
      local(aws()).request(url, { from: user }),
      plain.request("http://nginx:8080/", { from: `pod/default/${pod}` }),
      plain.request("http://nowhere/"),
      url,
    ],
  },
  "08.4": { right: ["yes", "Yes", true], wrong: ["no", "dropped", "maybe"] },
  "08.5": {
    right: [
      { cluster: oftenAsked, found: itsNode },
      { cluster: oftenAsked, found: `${itsNode}:4711` },
    ],
    wrong: [
      itsNode,
      { cluster: oftenAsked, found: asker!.status!.podIP },
      { cluster: oftenAsked, found: "192.168.0.99" },
      { cluster: neverAsked, found: itsNode },
      { cluster: echoing(), found: itsNode },
    ],
  },
  "09.1": { right: [1 / 3, "1/3", "0.33333333349"], wrong: [1 / 5, 1 / 4, 1 / 2, 3] },
  "09.2": {
    right: ["KUBE-SVC-L6O2RM7RDTBKXEPV"],
    wrong: [
      "KUBE-EXT-L6O2RM7RDTBKXEPV",
      "KUBE-SVC-67NZLRHBNDSAWJRO",
      "KUBE-SVC-LOGIN",
      "shop/login:https",
    ],
  },
  "09.3": { right: [3, "three"], wrong: [1, 2, 4, 0] },
  "09.4": {
    right: ["10.244.1.31:8443"],
    wrong: ["10.244.1.31", "10.244.1.31:443", "10.96.77.5:443", "dropped"],
  },
  "09.5": {
    right: [{ cluster: targetsRead, found: half }],
    wrong: [
      half,
      { cluster: targetsRead, found: otherHalf },
      { cluster: targetsRead, found: half.replace(":80", "") },
      { cluster: otherRead, found: half },
      { cluster: article(), found: half },
      { cluster: staleRead, found: "10.2.1.1:8080" },
    ],
  },
  "10.1": {
    right: ["deployment-controller", "Deployment controller"],
    wrong: ["replicaset-controller", "kube-controller-manager", "kube-scheduler", "kubectl"],
  },
  "10.2": {
    right: [labels("bob", { tier: "front" }, both)],
    wrong: [
      labels("alice", { owner: "alice" }, one),
      labels("bob", { tier: "front" }, other),
      {
        kind: "Service",
        metadata: { name: "nginx", labels: { owner: "alice", tier: "front" } },
        spec: {},
      },
      "nginx",
      {},
    ],
  },
  "10.3": {
    right: [
      article((cluster) => {
        cluster.leader("kube-scheduler")!.stop();
        cluster.advance("30s");
      }),
    ],
    wrong: [
      plain,
      article((cluster) => cluster.leader("kube-scheduler")!.stop()),
      article((cluster) => {
        cluster.leader("kube-controller-manager")!.stop();
        cluster.advance("30s");
      }),
      "control-plane-2",
    ],
  },
  "10.4": { right: ["yes", true], wrong: ["no", "later"] },
  "11.1": { right: [2000, "2,000"], wrong: [20, 4000, 1000] },
  "11.2": { right: [25.5, "25.5"], wrong: [25, 50, 1, 26] },
  "11.3": { right: [35_000, "35,000"], wrong: [30_000, 35, 10_000, 20_000, 33_000] },
  "12.1": {
    right: ["MASQUERADE", "-j MASQUERADE"],
    wrong: ["SNAT", "MARK", "DNAT", "KUBE-MARK-MASQ"],
  },
  "12.2": { right: [7, "seven"], wrong: [3, 4, 6, 9] },
  "12.3": {
    right: [report("lab-delivered", plain, url)],
    wrong: [
      report("lab-delivered", plain, "http://mynginx-app.com/"),
      report("lab-refused", plain, `http://192.168.0.1:${nodePort}/`, "203.0.113.77"),
      report("lab-delivered", plain, url).observed,
      0,
      {},
    ],
  },
  "13.1": {
    right: [without.request(`http://192.168.0.2:${nodePort}/`, { from: user })],
    wrong: [
      without.request(url),
      plain.request(url),
      without.request(`http://192.168.0.2:${nodePort}/`, { from: "node/node-a" }),
      without.request("http://nginx:8080/", {
        from: `pod/default/${without.list("Pod")[0]!.metadata.name}`,
      }),
      without.request("http://192.168.0.2:80/"),
      nodePort,
    ],
  },
  "13.2": {
    right: ["source ranges", "loadBalancerSourceRanges"],
    wrong: ["no endpoints", "wrong targetPort", "DNS"],
  },
  "13.3": {
    right: ["db.prod", "http://db.prod:5432/"],
    wrong: ["db", "db.prod.svc", "db.prod.svc.cluster.local", "prod.db", "db.default"],
  },
  "13.4": {
    right: [article((cluster) => cluster.pod(cluster.list("Pod")[0]!.metadata.name).crash())],
    wrong: [
      plain,
      article((cluster) => cluster.node("node-b").stop()),
      settled((cluster) => cluster.scale("Deployment", "nginx", 0)),
      settled((cluster) => cluster.delete("Service", "nginx")),
      2 / 3,
      "2/3",
    ],
  },
  "13.5": {
    right: [
      { cluster: staleRead, found: gone },
      { cluster: staleRead, found: gone.replace(":80", "") },
    ],
    wrong: [
      gone,
      { cluster: staleRead, found: addresses[0] },
      { cluster: staleRead, found: "10.2.1.1" },
      { cluster: staleUnread, found: gone },
      { cluster: goneBehind(), found: gone },
      { cluster: targetsRead, found: gone },
    ],
  },
  "14.1": {
    right: ["API server", "kube-apiserver", "the API server"],
    wrong: ["kube-controller-manager", "kube-proxy", "service controller", "etcd"],
  },
  "14.2": { right: [3, "three"], wrong: [1, 2, 250] },
  "14.3": { right: [1, "one"], wrong: [2, 3, 0] },
  "15.1": { right: [0, "0", "0%"], wrong: [1 / 2, 1, 1 / 3] },
  "15.2": { right: [4, "4"], wrong: [1, 3, 8, 5] },
  "15.3": { right: [8080, "8080"], wrong: [80, 443] },
  "15.4": {
    right: [settled((cluster) => cluster.apply(parse(legacy("8080"))))],
    wrong: [
      plain,
      settled((cluster) => cluster.apply(parse(legacy("9000")))),
      settled((cluster) => cluster.apply(parse(legacy("8080", "other")))),
      settled((cluster) => cluster.apply(parse(outsideName))),
      settled((cluster) => cluster.apply(parse(selecting))),
      "cluster",
    ],
  },
  "17.1": { right: [18, "18"], wrong: [36, 20_018, 20_000, 19] },
  "17.2": {
    right: [
      "cluster-ips-check",
      "chain cluster-ips-check",
      "filter-forward, then cluster-ips-check",
    ],
    wrong: ["cluster-ips", "service-endpoints-check", "reject-chain", "KUBE-SERVICES"],
  },
  "17.3": {
    right: [migrating(["node-b"])],
    wrong: [
      plain,
      migrating(["node-a"]),
      migrating(["node-a", "node-b"]),
      migrating(["node-b"], (cluster) => cluster.scale("Deployment", "nginx", 0)),
      migrating(["node-b"], undefined, 1),
      "node-b",
    ],
  },
  "17.4": {
    right: ["sessionAffinity", "spec.sessionAffinity", "sessionAffinity: ClientIP"],
    wrong: ["externalTrafficPolicy", "type", "selector"],
  },
  "18.1": { right: ["1.36", 1.36, "v1.36"], wrong: ["1.34", "1.35", "1.37", "never"] },
  "18.2": { right: ["iptables", "the iptables mode"], wrong: ["nftables", "ipvs", "none"] },
  "18.3": {
    right: [ranged(["10.9.0.0/24"], "10.9.0.9")],
    wrong: [
      plain,
      ranged([]),
      ranged(["10.9.0.0/24"]),
      ranged(["10.8.0.0/24"], "10.8.0.9"),
      ranged([], "10.9.0.9", "10.9.0.0/24"),
      "10.9.0.9",
    ],
  },
  "16.1": { right: [1 / 2, "50 %", "1/2"], wrong: [1 / 6, 1 / 3, 1, 0] },
  "16.2": { right: [1 / 2, "1/2"], wrong: [1 / 3, 1 / 4, 1, 0] },
  "16.3": {
    right: [behindNlb(keptClient).request(url, { from: user })],
    wrong: [
      behindNlb("").request(url, { from: user }),
      behindNlb(keptClient).request(url, { from: "node/node-a" }),
      local(nlb()).request(url, { from: user }),
      article((cluster) => cluster.delete("Service", "nginx")).request(url, { from: user }),
      plain.request(url, { from: user }),
      "203.0.113.9",
    ],
  },
  "16.4": { right: ["no", "No"], wrong: ["yes", "sometimes"] },
};

for (const [id, { right, wrong }] of Object.entries(table)) {
  const told = (answer: unknown): string =>
    answer !== null && typeof answer === "object" && ("list" in answer || "cluster" in answer)
      ? "a cluster"
      : String(JSON.stringify(answer)).slice(0, 200);
  test(`${id} accepts what is right and says why`, () => {
    for (const answer of right) {
      const { right: isRight, say } = verdict(id, answer);
      assert.ok(isRight, `${told(answer)} was refused: ${say}`);
      assert.ok(say.length > 20, "it explains");
    }
  });
  test(`${id} refuses what is wrong with a hint`, () => {
    for (const [i, answer] of wrong.entries()) {
      const { right: isRight, say } = verdict(id, answer);
      assert.not.ok(
        isRight,
        `the wrong answer number ${i + 1}, ${told(answer)}, was accepted: ${say}`,
      );
      assert.ok(say.length > 20, "it hints");
    }
  });
  test(`${id} asks for an answer where none is given`, () => {
    for (const nothing of ["?", "", undefined, null])
      assert.match(verdict(id, nothing).say, /^Put your answer/);
  });
}

test.run();
