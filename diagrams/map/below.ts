/** What stands below the map: the header on each stretch of the way, and what the marks mean. */
import { printable } from "stopover/internal/net/printable";
import type { Grid, Leg, MapData } from "./data.js";
import type { Layout } from "./layout.js";
import { letterOf } from "./lines.js";
import { fit, lineHeight, widthOf } from "../svg/measure.js";
import { drawGrid } from "./matrix.js";
import { disc, path, rect, text } from "../svg/pen.js";
import type { Colour } from "../svg/look.js";

interface Part {
  svg: string;
  height: number;
}

export function drawLegs({ journey }: MapData, plan: Layout): Part {
  if (!journey) return { svg: "", height: 0 };
  const { shape, below, measures } = plan;
  const { margin, width } = measures;
  const wide = shape === "wide";
  const column = wide ? (width - 3 * margin) / 2 : width - 2 * margin;
  const from = journey.there.legs.length;
  const there = list(journey.there.legs, "there", "way", 0, margin, below, column);
  const [x, y] = wide ? [2 * margin + column, below] : [margin, below + there.height];
  const back = list(journey.back.legs, "and back", "back", from, x, y, column);
  const height = wide ? Math.max(there.height, back.height) : there.height + back.height;
  return { svg: there.svg + back.svg, height };
}

function list(
  legs: readonly Leg[],
  title: string,
  colour: "way" | "back",
  from: number,
  x: number,
  y: number,
  width: number,
): Part {
  if (!legs.length) return { svg: "", height: 0 };
  const parts = [sample(colour, x, y + 11), text(x + 40, y + 16, title, { bold: true })];
  let at = y + 24;
  legs.forEach(({ header }, i) => {
    parts.push(disc(x + 9, at + 11, letterOf(from + i), colour));
    for (const line of headerLines(header, width - 28)) {
      parts.push(text(x + 26, at + 16, line));
      at += lineHeight;
    }
    at += 5;
  });
  return { svg: parts.join(""), height: at - y + 4 };
}

/** "203.0.113.2:50114 to 198.51.100.10:8080", on two lines where it is too long for one. */
function headerLines({ source, destination }: Leg["header"], width: number): string[] {
  const one = `${printable(source)} to ${printable(destination)}`;
  if (widthOf(one) <= width) return [one];
  return [fit(printable(source), width), fit(`to ${printable(destination)}`, width)];
}

function sample(colour: "way" | "back", x: number, y: number): string {
  return colour === "way"
    ? path(`M${x + 2} ${y}H${x + 32}`, "way", 4)
    : path(`M${x + 2} ${y}H${x + 32}`, "back", 3, ' stroke-dasharray="0.1 7"');
}

/** The table of shares, where the lines of all ways would tangle. */
export function drawShares(
  grid: Grid,
  { shape, below, measures: { margin, width } }: Layout,
): Part {
  const title = text(margin, below + 14, "which node is entered, and who answers", { bold: true });
  const place = {
    x: margin,
    y: below + 26,
    width: width - 2 * margin,
    turned: shape === "stacked",
  };
  const { svg, height } = drawGrid(grid, place);
  return { svg: title + svg, height: height + 30 };
}

// ---- what the marks mean ----

interface Mark {
  draw: (x: number, y: number) => string;
  words: string;
}

export function drawLegend(data: MapData, plan: Layout, top: number): Part {
  const { margin, width } = plan.measures;
  const parts: string[] = [];
  let [x, y] = [margin, top + 6];
  for (const { draw, words } of marksIn(data)) {
    const w = 42 + widthOf(words) + 18;
    if (x > margin && x + w > width - margin + 18) [x, y] = [margin, y + 22];
    parts.push(
      draw(x, y + 10),
      text(x + 40, y + 15, fit(words, width - 2 * margin - 40), { colour: "soft" }),
    );
    x += w;
  }
  return { svg: parts.join(""), height: y - top + 28 };
}

function marksIn({ nodes, pods, service, journey, ways }: MapData): Mark[] {
  const marks: (Mark | false)[] = [
    ways !== undefined && {
      draw: (x, y) => path(`M${x + 2} ${y}H${x + 32}`, "way", 3),
      words: "a way, the thicker the likelier",
    },
    (service.nodePort !== undefined || service.clusterIP !== undefined) && {
      draw: (x, y) =>
        rect({ x: x + 8, y: y - 8, w: 16, h: 16 }, { fill: "plate", stroke: "plate", radius: 3 }),
      words: "a stop-over of the article",
    },
    box("pod", undefined, "outline: what the API server believes"),
    box("pod", undefined, "fill: what is true", true),
    pods.some(
      ({ believed, stranger }) => believed === "not ready" || (believed === "absent" && !stranger),
    ) && box("none", "7 5", "not ready"),
    nodes.some(({ ready }) => !ready) && box("none", "7 5", "NotReady"),
    pods.some(({ believed }) => believed === "terminating") && box("none", "2 4", "terminating"),
    isHatched(nodes, pods) && box("hatch", undefined, "hatched: nobody there"),
    journey?.lost !== undefined && {
      draw: (x, y) =>
        rect({ x: x + 8, y: y - 8, w: 16, h: 16 }, { fill: "plate", stroke: "plate", radius: 8 }),
      words: "here it ended",
    },
  ];
  return marks.filter((mark): mark is Mark => mark !== false);
}

function isHatched(nodes: MapData["nodes"], pods: MapData["pods"]): boolean {
  return (
    nodes.some(({ up, proxy, shut }) => up === false || proxy === "stopped" || shut) ||
    pods.some(({ listens }) => listens === false)
  );
}

function box(
  fill: Colour | "none" | "hatch",
  dash: string | undefined,
  words: string,
  filled = false,
): Mark {
  const outlined = fill === "pod" && !filled;
  return {
    words,
    draw: (x, y) =>
      rect(
        { x: x + 4, y: y - 8, w: 26, h: 16 },
        {
          fill: outlined ? "none" : fill,
          stroke: filled ? "pod" : "podline",
          width: 2,
          dash,
          radius: 4,
        },
      ),
  };
}
