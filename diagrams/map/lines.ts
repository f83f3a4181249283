/** The ways on the map: one journey, there and back, or all of them with their shares. */
import { keyOf, type MapJourney, type MapWays, type Visit, type Way } from "./data.js";
import type { Layout } from "./layout.js";
import { paint } from "../svg/look.js";
import { cross, disc, path, round, type Box, type Point } from "../svg/pen.js";
import { Lanes, pathOf, Router } from "./route.js";

export interface Track {
  /** The line from one visit to the next; the nth leads to visit n + 1. */
  legs: Point[][];
}

/** The corners of a way, visit by visit. */
function trackOf(visits: readonly Visit[], router: Router): Track {
  return {
    legs: visits.slice(1).map(({ place }, i) => {
      const from = visits[i]!.place;
      return keyOf(from) === keyOf(place) ? [] : router.line(from, place);
    }),
  };
}

export interface Drawn {
  lines: string;
  /** What lies on top of everything: letters, and where it ended. */
  marks: string;
}

/** The lines of a journey, there and back, side by side. */
export function tracksOf(journey: MapJourney, plan: Layout): { there: Track; back: Track } {
  const lanes = new Lanes();
  const there = trackOf(journey.there.visits, new Router(plan, lanes));
  return { there, back: trackOf(journey.back.visits, new Router(plan, lanes)) };
}

export function drawJourney(
  journey: MapJourney,
  plan: Layout,
  { bare = false }: { bare?: boolean } = {},
): Drawn {
  const { there, back } = tracksOf(journey, plan);
  const faint = bare ? ' opacity=".35"' : "";
  const [ways, backs] = [there.legs.flat(), back.legs.flat()];
  const end = endOf(journey, there, back, plan);
  if (journey.lost === "there" && end && ways.length) ways.push(end);
  const lines = [
    path(pathOf(backs), "back", 3, ` stroke-dasharray="0.1 7" data-way="back"${faint}`),
    path(pathOf(ways), "way", 4, ` data-way="there"${faint}`),
  ];
  if (bare) return { lines: lines.join(""), marks: "" };
  if (journey.lost !== "there") lines.push(arrow(ways, "way"));
  if (journey.lost !== "back") lines.push(arrow(backs, "back"));
  const isFree = keepOff([...plan.pods, ...plan.nodes.flatMap(({ proc }) => proc ?? [])]);
  const marks = [
    ...turns(journey.there.visits, there),
    ...discs(journey.there, there, "way", 0, isFree),
    ...discs(journey.back, back, "back", journey.there.legs.length, isFree),
    journey.lost && end ? cross(round(end.x), round(end.y)) : "",
  ];
  return { lines: lines.join(""), marks: marks.join("") };
}

/** Where the Service's rules chose: a ring on the bar. */
function turns(visits: readonly Visit[], { legs }: Track): string[] {
  return visits.flatMap(({ place }, i) => {
    const end = i > 0 ? legs[i - 1]!.at(-1) : undefined;
    if (place.at !== "bar" || !end) return [];
    return [
      `<circle cx="${round(end.x)}" cy="${round(end.y)}" r="6"${paint("paper", "way")} stroke-width="3"/>`,
    ];
  });
}

/** Where it was lost: in the last place it came to, or where its line ends in front of that. */
export function endOf(
  journey: MapJourney,
  there: Track,
  back: Track,
  plan: Layout,
): Point | undefined {
  if (!journey.lost) return undefined;
  const visit = journey[journey.lost].visits.at(-1);
  const end = (journey.lost === "there" ? there : back).legs.flat().at(-1);
  const spot = visit && new Router(plan, new Lanes()).spot(visit.place);
  if (!visit || !spot) return end;
  if (end && (visit.place.at === "client" || visit.place.at === "pod")) return end;
  if (visit.place.at === "client") return { x: plan.client!.x + plan.client!.w, y: spot.y };
  return end ? { x: spot.x, y: "node" in visit.place ? end.y : spot.y } : spot;
}

/** An arrowhead at the end. */
function arrow(points: readonly Point[], colour: "way" | "back"): string {
  const [before, end] = points.slice(-2);
  if (!before || !end) return "";
  const angle = Math.atan2(end.y - before.y, end.x - before.x);
  const at = (turn: number, length: number) =>
    `${round(end.x + Math.cos(angle + turn) * length)} ${round(end.y + Math.sin(angle + turn) * length)}`;
  return path(`M${at(2.6, 10)}L${round(end.x)} ${round(end.y)}L${at(-2.6, 10)}`, colour, 3);
}

/** A letter for each stretch with one header, beside no other letter. */
function discs(
  { visits, legs }: Way,
  track: Track,
  colour: "way" | "back",
  from: number,
  isFree: Free,
): string[] {
  return legs.flatMap((leg, i) => {
    const its = track.legs.slice(leg.from, leg.to);
    const wires = its.filter((_, j) => isWire(visits[leg.from + j]!, visits[leg.from + j + 1]!));
    const spot = freeSpot(wires.length ? wires : its, isFree);
    if (!spot) return [];
    return [disc(spot.x, spot.y, letterOf(from + i), colour)];
  });
}

