/** What becomes of a ping: a kernel answers for itself, and a Service's address is nobody's. */
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, gcp, openRules, openSnapshot, parse, read } from "stopover";
import { kinds } from "stopover/internal/objects/kinds";

const manifests = fileURLToPath(new URL("../../notebooks/manifests/", import.meta.url));

function article(cloud = aws()) {
  const cluster = createCluster({ nodes: 3, cloud });
  cluster.apply(read(manifests));
  cluster.settle();
  cluster.advance("10s");
  return cluster;
}
const cluster = article();
const ping = (to: string, from = "192.168.0.1", node = "node-a") =>
  cluster.packet({ node, from, to, protocol: "ICMP" });
const pods = cluster.list("Pod").filter(({ metadata }) => metadata.name.startsWith("nginx"));
const podOn = (node: string) => pods.find(({ spec }) => spec.nodeName === node)!.status!.podIP!;

test("a Pod's kernel answers, from wherever in the cluster, though its process knows no ping", () => {
  for (const from of ["192.168.0.1", podOn("node-a")]) {
    const { disposition, reason, pod, destination } = ping(podOn("node-b"), from);
    assert.is(disposition, "delivered");
    assert.match(reason, /^the kernel of Pod default\/nginx-\S+ on node-b answers/);
    assert.match(pod!, /^default\/nginx-/);
    assert.is(destination, podOn("node-b"));
  }
});

test("the answer comes back through conntrack, and nothing is translated", () => {
  const { hops, reply } = ping(podOn("node-b"), podOn("node-a"));
  const steps = hops.flatMap((hop) => hop.steps);
  assert.not.ok(steps.some(({ action }) => action === "dnat" || action === "snat"));
  assert.is(reply.at(-1)!.out.destination, podOn("node-a"));
});

test("a node's address is answered, whatever its NodePorts do", () => {
  const { disposition, reason } = ping("192.168.0.2", "203.0.113.9", "node-b");
  assert.is(disposition, "delivered");
  assert.match(reason, /^the kernel of node-b answers/);
});

test("nobody answers for a ClusterIP in iptables mode, and the reason says why", () => {
  for (const from of ["192.168.0.1", podOn("node-a")]) {
    const { disposition, reason } = ping("10.2.1.1", from);
    assert.is(disposition, "no route");
    assert.match(
      reason,
      /10\.2\.1\.1 is the ClusterIP of Service default\/nginx.* for TCP 8080 alone/,
    );
  }
});

test("--all and a dump say the same", () => {
  const bare = { node: "node-a", from: "192.168.0.1", to: "10.2.1.1", protocol: "ICMP" } as const;
  const { outcomes } = cluster.packetOutcomes(bare);
  assert.equal(
    outcomes.map(({ disposition, probability }) => [disposition, probability]),
    [["no route", 1]],
  );
  const items = kinds
    .filter(({ kind }) => kind !== "Event" && kind !== "Lease")
    .flatMap(({ kind }) => cluster.list(kind));
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  const dump = openSnapshot(parse(list, { as: "dump" }));
  assert.match(dump.packet(bare).reason, /is the ClusterIP of Service default\/nginx/);
});

test("a load balancer takes its listeners' ports, and no ping", () => {
  const other = article(gcp());
  const [{ ip } = {}] = other.get("Service", "nginx").status!.loadBalancer!.ingress!;
  const bare = { node: "node-a", from: "192.168.0.1", to: ip!, protocol: "ICMP" } as const;
  const { disposition, reason } = other.packet(bare);
  assert.is(disposition, "timed out");
  assert.match(reason, /load balancer's address.*answers no ping/);
});

test("a NetworkPolicy that lets TCP in alone leaves it open whether a ping gets in", () => {
  const guarded = article();
  guarded.apply(
    parse(`{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web}, spec:
      {podSelector: {matchLabels: {app: nginx}}, ingress: [{ports: [{port: 80}]}]}}`),
  );
  guarded.settle();
  const to = podOn("node-b");
  const bare = { node: "node-a", from: "192.168.0.1", to, protocol: "ICMP" } as const;
  assert.is(guarded.packet(bare).disposition, "unknown");
});

test("pasted rules know a Service's address, and that no ping is meant", () => {
  const pasted = openRules(cluster.node("node-a").rules.saveText("IPv4"));
  const from = podOn("node-a");
  const sent = (to: string) => pasted.packet({ from, to, protocol: "ICMP" });
  assert.is(sent("10.2.1.1").disposition, "no route");
  assert.is(sent("192.168.0.1").disposition, "delivered");
  assert.is(sent(podOn("node-b")).disposition, "delivered");
  assert.is(sent("198.51.100.9").disposition, "unknown");
});

test("ICMP has no ports", () => {
  assert.throws(() => ping("10.2.1.1:80"), /ICMP has no ports/);
});

test.run();
