/** The journey of the article's request, and of all its relatives that do not arrive. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { iptables } from "stopover/internal/net/iptables/walk";
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
  type Pod,
} from "stopover";
import type { NetworkFault } from "stopover/internal/journey/network";
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

// ---- the article's request ----------------------------------------------------------------------

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

/** "jump nat KUBE-SERVICES 2/2": a step, its rule's place, what it changed. */
const brief = ({ steps }: Journey["hops"][number]): string[] =>
  steps.map(({ action, table, chain, number, of, passed, before, after, rule }) =>
    [
      action,
      ...(table === undefined ? [rule] : [table, chain]),
      ...(number === undefined ? [] : [`${number}/${of ?? "?"}`]),
      ...(passed === undefined ? [] : [`passes ${passed}`]),
      ...(after === undefined ? [] : [`${before} => ${after}`]),
    ].join(" "),
  );

test("each step tells its rule's place; a jump that led to nothing, how many rules it passed", () => {
  const cluster = articleCluster();
  const onB = ({ node }: Journey) => node === "node-b";
  const trip = cluster.outcomes("http://192.168.0.1:30519/").outcomes.find(onB)!;
  const [first, service, second] = trip.hops.slice(1);
  const client = trip.request.source;
  const masqueraded = second!.in.source;
  const [ext, svc] = ["EXT", "SVC"].map((kind) => `KUBE-${kind}-P4Q3KNUAWJVP4ILH`);
  assert.equal(brief(first!), [
    "jump nat PREROUTING 1/1",
    "jump nat KUBE-SERVICES 2/2",
    "jump nat KUBE-NODEPORTS 1/1",
    `jump nat ${ext} 1/2`,
    "mark nat KUBE-MARK-MASQ 1/1 0x0 => 0x4000",
  ]);
  assert.equal(brief(service!), [
    `jump nat ${ext} 2/2`,
    `jump nat ${svc} 3/4`,
    "dnat nat KUBE-SEP-EKS57ZJTNLQC6RHW 2/? 192.168.0.1:30519 => 10.1.2.2:80",
    "route 10.1.2.0/24 via 192.168.0.2 dev eth0",
    "jump filter FORWARD 1/4 passes 0",
    "jump filter FORWARD 2/4",
    "match filter KUBE-FORWARD 2/3",
    "jump nat POSTROUTING 1/1",
    "mark nat KUBE-POSTROUTING 2/3 0x4000 => 0x0",
    `snat nat KUBE-POSTROUTING 3/? ${client} => ${masqueraded}`,
  ]);
  const { veth } = cluster.network.machines.get("node-b")!.sandboxAt("10.1.2.2")!;
  assert.equal(brief(second!), [
    "jump nat PREROUTING 1/1 passes 2",
    `route 10.1.2.2 dev ${veth}`,
    "jump filter FORWARD 1/4 passes 0",
    "jump filter FORWARD 2/4 passes 3",
    "jump filter FORWARD 3/4 passes 0",
    "jump filter FORWARD 4/4 passes 0",
    "jump nat POSTROUTING 1/1",
    "match nat KUBE-POSTROUTING 1/3",
  ]);
  const [, untranslated, translated] = trip.reply;
  assert.equal(brief(untranslated!), [
    "route 192.168.0.0/16 dev eth0",
    "jump filter FORWARD 2/4",
    "match filter KUBE-FORWARD 3/3",
  ]);
  assert.equal(brief(translated!), [
    `dnat nat PREROUTING ${masqueraded} => ${client}`,
    "route default via 192.168.255.254 dev eth0",
    "jump filter FORWARD 2/4",
    "match filter KUBE-FORWARD 3/3",
    "snat nat POSTROUTING 10.1.2.2:80 => 192.168.0.1:30519",
  ]);
  assert.equal(
    [...trip.hops, ...trip.reply].map(({ kind, stop, conntrack }) => [kind, stop, conntrack]),
    [
      ["client", null, undefined],
      ["node", 2, "NEW, original direction"],
      ["cluster-ip", 3, "NEW, original direction"],
      ["node", null, "NEW, original direction"],
      ["pod", null, undefined],
      ["pod", null, undefined],
      ["node", null, "ESTABLISHED, reply direction"],
      ["node", null, "ESTABLISHED, reply direction"],
      ["client", null, undefined],
    ],
  );
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

// ---- where requests end -------------------------------------------------------------------------

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
    because:
      /no listener for TCP 80; it listens on TCP 8080, and the cloud's firewall drops the rest/,
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
  ...["203.0.113.2", "8.8.8.8", "10.9.9.9", "172.16.0.9"].map((from): Row => ({
    says: `nor to ${from}, which is in no network of the cluster's`,
    url: "http://10.1.1.2/",
    from,
    ends: "no route",
    because: /Pod's address, and no route leads there from the internet/,
  })),
  {
    says: "a host in the nodes' own network reaches a Pod",
    url: "http://10.1.1.2/",
    from: "192.168.7.7",
    ends: "delivered",
    because: /answers/,
  },
  {
    says: "a stranger reaches the NodePort all the same",
    url: "http://192.168.0.2:30519/",
    from: "8.8.8.8",
    ends: "delivered",
    because: /answers; it sees 192\.168\.0\.2/,
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
    says: "a Pod whose command listens on nothing is named with it",
    given: (c) => {
      c.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: idle}, spec: {nodeName: node-a, containers: [{name: c, image: busybox, command: [sleep, 1d]}]}}",
      );
    },
    url: "http://10.1.1.3/",
    from: "node/node-a",
    ends: "port not listening",
    because: /listens on TCP 80: it runs "sleep", .*\(spec\.containers\[0\]\.command\)$/,
  },
  {
    says: "a source range that leaves the client out: the load balancer's firewall drops",
    given: (c) =>
      void c.patch("Service", "nginx", { spec: { loadBalancerSourceRanges: ["198.51.100.0/24"] } }),
    ends: "dropped",
    because: /lets in 198\.51\.100\.0\/24/,
  },
  {
    says: "spaces around a source range mean nothing",
    given: (c) =>
      void c.patch("Service", "nginx", {
        spec: { loadBalancerSourceRanges: [" 203.0.113.0/24 "] },
      }),
    ends: "delivered",
    because: /answers/,
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

// ---- from inside --------------------------------------------------------------------------------

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

test("a Pod asks the cluster's DNS for a public name, with its search list first, and gets what the internet's DNS knows", () => {
  const cluster = articleCluster();
  const trip = cluster.request(article, { from: `pod/default/${podOf(cluster, "node-a")}` });
  assert.is(trip.disposition, "delivered", story(trip));
  const dns = trip.hops.find((hop) => hop.kind === "dns")!;
  assert.is(dns.name, "cluster DNS");
  assert.equal(
    dns.steps.map(({ rule }) => rule),
    [
      "mynginx-app.com.default.svc.cluster.local NXDOMAIN",
      "mynginx-app.com.svc.cluster.local NXDOMAIN",
      "mynginx-app.com.cluster.local NXDOMAIN",
      "mynginx-app.com CNAME 1234.ap-south-1.elb.amazonaws.com",
      "1234.ap-south-1.elb.amazonaws.com A 198.51.100.10",
    ],
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

test("an answer from another port is not the one that the client waits for", () => {
  const cluster = articleCluster();
  const { kernel } = cluster.network.machines.get("node-a")!;
  const rules = cluster.node("node-a").rules.text();
  const translated = "-d 10.1.1.2/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination :80";
  // answers are not tracked, so that nobody gives them the port back that was asked for
  const untracked = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -s 10.1.1.2/32 -j CT --notrack";
  iptables(kernel).rules.IPv4 = parseRules(
    `${untracked}\nCOMMIT\n${rules.replace("-A PREROUTING", `-A PREROUTING ${translated}\n$&`)}`,
  );
  const trip = cluster.request("http://10.1.1.2:8080/", { from: "node/node-b" });
  assert.is(trip.disposition, "timed out", story(trip));
  assert.match(trip.reason, /gets it, but its answer comes from 10\.1\.1\.2:80, /);
});

test("a Pod is not credited with a request whose answer is lost", () => {
  const cluster = articleCluster();
  const { kernel } = cluster.network.machines.get("node-a")!;
  // without masquerading the Pods of other nodes answer the client themselves: it knows them not
  const rules = cluster.node("node-a").rules.text();
  iptables(kernel).rules.IPv4 = parseRules(rules.replace(/-j MASQUERADE.*/, "-j ACCEPT"));
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
  assert.match(text, new RegExp(`^ +33\\.33 %  1/3 +${own}$`, "m"));
  assert.match(text, /^ +66\.67 % {2}2\/3 +timed out$/m);
  assert.is(text.match(/^ +\S+ % {2}\S* +default\/nginx-\S+$/gm)!.length, 1);
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

// ---- names --------------------------------------------------------------------------------------

const client = (spec: string, name = "client"): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}}, spec: ${spec}}`;
const busybox = "containers: [{name: a, image: busybox}]";

/** Three Pods behind a headless Service and behind one with a ClusterIP, without a cloud. */
function withHeadless(...more: string[]): Cluster {
  const cluster = createCluster({ nodes: 2, domains: {} });
  cluster.apply(read(`${manifests}/deployment.yaml`));
  const named = (name: string, spec: string) =>
    `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: ${spec}}`;
  cluster.apply(named("web", "{selector: {app: nginx}, ports: [{port: 80}]}"));
  const asAPI = cluster.as("a user");
  asAPI.create({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "headless", namespace: "default" },
    spec: { clusterIP: "None", selector: { app: "nginx" }, ports: [{ port: 80 }] },
  } as never);
  for (const each of [client(`{${busybox}}`), ...more]) cluster.apply(each);
  cluster.settle();
  return cluster;
}

test("of a headless Service's ready Pods each is the first as often as the others", () => {
  const cluster = withHeadless();
  const from = "pod/default/client";
  const { outcomes } = cluster.outcomes("http://headless/", { from });
  assert.is(outcomes.length, 3);
  const pods = cluster.list("Pod", { labelSelector: "app=nginx" });
  assert.equal(
    outcomes.map(({ pod }) => pod).sort(),
    pods.map(({ metadata }) => `default/${metadata.name}`).sort(),
  );
  for (const { probability, hops } of outcomes) {
    assert.is(probability, 1 / 3);
    const dns = hops.find(({ kind }) => kind === "dns")!;
    assert.is(dns.steps.length, 4, "three records, and which one was the first");
    assert.match(dns.steps.at(-1)!.note!, /one of 3 addresses/);
    assert.is(dns.out.destination, hops.at(-1)!.in.destination);
  }
  const seen = cluster.spread("http://headless/", 300, { from });
  assert.is(Object.keys(seen).length, 3);
  for (const count of Object.values(seen)) assert.ok(Math.abs(count - 100) < 45, `${count}`);
});

test("a Pod that is not ready is none of a headless Service's addresses", () => {
  const unready = `{apiVersion: v1, kind: Pod, metadata: {name: unready, labels: {app: nginx}}, spec:
    {containers: [{name: a, image: nginx, readinessProbe: {tcpSocket: {port: 9}}}]}}`;
  const cluster = withHeadless(unready);
  const shares = cluster.shares("http://headless/", { from: "pod/default/client" });
  assert.is(Object.keys(shares).length, 3);
  assert.not("default/unready" in shares);
});

test("a Pod that asks its own address is answered by itself, and no packet comes to its node", () => {
  const cluster = articleCluster();
  const { metadata, status } = cluster.list("Pod")[0]!;
  const from = `pod/default/${metadata.name}`;
  const trip = cluster.request(`http://${status!.podIP}/`, { from });
  assert.is(trip.disposition, "delivered");
  assert.is(trip.pod, `default/${metadata.name}`);
  assert.equal(
    trip.hops.map(({ kind }) => kind),
    ["client"],
  );
  const refused = cluster.request(`http://${status!.podIP}:81/`, { from });
  assert.is(refused.disposition, "connection refused");
});

