/** Endpoints written by hand, and the EndpointSlices that mirror them. */
import { createCluster, type Cluster } from "stopover";
import type { Endpoints, EndpointSlice } from "stopover/internal/objects/types";
import { test } from "uvu";
import * as assert from "uvu/assert";

const service = (spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "db" },
  spec: { ports: [{ port: 5432 }], ...spec },
});
const endpoints = (subsets: object[], metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "Endpoints",
  metadata: { name: "db", ...metadata },
  subsets,
});
const subset = { addresses: [{ ip: "203.0.113.77" }], ports: [{ port: 5432 }] };

function clusterWith(...objects: object[]): Cluster {
  const cluster = createCluster({ seed: 1, nodes: 1 });
  for (const object of objects) cluster.apply(object as never);
  cluster.settle();
  return cluster;
}
const slicesOf = (cluster: Cluster): readonly EndpointSlice[] => cluster.list("EndpointSlice");
const addresses = (cluster: Cluster): string[] =>
  slicesOf(cluster).flatMap((slice) => slice.endpoints.flatMap((each) => each.addresses));

test("ready and unready addresses, ports, labels and the owner, as a real cluster has them", () => {
  const cluster = clusterWith(
    service(),
    endpoints([{ ...subset, notReadyAddresses: [{ ip: "203.0.113.78" }] }], {
      labels: { team: "a" },
      annotations: { note: "b", "kubectl.kubernetes.io/last-applied-configuration": "{}" },
    }),
  );
  const [slice] = slicesOf(cluster);
  const { name, labels, annotations, ownerReferences, generateName } = slice!.metadata;
  assert.match(name, /^db-[a-z0-9]{5}$/);
  assert.is(generateName, "db-");
  assert.equal(labels, {
    team: "a",
    "kubernetes.io/service-name": "db",
    "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
  });
  assert.equal(annotations, { note: "b" });
  assert.equal(
    ownerReferences!.map(({ kind, name, controller }) => ({ kind, name, controller })),
    [{ kind: "Endpoints", name: "db", controller: true }],
  );
  assert.equal(slice!.ports, [{ name: "", protocol: "TCP", port: 5432 }]);
  assert.equal(slice!.endpoints, [
    { addresses: ["203.0.113.77"], conditions: { ready: true } },
    { addresses: ["203.0.113.78"], conditions: { ready: false } },
  ]);
});

test("a request reaches the host outside", () => {
  const cluster = clusterWith(service(), endpoints([subset]));
  const { disposition } = cluster.request("http://db:5432/", { from: "node/node-a" });
  assert.is(disposition, "name not found"); // nodes do not ask the cluster's DNS
  const { clusterIP } = cluster.get("Service", "db").spec;
  const trip = cluster.request(`http://${clusterIP}:5432/`, { from: "node/node-a" });
  assert.is(trip.disposition, "delivered");
});

for (const [sentence, objects] of [
  ["with a selector the Service's own controller writes them", [service({ selector: { a: "b" } })]],
  ["there is no Service", []],
] as const)
  test(`not mirrored: ${sentence}`, () => {
    const cluster = clusterWith(...objects, endpoints([subset]));
    assert.not.ok(addresses(cluster).includes("203.0.113.77"));
  });

for (const [sentence, metadata] of [
  ["the label skip-mirror", { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } }],
  ["a leader's lock of old", { annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" } }],
] as const)
  test(`not mirrored: ${sentence}`, () => {
    assert.equal(addresses(clusterWith(service(), endpoints([subset], metadata))), []);
  });

test("one slice for each family and list of ports, a hundred addresses in each", () => {
  const many = Array.from({ length: 150 }, (_, i) => ({ ip: `203.0.113.${i}` }));
  const cluster = clusterWith(
    service(),
    endpoints([
      { addresses: many, ports: [{ port: 1 }] },
      { addresses: [{ ip: "2001:db8::1" }], ports: [{ port: 1 }] },
      { addresses: [{ ip: "203.0.113.200" }], ports: [{ port: 2 }] },
    ]),
  );
  assert.equal(
    slicesOf(cluster)
      .map(({ addressType, endpoints, ports }) => [addressType, ports![0]!.port, endpoints.length])
      .sort(),
    [
      ["IPv4", 1, 100],
      ["IPv4", 1, 50],
      ["IPv4", 2, 1],
      ["IPv6", 1, 1],
    ].sort(),
  );
});

test("of more than a thousand addresses the rest is left out, with an event", () => {
  const many = Array.from({ length: 1003 }, (_, i) => ({ ip: `203.0.${i >> 8}.${i & 255}` }));
  const cluster = clusterWith(service(), endpoints([{ addresses: many, ports: [{ port: 1 }] }]));
  assert.is(addresses(cluster).length, 1000);
  assert.equal(
    cluster
      .list("Event")
      .filter(({ involvedObject }) => involvedObject.kind === "Endpoints")
      .map(({ reason, message }) => [reason, message]),
    [
      [
        "TooManyAddressesToMirror",
        "A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 3 addresses were skipped",
      ],
    ],
  );
});

test("they follow: another address, a slice taken away, a selector, the end", () => {
  const cluster = clusterWith(service(), endpoints([subset]));
  const name = slicesOf(cluster)[0]!.metadata.name;
  cluster.patch("Endpoints", "db", {
    subsets: [{ addresses: [{ ip: "203.0.113.9" }], ports: [{ port: 5432 }] }],
  } satisfies Partial<Endpoints>);
  cluster.settle();
  assert.equal(addresses(cluster), ["203.0.113.9"]);
  assert.is(slicesOf(cluster)[0]!.metadata.name, name);
  cluster.delete("EndpointSlice", name);
  cluster.settle();
  assert.equal(addresses(cluster), ["203.0.113.9"]);
  cluster.delete("Endpoints", "db");
  cluster.settle();
  assert.equal(slicesOf(cluster), []);
});

test("Endpoints without subsets have no slice; the Service's end is theirs too", () => {
  const cluster = clusterWith(service(), endpoints([subset]));
  cluster.patch("Endpoints", "db", { subsets: [] });
  cluster.settle();
  assert.equal(slicesOf(cluster), []);
  cluster.patch("Endpoints", "db", { subsets: [subset] });
  cluster.settle();
  assert.is(slicesOf(cluster).length, 1);
  cluster.delete("Service", "db");
  cluster.settle();
  assert.equal(slicesOf(cluster), []);
});

test.run();
