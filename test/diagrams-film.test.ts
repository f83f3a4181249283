/**
 * The picture of what a request sees over time, and the two words of the library that it is made
 * of.
 */
import { sharesOverTime, table, textOf } from "@stopover/diagrams";
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

const bandsOf = (picture: ReturnType<typeof sharesOverTime>) =>
  (picture.spec.data as { values: Record<string, string | number>[] }).values;

test("each end keeps its row: Pods of one ReplicaSet side by side, what went wrong below them", () => {
  const picture = sharesOverTime(
    [
      { seconds: 0, "timed out": 1 / 3, "default/web-1-b": 2 / 3 },
      { seconds: 2, "default/web-2-a": 1 / 3, "default/web-1-b": 1 / 3, "default/web-1-a": 1 / 3 },
    ],
    { until: 10 },
  );
  const rows = new Map(bandsOf(picture).map(({ end, from }) => [end, from]));
  assert.equal(
    [...rows].sort((x, y) => Number(y[1]) - Number(x[1])).map(([end]) => end),
    ["web-1-a", "web-1-b", "web-2-a", "timed out"],
  );
  for (const { end, from } of bandsOf(picture)) assert.is(from, rows.get(end), String(end));
  const kinds = bandsOf(picture).map(({ end, kind }) => `${end} ${kind}`);
  assert.ok(kinds.includes("web-1-a web-1") && kinds.includes("timed out nobody answers"));
  assert.equal(
    bandsOf(picture).map(({ share }) => share),
    ["2/3", "1/3", "1/3", "1/3", "1/3"],
  );
  assert.match(textOf(picture), /2 s +web-1-a 1\/3, web-1-b 1\/3, web-2-a 1\/3/);
});

test("a short step among minutes can be seen, and long waits are marked as shortened", () => {
  const picture = sharesOverTime(
    [
      { seconds: 0, "timed out": 1 },
      { seconds: 57, "default/a-1": 1 },
      { seconds: 60, "default/a-2": 1 },
      { seconds: 358, "default/a-1": 1 },
    ],
    { until: 480, events: [{ seconds: 57, says: "node-b is NotReady" }] },
  );
  const bands = bandsOf(picture);
  for (const { since, till, end } of bands)
    assert.ok(Number(till) - Number(since) >= 0.09 - 1e-9, String(end));
  assert.is(Number(bands.at(-1)!["till"]).toFixed(6), "1.000000");
  const spec = JSON.stringify(picture.spec);
  for (const said of ["57 s", "1 min", "358 s", "8 min", "//", "57 s: node-b is NotReady"])
    assert.ok(spec.includes(`"${said}"`), said);
  assert.match(textOf(picture), /57 s: node-b is NotReady/);
  const even = sharesOverTime([
    { seconds: 0, "default/a-1": 1 },
    { seconds: 1, "default/a-2": 1 },
  ]);
  assert.not.match(JSON.stringify(even.spec), /"\/\/"/);
});

test("a table of shares: Pods first, then what went wrong; fractions, not decimals", () => {
  const made = table([
    { seconds: 0, "default/w-b": 1 / 3, "timed out": 2 / 3, inTheRules: 3 },
    { seconds: 0.25, "default/w-a": 1, "default/w-b": 0, "timed out": 0, inTheRules: 3 },
  ]);
  assert.equal(made.text.split("\n"), [
    "seconds  default/w-a  default/w-b  timed out  inTheRules",
    "0                     1/3          2/3        3",
    "0.25     1            0            0          3",
  ]);
});

test.run();
