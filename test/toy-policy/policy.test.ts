/** A dataplane without an iptables rule, beside kube-proxy's iptables on the same kernels. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createCluster, type Cluster } from "stopover";
import { PolicyEngine } from "./policy.js";

const manifests = [
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "nginx" }] },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
  },
];

/** A cluster whose nodes all ask the same engine. */
function guarded(): { cluster: Cluster; engine: PolicyEngine; pods: string[] } {
  const cluster = createCluster({ nodes: 2, domains: {} });
  for (const manifest of manifests) cluster.apply(manifest);
  cluster.settle();
  const engine = new PolicyEngine();
  for (const { kernel } of cluster.network.machines.values()) kernel.dataplanes.attach(engine);
  const pods = cluster.list("Pod").map(({ status }) => status!.podIP!);
  return { cluster, engine, pods };
}
const ends = (cluster: Cluster): [string, number][] =>
  cluster
    .outcomes("http://web.default.svc.cluster.local/", { from: podName(cluster, 0) })
    .outcomes.map(({ disposition, probability }): [string, number] => [disposition, probability])
    .sort();
const podName = (cluster: Cluster, i: number): string =>
  `pod/default/${cluster.list("Pod")[i]!.metadata.name}`;

const policy = suite("a policy engine beside kube-proxy");

policy("sees the packet that kube-proxy has translated, and drops what no policy admits", () => {
  const { cluster, engine, pods } = guarded();
  assert.equal(ends(cluster), [
    ["delivered", 0.5],
    ["delivered", 0.5],
  ]);
  engine.policies.push({ name: "second", to: pods[1]!, from: new Set() });
  assert.equal(ends(cluster), [
    ["delivered", 0.5],
    ["dropped", 0.5],
  ]);
});

policy("its reason and its rule are the journey's", () => {
  const { cluster, engine, pods } = guarded();
  const from = "203.0.113.9";
  engine.policies.push({ name: "closed", to: pods[0]!, from: new Set(["10.1.9.9"]) });
  const trip = cluster.packet({ node: "node-a", from, to: `${pods[0]!}:80` });
  assert.is(trip.disposition, "dropped");
  assert.match(trip.reason, /^node-\w drops it: "closed", because of Policy closed$/);
  const steps = trip.hops.flatMap(({ steps }) => steps);
  const { action, table, rule, object } = steps.at(-1)!;
  assert.equal(
    { action, table, rule, object },
    {
      action: "drop",
      table: "policies",
      rule: `only 10.1.9.9 to ${pods[0]}`,
      object: "Policy closed",
    },
  );
});

policy("taken away, nothing is left of it", () => {
  const { cluster, engine, pods } = guarded();
  engine.policies.push({ name: "closed", to: pods[1]!, from: new Set() });
  for (const { kernel } of cluster.network.machines.values()) kernel.dataplanes.detach(engine);
  const before = engine.looked;
  assert.equal(ends(cluster), [
    ["delivered", 0.5],
    ["delivered", 0.5],
  ]);
  assert.is(engine.looked, before);
});

policy.run();
