/** The journey of the article's request, and of all its relatives that do not arrive. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  aws,
  createCluster,
  gcp,
  parse,
  read,
  type Cluster,
  type ClusterOptions,
  type Disposition,
  type Journey,
} from "stopover";
import { outcomesText } from "stopover/internal/journey/text";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { spread } from "@stopover/diagrams";

const manifests = new URL("../../notebooks/manifests", import.meta.url).pathname;
const article = "http://mynginx-app.com:8080/";

function articleCluster(options: ClusterOptions = {}): Cluster {
  const cluster = createCluster({ nodes: 3, cloud: aws(), seed: 1, ...options });
  cluster.apply(read(manifests));
  cluster.settle();
  return cluster;
}

/** What a failing table row prints: where the packet went, and which rules matched. */
const story = ({ disposition, reason, hops }: Journey): string =>
  [
    `${disposition}: ${reason}`,
    ...hops.map(
      (hop) =>
        `  ${hop.kind} ${hop.name} ${hop.in.destination} => ${hop.out.destination}\n${hop.steps.map((s) => `    ${s.action} ${s.chain ?? ""} ${s.rule ?? s.note ?? ""}`).join("\n")}`,
    ),
  ].join("\n");

// ---- the article's request --------------------------------------------------------------------------------------

test("the article's cluster has the figures' numbers", () => {
  const cluster = articleCluster();
  const service = cluster.get("Service", "nginx");
  assert.is(service.spec.clusterIP, "10.2.1.1");
  assert.is(service.spec.ports![0]!.nodePort, 30519);
  assert.equal(service.status!.loadBalancer!.ingress, [
    { hostname: "1234.ap-south-1.elb.amazonaws.com" },
  ]);
  const nodes = cluster
    .list("Node")
    .map(
      ({ metadata, status }) =>
        `${metadata.name} ${status!.addresses!.find((a) => a.type === "InternalIP")!.address}`,
    );
  assert.equal(nodes, ["node-a 192.168.0.1", "node-b 192.168.0.2", "node-c 192.168.0.3"]);
  const pods = cluster
    .list("Pod")
    .map(({ spec, status }) => `${spec.nodeName} ${status!.podIP}`)
    .sort();
  assert.equal(pods, ["node-a 10.1.1.2", "node-b 10.1.2.2", "node-c 10.1.3.2"]);
});

test("it goes through the three stop-overs, in order, and comes back", () => {
  const trip = articleCluster().request(article);
  assert.is(trip.disposition, "delivered", story(trip));
  assert.equal(
    trip.hops.filter((h) => h.stop !== null).map((h) => h.stop),
    [1, 2, 3],
  );
  assert.equal(
    trip.hops.slice(0, 5).map((h) => h.kind),
    ["client", "dns", "load-balancer", "node", "cluster-ip"],
  );
  assert.is(trip.hops.at(-1)!.kind, "pod");
  assert.is(trip.reply[0]!.kind, "pod");
  assert.is(trip.reply.at(-1)!.kind, "client");
  assert.is(
    trip.reply.at(-1)!.in.source,
    trip.hops[2]!.in.destination,
    "the answer comes from where the client asked",
  );
  assert.is(trip.reply.at(-1)!.in.destination, trip.request.source);
});

test("each hop begins as the one before it ended", () => {
  const trip = articleCluster().request(article);
  for (const way of [trip.hops, trip.reply])
    for (let i = 1; i < way.length; i++)
      assert.equal(way[i]!.in, way[i - 1]!.out, `hop ${i}, ${way[i]!.name}`);
});

test("the destination is translated once, and never becomes the ClusterIP", () => {
  const trip = articleCluster().request(article);
  const dnats = trip.hops.flatMap((h) => h.steps).filter((s) => s.action === "dnat");
  assert.is(dnats.length, 1);
  assert.match(dnats[0]!.before!, /^192\.168\.0\.\d:30519$/);
  assert.is(dnats[0]!.after, trip.destination);
  assert.not(trip.hops.some((h) => h.out.destination.startsWith("10.2.1.1")));
});

test("every way has its exact probability: 3 nodes x 3 Pods, each Pod 1/3", () => {
  const { outcomes } = articleCluster().outcomes(article);
  assert.is(outcomes.length, 9);
  assert.ok(outcomes.every((o) => o.probability === 1 / 9));
  const shares = new Map<string, number>();
  for (const { pod, probability } of outcomes)
    shares.set(pod!, (shares.get(pod!) ?? 0) + probability);
  assert.equal(
    [...shares.values()].map((p) => p.toFixed(15)),
    Array(3).fill((1 / 3).toFixed(15)),
  );
});

