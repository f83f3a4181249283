/**
 * Where everything of the map stands: one arrangement, laid out by hand, the same in every chapter.
 * The client, DNS and the load balancer are outside; every node is a box that holds its NodePort (a
 * notch on its edge), its link eth0 below that, and its Pods on the right; the ClusterIP is a bar
 * that runs through all nodes. "wide" has the outside on the left, "stacked" has it above.
 */
import { printable } from "stopover/internal/net/printable";
import { fraction, hostLines } from "../text.js";
import type { MapData, MapNode, MapPod } from "./data.js";
import type { Box } from "../svg/pen.js";
import { fit, lineHeight, widthOf, wrapTo } from "../svg/measure.js";
import { clusterAddress } from "./service.js";
import { endsOutside, shareEntering, wordsOfNode, wordsOfPod } from "./words.js";

export type Shape = "wide" | "stacked";
/** A box with lines of text in it; the first one is its name. */
export interface Sign extends Box {
  lines: string[];
}
export interface NodeBox extends Box {
  node: MapNode;
  /** Name, address. */
  head: string[];
  /** Of the requests, how many enter by its NodePort. */
  share: string | undefined;
  door: Box | undefined;
  eth: Box;
  /** Where a process of the node's own asks. */
  proc: Box | undefined;
  words: string[];
  /** The heights at which the way runs, through the NodePort and through the link. */
  rows: { door: number; eth: number };
  /** "3 more Pods" */
  more: string | undefined;
}
export interface PodBox extends Sign {
  pod: MapPod;
}
export interface Layout {
  shape: Shape;
  width: number;
  height: number;
  title: string[];
  caption: string[];
  region: Box;
  client: Sign | undefined;
  dns: Sign | undefined;
  balancer: Sign | undefined;
  /** The ClusterIP's name plate, and below it the bar. */
  cap: Sign | undefined;
  bar: Box;
  nodes: NodeBox[];
  pods: PodBox[];
  /** Around Pods that are on no node that is drawn. */
  homeless: Box | undefined;
  /** "94 more nodes" */
  more: Sign | undefined;
  measures: Measures;
  /** Where the lists below the map begin. */
  below: number;
}

/** The columns of a shape, in CSS pixels. */
export interface Measures {
  width: number;
  margin: number;
  outside: { x: number; w: number };
  region: { x: number; w: number };
  /** The wire between the machines; ways run beside it, `step` apart. */
  bus: { x: number; step: number };
  node: { x: number; w: number };
  door: { x: number; w: number };
  eth: { x: number; w: number };
  /** Where the text on a node's left side begins. */
  text: number;
  core: number;
  bar: { x: number; w: number };
  cap: number;
  riser: { x: number; step: number };
  pod: { x: number; w: number };
}
const shapes: Readonly<Record<Shape, Measures>> = {
  wide: {
    width: 960,
    margin: 16,
    outside: { x: 16, w: 314 },
    region: { x: 346, w: 598 },
    bus: { x: 362, step: 7 },
    node: { x: 408, w: 524 },
    door: { x: 398, w: 122 },
    eth: { x: 398, w: 60 },
    text: 422,
    core: 533,
    bar: { x: 548, w: 60 },
    cap: 180,
    riser: { x: 624, step: 8 },
    pod: { x: 664, w: 256 },
  },
  stacked: {
    width: 360,
    margin: 8,
    outside: { x: 44, w: 308 },
    region: { x: 2, w: 356 },
    bus: { x: 11, step: 6 },
    node: { x: 42, w: 310 },
    door: { x: 36, w: 96 },
    eth: { x: 36, w: 50 },
    text: 50,
    core: 140,
    bar: { x: 150, w: 30 },
    cap: 180,
    riser: { x: 188, step: 6 },
    pod: { x: 212, w: 132 },
  },
};

const [titleSize, gap] = [17, 12];
export { titleSize };

