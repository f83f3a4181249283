import { dispositions } from "stopover/internal/journey/types";
import type { Chart } from "./picture.js";
import { chart } from "./charts.js";
import { aligned, fraction } from "./text.js";
import { theme } from "./theme.js";

/**
 * Pods are green in all pictures; here each ReplicaSet has a green of its own, light enough for
 * ink, and orange means failure. Each band has a row of its own, with its name beside it and its
 * share in it, so that no meaning rests on colour.
 */
const families = ["#8fd1bd", "#d5ecc2", "#5fb39b", "#b9e3d6", "#a8cf8e"];
const failure = "#f0894a";

/** Something that happened meanwhile: "node-b is NotReady". */
export interface FilmEvent {
  seconds: number;
  says: string;
}

export type Row = { seconds: number } & Record<string, number>;

const isPod = (end: string): boolean => end.includes("/");
export const isFailure = (end: string): boolean =>
  (dispositions as readonly string[]).includes(end);

/** Where requests end, in an order that stays: Pods by their ReplicaSet, then failures. */
export function endsOf(film: readonly object[]): string[] {
  const ends = [...new Set(film.flatMap((row) => Object.keys(row)))].filter(
    (key) => isPod(key) || isFailure(key),
  );
  const first = new Map(ends.map((end, i) => [familyOf(end), i] as const).reverse());
  return ends.sort(
    (a, b) =>
      Number(isFailure(a)) - Number(isFailure(b)) ||
      first.get(familyOf(a))! - first.get(familyOf(b))! ||
      a.localeCompare(b),
  );
}

/** What ends of one hue have in common: Pods their ReplicaSet, failures that they are. */
export function kindOf(end: string): string {
  return isPod(end) ? short(familyOf(end)) : nobody;
}
export const nobody = "nobody answers";

/** A Pod's name without its own last part: its ReplicaSet's. */
function familyOf(end: string): string {
  return isPod(end) ? end.replace(/-[^-]*$/, "") : end;
}

/**
 * Where a request ends, moment by moment: what `cluster.film("5s", () => cluster.shares(url))`
 * answers, as bands over time. Each end keeps its row; a band is as high as its share. Moments
 * that follow each other closely are drawn apart, and long waits short (`//` marks them): the times
 * stand below. `until`: seconds at which the last band ends; default: a little after it began.
 * `events`: what happened meanwhile, in words above the bands.
 */
export function sharesOverTime(
  film: readonly Row[],
  {
    title = "Where a request ends, moment by moment",
    until,
    events = [],
  }: { title?: string; until?: number; events?: readonly FilmEvent[] } = {},
): Chart {
  const ends = endsOf(film);
  const last = lastOf(film, until);
  const axis = axisOf([...film.map(({ seconds }) => seconds), last]);
  const values = film.flatMap((row, i) => bandsOf(row, ends, film[i + 1]?.seconds ?? last, axis));
  return chart(title, sharesText(film, events), specOf(ends, values, axis, events));
}

/** When the last band ends. */
export function lastOf(film: readonly Row[], until = 0): number {
  return Math.max(until, (film.at(-1)?.seconds ?? 0) * 1.15, 0.1);
}

/** The film as aligned text, and below it what happened. */
export function sharesText(film: readonly Row[], events: readonly FilmEvent[]): string {
  const ends = endsOf(film);
  const rows = film.map((row) => [
    `${row.seconds} s`,
    ends
      .filter((end) => row[end])
      .map((end) => `${short(end)} ${fraction(row[end]!)}`)
      .join(", "),
  ]);
  const told = events.map(({ seconds, says }) => `${seconds} s: ${says}`).join("\n");
  return [aligned([["from", "a request ends at"], ...rows]), told].filter(Boolean).join("\n");
}

// ---- the axis ----

