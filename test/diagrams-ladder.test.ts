/** The picture and the table of what `why` found. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inspect } from "node:util";
import { aws, createCluster, type Cluster } from "stopover";
import { doors, ladder, toPicture } from "@stopover/diagrams";

function shop(app: string): Cluster {
  const cluster = createCluster({ nodes: 3, cloud: aws(), seed: 1, domains: {} });
  cluster.apply(`
{apiVersion: v1, kind: Pod, metadata: {name: shop, labels: {app: shop}}, spec: {containers: [{name: c, image: nginx}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {type: NodePort, selector: {app: ${app}}, ports: [{port: 80}]}}
`);
  cluster.settle();
  return cluster;
}

test("a sound Service: every door is drawn, and nothing is in the way", () => {
  const { source } = ladder(shop("shop").why("shop"));
  for (const words of ["NodePort", "ClusterIP", "Pod", "default/shop"])
    assert.ok(source.includes(words), source);
  assert.not.match(source, /:::ending/);
});

test("one cause is one box, whichever doors it closes", () => {
  const { source } = ladder(shop("web").why("shop"));
  assert.is(source.split(":::ending").length, 2, source);
  assert.match(source, /spec\.selector/);
  assert.match(source, /rejected/);
});

test("the table says what to change; show() draws it", () => {
  const found = shop("sho").why("shop");
  const { text } = doors(found);
  assert.match(
    text,
    /NodePort +node-a, node-b, node-c +rejected +0 +selector app=sho matches 0 of 1/,
  );
  assert.match(text, /Service default\/shop, spec\.selector: app=shop/);
  assert.equal(toPicture(found), doors(found));
});

test("looked at in a notebook a diagnosis is text to read", () => {
  const found = shop("sho").why("shop");
  assert.match(inspect(found), /^Service default\/shop: 0 of \d+ doors that should answer do\n/);
  assert.equal(Object.keys(JSON.parse(JSON.stringify(found)) as object).slice(0, 2), [
    "service",
    "doors",
  ]);
});

test("since: what has changed of all that decides", () => {
  const cluster = shop("shop");
  const { resourceVersion } = cluster.get("Service", "shop").metadata;
  cluster.patch("Service", "shop", { spec: { selector: { app: "web" } } });
  cluster.settle();
  const { changes } = cluster.why("shop", { since: resourceVersion! });
  assert.ok(
    changes!.some(
      ({ object, field, before, now }) =>
        `${object} ${field} ${String(before)} ${String(now)}` ===
        "Service default/shop spec.selector.app shop web",
    ),
    JSON.stringify(changes),
  );
});

test.run();