test("on its own node's Pod the packet takes one node, else two", () => {
  for (const { hops, node, pod } of articleCluster().outcomes(article).outcomes) {
    const nodes = hops.filter((h) => h.kind === "node").map((h) => h.name);
    assert.is(nodes.at(-1), node, pod);
    assert.is(new Set(nodes).size, nodes.length);
  }
});

test("asking for all outcomes leaves nothing behind", () => {
  const cluster = articleCluster();
  cluster.outcomes(article);
  assert.equal(
    [...cluster.network.machines.values()].flatMap((m) => [...m.kernel.conntrack.connections()]),
    [],
  );
  cluster.request(article);
  assert.ok(
    [...cluster.network.machines.values()].some(
      (m) => [...m.kernel.conntrack.connections()].length > 0,
    ),
  );
});

test("the same seed gives the same journeys, another seed others", () => {
  const trips = (seed: number) => {
    const cluster = articleCluster({ seed });
    return JSON.stringify([1, 2, 3, 4].map(() => cluster.request(article)));
  };
  assert.is(trips(1), trips(1));
  assert.is.not(trips(1), trips(2));
});

test("a thousand requests spread as the probabilities say", () => {
  const counts = Object.values(articleCluster().spread(article, 3000));
  assert.is(
    counts.reduce((a, b) => a + b),
    3000,
  );
  // 5 standard deviations: sqrt(3000 * 1/3 * 2/3) = 25.8
  for (const count of counts) assert.ok(Math.abs(count - 1000) < 130, `${counts}`);
});

// ---- where requests end -----------------------------------------------------------------------------------------

interface Row {
  says: string;
  given?: (cluster: Cluster) => void;
  options?: ClusterOptions;
  url?: string;
  from?: string;
  ends: Disposition;
  because: RegExp;
}

const podOf = (cluster: Cluster, node: string): string =>
  cluster.list("Pod").find((p) => p.spec.nodeName === node)!.metadata.name;