export interface Axis {
  /** Where a moment stands, from 0 to 1. */
  at(seconds: number): number;
  /** The moments that are named below the bands. */
  ticks: { x: number; label: string }[];
  /** In the middle of waits that are drawn shorter than they are. */
  breaks: { x: number }[];
}

/** No stretch is narrower than this part of the chart, if there is room. */
const narrowest = 0.09;

export function axisOf(moments: readonly number[]): Axis {
  const times = [...new Set(moments)].sort((a, b) => a - b);
  const waits = times.slice(1).map((time, i) => time - times[i]!);
  const total = (times.at(-1) ?? 1) - times[0]!;
  const room = waits.length * narrowest;
  const isBroken = room < 0.9 && waits.some((wait) => wait / total < narrowest);
  const wide = (wait: number) =>
    isBroken ? narrowest + (1 - room) * share(wait, waits) : wait / total;
  const xs = [0];
  for (const wait of waits) xs.push(xs.at(-1)! + wide(wait));
  const at = (seconds: number) => {
    const i = Math.max(
      0,
      Math.min(
        waits.length - 1,
        times.findLastIndex((time) => time <= seconds),
      ),
    );
    const part = waits[i] ? Math.min(1, Math.max(0, (seconds - times[i]!) / waits[i])) : 0;
    return xs[i]! + part * ((xs[i + 1] ?? 1) - xs[i]!);
  };
  const shown = isBroken ? times : spread(times, xs);
  return {
    at,
    ticks: shown.map((time) => ({ x: at(time), label: timeText(time) })),
    breaks: isBroken
      ? waits.flatMap((wait, i) =>
          wait / total > 1.5 * wide(wait) ? [{ x: (xs[i]! + xs[i + 1]!) / 2 }] : [],
        )
      : [],
  };
}

/** What a wait takes of the room that is left: by its logarithm, so that hours leave room. */
function share(wait: number, waits: readonly number[]): number {
  const least = Math.min(...waits);
  const weight = (each: number) => Math.log(each / least);
  const sum = waits.reduce((all, each) => all + weight(each), 0);
  return sum ? weight(wait) / sum : 1 / waits.length;
}

/** Those that do not stand too close to be read. */
function spread(times: readonly number[], xs: readonly number[]): number[] {
  let free = -1;
  return times.filter((_, i) => {
    if (xs[i]! < free) return false;
    free = xs[i]! + narrowest;
    return true;
  });
}

export function timeText(seconds: number): string {
  if (seconds >= 60 && seconds % 60 === 0) return `${seconds / 60} min`;
  return `${Number(seconds.toFixed(3))} s`;
}

// ---- the bands ----

/** What a band takes of its row, if all requests end there: the rest is for its label. */
const bandHeight = 0.64;

export interface Band {
  end: string;
  kind: string;
  since: number;
  till: number;
  from: number;
  to: number;
  /** In words, and as a number. */
  share: string;
  part: number;
  seconds: string;
}

export function bandsOf(row: Row, ends: readonly string[], until: number, axis: Axis): Band[] {
  return ends.flatMap((end, i) => {
    const share = row[end];
    if (!share) return [];
    const floor = ends.length - 1 - i;
    return [
      {
        end: short(end),
        kind: kindOf(end),
        since: axis.at(row.seconds),
        till: axis.at(until),
        from: floor,
        to: floor + bandHeight * share,
        share: share === 1 ? "1" : fraction(share),
        part: share,
        seconds: `${timeText(row.seconds)} to ${timeText(until)}`,
      },
    ];
  });
}

