/**
 * The map as SVG text. Outlines show what the API server believes, fills what is true; the
 * request's way is solid, the answer's dotted. Words say all of it too.
 */
import { fraction } from "../text.js";
import type { MapData, MapNode, MapPod } from "./data.js";
import { drawLegend, drawLegs, drawShares } from "./below.js";
import { layout, titleSize, type Layout, type NodeBox, type PodBox, type Shape } from "./layout.js";
import { frame } from "../svg/frame.js";
import { paint } from "../svg/look.js";
import { fit, lineHeight, widthOf } from "../svg/measure.js";
import { hexagon, path, plate, rect, text } from "../svg/pen.js";
import { drawEnds, drawJourney, drawWays } from "./lines.js";
import { clusterAddress } from "./service.js";
import { nameOfPlace } from "./way.js";

export interface SvgOptions {
  /** For the player, which draws the packet and says the rest: no words around, the way pale. */
  bare?: boolean;
}

/** The whole picture in one of its two shapes. */
export function svgOf(data: MapData, shape: Shape, options: SvgOptions = {}): string {
  const plan = planOf(data, shape, options);
  const nothing = { svg: "", height: 0 };
  const legs = options.bare
    ? nothing
    : data.grid
      ? drawShares(data.grid, plan)
      : drawLegs(data, plan);
  const legend = options.bare ? nothing : drawLegend(data, plan, plan.below + legs.height);
  const height = Math.round(plan.below + legs.height + legend.height + 8);
  const lit = litBy(data);
  const way = data.journey ? drawJourney(data.journey, plan, options) : undefined;
  const { width } = plan;
  const { title } = data;
  return frame({ width, height, title, description: describe(data), shape }, [
    drawTitle(plan),
    drawRegion(plan),
    drawWires(data, plan),
    ...plan.nodes.map((box) => drawNode(box)),
    drawBar(plan, data),
    ...plan.nodes.map((box) => drawInside(box, plan, data, lit)),
    drawHomeless(plan),
    way?.lines ?? drawWays(data.ways, plan),
    drawOutside(plan, data, lit),
    ...plan.pods.map((box) => drawPod(box, data, lit)),
    drawPlates(plan, data),
    way?.marks ?? drawEnds(data.ways, plan),
    legs.svg,
    legend.svg,
  ]);
}

/** Where all of it stands. */
export function planOf(data: MapData, shape: Shape, { bare = false }: SvgOptions = {}): Layout {
  return layout(bare ? { ...data, title: "", caption: "" } : data, shape);
}

function drawTitle({ title, caption, measures: { margin } }: Layout): string {
  const titles = title.map((line, i) =>
    text(margin, 26 + i * 22, line, { size: titleSize, bold: true }),
  );
  const top = 26 + title.length * 22;
  const captions = caption.map((line, i) =>
    text(margin, top + i * lineHeight - 2, line, { colour: "soft" }),
  );
  return [...titles, ...captions].join("");
}

// ---- the ground ----

function drawRegion({ region, measures: { node } }: Layout): string {
  const ground = rect(region, { fill: "ground", stroke: "groundline", radius: 12, width: 1 });
  const x = node.x + 4;
  const label = fit("the nodes, and the wire between them", node.w - 8);
  return ground + text(x, region.y + 20, label, { colour: "soft" });
}

/** The wire between the machines, and each node's end of it. */
function drawWires(data: MapData, plan: Layout): string {
  const { nodes, balancer, client, shape, measures } = plan;
  const [first, last] = [nodes[0], nodes.at(-1)];
  if (!first || !last) return "";
  const x = measures.bus.x + 2 * measures.bus.step;
  const outside = balancer ?? client;
  const joint = outside ? outside.y + outside.h / 2 : first.rows.eth;
  const ends = [joint, first.rows.eth, last.rows.eth];
  const parts = [`M${x} ${Math.min(...ends)}V${Math.max(...ends)}`];
  for (const { rows, eth } of nodes) parts.push(`M${x} ${rows.eth}H${eth.x}`);
  if (outside) {
    const side = shape === "wide" ? outside.x + outside.w : outside.x;
    parts.push(`M${side} ${joint}H${x}`);
  }
  if (client && balancer)
    parts.push(
      shape === "wide"
        ? `M${client.x + client.w} ${joint}H${balancer.x}`
        : `M${client.x + client.w / 2} ${client.y + client.h}V${balancer.y}`,
    );
  return path(parts.join(""), "wire", 2, ' data-is="wire"') + drawQuestion(plan);
}

