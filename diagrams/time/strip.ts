/**
 * Where requests end over time, as bands: each end keeps its row, a band is as high as its share.
 * The same data as `sharesOverTime`, drawn by hand, so that a page can move a cursor along it.
 */
import {
  axisOf,
  bandsOf,
  endsOf,
  kindOf,
  nobody,
  short,
  timeText,
  type Axis,
  type Band,
  type FilmEvent,
  type Row,
} from "../film.js";
import type { Shape } from "../map/layout.js";
import { frame } from "../svg/frame.js";
import { paint, type Colour } from "../svg/look.js";
import { fit, lineHeight, widthOf, wrapTo } from "../svg/measure.js";
import { path, rect, text } from "../svg/pen.js";
import { fraction } from "../text.js";

export interface StripOptions {
  title: string;
  /** Seconds at which the last band ends. */
  until: number;
  events: readonly FilmEvent[];
  /** Without its title: a page says it. */
  bare?: boolean;
}

export interface Strip {
  svg: string;
  /** Where each row of the film stands. */
  xs: number[];
  /** From where to where a cursor reaches. */
  top: number;
  bottom: number;
}

/** Bands stand between `left` and `right`; each end has a row, and its name `name` pixels. */
const measures = {
  wide: { width: 960, left: 236, right: 936, row: 42, name: 208 },
  stacked: { width: 360, left: 16, right: 344, row: 62, name: 328 },
} as const;
/** Of the largest share. */
const bandHeight = 22;
const families: readonly Colour[] = ["band0", "band1", "band2", "band3", "band4"];

interface Plan {
  shape: Shape;
  left: number;
  right: number;
  row: number;
  name: number;
  ends: string[];
  kinds: string[];
  axis: Axis;
  top: number;
  bottom: number;
  x: (part: number) => number;
  /** A band's height, of its share. */
  high: (share: number) => number;
}

export function strip(film: readonly Row[], shape: Shape, options: StripOptions): Strip {
  const { title, until, events, bare = false } = options;
  const { width, ...measure } = measures[shape];
  const ends = endsOf(film);
  const axis = axisOf([...film.map(({ seconds }) => seconds), until]);
  const heading = bare ? [] : wrapTo(title, width - 32, 16);
  const told = 18 + heading.length * 22;
  const top = told + events.length * lineHeight + 4;
  const bottom = top + ends.length * measure.row;
  const x = (part: number) => measure.left + part * (measure.right - measure.left);
  const kinds = [...new Set(ends.map(kindOf))];
  const bands = film.flatMap((row, i) => bandsOf(row, ends, film[i + 1]?.seconds ?? until, axis));
  const most = Math.max(...bands.map(({ part }) => part));
  const high = (part: number) => Math.max(3, (bandHeight * part) / most);
  const plan: Plan = { shape, ...measure, ends, kinds, axis, top, bottom, x, high };
  const height = bottom + (axis.breaks.length ? 52 : 32);
  const description = film.map((row) => describe(row, ends)).join(". ");
  const svg = frame({ width, height, title, description, shape: `time-${shape}` }, [
    ...heading.map((line, i) => text(16, 26 + i * 22, line, { size: 16, bold: true })),
    ...ends.map((end, i) => drawRow(end, i, plan)),
    ...bands.map((band) => drawBand(band, plan)),
    drawEvents(events, told, plan),
    drawAxis(plan),
  ]);
  return { svg, xs: film.map(({ seconds }) => Math.round(x(axis.at(seconds)))), top, bottom };
}

/** "57 s: nginx-… 1/2, timed out 1/2" */
export function describe(row: Row, ends: readonly string[]): string {
  const shares = ends.filter((end) => row[end]).map((end) => `${short(end)} ${share(row[end]!)}`);
  return `${timeText(row.seconds)}: ${shares.join(", ")}`;
}
const share = (part: number): string => (part === 1 ? "1" : fraction(part));

function floorOf(i: number, { top, row }: Plan): number {
  return top + (i + 1) * row - 4;
}

function drawRow(end: string, i: number, plan: Plan): string {
  const floor = floorOf(i, plan);
  const { shape, left, right, name } = plan;
  const words = fit(short(end), name);
  const label =
    shape === "wide"
      ? text(left - 10, floor - 5, words, { anchor: "end", full: short(end) })
      : text(left, floor - 44, words, { full: short(end) });
  return path(`M${left} ${floor}H${right}`, "groundline", 1) + label;
}

function drawBand({ end, since, till, share: words, part }: Band, plan: Plan): string {
  const { ends, kinds, x } = plan;
  const i = ends.findIndex((each) => short(each) === end);
  const kind = kindOf(ends[i]!);
  const colour = kind === nobody ? "loss" : families[kinds.indexOf(kind) % families.length]!;
  const h = plan.high(part);
  const box = { x: x(since), y: floorOf(i, plan) - h, w: x(till) - x(since), h };
  const ground = rect(box, {
    fill: colour,
    stroke: "paper",
    width: 1,
    radius: 2,
    is: `band ${end}`,
  });
  const fits = widthOf(words) <= box.w - 2;
  const middle = box.x + box.w / 2;
  return ground + (fits ? text(middle, box.y - 3, words, { anchor: "middle" }) : "");
}

/** Dashed lines from the words down to the bands; words stand where there is more room. */
function drawEvents(events: readonly FilmEvent[], told: number, plan: Plan): string {
  const at = ({ seconds }: FilmEvent) => Math.round(plan.x(plan.axis.at(seconds)));
  const lines = events.map((event, i) =>
    path(
      `M${at(event)} ${told + i * lineHeight - 10}V${plan.bottom}`,
      "soft",
      1,
      ' stroke-dasharray="3 3"',
    ),
  );
  const words = events.map((event, i) => drawWords(event, at(event), told + i * lineHeight, plan));
  return [...lines, ...words].join("");
}

function drawWords({ seconds, says }: FilmEvent, x: number, y: number, plan: Plan): string {
  const first = plan.shape === "wide" ? 16 : plan.left;
  const [before, after] = [x - first - 8, plan.right - x - 8];
  const full = `${timeText(seconds)}: ${says}`;
  const isLate = widthOf(full) > after && before > after;
  const words = fit(full, isLate ? before : after);
  const w = Math.ceil(widthOf(words)) + 4;
  const left = isLate ? x - 6 - w : x + 5;
  // letters need a plain ground where other lines pass
  const ground = `<rect x="${left}" y="${y - 13}" width="${w}" height="17"${paint("paper")}/>`;
  return ground + text(left + 2, y, words, { full });
}

function drawAxis({ axis, bottom, left, right, x }: Plan): string {
  const parts: string[] = [];
  let free = -Infinity;
  for (const { x: part, label } of axis.ticks) {
    const half = widthOf(label) / 2;
    const at = Math.min(right - half, Math.max(left + half, x(part)));
    if (at - half < free) continue;
    free = at + half + 8;
    parts.push(path(`M${Math.round(x(part))} ${bottom - 4}v5`, "soft", 1.5));
    parts.push(text(at, bottom + 18, label, { anchor: "middle" }));
  }
  for (const { x: part } of axis.breaks)
    parts.push(text(x(part), bottom + 1, "//", { anchor: "middle", bold: true }));
  if (axis.breaks.length)
    parts.push(
      text(right, bottom + 40, "// a wait that is drawn shorter than it was", {
        anchor: "end",
        colour: "soft",
      }),
    );
  return parts.join("");
}