test("a node asks its own loopback address from that address", () => {
  const cluster = articleCluster();
  const trip = cluster.request("http://127.0.0.1:10256/healthz", { from: "node/node-a" });
  assert.is(trip.disposition, "delivered", story(trip));
  assert.match(trip.request.source, /^127\.0\.0\.1:/);
});

test("a name with several addresses outside of the cluster: each can be the first, too", () => {
  const cluster = articleCluster();
  const address = (n: number) => ({ type: "A" as const, address: `192.168.0.${n}` });
  cluster.dns.set("nodes.example", [address(1), address(2), address(3)]);
  const url = "http://nodes.example:30519/";
  const { outcomes } = cluster.outcomes(url);
  assert.is(outcomes.length, 9);
  assert.equal(new Set(outcomes.map(({ hops }) => hops[1]!.out.destination)).size, 3);
  const mixed = [address(1), { type: "AAAA" as const, address: "fd00::1" }];
  cluster.dns.set("mixed.example", mixed);
  assert.is(cluster.outcomes("http://mixed.example:30519/").outcomes.length, 3, "one of a family");
});

test("a Pod with a hostname has a name below its headless Service's, for as long as it is ready", () => {
  const cluster = withHeadless();
  const apply = (name: string, spec: string, more = "") =>
    cluster.apply(`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: ${name}}, spec: {serviceName: ${name},
      selector: {matchLabels: {app: ${name}}}, template: {metadata: {labels: {app: ${name}}}, spec: ${spec}}${more}}}
---
{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {clusterIP: None, selector: {app: ${name}}, ports: [{port: 80}]}}`);
  apply("db", "{containers: [{name: a, image: nginx}]}", ", replicas: 2");
  apply("sick", "{containers: [{name: a, image: nginx, readinessProbe: {tcpSocket: {port: 9}}}]}");
  cluster.settle();
  cluster.advance("5s");
  const known = () =>
    ["db-0.db", "db-1.db", "db-2.db", "sick-0.sick", "db", "web", "nobody"].filter((name) =>
      cluster.network.clusterDns.has(`${name}.default.svc.cluster.local`),
    );
  assert.equal(known(), ["db-0.db", "db-1.db", "db", "web"]);
  const ends = (url: string) => cluster.request(url, { from: "pod/default/client" });
  assert.is(ends("http://db-1.db/").pod, "default/db-1");
  assert.match(ends("http://sick-0.sick/").reason, /NXDOMAIN/);
  apply("db", "{containers: [{name: a, image: nginx}]}", ", replicas: 1");
  cluster.advance("1m");
  assert.equal(known(), ["db-0.db", "db", "web"]);
  cluster.delete("Service", "db");
  cluster.settle();
  assert.equal(known(), ["web"]);
});

