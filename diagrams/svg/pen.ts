/** Writes SVG: boxes, texts that keep to the width they were measured with, discs and plates. */
import { printable } from "stopover/internal/net/printable";
import { html } from "../text.js";
import { paint, type Colour } from "./look.js";
import { fontSize, widthOf } from "./measure.js";

export interface Point {
  x: number;
  y: number;
}
export interface Box extends Point {
  w: number;
  h: number;
}

export interface TextOptions {
  anchor?: "middle" | "end";
  size?: number;
  /** Drawn a little thicker: the font of the PNGs has one weight. */
  bold?: boolean;
  colour?: Colour;
  /** What was cut away: shown when one points at it. */
  full?: string;
}

export function text(x: number, y: number, words: string, options: TextOptions = {}): string {
  const { anchor, size = fontSize, bold, colour = "ink", full } = options;
  const length = round(widthOf(words, size));
  const look = bold ? paint(colour, colour) + ' stroke-width=".4"' : paint(colour);
  const hint =
    full !== undefined && full !== words ? `<title>${html(printable(full))}</title>` : "";
  return (
    `<text x="${round(x)}" y="${round(y)}"${look}` +
    (anchor ? ` text-anchor="${anchor}"` : "") +
    (size === fontSize ? "" : ` font-size="${size}"`) +
    ` textLength="${length}" lengthAdjust="spacingAndGlyphs">${html(words)}${hint}</text>`
  );
}

export interface BoxOptions {
  fill: Colour | "none" | "hatch";
  stroke: Colour;
  width?: number;
  dash?: string | undefined;
  radius?: number;
  /** Of the fill. */
  opacity?: number;
  /** For tests and pages: what it stands for. */
  is?: string;
}

export function rect({ x, y, w, h }: Box, options: BoxOptions): string {
  const { fill, stroke, width = 1.5, dash, radius = 8, opacity = 1, is } = options;
  const tint = opacity === 1 ? "" : ` fill-opacity="${opacity}"`;
  const body = `x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}"`;
  return `<rect ${body} rx="${radius}"${paint(fill, stroke)}${tint}${line(width, dash)}${data(is)}/>`;
}

/** A hexagon, its points at the left and at the right. */
export function hexagon({ x, y, w, h }: Box, options: BoxOptions): string {
  const { fill, stroke, width = 1.5, dash, is } = options;
  const [tip, middle] = [12, round(y + h / 2)];
  const corners = [
    `M${x} ${middle}`,
    `L${x + tip} ${y}H${x + w - tip}`,
    `L${x + w} ${middle}L${x + w - tip} ${y + h}H${x + tip}Z`,
  ].join("");
  return `<path d="${corners}"${paint(fill, stroke)}${line(width, dash)}${data(is)}/>`;
}

export function path(d: string, stroke: Colour, width: number, more = ""): string {
  const ends = 'stroke-linecap="round" stroke-linejoin="round"';
  return `<path d="${d}"${paint("none", stroke)} stroke-width="${width}" ${ends}${more}/>`;
}

/** One of the article's plates: a number on red. */
export function plate(x: number, y: number, number: number): string {
  const box = { x, y, w: 20, h: 20 };
  const ground = rect(box, { fill: "plate", stroke: "plateink", width: 1, radius: 4 });
  const label = text(x + 10, y + 15, String(number), {
    anchor: "middle",
    colour: "plateink",
    bold: true,
  });
  return `<g data-plate="${number}">${ground}${label}</g>`;
}

/** A letter in a disc: where on the way a header holds that is listed below. */
export function disc(x: number, y: number, letter: string, colour: Colour): string {
  const ground = `<circle cx="${round(x)}" cy="${round(y)}" r="9"${paint("paper", colour)} stroke-width="2"/>`;
  return ground + text(x, y + 5, letter, { anchor: "middle" });
}

/** Here it ended. */
export function cross(x: number, y: number): string {
  const r = 5;
  const arms = `M${x - r} ${y - r}L${x + r} ${y + r}M${x + r} ${y - r}L${x - r} ${y + r}`;
  const ground = `<circle cx="${x}" cy="${y}" r="10"${paint("plate", "plateink")} stroke-width="1.5"/>`;
  return `<g data-end="">${ground}${path(arms, "plateink", 2.5)}</g>`;
}

function line(width: number, dash: string | undefined): string {
  return ` stroke-width="${width}"${dash ? ` stroke-dasharray="${dash}"` : ""}`;
}
function data(is: string | undefined): string {
  return is === undefined ? "" : ` data-is="${html(printable(is))}"`;
}
export function round(n: number): number {
  return Math.round(n * 10) / 10;
}
