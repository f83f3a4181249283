/** What a journey's steps tell the pictures: the hook, the rule's number, its reason. */
import { aws, createCluster, read, type Cluster, type Step } from "stopover";
import { journeyText } from "stopover/internal/journey/text";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const manifests = fileURLToPath(new URL("../../notebooks/manifests", import.meta.url));
const url = "http://mynginx-app.com:8080/";

function article(): Cluster {
  const cluster = createCluster({ nodes: 3, cloud: aws(), seed: 1 });
  cluster.apply(read(manifests));
  cluster.settle();
  return cluster;
}

const isRule = ({ chain, rule }: Step): boolean => chain !== undefined && rule !== "conntrack";

test("each rule says at which hook it was met, where in its chain it stands, and why it is there", () => {
  const trip = article().request(url);
  const rules = [...trip.hops, ...trip.reply].flatMap(({ steps }) => steps.filter(isRule));
  assert.ok(rules.length > 20);
  for (const { hook, number, of, why, rule } of rules) {
    assert.match(hook!, /^(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/, rule);
    assert.ok(number! >= 1 && number! <= (of ?? Infinity), rule);
    assert.match(why!, /\.$/, rule);
  }
});

test("a jump into a chain where nothing matched says how many rules it held", () => {
  const cluster = article();
  const service = (name: string) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { ports: [{ port: 80 }] },
  });
  for (const name of ["one", "two", "three"]) cluster.apply(service(name));
  cluster.settle();
  const { hops } = cluster.request(url);
  const silent = hops.flatMap(({ steps }) => steps.filter(({ passed }) => passed !== undefined));
  const into = (chain: string) =>
    silent.find(({ rule, table }) => table === "filter" && rule!.endsWith(`-j ${chain}`))?.passed;
  assert.is(into("KUBE-PROXY-FIREWALL"), 0);
  assert.is(into("KUBE-SERVICES"), 3, "each Service without endpoints is refused by one rule");
});

test("a hop on a node says what its connection tracking knew", () => {
  const { hops, reply } = article().request(url);
  const said = (list: typeof hops) =>
    list.flatMap(({ kind, name, conntrack }) =>
      kind === "node"
        ? [`${name}: ${conntrack}`]
        : (assert.ok(kind === "cluster-ip" || !conntrack) ?? []),
    );
  assert.equal(said(hops), ["node-c: NEW, original direction", "node-a: NEW, original direction"]);
  assert.equal(said(reply), [
    "node-a: ESTABLISHED, reply direction",
    "node-c: ESTABLISHED, reply direction",
  ]);
});

test("a kube-proxy says whether it runs, and whether its rules are older than the Service", () => {
  const cluster = article();
  const { kubeProxy } = cluster.node("node-b");
  assert.equal([kubeProxy.running, kubeProxy.isBehind("default/nginx")], [true, false]);
  kubeProxy.stop();
  assert.equal([kubeProxy.running, kubeProxy.isBehind("default/nginx")], [false, false]);
  cluster.scale("Deployment", "nginx", 4);
  cluster.settle();
  assert.is(kubeProxy.isBehind("default/nginx"), true);
  assert.is(kubeProxy.isBehind("default/kubernetes"), false);
  assert.is(cluster.node("node-a").kubeProxy.isBehind("default/nginx"), false);
  kubeProxy.start();
  cluster.settle();
  assert.is(kubeProxy.isBehind("default/nginx"), false);
});

test("in the terminal no packet has a name as its destination, and none passes DNS", () => {
  const text = journeyText(article().request(url));
  assert.match(text, /client +internet\n +wants mynginx-app\.com:8080\n +dns +DNS\n +resolve /);
  assert.not.match(text, /-> mynginx-app\.com/);
  const [, dns = ""] = /\n +dns +DNS\n([^]*?)\n\(1\)/.exec(text) ?? [];
  assert.not.match(dns, /TCP/);
  const direct = journeyText(article().request("http://192.168.0.1:30519/"));
  assert.match(direct, /client +internet\n +TCP 203\.0\.113\.2:\d+ -> 192\.168\.0\.1:30519\n/);
});

test.run();
