/** Films: bands over time, the map of each moment beside them, and what happened meanwhile. */
import { bundleOf, film, watch } from "@stopover/diagrams";
import { engineScript } from "@stopover/diagrams/internal/player/engine-script";
import { sortable } from "@stopover/diagrams/internal/player/script";
import type { Reel } from "@stopover/diagrams/internal/time/engine";
import { strip } from "@stopover/diagrams/internal/time/strip";
import { table } from "@stopover/diagrams";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { boxesOf, textsOf } from "./diagrams-map-geometry.js";
import { article, url } from "./diagrams-map-scenes.js";

const reelOf = (html: string) =>
  JSON.parse(/<script type="application\/json">(.*?)<\/script>/s.exec(html)![1]!) as Reel;

function deadNode() {
  const cluster = article();
  cluster.node("node-b").stop();
  return cluster.film("3m", watch(cluster, url), "1s");
}

test("a look's row says what shares says, and its map is out of the tables' sight", () => {
  const cluster = article();
  const row = watch(cluster, url)();
  assert.equal(Object.entries(row), Object.entries(cluster.shares(url)));
  assert.not.match(table([row]).text, /map|Symbol/);
});

test("each moment has its shares, its map in both shapes, and what happened in words", () => {
  const rows = deadNode();
  const reel = reelOf(film(rows).html);
  assert.is(reel.moments.length, rows.length);
  const [first, ...later] = reel.moments;
  assert.equal(
    first!.shares.map(([, share]) => share),
    ["2/9", "2/9", "5/9"],
  );
  assert.equal(first!.shares.at(-1), ["timed out", "5/9", true]);
  const said = later.flatMap(({ says }) => says);
  for (const event of ["node-b is NotReady", "the load balancer gives node-b up"])
    assert.ok(said.includes(event), `${event} among ${said.join("; ")}`);
  for (const { maps } of reel.moments) {
    assert.is(maps.length, 2);
    for (const map of maps) {
      const svg = map.map((piece) => reel.pieces[piece]).join("");
      assert.match(svg, /^<svg [^]*<\/svg>\n$/);
      assert.match(svg, /data-is="node node-b"/);
    }
  }
});

test("the words on the bands are the reader's own where there are some", () => {
  const { still, text } = film(deadNode(), { events: [{ seconds: 57, says: "somebody looks" }] });
  assert.ok(still?.kind === "svg");
  assert.match(still.svg, /57 s: somebody looks/);
  assert.not.match(still.svg, /NotReady/);
  assert.match(text, /57 s: somebody looks/);
});

test("a film without maps has bands and a slider, and one without rows says so", () => {
  const reel = reelOf(film([{ seconds: 0, "default/a-1": 1 }]).html);
  assert.equal(reel.moments[0]!.maps, []);
  assert.throws(() => film([]), /no rows/);
});

for (const shape of ["wide", "stacked"] as const)
  test(`${shape}: nothing overlaps, and each moment has a place on the bands`, () => {
    const rows = deadNode();
    const events = rows
      .slice(1)
      .map(({ seconds }) => ({ seconds, says: "something happens here" }));
    const { svg, xs } = strip(rows, shape, { title: "a title", until: 200, events });
    assert.equal(
      [...xs].sort((a, b) => a - b),
      xs,
    );
    const width = shape === "wide" ? 960 : 360;
    const texts = textsOf(svg);
    for (const { x, w, is } of texts) assert.ok(x >= 0 && x + w <= width, is);
    texts.forEach((one, i) =>
      texts.slice(i + 1).forEach((other) => {
        const overlap =
          one.x < other.x + other.w - 1 &&
          other.x < one.x + one.w - 1 &&
          one.y < other.y + other.h - 5 &&
          other.y < one.y + one.h - 5;
        assert.not.ok(overlap, `${one.is} | ${other.is}`);
      }),
    );
    assert.ok(boxesOf(svg).some(({ is }) => is.startsWith("band ")));
  });

test("what an output holds is data: the engine is asked for where the page is served", () => {
  const page = bundleOf(film(deadNode())).data["text/html"] as string;
  const sorted = sortable(table([{ a: 1 }, { a: 2 }]));
  for (const html of [page, sorted]) {
    const scripts = [...html.matchAll(/<script>([^]*?)<\/script>/g)].map(([, code]) => code!);
    assert.is(scripts.length, 1);
    assert.ok(scripts[0]!.length < 800, `${scripts[0]!.length} bytes of script`);
    assert.not.match(html, /attachShadow/);
  }
  assert.match(engineScript, /attachShadow/);
  assert.match(
    bundleOf(table([{ a: 1 }, { a: 2 }])).data["text/html"] as string,
    /data-stopover="sort"/,
  );
  assert.not.match(bundleOf(table([{ a: 1 }])).data["text/html"] as string, /script/);
});

test.run();
