/** The map of the book names chapters that exist, and draws. */
import { readdirSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { bookMap, check, journeys, toPicture } from "@stopover/diagrams";
import { createCluster } from "stopover";

const chapters = readdirSync(new URL("../../notebooks/", import.meta.url)).flatMap(
  (name) => /^(\d\d)-.*\.ipynb$/.exec(name)?.[1] ?? [],
);

test("every chapter number on the map is a chapter, and all are on it", () => {
  const { source } = bookMap();
  check(source);
  const named = new Set(
    [...source.replace(/^%%.*\n/, "").matchAll(/(?<![\d#])(\d\d) [A-Za-z]/g)].map(
      ([, number]) => number!,
    ),
  );
  for (const number of named) assert.ok(chapters.includes(number), `there is no chapter ${number}`);
  for (const number of chapters)
    assert.ok(named.has(number), `chapter ${number} is not on the map`);
});

test("a list of journeys is a table of how they ended", () => {
  const cluster = createCluster({ nodes: 1 }),
    trips = [cluster.request("http://nowhere.example/"), cluster.request("nowhere")];
  assert.equal(toPicture(trips), journeys(trips));
  assert.match(journeys(trips).text, /http:\/\/nowhere\.example\/ +internet +name not found/);
});

test("history answers those entries that have the values asked for", () => {
  const cluster = createCluster({ nodes: 2 }),
    made = cluster.history({ verb: "create", kind: "Node" });
  assert.equal(
    made.map(({ who, name }) => `${who} ${name}`),
    ["kubelet/node-a node-a", "kubelet/node-b node-b"],
  );
  assert.is(cluster.history().length, cluster.history({}).length);
});

test.run();
