/**
 * The lines between places: along the wire between machines, along a node's two rows (through the
 * NodePort and through the link) and up and down beside the bar. Ways that share a stretch run side
 * by side, a few pixels apart.
 */
import { keyOf, type Place } from "./data.js";
import type { Box, Point } from "../svg/pen.js";
import type { Layout, NodeBox } from "./layout.js";

/** Hands out the lanes of each stretch: the first use runs in its middle, the next beside it. */
export class Lanes {
  private readonly used = new Map<string, number>();

  take(track: string): number {
    const lane = this.used.get(track) ?? 0;
    this.used.set(track, lane + 1);
    return lane;
  }
}

/** 0, 6, -6, 12, …: on which side of the middle the nth lane runs. */
function beside(lane: number, step = 6): number {
  return (lane % 2 ? 1 : -1) * Math.ceil(lane / 2) * step || 0;
}

/** Draws one way: remembers on which rows it runs, so that it goes straight on along them. */
export class Router {
  private readonly nodes: ReadonlyMap<string, NodeBox>;
  private row: { track: string; lane: number; rightwards: boolean } | undefined;

  constructor(
    private readonly layout: Layout,
    private readonly lanes: Lanes,
    /** Ways of one kind that share their lanes; default: each has its own. */
    private readonly kind?: string,
  ) {
    this.nodes = new Map(layout.nodes.map((box) => [box.node.name, box]));
  }

  /** The corners of the line from one place to another; none where one of them is not drawn. */
  line(from: Place, to: Place): Point[] {
    const [start, end] = [this.anchor(from), this.anchor(to)];
    if (!start || !end) return [];
    if (start.node !== undefined && start.node === end.node) return this.within(start, end);
    if (start.node === undefined && end.node === undefined) return this.outside(start, end);
    return this.between(start, end);
  }

  /** Where the packet stands when it is there. */
  spot(place: Place): Point | undefined {
    const anchor = this.anchor(place);
    return anchor && { x: (anchor.left + anchor.right) / 2, y: anchor.y };
  }

  // ---- on one node ----

  private within(from: Anchor, to: Anchor): Point[] {
    const rightwards = from.left < to.left;
    const start = this.onRow(from, rightwards);
    const end = this.onRow(to, rightwards);
    if (start.y === end.y) return [start, end];
    const channel = this.channel(from, to);
    return [start, { x: channel, y: start.y }, { x: channel, y: end.y }, end];
  }

  /** An anchor's inner end, on a lane of its row. */
  private onRow(anchor: Anchor, rightwards: boolean): Point {
    const { kind, left, right } = anchor;
    const facing = kind === "bar" ? (left + right) / 2 : kind === "pod" ? left : right;
    return { x: facing, y: anchor.y + beside(this.laneOf(anchor, rightwards)) };
  }

  private laneOf({ row: track, kind }: Anchor, rightwards: boolean): number {
    if (track === undefined) return 0;
    if (this.kind !== undefined) return kind === "pod" ? 0 : this.kind === "on" ? 1 : 0;
    if (this.row?.track === track && this.row.rightwards === rightwards) return this.row.lane;
    this.row = { track, lane: this.lanes.take(track), rightwards };
    return this.row.lane;
  }

  private channel(from: Anchor, to: Anchor): number {
    const { core, riser, bar } = this.layout.measures;
    if (from.kind === "pod" || to.kind === "pod") {
      const lane =
        this.kind === undefined
          ? this.lanes.take(`riser ${from.node}`)
          : this.kind === "on"
            ? 1
            : 0;
      return riser.x + lane * riser.step;
    }
    return from.kind === "bar" ? bar.x + bar.w / 2 : core;
  }

  // ---- between machines ----

  private between(from: Anchor, to: Anchor): Point[] {
    const exit = this.gate(from, true);
    const entry = this.gate(to, false);
    const bus = this.busLane();
    const out = exit === from ? [this.leave(from, false)] : [...this.within(from, exit)];
    this.row = undefined;
    const inwards = entry === to ? [this.leave(to, true)] : [...this.within(entry, to)];
    const [last, first] = [out.at(-1)!, inwards[0]!];
    const start = from.kind === "client" ? this.around(from, bus) : [...out, { x: bus, y: last.y }];
    const end =
      to.kind === "client" ? this.around(to, bus).reverse() : [{ x: bus, y: first.y }, ...inwards];
    return [...start, ...end];
  }

  /** Where a way from here comes to the wire: its own side, or its node's link. */
  private gate(anchor: Anchor, isExit: boolean): Anchor {
    const { node, kind } = anchor;
    if (node === undefined || kind === "edge" || kind === "eth") return anchor;
    // an answer leaves by the NodePort; who has just come in by it goes on by the link
    const isHeadingIn = this.row?.track === anchor.row && this.row?.rightwards === true;
    if (kind === "door" && !(isExit && isHeadingIn)) return anchor;
    return this.anchor({ at: "eth", node })!;
  }

