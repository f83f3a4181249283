/** What the map says: of each thing what is believed and true, and of a way where it went. */
import { bundleOf, inline, map, matrix, png, textOf } from "@stopover/diagrams";
import { keyOf } from "@stopover/diagrams/internal/map/data";
import { sourceOf } from "@stopover/diagrams/internal/map/from-trip";
import { withoutStyle } from "@stopover/diagrams/internal/svg/look";
import { mapOf } from "@stopover/diagrams/internal/map/source";
import { aws, createCluster, openSnapshot, parse, read } from "stopover";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { boxesOf, textsOf } from "./diagrams-map-geometry.js";
import { article, requestUntil, scenes, url, withLocalPolicy } from "./diagrams-map-scenes.js";
import { cluster as objects, listing, service, trip as sample } from "./diagrams-sample.js";

const words = (svg: string) => textsOf(svg).map(({ is }) => is);
const tagOf = (svg: string, is: string) =>
  new RegExp(`<(?:rect|path)[^>]* data-is="${is}"`).exec(svg)?.[0] ?? "";
const scene = (name: string) => scenes[name]!();
const dataOf = (name: string) => {
  const { cluster, options } = scene(name);
  return mapOf(cluster, options);
};

test("a cluster in which all is well: believed and true are the same", () => {
  const data = mapOf(article());
  assert.equal(
    data.nodes.map(({ ready, up, proxy, stale, target, shut }) => [
      ready,
      up,
      proxy,
      stale,
      target,
      shut,
    ]),
    Array(3).fill([true, true, "running", false, "healthy", false]),
  );
  assert.equal(
    data.pods.map(({ believed, listens, node }) => [believed, listens, node]),
    ["node-a", "node-b", "node-c"].map((node) => ["ready", true, node]),
  );
  const { svg } = map(article());
  for (const said of [":30519", "192.168.0.1", "nginx", "10.2.1.1:8080", "10.1.1.2:80"])
    assert.ok(words(svg).includes(said), said);
  assert.not.match(svg.replace(/<style>[^]*?<\/style>/, ""), /NaN|undefined|null/);
});

test("objects alone: what is true is not known, and drawn as it is believed", () => {
  const data = mapOf(objects);
  assert.equal(
    [...new Set(data.nodes.map(({ up, proxy, stale }) => `${up} ${proxy} ${stale}`))],
    ["undefined undefined false"],
  );
  assert.equal([...new Set(data.pods.map(({ listens }) => listens))], [undefined]);
  assert.not.match(map(objects).svg, /data-is="[^"]*"[^>]*hatch/);
});

test("a dead machine is believed Ready, and hatched; its Pods listen no more", () => {
  const data = dataOf("a dead node behind the rules");
  const dead = data.nodes.find(({ name }) => name === "node-b")!;
  assert.equal([dead.ready, dead.up], [true, false]);
  assert.equal(
    data.pods.filter(({ node }) => node === "node-b").map(({ listens }) => listens),
    [false],
  );
  const { cluster, options } = scene("a dead node behind the rules");
  const { svg } = map(cluster, options);
  assert.match(tagOf(svg, "node node-b"), /hatch/);
  assert.not.match(tagOf(svg, "node node-a"), /hatch/);
  assert.ok(words(svg).includes("machine is down"));
  assert.ok(words(svg).includes("believed Ready"));
});

test("after a while the API server knows: the outline is dashed, too", () => {
  const { cluster } = scene("all ways past a dead node");
  const { svg } = map(cluster);
  assert.match(tagOf(svg, "node node-b"), /stroke-dasharray/);
  assert.not.match(tagOf(svg, "node node-a"), /stroke-dasharray/);
  assert.ok(words(svg).includes("NotReady"));
});

test("a stopped kube-proxy is hatched in the bar, and dashed once its rules are old", () => {
  const { cluster } = scene("a stale kube-proxy");
  const { svg, text } = map(cluster);
  assert.match(tagOf(svg, "bar node-b"), /hatch.*stroke-dasharray/);
  assert.is(tagOf(svg, "bar node-a"), "");
  assert.match(text, /node-b \(its kube-proxy is stopped, its rules are old\)/);
});

test("an excluded node is not behind the load balancer, and no way enters it", () => {
  const data = dataOf("an excluded node");
  assert.equal(
    data.nodes.map(({ target }) => target),
    ["healthy", "excluded", "healthy"],
  );
  assert.equal(
    Object.keys(data.ways!.shares).filter((key) => key.startsWith("door")),
    ["door node-a", "door node-c"],
  );
});

