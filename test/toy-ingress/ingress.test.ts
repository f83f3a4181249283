/**
 * The seam of connections: a proxy in a Pod ends the client's connection and opens one of its own,
 * and the journey shows both, there and back.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, type Cluster, type Journey } from "stopover";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { iptables } from "stopover/internal/net/iptables/walk";
import { journey, outcomes, player, sequence } from "@stopover/diagrams";
import { hostRouter, type Route } from "./ingress.js";

const app = (name: string, replicas: number, type: string) => `
{apiVersion: apps/v1, kind: Deployment, metadata: {name: ${name}}, spec: {replicas: ${replicas}, selector: {matchLabels: {app: ${name}}},
  template: {metadata: {labels: {app: ${name}}}, spec: {containers: [{name: web, image: nginx}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {type: ${type}, selector: {app: ${name}}, ports: [{port: 8080, targetPort: 80}]}}
`;

const shop: Route = {
  host: "shop.example",
  path: "/",
  backend: "http://web:8080",
  hostThere: "web.internal",
};
const url = "http://shop.example:8080/basket?item=1";

/** Internet -> load balancer -> edge, a proxy in a Pod -> web, three Pods behind a ClusterIP. */
function world(routes: readonly Route[] = [shop]): Cluster {
  const cluster = createCluster({ cloud: aws(), domains: { "shop.example": "default/edge" } });
  cluster.apply(app("edge", 1, "LoadBalancer"));
  cluster.apply(app("web", 3, "ClusterIP"));
  cluster.settle();
  edgeOf(cluster).proxy = hostRouter(routes);
  return cluster;
}

const podsOf = (cluster: Cluster, name: string) =>
  cluster.list("Pod", { labelSelector: `app=${name}` }).map(({ metadata }) => metadata.name);
const edgeOf = (cluster: Cluster) => cluster.pod(podsOf(cluster, "edge")[0]!).sandbox;
const story = (trip: Journey): string =>
  [
    trip.reason,
    ...trip.hops.map((h) => `${h.kind} ${h.name} ${h.in.source} ${h.out.destination}`),
  ].join("\n");

test("a proxy asks in its own name: both connections stand in the journey, there and back", () => {
  const cluster = world();
  const edge = edgeOf(cluster);
  const trip = cluster.request(url);
  assert.is(trip.disposition, "delivered", story(trip));
  assert.ok(podsOf(cluster, "web").includes(trip.pod!.replace("default/", "")));
  const kinds = trip.hops.map(({ kind }) => kind);
  assert.is(kinds.indexOf("proxy") > kinds.indexOf("load-balancer"), true);
  assert.is(
    kinds.filter((kind) => kind === "dns").length,
    2,
    "the client's look-up and the proxy's",
  );
  assert.is(kinds.filter((kind) => kind === "cluster-ip").length, 2);
  assert.is(kinds.at(-1), "pod");

  const proxy = trip.hops.find(({ kind }) => kind === "proxy")!;
  assert.is(proxy.name, edge.key);
  assert.is(proxy.in.destination, `${edge.ips[0]}:80`, "the client's connection ends here");
  assert.is(proxy.out.destination, "web:8080");
  assert.match(proxy.out.source, new RegExp(`^${edge.ips[0]}:`), "and one of its own begins");
  const [step] = proxy.steps;
  assert.is(step!.rule, "shop.example/ -> http://web:8080");
  assert.is(step!.object, "Route default/shop");
  assert.match(step!.note!, /Host: shop\.example:8080 becomes web\.internal/);
  assert.match(trip.clientSeenByPod!, new RegExp(`^${edge.ips[0]}:`), "the backend sees the proxy");

  const back = trip.reply.map(({ kind }) => kind);
  assert.equal([back[0], back.at(-1)], ["pod", "client"]);
  assert.ok(back.indexOf("proxy") < back.indexOf("load-balancer"));
  const copied = trip.reply.find(({ kind }) => kind === "proxy")!;
  assert.is(
    copied.in.source,
    proxy.steps.length
      ? trip.hops.find((h) => h.kind === "dns" && h.name === "cluster DNS")!.out.destination
      : "",
  );
  assert.is(copied.out.source, proxy.in.destination);
  assert.is(copied.out.destination, proxy.in.source);
  for (const way of [trip.hops, trip.reply])
    for (let i = 1; i < way.length; i++)
      assert.equal(way[i]!.in, way[i - 1]!.out, `hop ${i}, ${way[i]!.kind} ${way[i]!.name}`);
});

test("shares and outcomes go through it: each backend a third", () => {
  const cluster = world();
  const shares = cluster.shares(url);
  const web = podsOf(cluster, "web").map((name) => `default/${name}`);
  assert.equal(Object.keys(shares).sort(), web.sort());
  for (const share of Object.values(shares)) assert.is(share.toFixed(12), (1 / 3).toFixed(12));
  const all = cluster.outcomes(url).outcomes;
  assert.is(all.length, 9, "three nodes behind the load balancer, three backends");
  assert.is(
    all.reduce((sum, { probability }) => sum + probability, 0).toFixed(12),
    "1.000000000000",
  );
  const counts = cluster.spread(url, 300);
  assert.equal(Object.keys(counts).sort(), web.sort());
});