export function layout(data: MapData, shape: Shape): Layout {
  const m = shapes[shape];
  const width = m.width - 2 * m.margin;
  const title = wrapTo(printable(data.title), width, titleSize);
  const caption = wrapTo(printable(data.caption), width);
  const top = 16 + title.length * 22 + caption.length * lineHeight + 4;
  return shape === "wide" ? beside(data, top) : above(data, top);

  function beside(data: MapData, top: number): Layout {
    const inside = insideOf(data, m, top);
    const [first, last] = [inside.nodes[0], inside.nodes.at(-1)];
    const dns = sign(m.outside.x, top, m.outside.w, dnsLines(data), 12);
    const middle =
      first && last ? (first.y + Math.min(last.y + last.h, first.y + 470)) / 2 : top + 90;
    const half = { x: m.outside.x, w: 140 };
    const client = clientSign(data, half.x, half.w);
    const balancer = balancerSign(data, half.x + half.w + 18, 156);
    const tallest = Math.max(client?.h ?? 0, balancer?.h ?? 0);
    const y = Math.max(middle, (dns ? dns.y + dns.h + 26 : top) + tallest / 2);
    for (const each of [client, balancer]) if (each) each.y = Math.round(y - each.h / 2);
    return finish({ client, balancer, dns }, inside, y + tallest / 2 + 40);
  }

  function above(data: MapData, top: number): Layout {
    let y = top;
    const place = (sign: Sign | undefined): Sign | undefined => {
      if (!sign) return undefined;
      sign.y = y;
      y += sign.h + 26;
      return sign;
    };
    const dns = place(sign(m.outside.x, y, m.outside.w, dnsLines(data), 12));
    const client = place(clientSign(data, m.outside.x, m.outside.w));
    const balancer = place(balancerSign(data, m.outside.x, m.outside.w));
    return finish({ client, balancer, dns }, insideOf(data, m, y), 0);
  }

  function finish(
    outside: Pick<Layout, "client" | "balancer" | "dns">,
    inside: Inside,
    bottom: number,
  ): Layout {
    const end = Math.max(inside.region.y + inside.region.h, bottom);
    const below = Math.round(end + 14);
    const all = { shape, width: m.width, height: below, title, caption, measures: m, below };
    return { ...all, ...outside, ...inside };
  }
}

// ---- outside ----

function dnsLines({ dns }: MapData): string[] | undefined {
  return dns && [`DNS: ${dns.name}`, ...dns.lines];
}

function clientSign({ client, ways }: MapData, x: number, w: number): Sign | undefined {
  if (!client) return undefined;
  const isAddress = client.address.startsWith(`${client.name}:`);
  const name =
    client.name === "internet"
      ? ["a client", "on the internet"]
      : ["client", ...(isAddress ? [] : [client.name])];
  return sign(x, 0, w, [...name, client.address, ...endsOutside(ways, "client")], 8);
}

function balancerSign({ balancer, ways }: MapData, x: number, w: number): Sign | undefined {
  if (!balancer) return undefined;
  const { hostname, address, port, believed } = balancer;
  const where = address && port ? `${address}:${port}` : port ? `port ${port}` : undefined;
  const state = believed ? [] : ["pending"];
  const lines = [...(hostname ? hostLines(hostname, 17) : []), where ?? "", ...state];
  return sign(x, 0, w, ["load balancer", ...lines, ...endsOutside(ways, "balancer")], 8);
}

/** A box as high as its lines, which are cut to its width. */
function sign(x: number, y: number, w: number, lines: undefined, pad: number): undefined;
function sign(x: number, y: number, w: number, lines: string[], pad: number): Sign;
function sign(
  x: number,
  y: number,
  w: number,
  lines: string[] | undefined,
  pad: number,
): Sign | undefined;
function sign(
  x: number,
  y: number,
  w: number,
  lines: string[] | undefined,
  pad: number,
): Sign | undefined {
  const kept = lines?.filter(Boolean).map((line) => fit(printable(line), w - 2 * pad));
  return kept && { x, y, w, h: kept.length * lineHeight + 12, lines: kept };
}

// ---- inside ----

type Inside = Pick<Layout, "region" | "cap" | "bar" | "nodes" | "pods" | "homeless" | "more">;