test("policy Local: a node without a Pod is shut, and ways are only where they are possible", () => {
  const { cluster, options } = scene("all ways under policy Local");
  const data = mapOf(cluster, options);
  assert.equal(
    data.nodes.map(({ shut }) => shut),
    [true, false, false],
  );
  const crossing = data.ways!.edges.filter(({ from, to }) => from.at === "bar" && to.at === "eth");
  assert.equal(crossing, [], "no way leads from one node to another");
  assert.equal(data.ways!.ends, [
    { place: { at: "door", node: "node-a" }, disposition: "dropped", share: 1 / 3 },
  ]);
  assert.ok(words(map(cluster, options).svg).includes("dropped 1/3"));
});

test("a Pod that ends is dotted; one that has no address yet says so", () => {
  const { cluster } = scene("a Pod that ends");
  const { pods } = mapOf(cluster);
  assert.equal(pods.map(({ believed }) => believed).sort(), [
    "absent",
    "ready",
    "ready",
    "terminating",
  ]);
  const { svg } = map(cluster);
  const ending = pods.find(({ believed }) => believed === "terminating")!;
  assert.match(tagOf(svg, `pod ${ending.key}`), /stroke-dasharray="2 4"/);
  assert.ok(words(svg).includes("no address yet"));
});

test("a Pod that is not ready is dashed, though its process listens", () => {
  const cluster = article();
  const container = { name: "nginx", image: "nginx", readinessProbe: { httpGet: { port: 80 } } };
  cluster.patch("Deployment", "nginx", {
    spec: { template: { spec: { containers: [container] } } },
  });
  cluster.settle();
  cluster.advance("2m");
  const name = cluster.endpoints("nginx")[0]!.pod!;
  cluster.pod(name).setHealthy(false);
  cluster.advance("2m");
  const pod = mapOf(cluster).pods.find((each) => each.name === name)!;
  assert.equal([pod.believed, pod.listens], ["not ready", true]);
  const tag = tagOf(map(cluster).svg, `pod default/${name}`);
  assert.match(tag, /stroke-dasharray="7 5"/);
  assert.not.match(tag, /hatch/);
});

test("a Pod where nobody listens is hollow, though it is believed ready", () => {
  const cluster = article();
  cluster.patch("Service", "nginx", {
    spec: { ports: [{ name: "http", port: 8080, targetPort: 8081, nodePort: 30519 }] },
  });
  cluster.settle();
  const { pods } = mapOf(cluster);
  assert.equal(
    [...new Set(pods.map(({ believed, listens }) => `${believed} ${listens}`))],
    ["ready false"],
  );
  assert.match(tagOf(map(cluster).svg, `pod ${pods[0]!.key}`), /hatch/);
});

// ---- ways ----

const way = (name: string, side: "there" | "back" = "there") => {
  const { cluster, options } = scene(name);
  const pods = new Map(mapOf(cluster, options).pods.map(({ key }, i) => [key, `Pod ${i}`]));
  const { visits } = mapOf(cluster, options).journey![side];
  return visits.map(({ place }) => {
    const key = keyOf(place);
    return "pod" in place ? (pods.get(place.pod) ?? key) : key;
  });
};

const ways: Record<string, { there: string[]; back: string[] }> = {
  "the article's request": {
    there: ["client", "balancer", "door node-c", "bar node-c", "eth node-a", "Pod 0"],
    back: ["Pod 0", "eth node-a", "core node-c", "door node-c", "balancer", "client"],
  },
  "one node": {
    there: ["client", "balancer", "door node-a", "bar node-a", "Pod 0"],
    back: ["Pod 0", "core node-a", "door node-a", "balancer", "client"],
  },
  "a load balancer that passes packets on": {
    there: ["client", "balancer", "eth node-c", "bar node-c", "eth node-b", "Pod 1"],
    back: ["Pod 1", "eth node-b", "core node-c", "client"],
  },
  hairpin: {
    there: ["Pod 0", "bar node-a", "bar node-a", "Pod 0"],
    back: ["Pod 0", "core node-a", "Pod 0"],
  },
  "a Pod asks": {
    there: ["Pod 0", "bar node-a", "bar node-a", "eth node-b", "Pod 2"],
    back: ["Pod 2", "eth node-b", "core node-a", "Pod 0"],
  },
  "a node asks": {
    there: ["proc node-b", "bar node-b", "bar node-b", "Pod 1"],
    back: ["Pod 1", "core node-b", "proc node-b"],
  },
  "a NodePort from outside": {
    there: ["client", "door node-b", "bar node-b", "Pod 1"],
    back: ["Pod 1", "core node-b", "door node-b", "client"],
  },
  "a dead node at the door": { there: ["client", "balancer", "edge node-b"], back: [] },
  "a dead node behind the rules": {
    there: ["client", "balancer", "door node-a", "bar node-a", "edge node-b"],
    back: [],
  },
  "policy Local, dropped": { there: ["client", "balancer", "door node-b"], back: [] },
  "no Pods": { there: ["client", "balancer", "door node-c"], back: [] },
  "no such name": { there: ["client"], back: [] },
};
for (const [name, { there, back }] of Object.entries(ways))
  test(`${name}: it comes through ${there.join(", ")}`, () => {
    assert.equal(way(name), there);
    assert.equal(way(name, "back"), back);
  });