  private leave(anchor: Anchor, inwards: boolean): Point {
    const y = anchor.y + beside(this.laneOf(anchor, inwards));
    const rightwards = this.layout.shape === "wide" && anchor.node === undefined;
    return { x: rightwards ? anchor.right : anchor.left, y };
  }

  private busLane(): number {
    const { x, step } = this.layout.measures.bus;
    const lane = this.kind === undefined ? this.lanes.take("bus") : this.kind === "on" ? 2 : 1;
    return x + (lane % 5) * step;
  }

  /** From the client straight to the wire, past the load balancer. */
  private around({ left, right, bottom, y }: Anchor, bus: number): Point[] {
    const { shape, balancer } = this.layout;
    const lane = this.kind === undefined ? this.lanes.take("around") : 0;
    if (shape === "stacked" || !balancer) {
      const level = y + beside(lane, 8);
      return [
        { x: shape === "stacked" ? left : right, y: level },
        { x: bus, y: level },
      ];
    }
    const below = Math.max(balancer.y + balancer.h, bottom) + 16 + lane * 8;
    const x = (left + right) / 2 - lane * 8;
    return [
      { x, y: bottom },
      { x, y: below },
      { x: bus, y: below },
    ];
  }

  private outside(from: Anchor, to: Anchor): Point[] {
    const lane = this.kind === undefined ? this.lanes.take("outside") : 0;
    const shift = beside(lane, 8);
    if (this.layout.shape === "wide") {
      const [left, right] = from.left < to.left ? [from.right, to.left] : [from.left, to.right];
      return [
        { x: left, y: from.y + shift },
        { x: right, y: to.y + shift },
      ];
    }
    const x = (from.left + from.right) / 2 + shift;
    const down = from.y < to.y;
    return [
      { x, y: down ? from.bottom : from.top },
      { x, y: down ? to.top : to.bottom },
    ];
  }

  // ---- places ----

  private anchor(place: Place): Anchor | undefined {
    const { client, balancer, dns, pods } = this.layout;
    switch (place.at) {
      case "client":
        return client && outsideAnchor("client", client);
      case "balancer":
        return balancer && outsideAnchor("balancer", balancer);
      case "dns":
        return dns && outsideAnchor("dns", dns);
      case "pod": {
        const box = pods.find(({ pod }) => pod.key === place.pod);
        return box && { ...anchorOf("pod", box), node: box.pod.node, row: keyOf(place) };
      }
      default:
        return this.onNode(place.at, place.node);
    }
  }

  private onNode(at: string, node: string): Anchor | undefined {
    const box = this.nodes.get(node);
    if (!box) return undefined;
    const { rows, eth, door, proc } = box;
    const { core, bar } = this.layout.measures;
    const on = (kind: string, x: number, w: number, y: number, row: string): Anchor => ({
      ...anchorOf(kind, { x, y: y - 1, w, h: 2 }),
      node,
      row: `${row} ${node}`,
    });
    switch (at) {
      case "door":
        return door && on("door", door.x, door.w, rows.door, "door row");
      case "bar":
        return on("bar", bar.x, bar.w, rows.door, "door row");
      case "core":
        return on("core", core, 0, rows.eth, "eth row");
      case "edge":
        return on("edge", eth.x - 12, 0, rows.eth, "edge");
      case "proc":
        return proc && on("proc", proc.x, proc.w, proc.y + proc.h / 2, "proc");
      default:
        return on("eth", eth.x, eth.w, rows.eth, "eth row");
    }
  }
}

/** A place's sides, and the row that a way to it runs on. */
interface Anchor {
  kind: string;
  node: string | undefined;
  row: string | undefined;
  left: number;
  right: number;
  top: number;
  bottom: number;
  y: number;
}

function anchorOf(kind: string, { x, y, w, h }: Box): Anchor {
  const sides = { left: x, right: x + w, top: y, bottom: y + h, y: y + h / 2 };
  return { kind, node: undefined, row: undefined, ...sides };
}
function outsideAnchor(kind: string, box: Box): Anchor {
  return { ...anchorOf(kind, box), row: `${kind} side` };
}

/** A path through these corners, which are rounded. */
export function pathOf(points: readonly Point[], radius = 8): string {
  const corners = points.filter(
    (p, i) => !i || p.x !== points[i - 1]!.x || p.y !== points[i - 1]!.y,
  );
  return corners
    .map((p, i) => {
      const [before, after] = [corners[i - 1], corners[i + 1]];
      if (!before) return `M${p.x} ${p.y}`;
      if (!after) return `L${p.x} ${p.y}`;
      const [a, b] = [towards(p, before, radius), towards(p, after, radius)];
      return `L${a.x} ${a.y}Q${p.x} ${p.y} ${b.x} ${b.y}`;
    })
    .join("");
}

/** A point on the way from one corner to the next, at most half of it away. */
function towards(from: Point, to: Point, distance: number): Point {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const part = Math.min(distance, length / 2) / length;
  const round = (n: number) => Math.round(n * 10) / 10;
  return { x: round(from.x + dx * part), y: round(from.y + dy * part) };
}