function insideOf(data: MapData, m: Measures, top: number): Inside {
  const { service, moreNodes } = data;
  const middle = m.bar.x + m.bar.w / 2;
  const lines = [service.name, clusterAddress(service)];
  const hasBar = service.clusterIP !== undefined;
  const cap = hasBar ? sign(middle - m.cap / 2, top + 30, m.cap, lines, 14) : undefined;
  const first = top + 30 + (cap ? cap.h : 0);
  let y = first + gap;
  const pods: PodBox[] = [];
  const nodes = data.nodes.map((node) => {
    const box = nodeBox(data, node, m, y, pods);
    y += box.h + gap;
    return box;
  });
  const more = moreNodes
    ? sign(m.pod.x, y, m.pod.w, [`${moreNodes} more node${moreNodes === 1 ? "" : "s"}`], 10)
    : undefined;
  if (more) y += more.h + gap;
  const bar = { ...m.bar, y: first, h: y - first - gap / 2 };
  const homeless = homelessBox(data, m, y, pods);
  if (homeless) y += homeless.h + gap;
  return { region: { ...m.region, y: top, h: y - top }, cap, bar, nodes, pods, homeless, more };
}

function moreText(n: number): string {
  return `${n} more Pod${n === 1 ? "" : "s"}`;
}

function nodeBox(data: MapData, node: MapNode, m: Measures, y: number, pods: PodBox[]): NodeBox {
  const width = m.bar.x - 8 - m.text;
  const share = shareEntering(data, node, width);
  const head = [
    fit(printable(node.name), width - (share ? widthOf(share) + 8 : 0)),
    fit(printable(node.address), width),
  ];
  const asks = isAsking(data, node.name);
  const words = wordsOfNode(node, data).flatMap((word) => wrapTo(word, width));
  const proc = asks ? { x: m.text - 8, y: y + 130, w: width, h: 26 } : undefined;
  const leftHeight = 132 + (proc ? 30 : 0) + words.length * lineHeight + (words.length ? 4 : 0);
  const its = data.pods.filter((pod) => pod.node === node.name);
  const many = data.morePods[node.name] ?? 0;
  const column = podColumn(data, its, m, y + 10);
  const rightHeight = column.reduce((sum, { h }) => sum + h + 8, 12) + (many ? 22 : 0);
  const h = Math.max(leftHeight, rightHeight);
  // a single Pod stands level with the way through the NodePort
  const spare = Math.max(0, Math.min(h - rightHeight, 70 - Math.round(rightHeight / 2)));
  for (const pod of column) pods.push({ ...pod, y: pod.y + spare });
  return {
    ...{ x: m.node.x, y, w: m.node.w, h },
    node,
    head,
    share,
    door: data.service.nodePort ? { ...m.door, y: y + 44, h: 37 } : undefined,
    eth: { ...m.eth, y: y + 88, h: 37 },
    proc,
    words,
    rows: { door: y + 70, eth: y + 114 },
    more: many ? moreText(many) : undefined,
  };
}

function isAsking({ journey, ways }: MapData, node: string): boolean {
  const places = [
    ...(journey?.there.visits.map(({ place }) => place) ?? []),
    ...(journey?.back.visits.map(({ place }) => place) ?? []),
    ...(ways?.edges.flatMap(({ from, to }) => [from, to]) ?? []),
  ];
  return places.some((place) => place.at === "proc" && place.node === node);
}

function podColumn(data: MapData, its: readonly MapPod[], m: Measures, top: number): PodBox[] {
  let y = top;
  return its.map((pod) => {
    const share = data.ways?.shares[`pod ${pod.key}`];
    const width = m.pod.w - 20;
    const words = wordsOfPod(pod, data).flatMap((word) => wrapTo(word, width));
    const box = sign(m.pod.x, y, m.pod.w, [pod.name, pod.address, ...words], 10);
    if (share) box.lines[1] = fit(printable(pod.address), width - widthOf(fraction(share)) - 8);
    y += box.h + 8;
    return { ...box, pod };
  });
}

/** Pods that no node has yet, or whose node is none of the cluster's. */
function homelessBox(data: MapData, m: Measures, y: number, pods: PodBox[]): Box | undefined {
  const known = new Set(data.nodes.map(({ name }) => name));
  const its = data.pods.filter(({ node }) => node === undefined || !known.has(node));
  if (!its.length) return undefined;
  const column = podColumn(data, its, m, y + 10);
  pods.push(...column);
  const height = column.reduce((sum, { h }) => sum + h + 8, 12);
  return { x: m.node.x, y, w: m.node.w, h: height };
}