const service = (spec: string): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: nginx}, spec: ${spec}}`;

const rows: Row[] = [
  {
    says: "a domain without scheme is no URL",
    url: "mynginx-app.com:8080",
    ends: "name not found",
    because: /no URL with a scheme/,
  },
  {
    says: "a URL of another scheme is not followed",
    url: "ftp://mynginx-app.com/",
    ends: "name not found",
    because: /scheme .* is ftp; http and https/,
  },
  {
    says: "an unknown host has no address",
    url: "http://nope.example/",
    ends: "name not found",
    because: /"nope.example".*NXDOMAIN/,
  },
  {
    says: "the article's figure names port 80, where nobody listens",
    url: "http://mynginx-app.com/",
    ends: "port not listening",
    because: /no listener for TCP 80; it listens on TCP 8080/,
  },
  {
    says: "a ClusterIP means nothing outside of the cluster",
    url: "http://10.2.1.1:8080/",
    ends: "no route",
    because: /nobody on the network has the address 10\.2\.1\.1/,
  },
  {
    says: "a Pod's address means nothing on the internet",
    url: "http://10.1.1.2/",
    ends: "no route",
    because: /Pod's address/,
  },
  {
    says: "the NodePort answers on every node",
    url: "http://192.168.0.2:30519/",
    ends: "delivered",
    because: /answers/,
  },
  {
    says: "a node's port without a Service refuses",
    url: "http://192.168.0.2:30520/",
    ends: "connection refused",
    because: /no process on node-b listens on TCP 30520/,
  },
  {
    says: "a node reaches the ClusterIP",
    url: "http://10.2.1.1:8080/",
    from: "node/node-a",
    ends: "delivered",
    because: /answers/,
  },
  {
    says: "a node reaches its own NodePort by 127.0.0.1",
    url: "http://127.0.0.1:30519/",
    from: "node/node-a",
    ends: "delivered",
    because: /answers/,
  },
  {
    says: "the ClusterIP answers only on the Service's port",
    url: "http://10.2.1.1:80/",
    from: "node/node-a",
    ends: "no route",
    because: /10\.2\.1\.1/,
  },
  {
    says: "without a cloud the domain stays unknown",
    options: { cloud: undefined },
    ends: "name not found",
    because: /mynginx-app\.com/,
  },
  {
    says: "without a cloud the NodePort still answers",
    options: { cloud: undefined },
    url: "http://192.168.0.1:30519/",
    ends: "delivered",
    because: /answers/,
  },
  {
    says: "a passthrough load balancer hands packets to nodes as they are",
    options: { cloud: gcp() },
    ends: "delivered",
    because: /answers/,
  },
  {
    says: "a Service without Pods rejects",
    given: (c) => c.scale("Deployment", "nginx", 0),
    url: "http://192.168.0.1:30519/",
    ends: "rejected",
    because: /has no endpoints/,
  },
  {
    says: "a load balancer whose targets all reject has no healthy one",
    given: (c) => {
      c.scale("Deployment", "nginx", 0);
      c.settle();
      c.advance("2m");
    },
    ends: "no healthy target",
    because: /none of the load balancer's 3 targets/,
  },
  {
    says: "a wrong selector is a Service without endpoints",
    given: (c) => void c.patch("Service", "nginx", { spec: { selector: { app: "ngnix" } } }),
    url: "http://192.168.0.1:30519/",
    ends: "rejected",
    because: /has no endpoints/,
  },
  {
    says: "a wrong targetPort reaches a Pod where nobody listens",
    given: (c) =>
      void c.apply(
        service(
          "{type: LoadBalancer, selector: {app: nginx}, ports: [{name: http, port: 8080, targetPort: 8081}]}",
        ),
      ),
    url: "http://192.168.0.1:30519/",
    ends: "port not listening",
    because: /no process in the Pod listens on TCP 8081/,
  },
  {
    says: "a source range that leaves the client out: the load balancer's firewall drops",
    given: (c) =>
      void c.patch("Service", "nginx", { spec: { loadBalancerSourceRanges: ["198.51.100.0/24"] } }),
    ends: "dropped",
    because: /lets in 198\.51\.100\.0\/24/,
  },
  {
    says: "externalTrafficPolicy Local on a node without a Pod drops",
    given: (c) => {
      c.patch("Service", "nginx", { spec: { externalTrafficPolicy: "Local" } });
      c.scale("Deployment", "nginx", 1);
      c.settle();
    },
    url: "http://192.168.0.1:30519/",
    ends: "dropped",
    because: /no local endpoints/,
  },
];

for (const { says, given, options, url = article, from, ends, because } of rows) {
  test(says, () => {
    const cluster = articleCluster(options);
    given?.(cluster);
    cluster.settle();
    const trip = cluster.request(url, { from });
    assert.is(trip.disposition, ends, story(trip));
    assert.match(trip.reason, because);
  });
}

// ---- from inside ------------------------------------------------------------------------------------------------

test("a Pod asks by the Service's short name", () => {
  const cluster = articleCluster();
  const trip = cluster.request("http://nginx:8080/", {
    from: `pod/default/${podOf(cluster, "node-a")}`,
  });
  assert.is(trip.disposition, "delivered", story(trip));
  assert.equal(
    trip.hops.find((h) => h.kind === "dns")!.steps.map((s) => s.rule),
    ["nginx.default.svc.cluster.local A 10.2.1.1"],
  );
  assert.equal(
    trip.hops.map((h) => h.stop).filter((s) => s !== null),
    [3],
    "no load balancer, no NodePort",
  );
});

test("a Pod that reaches itself through its Service sees its node as the client (hairpin)", () => {
  const cluster = articleCluster();
  const name = podOf(cluster, "node-a");
  const { outcomes } = cluster.outcomes("http://nginx:8080/", { from: `pod/default/${name}` });
  const own = outcomes.find((o) => o.pod === `default/${name}`)!;
  assert.match(own.clientSeenByPod!, /^192\.168\.0\.1:/);
  for (const other of outcomes.filter((o) => o !== own))
    assert.match(other.clientSeenByPod!, /^10\.1\.1\.2:/);
});

test("with externalTrafficPolicy Local the Pod sees the load balancer, and only nodes with a Pod are healthy", () => {
  const cluster = articleCluster();
  cluster.patch("Service", "nginx", { spec: { externalTrafficPolicy: "Local" } });
  cluster.scale("Deployment", "nginx", 1);
  cluster.settle();
  cluster.advance("2m");
  const { outcomes } = cluster.outcomes(article);
  assert.is(outcomes.length, 1, JSON.stringify(outcomes.map((o) => o.reason)));
  assert.match(outcomes[0]!.clientSeenByPod!, /^192\.168\.0\.250:/);
});

test("sessionAffinity ClientIP keeps a client with its Pod", () => {
  const cluster = articleCluster();
  cluster.patch("Service", "nginx", { spec: { sessionAffinity: "ClientIP" } });
  cluster.settle();
  cluster.advance("2s");
  const pods = new Set(
    Array.from(
      { length: 20 },
      () => cluster.request("http://10.2.1.1:8080/", { from: "node/node-a" }).pod,
    ),
  );
  assert.is(pods.size, 1);
});

test("stale rules mislead packets until kube-proxy has written new ones", () => {
  const cluster = articleCluster();
  cluster.advance("10s");
  const name = podOf(cluster, "node-b");
  cluster.delete("Pod", name);
  const seen = new Set<string>();
  for (let i = 0; i < 400; i++) {
    cluster.advance("100ms");
    for (const { disposition } of cluster.outcomes("http://10.2.1.1:8080/", { from: "node/node-a" })
      .outcomes)
      seen.add(disposition);
  }
  assert.ok(seen.has("delivered"));
  cluster.settle();
  assert.equal(
    [...new Set(cluster.outcomes(article).outcomes.map((o) => o.disposition))],
    ["delivered"],
  );
  assert.not(cluster.outcomes(article).outcomes.some((o) => o.pod === `default/${name}`));
});

test("a dead node answers nothing; after a while nobody is sent there any more", () => {
  const cluster = articleCluster();
  cluster.node("node-b").stop();
  const now = new Set(cluster.outcomes(article).outcomes.map((o) => o.disposition));
  assert.equal([...now].sort(), ["delivered", "timed out"]);
  cluster.advance("10m");
  const later = cluster.outcomes(article).outcomes;
  assert.equal(
    [...new Set(later.map((o) => o.disposition))],
    ["delivered"],
    later.map((o) => o.reason).join("\n"),
  );
  assert.not(later.some((o) => o.node === "node-b"));
});

test("a Pod is not credited with a request whose answer is lost", () => {
  const cluster = articleCluster();
  const { kernel } = cluster.network.machines.get("node-a")!;
  // without masquerading the Pods of other nodes answer the client themselves, and it knows them not
  const rules = cluster.node("node-a").rules.text();
  kernel.rules.IPv4 = parseRules(rules.replace(/-j MASQUERADE.*/, "-j ACCEPT"));
  const url = "http://192.168.0.1:30519/";
  const own = `default/${podOf(cluster, "node-a")}`;
  const outcomes = cluster.outcomes(url);
  const lost = outcomes.outcomes.filter(({ disposition }) => disposition === "timed out");
  assert.is(lost.length, 2);
  for (const trip of lost) {
    assert.ok(trip.pod, "it did reach a Pod");
    assert.match(trip.reason, /gets it, but its answer comes from 10\.1\.[23]\.2:80/);
  }
  const shares = cluster.shares(url);
  assert.equal(
    Object.entries(shares).map(([end, share]) => [end, share.toFixed(6)]),
    [
      [own, "0.333333"],
      ["timed out", "0.666667"],
    ],
  );
  const text = outcomesText(outcomes);
  assert.match(text, new RegExp(`^ +33\\.33 %  ${own}$`, "m"));
  assert.match(text, /^ +66\.67 %  timed out$/m);
  assert.is(text.match(/^ +\S+ %  default\/nginx-\S+$/gm)!.length, 1);
  const counts = cluster.spread(url, 300);
  assert.equal(Object.keys(counts).sort(), [own, "timed out"].sort());
  const chart = spread(outcomes, counts).text;
  assert.match(chart, /timed out +\d+ +200\.0 +2\/3/);
  assert.is(chart.match(/nginx-/g)!.length, 1);
});

test("what a process of a node answers is its node's, not somebody's outside", () => {
  const cluster = articleCluster();
  const url = "http://192.168.0.2:10256/healthz";
  assert.equal(cluster.shares(url), { "a process on node-b": 1 });
});

test("an unknown client is a question that cannot be asked", () => {
  const cluster = articleCluster();
  assert.throws(
    () => cluster.request(article, { from: "node/node-x" }),
    /there is no node "node-x"; the nodes are node-a, node-b, node-c/,
  );
  assert.throws(
    () => cluster.request(article, { from: "pod/default/x" }),
    /no node runs a Pod "default\/x"/,
  );
  assert.throws(
    () => cluster.request(article, { from: "mars" }),
    /allowed are internet, an IP address, node\/NAME and pod\/NAMESPACE\/NAME/,
  );
});

test("dual stack: an IPv6 ClusterIP is reached from a Pod", () => {
  const nodes = [1, 2].map((i) => ({
    name: `node-${"ab"[i - 1]}`,
    addresses: [`192.168.0.${i}`, `fd00:192::${i}`],
  }));
  const cluster = createCluster({
    nodes,
    clusterCIDR: "10.1.0.0/16,fd00:10:1::/48",
    serviceCIDR: "10.2.0.0/16,fd00:10:2::/108",
    seed: 1,
  });
  cluster.apply(read(`${manifests}/deployment.yaml`));
  cluster.apply(
    parse(
      service("{ipFamilyPolicy: RequireDualStack, selector: {app: nginx}, ports: [{port: 80}]}"),
    ),
  );
  cluster.settle();
  const { clusterIPs } = cluster.get("Service", "nginx").spec;
  assert.is(clusterIPs!.length, 2);
  const trip = cluster.request(`http://[${clusterIPs![1]}]/`, { from: "node/node-a" });
  assert.is(trip.disposition, "delivered", story(trip));
  assert.match(trip.destination!, /^\[fd00:10:1:.*\]:80$/);
});

test.run();
