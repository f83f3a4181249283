import type { Chart } from "./picture.js";
import { chart } from "./charts.js";
import { aligned, fraction } from "./text.js";
import { theme } from "./theme.js";

/**
 * Tints of Okabe and Ito's hues, light enough for ink; their two oranges mean failure. The shares
 * are written on the bands, so that no meaning rests on colour.
 */
const podColours = [
  "#8fd1bd",
  "#d6ecf9",
  "#84b9dd",
  "#f6efa0",
  "#e5bcd3",
  "#dcdcdc",
  "#b9e2d6",
  "#a9a9a9",
];
const failureColours = [theme.path, "#e69f00", "#f2c078"];
const isPod = (end: string): boolean => end.includes("/");

/**
 * Where a request ends, moment by moment: what `cluster.film("5s", () => cluster.shares(url))`
 * answers, as bands over time. `until`: seconds at which the last band ends; default: a little
 * after it began.
 */
export function sharesOverTime(
  film: readonly ({ seconds: number } & Record<string, number>)[],
  {
    title = "Where a request ends, moment by moment",
    until,
  }: { title?: string; until?: number } = {},
): Chart {
  const ends = [...new Set(film.flatMap(({ seconds: _, ...shares }) => Object.keys(shares)))].sort(
    (x, y) => Number(isPod(y)) - Number(isPod(x)),
  );
  const last = Math.max(until ?? 0, (film.at(-1)?.seconds ?? 0) * 1.15, 0.1);
  const values = film.flatMap((row, i) => bands(row, ends, film[i + 1]?.seconds ?? last));
  const rows = film.map(({ seconds, ...shares }) => [
    `${seconds} s`,
    ends
      .filter((end) => shares[end])
      .map((end) => `${short(end)} ${fraction(shares[end]!)}`)
      .join(", "),
  ]);
  const y = {
    field: "from",
    type: "quantitative",
    title: "share of the requests",
    scale: { domain: [0, 1] },
    axis: { format: "%", tickCount: 4 },
  };
  const x = {
    field: "since",
    type: "quantitative",
    title: "seconds",
    scale: { domain: [0, last], nice: false },
  };
  const range = [
    ...ends.filter(isPod).map((_, i) => podColours[i % podColours.length]!),
    ...ends.filter((end) => !isPod(end)).map((_, i) => failureColours[i % failureColours.length]!),
  ];
  return chart(title, aligned([["from", "a request ends at"], ...rows]), {
    data: { values },
    height: 220,
    layer: [
      {
        mark: { type: "rect", stroke: theme.paper, strokeWidth: 1.5 },
        encoding: {
          x,
          x2: { field: "till" },
          y,
          y2: { field: "to" },
          color: {
            field: "end",
            type: "nominal",
            title: null,
            sort: null,
            scale: { domain: ends.map(short), range },
          },
          tooltip: [{ field: "end" }, { field: "share" }, { field: "since" }],
        },
      },
      {
        transform: [
          { filter: `datum.till - datum.since > ${last / 14}` },
          { calculate: "(datum.since + datum.till) / 2", as: "x" },
          { calculate: "(datum.from + datum.to) / 2", as: "y" },
        ],
        mark: { type: "text", baseline: "middle" },
        encoding: {
          x: { ...x, field: "x" },
          y: { ...y, field: "y" },
          text: { field: "share" },
          color: { value: theme.ink },
        },
      },
    ],
  });
}

function bands(
  { seconds: since, ...shares }: { seconds: number } & Record<string, number>,
  ends: readonly string[],
  till: number,
): object[] {
  let to = 0;
  return ends
    .filter((end) => shares[end])
    .map((end) => {
      const from = to;
      to += shares[end]!;
      return { end: short(end), since, till, from, to, share: fraction(shares[end]!) };
    });
}
function short(end: string): string {
  return end.replace(/^default\//, "");
}
