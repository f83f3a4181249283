import type { HistoryEntry, Journey, Outcomes } from "stopover";
import { endOf } from "stopover/internal/journey/end";
import { printable } from "stopover/internal/net/printable";
import type { Chart } from "./picture.js";
import { componentOf, homeOf } from "./control-plane.js";
import { aligned, fraction } from "./text.js";
import { font as face, roles, theme } from "./theme.js";

/** A notebook may not have the font of the PNGs. */
const font = `${face}, sans-serif`;

/** What every chart shares: its paper, its ink, a width that fits a notebook. */
export function chart(title: string, text: string, spec: Record<string, unknown>): Chart {
  const letters = {
    labelFont: font,
    titleFont: font,
    labelFontSize: 13,
    titleFontSize: 13,
    labelColor: theme.ink,
    titleColor: theme.ink,
  };
  const config = {
    font,
    axis: { ...letters, grid: false, labelLimit: 280 },
    legend: { ...letters, labelLimit: 280 },
    title: { font, fontSize: 15, color: theme.ink, anchor: "start", offset: 14 },
    text: { font, fontSize: 13 },
    view: { stroke: null },
  };
  return {
    kind: "vega-lite",
    title,
    text: `${printable(title)}\n${text}`,
    spec: {
      $schema: "https://vega.github.io/schema/vega-lite/v5.json",
      title,
      background: theme.paper,
      padding: 12,
      width: 560,
      config,
      ...spec,
    },
  };
}

/**
 * How requests spread over the Pods (bars) beside the exact probabilities (ticks).
 *
 * `seen`: journeys, or how many went to each Pod. Journeys that reached no Pod count under their
 * disposition.
 */
export function spread(
  { outcomes }: Outcomes,
  seen: readonly Journey[] | Readonly<Record<string, number>>,
  { title }: { title?: string } = {},
): Chart {
  const counts = Array.isArray(seen)
    ? tally(seen as readonly Journey[])
    : (seen as Readonly<Record<string, number>>);
  const exact: Record<string, number> = {};
  for (const outcome of outcomes)
    exact[endOf(outcome)] = (exact[endOf(outcome)] ?? 0) + outcome.probability;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0),
    names = [...new Set([...Object.keys(exact), ...Object.keys(counts)])].sort();
  const values = names.map((end) => ({
    end: end.replace(/^default\//, ""),
    requests: counts[end] ?? 0,
    expected: total * (exact[end] ?? 0),
    exact: fraction(exact[end] ?? 0),
    label: `${counts[end] ?? 0} (exact: ${fraction(exact[end] ?? 0)} = ${(total * (exact[end] ?? 0)).toFixed(1)})`,
  }));
  const y = { field: "end", type: "nominal", title: null, sort: null },
    x = (field: string) => ({
      field,
      type: "quantitative",
      title: "requests (the tick: what the probabilities expect)",
      scale: {
        domain: [
          0,
          Math.max(1, ...values.map(({ requests, expected }) => Math.max(requests, expected))) *
            1.45,
        ],
      },
    });
  return chart(
    title ?? `Where ${total.toLocaleString("en-US")} requests went`,
    aligned([
      ["to", "requests", "expected", "probability"],
      ...values.map((row) => [row.end, String(row.requests), row.expected.toFixed(1), row.exact]),
    ]),
    {
      data: { values },
      height: { step: 44 },
      layer: [
        {
          mark: { type: "bar", color: roles.pod.fill, stroke: roles.pod.stroke, height: 24 },
          encoding: { y, x: x("requests") },
        },
        {
          mark: { type: "tick", color: theme.path, thickness: 4, size: 36, opacity: 1 },
          encoding: { y, x: x("expected") },
        },
        {
          transform: [{ calculate: "max(datum.requests, datum.expected)", as: "end_of_bar" }],
          mark: { type: "text", align: "left", dx: 10, color: theme.ink },
          encoding: { y, x: x("end_of_bar"), text: { field: "label" } },
        },
      ],
    },
  );
}
function tally(journeys: readonly Journey[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const trip of journeys) counts[endOf(trip)] = (counts[endOf(trip)] ?? 0) + 1;
  return counts;
}
/**
 * Who did what when, in virtual time. `kinds`: only those (default: all but Events and Leases,
 * which never end).
 */