test("each stretch of the way says the header that the packet has on it", () => {
  const { cluster, options } = scene("the article's request");
  const trip = options.journey!;
  const { there, back } = mapOf(cluster, options).journey!;
  const headers = [...there.legs, ...back.legs].map(({ header }) => header);
  const wires = [...trip.hops, ...trip.reply].filter(
    ({ kind }, i) => i > 0 && kind !== "dns" && kind !== "cluster-ip",
  );
  for (const header of headers) {
    assert.ok(
      wires.some(
        (hop) => hop.in.source === header.source && hop.in.destination === header.destination,
      ),
      JSON.stringify(header),
    );
    assert.not.match(header.destination, /[a-z]/, "no packet has a name as its destination");
  }
  const shown = words(map(cluster, options).svg);
  for (const { source, destination } of headers)
    assert.ok(shown.includes(`${source} to ${destination}`), `${source} to ${destination}`);
});

test("the shares on the map are those of the outcomes", () => {
  const { cluster, options } = scene("all ways");
  const { ways, pods } = mapOf(cluster, options);
  for (const node of ["node-a", "node-b", "node-c"])
    assert.ok(Math.abs(ways!.shares[`door ${node}`]! - 1 / 3) < 1e-9);
  for (const { key } of pods) assert.ok(Math.abs(ways!.shares[`pod ${key}`]! - 1 / 3) < 1e-9);
  assert.is(words(map(cluster, options).svg).filter((word) => word === "1/9").length, 9);
});

test("a matrix: which node was entered, and who answered; a dead node counts as entered", () => {
  const { options } = scene("all ways past a dead node");
  const { text } = matrix(options.outcomes!);
  assert.match(text, /^entered +nginx-\S+ +nginx-\S+ +timed out$/m);
  assert.match(text, /^no node +0 +0 +1\/3$/m);
  const dying = article();
  dying.node("node-b").stop();
  const now = mapOf(dying, { outcomes: dying.outcomes(url) }).grid!;
  assert.equal(now.rows, ["node-a", "node-b", "node-c"]);
  assert.equal(
    now.cells[1]!.map((share) => share.toFixed(3)),
    ["0.000", "0.000", "0.333"],
  );
});

test("beyond six nodes those on the way are drawn all the same", () => {
  const data = dataOf("forty nodes");
  assert.is(data.nodes.length, 6);
  assert.is(data.moreNodes, 34);
  const met = data.journey!.there.visits.flatMap(({ place }) =>
    "node" in place ? [place.node] : [],
  );
  for (const node of met)
    assert.ok(
      data.nodes.some(({ name }) => name === node),
      node,
    );
});

test("a snapshot, and a journey alone, have a map as well", () => {
  const manifests = fileURLToPath(new URL("../../notebooks/manifests", import.meta.url));
  const live = createCluster({ nodes: 3, cloud: aws(), seed: 1 });
  live.apply(read(manifests));
  live.settle();
  const kinds = ["Node", "Pod", "Service", "EndpointSlice"] as const;
  const items = kinds.flatMap((kind) => live.list(kind).map((object) => ({ ...object, kind })));
  const dump = openSnapshot(
    parse(JSON.stringify({ apiVersion: "v1", kind: "List", items }), { as: "dump" }),
  );
  const trip = dump.request(url);
  assert.is(mapOf(dump, { journey: trip, service: "default/nginx" }).nodes.length, 3);
  const alone = mapOf(sourceOf(trip), { journey: trip });
  assert.equal(
    alone.journey!.there.visits.map(({ place }) => keyOf(place)),
    mapOf(dump, { journey: trip, service: "default/nginx" }).journey!.there.visits.map(
      ({ place }) => keyOf(place),
    ),
  );
  assert.match(map(sourceOf(sample), { journey: sample }).svg, /10\.1\.2\.2:80/);
});

