import { test } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, gcp, parse, type Cluster, type ClusterOptions } from "stopover";
import { context, run, watch } from "stopover/internal/machinery/controller";
import { Random, Streams } from "stopover/internal/machinery/random";
import type { Service } from "stopover/internal/objects/types";

const url = "http://mynginx-app.com:8080/";
const article = parse(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: nginx }
spec:
  replicas: 3
  selector: { matchLabels: { app: nginx } }
  template:
    metadata: { labels: { app: nginx } }
    spec: { containers: [{ name: nginx, image: nginx, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: nginx }
spec: { type: LoadBalancer, selector: { app: nginx }, ports: [{ port: 8080, targetPort: 80 }] }
`);

function settled(options: ClusterOptions, before: (cluster: Cluster) => void = () => {}): Cluster {
  const cluster = createCluster({ nodes: 3, cloud: aws(), seed: 1, ...options });
  before(cluster);
  cluster.apply(article);
  cluster.settle();
  return cluster;
}

/** The ends of the Pods' names: what chance gave them. */
const names = (cluster: Cluster): string[] =>
  cluster
    .list("Pod", { labelSelector: "app=nginx" })
    .map(({ metadata }) => metadata.name.slice(-5));
const ways = (cluster: Cluster): string[] =>
  Array.from({ length: 8 }, () => cluster.request(url).pod!.slice(-5));

const known = ["fzgt4", "jg2kn", "tmrnd"];
const nodes = ["node-a", "node-b", "node-c"].map((name, i) => ({
  name,
  addresses: [`192.168.0.${i + 1}`],
}));

test("the article's cluster keeps its names and its ways", () => {
  const cluster = settled({});
  assert.equal(names(cluster), known);
  assert.is(cluster.list("EndpointSlice")[0]!.metadata.name, "nginx-6pfkm");
  const first = ways(cluster);
  assert.equal(ways(settled({})), first);
  assert.not.equal(names(settled({ seed: 2 })), known);
});

for (const [title, options] of [
  ["without a cloud", { cloud: undefined }],
  ["in another cloud", { cloud: gcp() }],
  ["with more nodes", { nodes: 5 }],
  ["with the nodes in another order", { nodes: [...nodes].reverse() }],
] as [string, ClusterOptions][])
  test(`${title} the Pods have the same names`, () => {
    assert.equal(names(settled(options)), known);
  });

/** A component that nobody has heard of: it answers each Service with two objects of its own. */
function newcomer(cluster: Cluster): void {
  const surroundings = {
    clock: cluster.clock,
    random: new Random("newcomer"),
    connect: (who: string) => cluster.as(who),
  };
  const ours = context("newcomer", surroundings);
  const services = ours.informers.of("Service");
  run(
    {
      name: "newcomer",
      watches: [watch("Service")],
      reconcile(key) {
        const service = services.get(key);
        if (!service || service.metadata.generateName) return;
        for (let i = 0; i < 2; i++)
          ours.client.create<Service>({
            apiVersion: "v1",
            kind: "Service",
            metadata: { name: "", generateName: `${service.metadata.name}-` },
            spec: { ports: [{ port: 80 }] },
          });
        ours.events.normal(service, "Answered", "with two of my own");
      },
    },
    ours,
  );
  ours.informers.start();
}

test("a new component moves nobody's names, numbers or ways", () => {
  const [with_, without] = [settled({}, newcomer), settled({})];
  assert.ok(with_.list("Service").length > without.list("Service").length);
  assert.equal(names(with_), known);
  const objects = (cluster: Cluster) =>
    (["ReplicaSet", "EndpointSlice", "Node"] as const).map((kind) =>
      cluster
        .list(kind)
        .filter(({ metadata }) => !/^nginx-.{5}-/.test(metadata.name))
        .map(({ metadata: { name, uid } }) => [name, uid]),
    );
  assert.equal(objects(with_), objects(without));
  assert.equal(ways(with_), ways(without));
});

test("a user who makes more moves nobody else's names", () => {
  const cluster = settled({}, (cluster) => {
    for (let i = 0; i < 5; i++)
      cluster.as("another-user").create<Service>({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: `other-${i}` },
        spec: { ports: [{ port: 80 }] },
      });
  });
  assert.equal(names(cluster), known);
});

test("a name's stream goes on where it was; too many names, and too long ones, share one", () => {
  const streams = new Streams(new Random(1));
  const [first, second] = [streams.of("a").next(), streams.of("a").next()];
  const again = new Streams(new Random(1));
  for (let i = 0; i < 30_000; i++) again.of(`name ${i}`).next();
  assert.is(again.of("name 29999"), again.of("x".repeat(1_000)));
  const fresh = new Streams(new Random(1)).of("a");
  assert.equal([fresh.next(), fresh.next()], [first, second]);
});

test.run();