/** Between two machines. */
function isWire({ place: from }: Visit, { place: to }: Visit): boolean {
  const machine = (place: Visit["place"]) => ("node" in place ? place.node : place.at);
  return from.at !== "pod" && to.at !== "pod" && machine(from) !== machine(to);
}

export function letterOf(i: number): string {
  return String.fromCharCode(97 + (i % 26));
}

/** Whether a letter may stand there; then it does. */
type Free = (spot: Point, room?: number) => boolean;

/** Letters keep off each other, and off these boxes. */
function keepOff(boxes: readonly Box[]): Free {
  const used: Point[] = [];
  return (spot, room = 21) => {
    const hits = ({ x, y, w, h }: Box) =>
      spot.x > x - 10 && spot.x < x + w + 10 && spot.y > y - 10 && spot.y < y + h + 10;
    const isNear = (other: Point) => Math.hypot(other.x - spot.x, other.y - spot.y) < room;
    if (boxes.some(hits) || used.some(isNear)) return false;
    used.push(spot);
    return true;
  };
}

/** On the longest piece of the line, as near to its middle as no other letter is; or next to it. */
function freeSpot(lines: readonly Point[][], isFree: Free): Point | undefined {
  const pieces = lines
    .flatMap((points) => points.slice(1).map((end, i) => ({ start: points[i]!, end })))
    .sort((a, b) => lengthOf(b) - lengthOf(a));
  for (const { start, end } of pieces)
    for (const part of [0.5, 0.35, 0.65, 0.2, 0.8]) {
      const x = start.x + (end.x - start.x) * part;
      const y = start.y + (end.y - start.y) * part;
      if (isFree({ x, y })) return { x, y };
    }
  return pieces.flatMap(besideLine).find((spot) => isFree(spot, 19));
}

function besideLine({ start, end }: { start: Point; end: Point }): Point[] {
  const middle = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
  const isFlat = Math.abs(end.x - start.x) > Math.abs(end.y - start.y);
  return [22, -22, 33, -33].map((far) =>
    isFlat ? { x: middle.x, y: middle.y + far } : { x: middle.x + far, y: middle.y },
  );
}
function lengthOf({ start, end }: { start: Point; end: Point }): number {
  return Math.hypot(end.x - start.x, end.y - start.y);
}

// ---- all ways ----

/** A piece of line, and the share of all requests that runs along it. */
interface Piece {
  points: readonly Point[];
  share: number;
  arrow: boolean;
}

/** Ways of one kind share their lanes: a piece of line is drawn once, as thick as all of them. */
export function drawWays(ways: MapWays | undefined, plan: Layout): string {
  if (!ways) return "";
  const pieces = new Map<string, Piece>();
  const add = (points: readonly Point[], share: number, arrow = false): void => {
    const key = pathOf(points);
    pieces.set(key, { points, arrow, share: share + (pieces.get(key)?.share ?? 0) });
  };
  const buses = new Map<number, { from: number; to: number; share: number }>();
  for (const { from, to, share } of ways.edges) {
    const kind = from.at === "eth" || (from.at === "bar" && to.at === "eth") ? "on" : "in";
    const points = new Router(plan, new Lanes(), kind).line(from, to);
    const bus = busIn(points, plan);
    if (bus < 0) add(points, share, to.at === "pod");
    else {
      add(points.slice(0, bus + 1), share);
      add(points.slice(bus + 1), share, to.at === "pod");
      const [x, ys] = [points[bus]!.x, [points[bus]!.y, points[bus + 1]!.y]];
      const known = buses.get(x) ?? { from: Infinity, to: -Infinity, share: 0 };
      buses.set(x, {
        from: Math.min(known.from, ...ys),
        to: Math.max(known.to, ...ys),
        share: Math.max(known.share, share),
      });
    }
  }
  for (const [x, { from, to, share }] of buses)
    add(
      [
        { x, y: from },
        { x, y: to },
      ],
      share,
    );
  return [...pieces.values()].map(drawPiece).join("");
}

function drawPiece({ points, share, arrow: hasArrow }: Piece): string {
  const line = path(pathOf(points), "way", round(1.5 + 4 * Math.min(1, share)), ` data-way="all"`);
  return hasArrow ? line + arrow(points, "way") : line;
}

/** Where a line runs along the wire: the number of its corner there; -1: nowhere. */
function busIn(points: readonly Point[], { measures: { bus } }: Layout): number {
  const onBus = (point: Point | undefined) =>
    point !== undefined && point.x >= bus.x && point.x <= bus.x + 5 * bus.step;
  return points.findIndex((point, i) => onBus(point) && points[i + 1]?.x === point.x);
}

/** Where requests end that nobody answers. */
export function drawEnds(ways: MapWays | undefined, plan: Layout): string {
  const router = new Router(plan, new Lanes(), "in");
  return (ways?.ends ?? [])
    .map(({ place }) => {
      const spot = router.spot(place);
      return spot && place.at !== "pod" ? cross(round(spot.x), round(spot.y)) : "";
    })
    .join("");
}