/** Who asks DNS. */
function drawQuestion({ dns, client, shape }: Layout): string {
  if (!dns || !client) return "";
  const x = shape === "wide" ? client.x + 40 : client.x + 60;
  return path(`M${x} ${dns.y + dns.h}V${client.y}`, "soft", 1.5, ' stroke-dasharray="2 5"');
}

// ---- nodes ----

function drawNode(box: NodeBox): string {
  const { node } = box;
  return rect(box, {
    fill: node.up === false ? "hatch" : "node",
    stroke: "nodeline",
    width: node.ready ? 1.8 : 2.2,
    dash: node.ready ? undefined : "7 5",
    radius: 10,
    is: `node ${node.name}`,
  });
}

/** The bar, and of each node the piece that its own rules are. */
function drawBar({ bar, cap, nodes }: Layout, data: MapData): string {
  if (!cap) return "";
  const whole = rect(bar, { fill: "bar", stroke: "barline", width: 1.2, radius: 4, is: "bar" });
  const pieces = nodes.filter(isOdd).map(({ node, y, h }) =>
    rect(
      { ...bar, y, h },
      {
        fill: node.up === false || node.proxy === "stopped" ? "hatch" : "bar",
        stroke: "barline",
        width: node.stale ? 2.2 : 1.2,
        dash: node.stale ? "5 4" : undefined,
        radius: 3,
        is: `bar ${node.name}`,
      },
    ),
  );
  const sign = rect(cap, { fill: "bar", stroke: "barline", radius: 6, is: "ClusterIP" });
  const full = [data.service.name, clusterAddress(data.service)];
  return whole + pieces.join("") + sign + linesIn(cap, cap.lines, full, "middle");
}

/** Where the bar is not what it should be. */
function isOdd({ node: { up, proxy, stale } }: NodeBox): boolean {
  return up === false || proxy === "stopped" || stale;
}

type Lit = ReadonlySet<string>;
/** The places that are on a way: their outline is drawn in its colour. */
function litBy({ journey, ways }: MapData): Lit {
  const places = [
    ...(journey?.there.visits.map(({ place }) => place) ?? []),
    ...(ways?.edges.flatMap(({ from, to }) => [from, to]) ?? []),
  ];
  return new Set(
    places.map((place) =>
      "node" in place
        ? `${place.at} ${place.node}`
        : "pod" in place
          ? `pod ${place.pod}`
          : place.at,
    ),
  );
}

function drawInside(box: NodeBox, plan: Layout, data: MapData, lit: Lit): string {
  const { node, door, eth, proc, head, share, words } = box;
  const { text: x, bar } = plan.measures;
  const parts = [eth && drawNotch(eth, "eth0", node, "eth", lit)];
  if (door) parts.push(drawNotch(door, `:${data.service.nodePort}`, node, "door", lit));
  parts.push(
    text(x, box.y + 19, head[0]!, { bold: true, full: node.name }),
    head[1] ? text(x, box.y + 37, head[1], { full: node.address }) : "",
  );
  if (share) parts.push(text(bar.x - 8, box.y + 19, share, { anchor: "end", bold: true }));
  if (proc) parts.push(drawProcess(proc));
  const top = box.y + (proc ? 176 : 146);
  parts.push(...words.map((word, i) => text(x, top + i * lineHeight, word, { bold: true })));
  if (box.more) {
    const { pod } = plan.measures;
    parts.push(text(pod.x + 10, box.y + box.h - 14, box.more, { colour: "soft" }));
  }
  return parts.join("");
}