export function timeline(
  history: readonly HistoryEntry[],
  { kinds, title = "Who did what when" }: { kinds?: readonly string[]; title?: string } = {},
): Chart {
  const wanted = history.filter(
    ({ verb, kind }) =>
      !["get", "list", "watch"].includes(verb) &&
      (kinds ? kinds.includes(kind) : kind !== "Event" && kind !== "Lease"),
  );
  const start = wanted[0]?.time ?? 0;
  const values = wanted.map((entry) => ({
    seconds: (entry.time - start) / 1000,
    milliseconds: entry.time - start,
    who: homeOf(componentOf(entry)),
    what: entry.verb === "notify" ? "is told" : "writes",
    detail: `${entry.who}: ${entry.verb} ${entry.kind} ${entry.name ?? ""}`,
  }));
  const actors = [...new Set(values.map(({ who }) => who))];
  const rows = actors.map((who) => {
    const own = values.filter((value) => value.who === who);
    return [
      who,
      String(own.filter(({ what }) => what === "writes").length),
      String(own.filter(({ what }) => what === "is told").length),
      `${own[0]!.seconds} s`,
      `${own.at(-1)!.seconds} s`,
    ];
  });
  const scale = { domain: ["writes", "is told"] };
  return chart(title, aligned([["who", "writes", "is told", "first", "last"], ...rows]), {
    data: { values },
    height: { step: 34, for: "position" },
    mark: { type: "point", filled: true, size: 90, opacity: 0.75 },
    encoding: {
      x: {
        field: "milliseconds",
        type: "quantitative",
        title: "time after the first of these (logarithmic: the beginning is what matters)",
        scale: { type: "symlog", constant: 2, nice: false, domainMin: 0 },
        axis: {
          values: [0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000],
          labelExpr: "datum.value < 1000 ? datum.value + ' ms' : datum.value / 1000 + ' s'",
          labelOverlap: true,
        },
      },
      y: {
        field: "who",
        type: "nominal",
        sort: actors,
        title: null,
        axis: { grid: true, gridColor: "#e6e6e6" },
      },
      yOffset: { field: "what", sort: scale.domain },
      color: {
        field: "what",
        type: "nominal",
        title: null,
        scale: { ...scale, range: [theme.path, roles.stop3.stroke] },
      },
      shape: {
        field: "what",
        type: "nominal",
        title: null,
        scale: { ...scale, range: ["diamond", "circle"] },
      },
      tooltip: [{ field: "detail" }, { field: "seconds" }],
    },
  });
}

/** How many rules a packet met in a cluster of so many Services. */
export interface CostPoint {
  services: number;
  /** What is counted: rules held, rules walked, milliseconds: say so in `y`. */
  rules: number;
  /** A line of its own for each: "first Service", "last Service". */
  series?: string;
}
/**
 * What grows with the number of Services. `y`: the vertical axis's title, default "rules that a
 * packet walks".
 */
export function cost(
  points: readonly CostPoint[],
  {
    title = "The cost of rules",
    y = "rules that a packet walks",
    log = true,
  }: { title?: string; y?: string; log?: boolean } = {},
): Chart {
  const series = [...new Set(points.map((point) => point.series ?? ""))],
    scale = log ? { type: "log", nice: false } : { zero: true };
  const color = {
    field: "series",
    type: "nominal",
    sort: series,
    title: null,
    scale: {
      domain: series,
      range: [
        theme.path,
        roles.stop3.stroke,
        roles.pod.stroke,
        roles.stop2.stroke,
        roles.stop1.stroke,
      ],
    },
    ...(series.length > 1 ? {} : { legend: null }),
  };
  return chart(
    title,
    aligned([
      ["Services", y, ...(series.length > 1 ? ["of"] : [])],
      ...points.map(({ services, rules, series: of }) => [
        String(services),
        String(rules),
        ...(of ? [of] : []),
      ]),
    ]),
    {
      data: { values: points.map((point) => ({ series: "", ...point })) },
      height: 300,
      layer: ["line", "point"].map((mark) => ({
        mark:
          mark === "line"
            ? { type: mark, strokeWidth: 2.5 }
            : { type: mark, filled: true, size: 80 },
        encoding: {
          x: {
            field: "services",
            type: "quantitative",
            title: log ? "Services (both axes are logarithmic)" : "Services",
            scale,
            axis: { values: [...new Set(points.map(({ services }) => services))], format: "," },
          },
          y: {
            field: "rules",
            type: "quantitative",
            title: y,
            scale,
            axis: { grid: true, gridColor: "#e6e6e6", tickCount: 5, format: "," },
          },
          color,
          shape: {
            field: "series",
            type: "nominal",
            sort: series,
            title: null,
            scale: { domain: series },
            ...(series.length > 1 ? {} : { legend: null }),
          },
        },
      })),
    },
  );
}