// ---- the picture ----

test("names from outside end nothing, and are shown as they are", () => {
  const evil = '"><script>alert(1)</script>\u202e\u0007';
  const hostile = listing([
    ...objects.list("Node").map((node) => ({ ...node, metadata: { name: evil } })),
    { ...service, metadata: { ...service.metadata, name: evil } },
  ]);
  for (const svg of [map(hostile).svg, map(hostile).stacked]) {
    for (const hidden of ["<script", "\u202e", "\u0007"]) assert.not(svg.includes(hidden));
    assert.match(svg, /\\u202e/);
    assert.match(svg, /&lt;/);
  }
});

test("for who cannot see it: a title, a description, and words for what colours say", () => {
  const { cluster, options } = scene("all ways under policy Local");
  for (const svg of [map(cluster, options).svg, map(cluster, options).stacked]) {
    assert.match(svg, /^<svg[^>]* role="img"/);
    assert.match(
      svg,
      /<title>Every way http:\/\/mynginx-app\.com:8080\/ can go from the internet<\/title>/,
    );
    assert.match(svg, /<desc>Service default\/nginx, LoadBalancer\. node-a \(it drops what comes/);
    for (const theme of [
      /prefers-color-scheme:dark/,
      /\[data-theme=dark\]/,
      /forced-colors/,
      /media screen/,
    ])
      assert.match(svg, theme);
  }
});

test("without its style sheet the picture is whole: colours are attributes", () => {
  const { svg } = map(article());
  const bare = withoutStyle(svg);
  assert.not.match(bare, /<style|var\(/);
  for (const { is } of boxesOf(bare)) assert.match(tagOf(bare, is), / fill="/, is);
});

test("the same cluster gives the same bytes; its PNG is as wide as a notebook's column", () => {
  assert.is(map(article()).svg, map(article()).svg);
  const drawn = png(map(article()));
  assert.is(drawn.width, 960);
  const { data, metadata } = bundleOf(map(article()));
  assert.equal(Object.keys(data).sort(), ["image/png", "text/plain"]);
  assert.is(metadata["image/png"]!.alt, "The stop-overs of Service nginx");
  assert.match(textOf(map(article())), /^The stop-overs of Service nginx\n/);
});

test("a page gets both shapes, and a rule that says which one has room", () => {
  const picture = map(article());
  const html = inline(picture);
  assert.ok(html.includes(picture.svg) && html.includes(picture.stacked));
  assert.match(html, /@container \(max-width/);
  assert.not.match(html, /<script/);
});

test("a Service that is not there is said to be not there", () => {
  assert.throws(
    () => map(article(), { service: "web" }),
    /there is no Service "web"; there are: .*nginx/,
  );
});

test("a journey under policy Local that ends at the door ends there on the map", () => {
  const cluster = withLocalPolicy(article(3, 1));
  const journey = requestUntil(cluster, ({ disposition }) => disposition === "dropped");
  const { svg } = map(cluster, { journey });
  assert.match(svg, /data-end=""/);
  assert.ok(words(svg).some((word) => word.includes("dropped")));
});

const anotherService = (type: string) => `apiVersion: v1
kind: Service
metadata: { name: other }
spec: { type: ${type}, selector: { app: other }, ports: [{ port: 80 }] }
`;

for (const type of ["ClusterIP", "LoadBalancer"])
  test(`a request of another Service, on the map of one of type ${type}: its own load balancer, and rules that are not this bar`, () => {
    const cluster = article();
    cluster.apply(anotherService(type));
    cluster.settle();
    const journey = cluster.request(url);
    const [passed] = journey.hops.flatMap(({ kind, name }) =>
      kind === "load-balancer" ? [name] : [],
    );
    const data = mapOf(cluster, { journey, service: "other" });
    assert.is(data.balancer?.hostname, passed);
    assert.equal(
      data.nodes.map(({ target }) => target),
      Array(3).fill("healthy"),
    );
    const places = data.journey!.there.visits.map(({ place }) => place.at);
    assert.ok(places.includes("balancer"));
    assert.not.ok(places.includes("bar"), places.join());
    assert.not.ok(places.includes("door"), places.join());
  });

test.run();
