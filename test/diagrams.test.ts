import { test } from "uvu";
import * as assert from "uvu/assert";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";
import { Script } from "node:vm";
import * as diagrams from "@stopover/diagrams";
import type { Mermaid } from "@stopover/diagrams";
import { encodePng } from "@stopover/diagrams/internal/png";
import { framesOf as filmFrames } from "@stopover/diagrams/internal/player/frames";
import { mapOf } from "@stopover/diagrams/internal/map/source";
import { sourceOf } from "@stopover/diagrams/internal/map/from-trip";
import { roles } from "@stopover/diagrams/internal/theme";
import { aws, createCluster, read, type Journey } from "stopover";
import {
  cluster,
  costs,
  counts,
  history,
  listing,
  nodes,
  outcomes,
  pods,
  service,
  slice,
  trip,
} from "./diagrams-sample.js";

const {
  bundleOf,
  check,
  controlPlane,
  cost,
  historySequence,
  journey,
  legend,
  objects,
  player,
  png,
  ruleList,
  rules,
  sequence,
  serviceRules,
  show,
  spread,
  steps,
  stopOver,
  svg,
  table,
  textOf,
  timeline,
  topology,
} = diagrams;
const manifests = fileURLToPath(new URL("../../notebooks/manifests", import.meta.url));
const about = { kind: "Service", name: "nginx" };
const rejected: Journey = {
  ...trip,
  disposition: "rejected",
  reason: "Service default/nginx has no endpoints",
  hops: trip.hops.slice(0, 4),
  reply: [],
};
const all: Record<string, Mermaid> = {
  topology: topology(cluster),
  way: topology(cluster, { journey: trip }),
  journey: journey(trip),
  step: journey(trip, { step: 3 }),
  rejected: journey(rejected),
  sequence: sequence(trip),
  "sequence rejected": sequence(rejected),
  controlPlane: controlPlane(history, about),
  historySequence: historySequence(history, about),
  "stop-over 1": stopOver(1, cluster),
  "stop-over 2": stopOver(2, cluster),
  "stop-over 3": stopOver(3, cluster),
  legend: legend(),
};
const charts = { spread: spread(outcomes, counts), timeline: timeline(history), cost: cost(costs) };
const framesOf = (way: Journey) => filmFrames(way, mapOf(sourceOf(way), { journey: way }));
/** The lines of a source that are not its look. */
const body = ({ source }: Mermaid) =>
  source.replace(/^%%.*\n/, "").replace(/^(classDef|linkStyle).*\n/gm, "");
const labelsOf = ({ source }: Mermaid) =>
  [...source.matchAll(/"([^"]*)"/g)].map(([, text]) =>
    text!.replace(/#(\d+);/g, (_, code) => String.fromCodePoint(Number(code))),
  );

for (const [name, picture] of Object.entries(all)) {
  test(`${name} is mermaid's language, and fits a notebook`, () => {
    check(picture.source);
    const { width, height } = png(picture);
    assert.ok(width > 200 && width < 1200, `${width} px wide`);
    assert.ok(height > 100 && height < 1500, `${height} px high`);
    assert.ok(picture.title.length > 10);
  });
}
for (const [name, chart] of Object.entries(charts)) {
  test(`${name} compiles and draws`, () => {
    const drawn = svg(chart);
    assert.match(drawn, /<svg/);
    assert.ok(png(chart).width < 1000);
    assert.not.match(drawn, /NaN|undefined/);
  });
}

test("another process draws the same bytes, in another order", () => {
  const ours = (pictures: (Mermaid | (typeof charts)["spread"])[]) =>
    pictures.map((picture) => createHash("sha256").update(png(picture).png).digest("hex"));
  const here = fileURLToPath(new URL("./diagrams-sample.js", import.meta.url));
  const script = `import { journey, topology, spread, png } from "@stopover/diagrams"; import * as s from ${JSON.stringify(here)}; import { createHash } from "node:crypto";
    for (const picture of [spread(s.outcomes, s.counts), topology(s.cluster, { journey: s.trip }), journey(s.trip)]) console.log(createHash("sha256").update(png(picture).png).digest("hex"));`;
  const theirs = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
  })
    .trim()
    .split("\n");
  assert.equal(theirs.reverse(), ours([all["journey"]!, all["way"]!, charts.spread]));
});

