/** The article's cluster with a proxy mode of its own, that writes no iptables rule. */
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, read, type Cluster, type ClusterOptions } from "stopover";
import { iptables } from "stopover/internal/net/iptables/walk";
import { mapMode } from "./proxy.js";

const manifests = fileURLToPath(new URL("../../../notebooks/manifests", import.meta.url));
const url = "http://mynginx-app.com:8080/";

function articleCluster(options: ClusterOptions): Cluster {
  const cluster = createCluster({ nodes: 3, cloud: aws(), seed: 1, ...options });
  cluster.apply(read([`${manifests}/deployment.yaml`, `${manifests}/service.yaml`]));
  cluster.settle();
  return cluster;
}
const thirds = (shares: Record<string, number>): string[] =>
  Object.entries(shares).map(([end, share]) => `${end.slice(0, 14)} ${share.toFixed(6)}`);

const mode = suite("a proxy mode of one's own");

mode("delivers the article's request, to each Pod with 1/3", () => {
  const cluster = articleCluster({ proxyMode: mapMode });
  assert.equal(thirds(cluster.shares(url)), Array(3).fill("default/nginx- 0.333333"));
  const { kernel } = cluster.network.machines.get("node-a")!;
  assert.equal(iptables(kernel).rules, {}, "no rule of iptables is there");
});

mode("the journey has the same stop-overs, and its answer comes back", () => {
  const trip = articleCluster({ proxyMode: mapMode }).request(url);
  assert.is(trip.disposition, "delivered");
  assert.equal(
    trip.hops.map(({ stop }) => stop).filter((stop) => stop !== null),
    [1, 2, 3],
  );
  assert.is(trip.hops.find(({ stop }) => stop === 3)!.name, "default/nginx");
  assert.is(trip.reply.at(-1)!.kind, "client");
});

mode("follows the cluster: a Pod more, all Pods gone", () => {
  const cluster = articleCluster({ proxyMode: mapMode });
  cluster.scale("Deployment", "nginx", 4);
  cluster.settle();
  assert.is(Object.keys(cluster.shares(url)).length, 4);
  cluster.scale("Deployment", "nginx", 0);
  cluster.settle();
  assert.equal(Object.keys(cluster.shares(url)), ["connection refused"]);
});

mode("nodes may differ: each writes in its own way, and all ways are the same for a client", () => {
  const nodes = ["node-a", "node-b", "node-c"].map((name) => ({
    name,
    ...(name === "node-b" && { proxyMode: mapMode }),
  }));
  const cluster = articleCluster({ nodes });
  assert.equal(thirds(cluster.shares(url)), Array(3).fill("default/nginx- 0.333333"));
  assert.match(cluster.node("node-a").rules.text(), "KUBE-SERVICES");
  assert.is(cluster.node("node-b").rules.text(), "");
  assert.equal(cluster.node("node-b").rules.of("default/nginx"), []);
});

mode("what was taken away is written again", () => {
  const cluster = articleCluster({ proxyMode: mapMode });
  const before = cluster.node("node-a").kubeProxy.lastSync()!.time;
  const { dataplanes } = cluster.network.machines.get("node-a")!.kernel;
  for (const each of [...dataplanes]) dataplanes.detach(each);
  cluster.advance("1m");
  const after = cluster.node("node-a").kubeProxy.lastSync()!;
  assert.ok(after.full && after.time > before);
  assert.equal(thirds(cluster.shares(url)), Array(3).fill("default/nginx- 0.333333"));
});

mode("a name that no mode has is refused", () => {
  assert.throws(
    () => createCluster({ proxyMode: "userspace" }),
    /^.*proxyMode is "userspace"; allowed are "iptables", "nftables", "ipvs" and a function/,
  );
});

mode.run();