const dnsRows: { says: string; spec: string; url: string; ends: Disposition; because: RegExp }[] = [
  {
    says: "dnsPolicy ClusterFirst asks the cluster",
    spec: `{dnsPolicy: ClusterFirst, ${busybox}}`,
    url: "http://web/",
    ends: "delivered",
    because: /answers/,
  },
  {
    says: "dnsPolicy Default asks whom the node asks, who knows no Service",
    spec: `{dnsPolicy: Default, ${busybox}}`,
    url: "http://web/",
    ends: "name not found",
    because: /NXDOMAIN/,
  },
  {
    says: "dnsPolicy Default knows not even a Service's full name",
    spec: `{dnsPolicy: Default, ${busybox}}`,
    url: "http://web.default.svc.cluster.local/",
    ends: "name not found",
    because: /NXDOMAIN/,
  },
  {
    says: "hostNetwork with ClusterFirst falls back to Default",
    spec: `{hostNetwork: true, ${busybox}}`,
    url: "http://web.default.svc.cluster.local/",
    ends: "name not found",
    because: /NXDOMAIN/,
  },
  {
    says: "hostNetwork with ClusterFirstWithHostNet asks the cluster",
    spec: `{hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet, ${busybox}}`,
    url: "http://web/",
    ends: "delivered",
    because: /answers/,
  },
  {
    says: "ClusterFirstWithHostNet without hostNetwork is ClusterFirst",
    spec: `{dnsPolicy: ClusterFirstWithHostNet, ${busybox}}`,
    url: "http://web/",
    ends: "delivered",
    because: /answers/,
  },
  {
    says: "dnsPolicy None: its dnsConfig decides, which is not modelled",
    spec: `{dnsPolicy: None, dnsConfig: {nameservers: [192.0.2.1]}, ${busybox}}`,
    url: "http://web/",
    ends: "unknown",
    because: /spec\.dnsConfig of Pod default\/asker decides/,
  },
  {
    says: "a dnsConfig beside ClusterFirst decides nothing where the cluster knows the name",
    spec: `{dnsConfig: {searches: [other.svc.cluster.local]}, ${busybox}}`,
    url: "http://web/",
    ends: "delivered",
    because: /answers/,
  },
  {
    says: "a dnsConfig beside ClusterFirst decides where no domain of its own helps",
    spec: `{dnsConfig: {searches: [other.svc.cluster.local]}, ${busybox}}`,
    url: "http://shop/",
    ends: "unknown",
    because: /spec\.dnsConfig/,
  },
  {
    says: "an address needs no resolver",
    spec: `{dnsPolicy: None, dnsConfig: {nameservers: [192.0.2.1]}, ${busybox}}`,
    url: "http://192.168.0.1:10256/",
    ends: "delivered",
    because: /answers/,
  },
];

