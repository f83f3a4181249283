/**
 * From SVG text to a PNG, by resvg: no browser, no system font (svgdom's own Open Sans is the only
 * one), so the same bytes everywhere.
 */
import { Resvg } from "@resvg/resvg-js";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Drawn } from "./picture.js";
import { encodePng } from "./png.js";
import { font, theme } from "./theme.js";

/**
 * PNGs carry this many pixels for each unit of the SVG, so that they stay sharp on dense screens
 * and in print.
 */
const scale = 2;
const fontFile = join(
  dirname(createRequire(import.meta.url).resolve("svgdom")),
  "fonts/OpenSans-Regular.ttf",
);

/** Answers the PNG and the width and height at which it wants to be shown, in CSS pixels. */
export function rasterize(svg: string): Drawn {
  const image = new Resvg(svg, {
    fitTo: { mode: "zoom", value: scale },
    background: theme.paper,
    font: {
      loadSystemFonts: false,
      fontFiles: [fontFile],
      defaultFontFamily: font,
      sansSerifFamily: font,
      monospaceFamily: font,
      serifFamily: font,
    },
  }).render();
  return {
    png: encodePng(image.pixels, image.width, image.height),
    width: Math.round(image.width / scale),
    height: Math.round(image.height / scale),
  };
}
