/** The outer element of a picture of ours: its size, its words for who cannot see it, its look. */
import { printable } from "stopover/internal/net/printable";
import { html } from "../text.js";
import { paint, styleSheet } from "./look.js";
import { fontSize } from "./measure.js";

export interface FrameOptions {
  width: number;
  height: number;
  title: string;
  /** The same in more words. */
  description?: string;
  /** Tells pictures of the same page apart: "wide". */
  shape?: string;
}

export function frame(
  { width, height, title, description, shape = "wide" }: FrameOptions,
  parts: readonly string[],
): string {
  const hatch =
    `<pattern id="som-hatch-${shape}" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
    `<rect width="7" height="7"${paint("paper")}/><path d="M0 0V7"${paint("none", "groundline")} stroke-width="2.5"/></pattern>`;
  const head =
    `<svg xmlns="http://www.w3.org/2000/svg" class="som" data-shape="${shape}" viewBox="0 0 ${width} ${height}"` +
    ` width="${width}" height="${height}" role="img" font-family="Open Sans, sans-serif" font-size="${fontSize}">`;
  const words =
    `<title>${html(printable(title))}</title>` +
    (description === undefined ? "" : `<desc>${html(printable(description))}</desc>`);
  const ground = `<rect width="${width}" height="${height}"${paint("paper")}/>`;
  const body = parts.join("\n").replaceAll("url(#som-hatch)", `url(#som-hatch-${shape})`);
  const defs = body.includes("url(#som-hatch") ? `<defs>${hatch}</defs>` : "";
  return `${head}${words}<style>${styleSheet}</style>${defs}${ground}\n${body}\n</svg>\n`;
}