test("what-if leaves nothing behind of either connection", () => {
  const cluster = world();
  cluster.outcomes(url);
  const left = [...cluster.network.machines.values()].flatMap(({ kernel }) => [
    ...kernel.conntrack.connections(),
  ]);
  assert.equal(left, []);
});

test("a path that no route knows is answered by the proxy itself", () => {
  const cluster = world([{ ...shop, path: "/admin" }]);
  const trip = cluster.request(url);
  assert.is(trip.disposition, "delivered", story(trip));
  assert.is(trip.pod, edgeOf(cluster).key);
  assert.match(trip.reason, /answers "404 Not Found" by itself/);
  assert.is(trip.hops.filter(({ kind }) => kind === "dns").length, 1);
});

test("where the second connection fails, the reason says whose it was", () => {
  const cluster = world();
  cluster.scale("Deployment", "web", 0);
  cluster.settle();
  const trip = cluster.request(url);
  assert.is(trip.disposition, "rejected", story(trip));
  assert.match(trip.reason, /^default\/edge-\S+ passes the request on, and .*has no endpoints/);
  const unknown = world([{ ...shop, backend: "http://wbe:8080" }]).request(url);
  assert.is(unknown.disposition, "name not found", story(unknown));
  assert.match(unknown.reason, /passes the request on, and no DNS server knows the name "wbe"/);
});

test("a proxy that asks itself goes round until somebody calls it a circle", () => {
  const trip = world([{ ...shop, backend: "http://edge:8080", hostThere: "shop.example" }]).request(
    url,
  );
  assert.is(trip.disposition, "timed out");
  assert.match(trip.reason, /probably a circle/);
});

test("a proxy in the node's own network has the node's address", () => {
  const cluster = world();
  const ports = "[{containerPort: 8088}]";
  cluster.apply(`{apiVersion: v1, kind: Pod, metadata: {name: host-edge}, spec: {nodeName: node-b, hostNetwork: true,
    dnsPolicy: ClusterFirstWithHostNet, containers: [{name: a, image: edge, ports: ${ports}}]}}`);
  cluster.settle();
  cluster.pod("host-edge").sandbox.proxy = hostRouter([{ ...shop, host: "192.168.0.2" }]);
  const trip = cluster.request("http://192.168.0.2:8088/");
  assert.is(trip.disposition, "delivered", story(trip));
  assert.is(trip.hops.find(({ kind }) => kind === "proxy")!.name, "default/host-edge");
  assert.ok(podsOf(cluster, "web").includes(trip.pod!.replace("default/", "")));
});

test("an answer that is lost to the proxy is lost to the client", () => {
  const cluster = world();
  const edge = edgeOf(cluster);
  const { kernel } = [...cluster.network.machines.values()].find((m) => m.sandbox(edge.key))!;
  // the node forgets to translate what comes back: it tracks no more
  const tables = iptables(kernel);
  const rules = cluster.node(kernel.name).rules.text();
  tables.rules.IPv4 = parseRules(
    `*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -s 10.1.0.0/16 -p tcp -m tcp --sport 80 -j NOTRACK\nCOMMIT\n${rules}`,
  );
  const ends = new Set(cluster.outcomes(url).outcomes.map(({ disposition }) => disposition));
  assert.ok(ends.has("timed out"), [...ends].join());
  const lost = cluster
    .outcomes(url)
    .outcomes.find(({ disposition }) => disposition === "timed out")!;
  assert.match(
    lost.reason,
    /gets it, but its answer comes from .*and default\/edge-\S+ waits for one from/,
  );
});

test("each of a proxied load balancer's connections must get its own answer", () => {
  const cluster = world();
  edgeOf(cluster).proxy = undefined as never;
  for (const { kernel } of cluster.network.machines.values()) {
    const rules = cluster.node(kernel.name).rules.text();
    iptables(kernel).rules.IPv4 = parseRules(rules.replace(/-j MASQUERADE.*/, "-j ACCEPT"));
  }
  const { outcomes: all } = cluster.outcomes(url);
  const lost = all.filter(({ disposition }) => disposition === "timed out");
  assert.is(lost.length, 2, "from the two nodes that the Pod is not on");
  assert.match(
    lost[0]!.reason,
    /its answer comes from 10\.1\.\d\.\d:80, and \d+\.ap-south-1\S+ waits/,
  );
});

test("pictures show the proxy where it stands", () => {
  const cluster = world();
  const trip = cluster.request(url);
  for (const picture of [journey(trip), sequence(trip), outcomes(cluster.outcomes(url))])
    assert.match(picture.source, /proxy/, picture.source);
  assert.match(journey(trip).source, /web is/);
  const drawn = [...journey(trip).source.matchAll(/^ *subgraph \w+\["node-a"\]/gm)];
  assert.is(drawn.length, 1, "a node that is passed twice is drawn once");
  assert.ok(player(trip).html.includes("Route default/shop"));
});

test.run();