export function short(end: string): string {
  return end.replace(/^default\//, "");
}

function specOf(
  ends: readonly string[],
  values: readonly Band[],
  axis: Axis,
  events: readonly FilmEvent[],
): Record<string, unknown> {
  const kinds = [...new Set(ends.map(kindOf))];
  const range = kinds.map((kind, i) =>
    kind === nobody ? failure : families[i % families.length]!,
  );
  const rows = Math.max(1, ends.length);
  const top = rows + 0.15 + 0.45 * events.length;
  const x = (field: string) => ({
    field,
    type: "quantitative",
    axis: null,
    scale: { domain: [0, 1], nice: false },
  });
  const y = (field: string) => ({
    field,
    type: "quantitative",
    axis: null,
    scale: { domain: [-0.45, top], nice: false },
  });
  const ink = { color: { value: theme.ink } };
  const text = (field: string, more: object = {}) => ({ mark: { type: "text", ...more }, field });
  const write = (data: readonly object[], { mark, field }: ReturnType<typeof text>) => ({
    data: { values: data },
    mark,
    encoding: { x: x("x"), y: y("y"), text: { field }, ...ink },
  });
  return {
    data: { values },
    width: 620,
    height: 46 * (top + 0.45),
    layer: [
      write(
        ends.map((end, i) => ({ x: 0, y: rows - 1 - i, end: short(end) })),
        text("end", { align: "right", dx: -10, dy: -12 }),
      ),
      {
        data: { values: ends.map((_, i) => ({ y: rows - 1 - i, x: 0, x2: 1 })) },
        mark: { type: "rule", color: "#c8c8c8" },
        encoding: { x: x("x"), x2: { field: "x2" }, y: y("y") },
      },
      {
        mark: { type: "rect", stroke: theme.paper, strokeWidth: 1.5 },
        encoding: {
          x: x("since"),
          x2: { field: "till" },
          y: y("from"),
          y2: { field: "to" },
          color: {
            field: "kind",
            type: "nominal",
            sort: null,
            legend: null,
            scale: { domain: kinds, range },
          },
          tooltip: [{ field: "end" }, { field: "share" }, { field: "seconds" }],
        },
      },
      {
        transform: [
          { filter: "datum.till - datum.since > 0.05" },
          { calculate: "(datum.since + datum.till) / 2", as: "x" },
          { calculate: "datum.to", as: "y" },
        ],
        mark: { type: "text", baseline: "bottom", dy: -2 },
        encoding: { x: x("x"), y: y("y"), text: { field: "share" }, ...ink },
      },
      write(
        axis.ticks.map((tick) => ({ ...tick, y: 0 })),
        text("label", { dy: 16 }),
      ),
      write(
        axis.breaks.map((gap) => ({ ...gap, y: 0, label: "//" })),
        text("label", { dy: 0, fontSize: 15, fontWeight: "bold" }),
      ),
      write(
        axis.breaks.length
          ? [{ x: 1, y: 0, label: "// a wait that is drawn shorter than it was" }]
          : [],
        text("label", { align: "right", dy: 38, color: theme.line }),
      ),
      ...eventLayers(events, axis, rows, x, y),
    ],
  };
}

/** A line at each event's moment, and above the bands what happened, one below the other. */
function eventLayers(
  events: readonly FilmEvent[],
  axis: Axis,
  rows: number,
  x: (field: string) => object,
  y: (field: string) => object,
): object[] {
  if (!events.length) return [];
  const data = events.map(({ seconds, says }, i) => {
    const at = axis.at(seconds);
    const isLate = at > 0.6;
    const text = `${timeText(seconds)}: ${says}`;
    return { x: at, y: 0, y2: rows + 0.25 + 0.45 * (events.length - 1 - i), isLate, text };
  });
  const write = (late: boolean) => ({
    data: { values: data.filter(({ isLate }) => isLate === late) },
    mark: { type: "text", align: late ? "right" : "left", dx: late ? -6 : 6, baseline: "middle" },
    encoding: { x: x("x"), y: y("y2"), text: { field: "text" }, color: { value: theme.ink } },
  });
  return [
    {
      data: { values: data },
      mark: { type: "rule", color: theme.ink, strokeDash: [3, 3] },
      encoding: { x: x("x"), y: y("y"), y2: { field: "y2" } },
    },
    write(false),
    write(true),
  ];
}