for (const { says, spec, url, ends, because } of dnsRows) {
  test(says, () => {
    const cluster = withHeadless(client(spec, "asker"));
    const trip = cluster.request(url, { from: "pod/default/asker" });
    assert.is(trip.disposition, ends, story(trip));
    assert.match(trip.reason, because);
  });
}

// ---- hostPort -----------------------------------------------------------------------------------

test("a hostPort leads to its Pod, as portmap has it, and the journey says that it is assumed", () => {
  const cluster = articleCluster();
  const asks = (ports: string) =>
    `{nodeName: node-b, containers: [{name: a, image: nginx, ports: ${ports}}]}`;
  cluster.apply(client(asks("[{containerPort: 80, hostPort: 8088}]"), "server"));
  cluster.apply(client(asks("[{containerPort: 80, hostPort: 8089, hostIP: 127.0.0.1}]"), "local"));
  cluster.settle();
  const ends = (url: string, from = "internet") => cluster.request(url, { from });
  const trip = ends("http://192.168.0.2:8088/");
  assert.is(trip.disposition, "delivered");
  assert.is(trip.pod, "default/server");
  assert.match(
    trip.assumed.map(({ object, field, sentence }) => `${object} ${field} ${sentence}`).join(),
    /Pod default\/server spec\.containers\[0\]\.ports\[0\]\.hostPort .*portmap/,
  );
  assert.equal(cluster.shares("http://192.168.0.2:8088/"), { "default/server": 1 });
  assert.match(outcomesText(cluster.outcomes("http://192.168.0.2:8088/")), /100\.00 % +delivered/);
  assert.is(ends("http://192.168.0.1:8088/").disposition, "connection refused", "another node");
  assert.is(ends("http://192.168.0.2:8087/").disposition, "connection refused", "another port");
  assert.is(ends("http://192.168.0.2:8089/").disposition, "connection refused", "another address");
  assert.is(ends("http://127.0.0.1:8089/", "node/node-b").disposition, "delivered");
  assert.is(ends("http://192.168.0.2:30519/").disposition, "delivered", "a NodePort goes first");
  cluster.delete("Pod", "server");
  cluster.settle();
  assert.is(ends("http://192.168.0.2:8088/").disposition, "connection refused");
});

