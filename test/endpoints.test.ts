/** v1 Endpoints, where a real controller's differ from the EndpointSlices beside them. */
import { createCluster, type Cluster } from "stopover";
import { test } from "uvu";
import * as assert from "uvu/assert";

function clusterWith(service: object): Cluster {
  const cluster = createCluster({ seed: 1, nodes: 1 });
  cluster.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", labels: { app: "web" } },
    spec: {
      terminationGracePeriodSeconds: 20,
      containers: [
        {
          name: "c",
          image: "nginx",
          ports: [{ name: "web", containerPort: 80 }],
          lifecycle: { preStop: { sleep: { seconds: 8 } } },
        },
      ],
    },
  } as never);
  cluster.apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }], ...service },
  } as never);
  cluster.settle();
  return cluster;
}
const subsets = (cluster: Cluster) => cluster.get("Endpoints", "web").subsets ?? [];

test("a named targetPort that no Pod has: no subsets", () => {
  assert.equal(subsets(clusterWith({ ports: [{ port: 80, targetPort: "nope" }] })), []);
});

test("a headless Service without ports: addresses without ports", () => {
  const [subset] = subsets(clusterWith({ clusterIP: "None", ports: [] }));
  assert.is(subset!.addresses!.length, 1);
  assert.is(subset!.ports, undefined);
});

test("what a port speaks is told", () => {
  const [subset] = subsets(clusterWith({ ports: [{ port: 80, appProtocol: "x.y/z" }] }));
  assert.equal(subset!.ports, [{ port: 80, protocol: "TCP", appProtocol: "x.y/z" }]);
});

for (const [publishNotReadyAddresses, left] of [
  [true, 1],
  [false, 0],
] as const)
  test(`a Pod that ends, publishNotReadyAddresses ${publishNotReadyAddresses}: ${left} address`, () => {
    const cluster = clusterWith({ publishNotReadyAddresses });
    cluster.delete("Pod", "web");
    cluster.advance("4s");
    assert.is(cluster.list("Pod").length, 1);
    assert.is(subsets(cluster).flatMap(({ addresses = [] }) => addresses).length, left);
  });

test.run();