function drawNotch(
  box: NodeBox["eth"],
  label: string,
  node: MapNode,
  at: "door" | "eth",
  lit: Lit,
): string {
  const isDoor = at === "door";
  const shut = isDoor && node.shut;
  const ground = rect(box, {
    fill: node.up === false || shut ? "hatch" : isDoor ? "door" : "ground",
    stroke: lit.has(`${at} ${node.name}`) ? "way" : isDoor ? "doorline" : "nodeline",
    width: lit.has(`${at} ${node.name}`) ? 2.5 : 1.5,
    radius: 5,
    is: `${at} ${node.name}`,
  });
  // letters need a plain ground
  const w = widthOf(label) + 4;
  const plain =
    node.up === false || shut
      ? `<rect x="${box.x + 6}" y="${box.y + 3}" width="${Math.ceil(w)}" height="16"${paint("paper")}/>`
      : "";
  return ground + plain + text(box.x + 8, box.y + 15, label);
}

function drawProcess(box: NonNullable<NodeBox["proc"]>): string {
  const ground = rect(box, {
    fill: "client",
    stroke: "way",
    width: 2.5,
    radius: 12,
    is: "process",
  });
  return (
    ground + text(box.x + box.w / 2, box.y + 18, fit("a process", box.w - 12), { anchor: "middle" })
  );
}

// ---- Pods ----

function drawPod(box: PodBox, data: MapData, lit: Lit): string {
  const { pod } = box;
  const isLit = lit.has(`pod ${pod.key}`);
  const ground = rect(box, {
    fill: fillOf(pod),
    stroke: isLit ? "way" : pod.stranger ? "clientline" : "podline",
    width: isLit ? 3 : 2,
    dash: dashOf(pod),
    is: `pod ${pod.key}`,
  });
  const share = data.ways?.shares[`pod ${pod.key}`];
  const label = share
    ? text(box.x + box.w - 10, box.y + 38, fraction(share), { anchor: "end", bold: true })
    : "";
  const plain = pod.listens === false ? plainGround(box) : "";
  return ground + plain + linesIn(box, box.lines, [pod.name, pod.address]) + label;
}

function fillOf({ listens, stranger }: MapPod): "pod" | "client" | "hatch" {
  if (listens === false) return "hatch";
  return stranger ? "client" : "pod";
}

function dashOf({ believed, stranger }: MapPod): string | undefined {
  if (believed === "ready" || stranger) return undefined;
  return believed === "terminating" ? "2 4" : "7 5";
}

/** Letters need a plain ground. */
function plainGround({ x, y, w, h }: PodBox): string {
  return `<rect x="${x + 6}" y="${y + 5}" width="${w - 12}" height="${h - 10}" rx="4"${paint("paper")}/>`;
}

function drawHomeless({ homeless, shape }: Layout): string {
  if (!homeless) return "";
  const ground = rect(homeless, { fill: "none", stroke: "nodeline", dash: "2 5", is: "no node" });
  const words = shape === "wide" ? ["on no node of", "the cluster"] : ["on no node"];
  return (
    ground +
    words.map((word, i) => text(homeless.x + 14, homeless.y + 22 + i * lineHeight, word)).join("")
  );
}

// ---- outside ----

function drawOutside(plan: Layout, data: MapData, lit: Lit): string {
  const { client, dns, balancer, more } = plan;
  const parts: string[] = [];
  if (dns) {
    parts.push(rect(dns, { fill: "dns", stroke: "dnsline", is: "dns" }));
    parts.push(linesIn(dns, dns.lines, [`DNS: ${data.dns!.name}`, ...data.dns!.lines]));
  }
  if (client) {
    const stroke = lit.has("client") ? "way" : "clientline";
    const width = lit.has("client") ? 3 : 2;
    parts.push(rect(client, { fill: "client", stroke, width, radius: 20, is: "client" }));
    parts.push(linesIn(client, client.lines, [], "middle"));
  }
  if (balancer) parts.push(drawBalancer(balancer, data, lit));
  if (more) {
    parts.push(rect(more, { fill: "none", stroke: "nodeline", dash: "2 5", is: "more nodes" }));
    parts.push(linesIn(more, more.lines));
  }
  return parts.join("");
}