test("a hostNetwork Pod's hostPort is its own process's port", () => {
  const cluster = articleCluster();
  const ports = "[{containerPort: 8090, hostPort: 8090}]";
  cluster.apply(
    client(
      `{nodeName: node-b, hostNetwork: true, containers: [{name: a, image: example/web, ports: ${ports}}]}`,
    ),
  );
  cluster.settle();
  assert.is(cluster.request("http://192.168.0.2:8090/").disposition, "delivered");
});

// ---- faults of the network ----------------------------------------------------------------------

test("a fault of the network is asked for each packet that crosses it, there and back", () => {
  const cluster = articleCluster();
  const crossings: string[] = [];
  const fault: NetworkFault = {
    onPacket: (from, to) => (crossings.push(`${from} > ${to}`), "pass"),
  };
  cluster.network.fault = fault;
  const pod = cluster.list("Pod").find((each) => each.spec.nodeName === "node-b")!;
  const trip = cluster.request(`http://${pod.status!.podIP}/`, { from: "node/node-a" });
  assert.is(trip.disposition, "delivered");
  assert.equal(crossings, ["node-a > node-b", "node-b > node-a"]);
  crossings.length = 0;
  cluster.request(article);
  assert.is(crossings[0], "internet > load balancer");
  assert.match(crossings[1]!, /^load balancer > node-/);
  assert.is(crossings.at(-1), "load balancer > internet");
});

