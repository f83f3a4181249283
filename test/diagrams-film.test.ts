/**
 * The picture of what a request sees over time, and the two words of the library that it is made
 * of.
 */
import { sharesOverTime, textOf } from "@stopover/diagrams";
import { aws, createCluster, parse, type Cluster } from "stopover";
import { test } from "uvu";
import * as assert from "uvu/assert";

const url = "http://mynginx-app.com:8080/";

function article(): Cluster {
  const cluster = createCluster({ nodes: 3, cloud: aws() });
  cluster.apply(
    parse(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: nginx }
spec:
  replicas: 3
  selector: { matchLabels: { app: nginx } }
  template: { metadata: { labels: { app: nginx } }, spec: { containers: [{ name: nginx, image: nginx }] } }
---
apiVersion: v1
kind: Service
metadata: { name: nginx }
spec: { type: LoadBalancer, selector: { app: nginx }, ports: [{ name: http, port: 8080, targetPort: 80 }] }
`),
  );
  cluster.settle();
  return cluster;
}

test("shares add up exactly, Pod by Pod", () => {
  const cluster = article();
  const names = cluster
    .list("Pod")
    .map(({ metadata }) => `default/${metadata.name}`)
    .sort();
  assert.equal(
    Object.entries(cluster.shares(url)).sort(),
    names.map((name) => [name, 1 / 3]),
  );
  cluster.node("node-b").stop();
  const { "timed out": lost, ...rest } = cluster.shares(url);
  assert.is(lost, 5 / 9);
  assert.equal(Object.values(rest), [2 / 9, 2 / 9]);
  assert.equal(cluster.shares("http://nowhere.example/"), { "name not found": 1 });
});

test("a film tells the first sight and every change, at its time, and leaves the clock at its end", () => {
  const cluster = article();
  const start = +cluster.now;
  const film = cluster.film(
    "250ms",
    () => ({ even: Math.floor((+cluster.now - start) / 200) % 2 === 0 }),
    "50ms",
  );
  assert.equal(film, [
    { seconds: 0, even: true },
    { seconds: 0.2, even: false },
  ]);
  assert.is(+cluster.now - start, 250);
});

test("a film with nothing between its frames still ends", () => {
  assert.throws(() => article().film("1s", () => ({}), 0), /every/);
});

test("the picture has a band for each end and each time, one upon the other", () => {
  const picture = sharesOverTime(
    [
      { seconds: 0, "default/a": 0.5, "timed out": 0.5 },
      { seconds: 2, "default/a": 1 },
    ],
    { until: 10 },
  );
  assert.equal((picture.spec.data as { values: object[] }).values, [
    { end: "a", since: 0, till: 2, from: 0, to: 0.5, share: "1/2" },
    { end: "timed out", since: 0, till: 2, from: 0.5, to: 1, share: "1/2" },
    { end: "a", since: 2, till: 10, from: 0, to: 1, share: "always" },
  ]);
  assert.match(textOf(picture), /2 s\s+a always/);
});

test.run();