function drawBalancer(box: NonNullable<Layout["balancer"]>, data: MapData, lit: Lit): string {
  const { believed, there } = data.balancer!;
  const ground = hexagon(box, {
    fill: there === false ? "hatch" : "balancer",
    stroke: lit.has("balancer") ? "way" : "balancerline",
    width: lit.has("balancer") ? 3 : 2,
    dash: believed ? undefined : "7 5",
    is: "balancer",
  });
  const { x, y, w, h } = box;
  const plain =
    there === false
      ? `<rect x="${x + 16}" y="${y + 5}" width="${w - 32}" height="${h - 10}" rx="4"${paint("paper")}/>`
      : "";
  return ground + plain + linesIn(box, box.lines, [], "middle");
}

function drawPlates({ balancer, nodes, cap }: Layout, { journey, ways }: MapData): string {
  const places = [
    ...(journey?.there.visits.map(({ place }) => place) ?? []),
    ...(ways?.edges.map(({ to }) => to) ?? []),
  ];
  const met = places.find(({ at }) => at === "door");
  const node = nodes.find((box) => met && "node" in met && box.node.name === met.node) ?? nodes[0];
  const parts: string[] = [];
  if (balancer) parts.push(plate(balancer.x + 2, balancer.y - 10, 1));
  if (node?.door) parts.push(plate(node.door.x + node.door.w - 17, node.door.y - 3, 2));
  if (cap) parts.push(plate(cap.x - 8, cap.y - 6, 3));
  return parts.join("");
}

/** A box's lines, one under the other; the first one is its name. */
function linesIn(
  { x, y, w, h }: { x: number; y: number; w: number; h: number },
  lines: readonly string[],
  full: readonly (string | undefined)[] = [],
  anchor?: "middle",
): string {
  const top = y + (h - lines.length * lineHeight) / 2 + 14;
  return lines
    .map((line, i) =>
      text(anchor ? x + w / 2 : x + 10, top + i * lineHeight, line, {
        bold: i === 0,
        ...(anchor && { anchor }),
        ...(full[i] !== undefined && { full: full[i] }),
      }),
    )
    .join("");
}

// ---- in words ----

/** What the picture says, for who cannot see it. */
export function describe(data: MapData): string {
  const { service, nodes, pods, journey, moreNodes } = data;
  const parts = [`Service ${service.key}, ${service.type}`];
  for (const node of nodes) parts.push(describeNode(node, data));
  if (moreNodes) parts.push(`${moreNodes} more nodes`);
  if (!pods.length) parts.push("no Pods");
  for (const [way, word] of [
    [journey?.there, ""],
    [journey?.back, "back, "],
  ] as const)
    for (const { header, from, to } of way?.legs ?? []) {
      const [start, end] = [from, to].map((i) => nameOfPlace(way!.visits[i]!.place));
      parts.push(`${word}${start} to ${end}: ${header.source} to ${header.destination}`);
    }
  return `${parts.join(". ")}.`;
}

function describeNode(node: MapNode, data: MapData): string {
  const words: string[] = [];
  if (node.up === false) words.push("its machine is down");
  if (!node.ready) words.push("NotReady");
  if (node.proxy === "stopped") words.push("its kube-proxy is stopped");
  if (node.stale) words.push("its rules are old");
  if (node.shut) words.push("it drops what comes from outside");
  const its = data.pods.filter((pod) => pod.node === node.name);
  const pods = its.map(({ name, believed, listens }) =>
    [name, believed === "ready" ? "" : believed, listens === false ? "nobody listens" : ""]
      .filter(Boolean)
      .join(", "),
  );
  const state = words.length ? ` (${words.join(", ")})` : "";
  return `${node.name}${state}: ${pods.length ? `Pods ${pods.join("; ")}` : "no Pod"}`;
}
