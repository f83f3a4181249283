/** An external address as a door: whose it is decides whether anybody comes to it from outside. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCluster } from "stopover";

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "c", image: "nginx", ports: [{ containerPort: 80 }] }] },
    },
  },
};

function why(externalIPs: string[], question: string, from?: string) {
  const cluster = createCluster({ nodes: 3 });
  cluster.apply(deployment);
  cluster.apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, externalIPs, ports: [{ port: 80, targetPort: 80 }] },
  });
  cluster.settle();
  const [diagnosis] = [cluster.why(question, from === undefined ? {} : { from })].flat();
  const doors = diagnosis!.doors.filter(({ door }) => door === "load-balancer");
  return { doors, notes: diagnosis!.notes };
}

for (const [sentence, externalIPs, from, expected] of [
  ["a node's own address: it answers", ["192.168.0.2"], undefined, [true, "delivered"]],
  ["nobody's: nobody outside comes there", ["198.51.100.7"], undefined, [false, "no route"]],
  ["nobody's: a node's own rules take it", ["198.51.100.7"], "node/node-a", [false, "delivered"]],
] as const)
  test(`an external address, ${sentence}`, () => {
    const { doors, notes } = why([...externalIPs], "web", from);
    assert.equal(
      doors.map(({ name, shouldAnswer, disposition }) => [name, shouldAnswer, disposition]),
      externalIPs.map((ip) => [ip, ...expected]),
    );
    assert.is(
      notes.some((note) => note.includes("nobody here brings packets")),
      expected[1] === "no route",
    );
  });

test("who asks for it by its URL is told what is in the way, once", () => {
  const { doors } = why(["198.51.100.7"], "http://198.51.100.7/");
  assert.equal(
    doors.map(({ shouldAnswer, cause }) => [shouldAnswer, cause?.field]),
    [[true, "spec.externalIPs"]],
  );
});

test.run();