test("the 64th router does not send a packet on that went round in a circle", () => {
  const cluster = articleCluster();
  const send = (node: string, via: string) =>
    cluster.network.machines.get(node)!.kernel.routes.add({ to: "10.9.0.0/16", via, dev: "eth0" });
  send("node-a", "192.168.0.2");
  send("node-b", "192.168.0.1");
  send("node-c", "192.168.0.1");
  const trip = cluster.request("http://10.9.9.9/", { from: "node/node-c" });
  assert.is(trip.disposition, "dropped", trip.reason);
  assert.match(trip.reason, /went round in a circle .* at node-b$/);
  const [, ...routers] = trip.hops.filter(({ kind }) => kind === "node");
  assert.is(routers.length, 64);
});

const cut = (from: string, to: string): NetworkFault => ({
  onPacket: (x, y) => (x === from && y === to ? "drop" : "pass"),
});
const slow = (delay: number): NetworkFault => ({ onPacket: () => ({ delay }) });

const faults: [says: string, fault: NetworkFault, ends: Disposition, because: RegExp][] = [
  [
    "a lost packet",
    cut("node-a", "node-b"),
    "timed out",
    /between node-a and node-b lost the packet/,
  ],
  [
    "a lost answer",
    cut("node-b", "node-a"),
    "timed out",
    /gets it, but its answer does not come back/,
  ],
  ["a loss elsewhere", cut("node-a", "node-c"), "delivered", /answers/],
  ["a short delay", slow(200), "delivered", /answers/],
  [
    "a delay beyond patience",
    slow(200_000),
    "timed out",
    /packets are 200000 ms late between node-a and node-b/,
  ],
];
for (const [says, fault, ends, because] of faults) {
  test(`${says} between nodes: ${ends}`, () => {
    const cluster = articleCluster();
    const pod = cluster.list("Pod").find((each) => each.spec.nodeName === "node-b")!;
    cluster.network.fault = fault;
    const trip = cluster.request(`http://${pod.status!.podIP}/`, { from: "node/node-a" });
    assert.is(trip.disposition, ends, story(trip));
    assert.match(trip.reason, because);
    cluster.network.fault = undefined;
    assert.is(cluster.request(article).disposition, "delivered");
  });
}

test("of a Pod that two machines run, the one that is up is asked, and found at once among many", () => {
  const cluster = articleCluster();
  const machines = [...cluster.network.machines.values()];
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "twice", namespace: "default", uid: "1" },
    spec: { containers: [{ name: "a" }] },
  };
  machines[0]!.attach(pod, ["10.1.1.77"]);
  machines[1]!.attach({ ...pod, metadata: { ...pod.metadata, uid: "2" } }, ["10.1.2.77"]);
  const on = () => cluster.network.sandbox("default/twice")?.machine.name;
  assert.is(on(), "node-b", "the newest");
  machines[1]!.up = false;
  assert.is(on(), "node-a");
  machines[0]!.stop(pod);
  assert.is(on(), "node-b");
  cluster.network.removeMachine("node-b");
  assert.is(on(), undefined);
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