test("the topology holds what the cluster holds, and only the request's way is thick", () => {
  const shown = labelsOf(all["way"]!).join("\n");
  for (const word of [
    "Stop-over 1",
    "Stop-over 2",
    "Stop-over 3",
    "192.168.0.1:30519",
    "192.168.0.3:30519",
    "10.2.1.1:8080",
    "10.1.2.2:80",
    "port 8080",
  ])
    assert.ok(shown.includes(word), word);
  const thick = /^linkStyle ([\d,]+) stroke:#d55e00/m.exec(all["way"]!.source)![1]!.split(",");
  assert.is(thick.length, 4, "client, load balancer, door of node-a, ClusterIP, Pod: four arrows");
  assert.not.match(all["topology"]!.source, /stroke:#d55e00/);
});

test("the topology draws each node once, its NodePort and its Pods in one box", () => {
  const boxes = [...all["way"]!.source.matchAll(/^subgraph n\d+\["([^"]*)"\]/gm)];
  assert.equal(boxes.map(([, name]) => name).sort(), ["node-a", "node-b", "node-c"]);
});

test("under policy Local no arrow leads from a node to another one's Pod, in topology and outcomes", () => {
  const live = createCluster({ nodes: 3, cloud: aws() });
  live.apply(read(manifests));
  live.settle();
  live.scale("Deployment", "nginx", 2);
  live.settle();
  live.patch("Service", "nginx", { spec: { externalTrafficPolicy: "Local" } });
  live.settle();
  const { source } = topology(live);
  check(source);
  assert.is(source.match(/drops: no Pod here/g)!.length, 1);
  const arrows = source.match(/^n\d+ --> n\d+$/gm)!;
  assert.is(arrows.length, 1 + 2 + 2 + 2, "client; two open doors; their rules; one Pod each");
  const all = diagrams.outcomes(live.outcomes("http://mynginx-app.com:8080/"));
  check(all.source);
  assert.is(all.source.match(/ClusterIP of nginx<br\/>on node-/g)!.length, 2);
  assert.is(all.source.match(/"1\/3"/g)!.length, 3 + 3 + 2, "doors, what is behind them, Pods");
});

test("every diagram has a title that can be seen, whatever is in its names", () => {
  for (const [name, picture] of Object.entries(all)) {
    const sent = String(bundleOf(picture).data["text/vnd.mermaid"]);
    assert.match(sent, /^---\ntitle: ".+"\n---\n%%\{init/, name);
    check(sent);
  }
  for (const name of ['x"\n---\n', "%%{init: {}}%%", "a: b # c", "'", "\\", "{{x}}", "end"]) {
    const evil = topology(
      listing([...nodes, { ...service, metadata: { ...service.metadata, name } }]),
    );
    check(String(bundleOf(evil).data["text/vnd.mermaid"]));
    assert.match(svg(evil), /The stop-overs of Service/);
  }
});

test("a Pod that is not ready gets no arrow, and says so", () => {
  const notReady = {
    ...slice,
    endpoints: slice.endpoints.map((endpoint, i) => ({
      ...endpoint,
      conditions: { ready: i > 0 },
    })),
  };
  const picture = topology(listing([...nodes, ...pods, service, notReady]));
  assert.match(picture.source, /4kq7d<br\/>10\.1\.1\.2:80<br\/>not ready"\):::unready/);
  const id = /(n\d+)\("nginx-77b4fdf86c-4kq7d/.exec(picture.source)![1];
  assert.not.match(picture.source, new RegExp(`--> ${id}$`, "m"));
});

test("without a cloud the load balancer is pending; without Pods nobody answers; 5,000 nodes are summed up", () => {
  const pending = topology(
    listing([...nodes, ...pods, { ...service, status: {} } as typeof service, slice]),
  );
  assert.match(pending.source, /pending: no cloud/);
  assert.match(topology(listing([...nodes, service])).source, /no Pod matches/);
  const many = Array.from({ length: 5_000 }, (_, i) => ({
    ...nodes[0]!,
    metadata: { name: `node-${i}` },
  }));
  const big = topology(listing([...many, ...pods, service, slice]));
  assert.match(big.source, /… and 4,994 more nodes/);
  assert.ok(big.source.length < 8_000);
});

test("a Service that is not there is an error that names those that are", () => {
  assert.throws(
    () => topology(cluster, { service: "ngnix" }),
    /there is no Service "ngnix"; there are: nginx/,
  );
  assert.throws(() => topology(listing([])), /no Service to draw: apply one first/);
  assert.throws(() => stopOver(4 as 3, cluster), /no 4/);
  assert.throws(
    () =>
      stopOver(
        3,
        listing([{ ...service, spec: { ...service.spec, clusterIP: "None" } } as typeof service]),
      ),
    /headless/,
  );
  assert.throws(
    () =>
      rules({
        ...trip,
        hops: trip.hops.slice(0, 2),
        disposition: "name not found",
        reason: "no such name",
      }),
    /no rule of any node was met.*name not found/,
  );
});

test("the journey shows every hop, each new address on an arrow, both translations, and machines as boxes", () => {
  const shown = labelsOf(all["journey"]!).join("\n");
  for (const word of [
    "client: internet",
    "Stop-over 1: load balancer",
    "Stop-over 2: NodePort on node-a",
    "Stop-over 3: ClusterIP of nginx",
    "routing on node-b",
    "203.0.113.7:51312<br/>to 13.234.0.10:8080",
    "192.168.0.254:40001<br/>to 192.168.0.1:30519",
    "destination 192.168.0.1:30519<br/>becomes 10.1.2.2:80",
    "source 192.168.0.254:40001<br/>becomes 192.168.0.1:40001",
    "13.234.0.10:8080<br/>to 203.0.113.7:51312",
  ])
    assert.ok(shown.includes(word), word);
  const machines = [...all["journey"]!.source.matchAll(/^subgraph n\d+\["([^"]*)"\]/gm)];
  assert.equal(
    machines.map(([, name]) => name),
    ["node-a", "node-b"],
  );
  assert.is(
    body(all["journey"]!).match(/-\.->/g)!.length,
    trip.reply.length - 1 + 1,
    "an arrow back for each hop of the reply, and DNS's answer",
  );
});

test("a step shows the journey so far: the rest is pale and nothing has come back", () => {
  assert.match(all["step"]!.source, /^class n3,n4,n5,n6,n7,n8 faint$/m);
  assert.not.match(all["step"]!.source, /to 203/);
  assert.is(journey(trip, { step: 99 }).source, all["journey"]!.source);
  assert.ok(journey(trip, { step: -1 }).source.includes("class n1,n2,n3,n4,n5,n6,n7,n8 faint"));
});

test("a journey that nobody answers ends in a box that says so", () => {
  assert.match(all["rejected"]!.source, /REJECTED<br\/>Service default\/nginx has no endpoints/);
  assert.match(all["sequence rejected"]!.source, /REJECTED/);
});

test("who is told is drawn dotted, and the title says dotted", () => {
  assert.match(all["controlPlane"]!.title, /\(dotted\)/);
  assert.match(all["controlPlane"]!.source, /-\.->/);
});

test("who watched and who acted is numbered in the order of the history, kube-proxies as one", () => {
  const shown = labelsOf(all["controlPlane"]!).join("\n");
  for (const word of [
    "1 · creates Service",
    "2 · told: Service added",
    "5 · endpointslice-controller creates EndpointSlice",
    "kube-proxy<br/>on 3 nodes",
    "9 · service-controller patches Service status",
  ])
    assert.ok(shown.includes(word), word);
  assert.is(
    body(all["historySequence"]!).match(/Service added/g)!.length,
    3,
    "two managers, and all kube-proxies at once",
  );
  assert.match(all["historySequence"]!.source, /4 s later/);
});

test("a long history is cut, and a history of others leaves nothing but the API server", () => {
  const long = Array.from({ length: 100_000 }, (_, i) => ({ ...history[i % 2]!, revision: i }));
  assert.match(historySequence(long, about, { limit: 10 }).source, /… and 99990 more/);
  assert.match(controlPlane(long, about).source, /1 · creates Service ×50000/);
  assert.not.match(
    controlPlane(history, { kind: "Service", name: "other" }).source,
    /nginx|kubectl/,
  );
});

test("a Service's chains are found in what iptables-save prints", () => {
  const save = `*nat
:KUBE-SERVICES - [0:0]
-A KUBE-SERVICES -d 10.2.1.1/32 -p tcp -m comment --comment "default/nginx:http cluster IP" -m tcp --dport 8080 -j KUBE-SVC-ABC
-A KUBE-SERVICES -d 10.2.1.2/32 -p tcp -m comment --comment "default/other cluster IP" -m tcp --dport 80 -j KUBE-SVC-XYZ
-A KUBE-SVC-ABC -m comment --comment "default/nginx:http -> 10.1.1.2:80" -j KUBE-SEP-DEF
-A KUBE-SEP-DEF -p tcp -m comment --comment "default/nginx:http" -m tcp -j DNAT --to-destination 10.1.1.2:80
COMMIT
`;
  const picture = serviceRules(save, "default/nginx");
  check(picture.source);
  assert.match(picture.source, /KUBE-SEP-DEF<br\/>/);
  assert.not.match(picture.source, /10\.2\.1\.2|XYZ/);
  assert.is(body(picture).match(/-->/g)!.length, 2);
  assert.throws(
    () => serviceRules(save, "default/ngnix"),
    /there are rules for: default\/nginx:http, default\/other/,
  );
});

test("the exact probabilities stand beside the counts", () => {
  assert.match(charts.spread.text, /nginx-77b4fdf86c-4kq7d +341 +333\.3 +1\/3/);
  const sampled = spread(outcomes, outcomes.outcomes);
  assert.match(sampled.text, /4kq7d +1 +1\.0 +1\/3/);
  assert.match(
    spread(
      { ...outcomes, outcomes: [{ ...rejected, pod: undefined, probability: 1 } as never] },
      { rejected: 5 },
    ).text,
    /rejected +5 +5\.0 +always/,
  );
});

test("every way that a request can go carries its exact share", () => {
  const picture = diagrams.outcomes(outcomes),
    shares = labelsOf(picture);
  check(picture.source);
  assert.ok(shares.includes("always"));
  const partly = diagrams.outcomes({
    ...outcomes,
    outcomes: [
      { ...trip, probability: 2 / 3 },
      { ...rejected, probability: 1 / 3 },
    ],
  });
  assert.match(partly.source, /REJECTED<br\/>Service default\/nginx has no/);
  assert.match(partly.source, /-->\|"2\/3"\|/);
});

test("a table's HTML escapes what it holds, and its text lines up", () => {
  const made = table([
    { name: "<script>alert(1)</script>", ready: true, list: [1, 2] },
    { name: "b", extra: null },
  ]);
  assert.not.match(made.html, /<script/);
  assert.is(
    made.text,
    "name                       ready  list  extra\n<script>alert(1)</script>  true   1, 2\nb",
  );
  assert.match(table(Array.from({ length: 101 }, (_, i) => ({ i }))).text, /… and 1 more$/);
  assert.match(
    objects([service]).text,
    /nginx +LoadBalancer +10\.2\.1\.1 +1234\.ap-south-1\.elb\.amazonaws\.com +8080:30519\/TCP +app=nginx/,
  );
  assert.match(objects([...nodes, service]).text, /^Node, Service\nKIND +NAME/);
  assert.match(
    steps(trip).text,
    /dnat +nat KUBE-SEP-6F3KQ2YVE4XJH7RA: .* Service default\/nginx +192\.168\.0\.1:30519 → 10\.1\.2\.2:80/,
  );
  assert.match(ruleList([{ chain: "X", rule: "-j <b>" }]).html, /<code>-j &lt;b&gt;<\/code>/);
  assert.match(
    ruleList([{ table: "nat", chain: "KUBE-MARK-MASQ", rule: "-j MARK" }]).text,
    /1 +nat KUBE-MARK-MASQ +-j MARK/,
  );
});

test("the player's header changes where the packet's does, and nowhere else", () => {
  const frames = framesOf(trip),
    changes = frames.filter(({ before, after }) => before?.join() !== after?.join());
  assert.equal(
    changes.map(({ action }) => action),
    ["forward", "dnat", "snat", "dnat", "snat", "pass on"],
  );
  for (const [i, frame] of frames.slice(1).entries())
    if (frame.visit === frames[i]!.visit && frame.action !== "send")
      assert.equal(
        frame.before,
        frames[i]!.after,
        `frame ${i + 1} begins as the one before it ended`,
      );
  assert.is(frames.at(-1)!.action, "delivered");
});

test("the player is one piece that loads nothing and that no name can break out of", () => {
  const evil: Journey = {
    ...trip,
    request: {
      ...trip.request,
      url: "http://x/</script><script>alert(1)</script><img src=http://e.example/>",
    },
  };
  const { data } = bundleOf(player(evil)),
    page = String(data["text/html"]);
  assert.not.match(
    page.replace(
      /<img alt="[^"<>]*" width="\d+" src="data:image\/png;base64,[A-Za-z0-9+/=]+">/,
      "",
    ),
    /<(img|link|iframe|script)[^>]*(src|href)=/i,
  );
  const scripts = [...page.matchAll(/<script>(.*?)<\/script>/gs)];
  assert.is(scripts.length, 1);
  new Script(scripts[0]![1]!); // is JavaScript
  assert.match(page, /data:image\/png/, "a still picture where no script runs");
  assert.not.match(page, /<!--still-->/);
  assert.is.not(
    player(evil).html.slice(0, 40),
    player(trip).html.slice(0, 40),
    "players have ids of their own",
  );
});

test("a PNG with a palette holds what it was given", () => {
  const colours = [0xff0000, 0x00ff00, 0x0000ff, 0x123456],
    pixels = Uint8Array.from(
      colours.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255, 255]),
    );
  const made = Buffer.from(encodePng(pixels, 2, 2)),
    plte = made.indexOf("PLTE"),
    idat = made.indexOf("IDAT");
  assert.is(made.readUInt32BE(16), 2);
  const palette = made.subarray(plte + 4, plte + 4 + made.readUInt32BE(plte - 4)),
    rows = inflateSync(made.subarray(idat + 4, idat + 4 + made.readUInt32BE(idat - 4)));
  assert.equal(
    [1, 2, 4, 5].map((at) => palette.readUIntBE(rows[at]! * 3, 3)),
    colours,
  );
});

test("every colour of letters on its ground has the contrast that WCAG asks for", () => {
  const light = (hex: string) =>
    [1, 3, 5]
      .map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i]!, 0);
  const contrast = (a: string, b: string) =>
    (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  for (const [name, { fill, stroke }] of Object.entries(roles)) {
    assert.ok(contrast(fill, "#1c1c1c") >= 7, `ink on ${name}`);
    assert.ok(
      name === "cluster" || contrast(stroke, "#ffffff") >= 3,
      `the outline of ${name}: ${contrast(stroke, "#ffffff").toFixed(2)}`,
    );
  }
});

test("a real cluster's journey, history, rules and outcomes are drawn as they are", () => {
  const live = createCluster({ cloud: aws() });
  live.apply(read(manifests));
  live.settle();
  const url = "http://mynginx-app.com:8080/",
    way = live.request(url),
    shown = (picture: Mermaid) => (check(picture.source), labelsOf(picture).join("\n"));
  assert.ok(shown(topology(live, { journey: way })).includes("10.2.1.1:8080"));
  assert.is(
    /^linkStyle ([\d,]+) stroke:#d55e00/m
      .exec(topology(live, { journey: way }).source)![1]!
      .split(",").length,
    4,
  );
  assert.ok(shown(journey(way)).includes(`to ${way.destination}`));
  assert.match(sequence(way).source, /Stop-over 3: ClusterIP/);
  assert.ok(
    shown(controlPlane(live.history(), about)).includes(
      "service-controller updates Service status",
    ),
  );
  assert.match(rules(way).svg, /KUBE-NODEPORTS/);
  assert.ok(
    shown(serviceRules(live.node("node-a").rules.text(), "default/nginx")).includes("30519"),
  );
  assert.ok(
    shown(diagrams.outcomes(live.outcomes(url))).includes("2/9"),
    "a Pod on another node than the NodePort's: two nodes of three",
  );
  assert.match(spread(live.outcomes(url), live.spread(url, 30)).text, /10\.0 +1\/3/);
  assert.match(
    historySequence(live.history(), { kind: "Deployment", name: "nginx" }).source,
    /binds Pod ×3/,
  );
  for (const frame of framesOf(way).slice(-1)) assert.is(frame.action, "delivered");
});

test("outside a kernel show prints the text", () => {
  assert.is(
    printed(() => show(charts.spread)),
    charts.spread.text + "\n",
  );
  assert.match(
    printed(() => show(pods)),
    /NAME +READY +STATUS/,
  );
  assert.match(
    printed(() => show(trip)),
    /^The journey of .*\n\nflowchart TB/,
  );
  assert.match(
    printed(() => show(outcomes)),
    /^Every way/,
  );
  assert.match(
    printed(() => show(service.status!)),
    /field +value\nloadBalancer +\{"ingress"/,
  );
  assert.match(
    printed(() => show(["a", 1])),
    /^value\na\n1/,
  );
  assert.not.match(textOf(all["journey"]!), /%%\{init/);
  assert.throws(() => show(3 as never), /show\(\) takes a picture.*got number/);
});

test("in tslab show sends every form at once, and a broken picture is words and no error", () => {
  const sent: { data: Record<string, unknown>; metadata: object }[] = [],
    file = "/somewhere/node_modules/tslab/dist/jupyter.js",
    { cache } = createRequire(import.meta.url);
  cache[file] = {
    exports: { lastWriteDisplayData: (data: (typeof sent)[0]) => sent.push(data) },
  } as never;
  try {
    show(all["journey"]!);
    show(charts.cost);
    show(service);
    show({ kind: "mermaid", title: "broken", source: "flowchart LR\n a[" });
  } finally {
    delete cache[file];
  }
  assert.equal(
    sent.map(({ data }) => Object.keys(data).sort()),
    [
      ["image/png", "text/plain", "text/vnd.mermaid"],
      ["application/vnd.vegalite.v5+json", "image/png", "text/plain"],
      ["text/html", "text/plain"],
      ["text/plain"],
    ],
  );
  assert.equal(sent[0]!.metadata, {
    "image/png": {
      width: png(all["journey"]!).width,
      height: png(all["journey"]!).height,
      alt: all["journey"]!.title,
    },
  });
  assert.match(String(sent[3]!.data["text/plain"]), /could not be drawn: Parse error/);
});

test("importing the package loads nothing heavy", () => {
  const dist = fileURLToPath(new URL("../../diagrams/dist/", import.meta.url)),
    worker = new Set(["render.js", "raster.js", "draw-worker.js", "png.js"]),
    // import nothing themselves
    light = new Set([
      "node-inspect-extracted",
      "stopover/internal/journey/fraction",
      "stopover/internal/journey/end",
      "stopover/internal/journey/hops",
      "stopover/internal/journey/types",
      "stopover/internal/net/printable",
      "stopover/internal/node/proxy/iptables/names",
      "stopover/internal/node/proxy/places",
    ]);
  for (const file of readdirSync(dist, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".js") && !worker.has(name))) {
    const imports = [
      ...readFileSync(dist + file, "utf8").matchAll(/^(?:import|export)[^;]*from "([^"]+)"/gm),
    ].map(([, from]) => from!);
    assert.equal(
      imports.filter((from) => !/^\.\.?\/|^node:/.test(from) && !light.has(from)),
      [],
      file,
    );
    assert.equal(
      imports.filter((from) => worker.has(from.slice(2))),
      [],
      file,
    );
  }
});

function printed(run: () => void): string {
  const log = console.log;
  let text = "";
  console.log = (line: string) => void (text += line + "\n");
  try {
    run();
  } finally {
    console.log = log;
  }
  return text;
}

test.run();
