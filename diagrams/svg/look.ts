/**
 * The map's look: attributes carry the light theme, so that a program without CSS (the one that
 * makes the PNG, a mail, a page that strips styles) draws it right; classes and this style sheet
 * override it where it is dark, where colours are forced, and on paper.
 */
import { roles, theme } from "../theme.js";

/** name -> [light, dark]. The dark tones are the same hues: pale lines, deep fills. */
const colours = {
  paper: [theme.paper, "#15191e"],
  ink: [theme.ink, "#e8edf2"],
  soft: ["#555555", "#a9b4bf"],
  wire: ["#a3a3a3", "#66727e"],
  ground: [roles.cluster.fill, "#1b2127"],
  groundline: ["#c4c4c4", "#3d4751"],
  node: [theme.paper, "#232a31"],
  nodeline: ["#767676", "#8a96a2"],
  client: [roles.client.fill, "#2a3037"],
  clientline: [roles.client.stroke, "#a9b4bf"],
  dns: [roles.dns.fill, "#1a2f3c"],
  dnsline: ["#1f7aad", "#6dbbe6"],
  balancer: [roles.stop1.fill, "#3a2d12"],
  balancerline: ["#9a6700", "#eab04c"],
  door: [roles.stop2.fill, "#3b2232"],
  doorline: [roles.stop2.stroke, "#e58fbd"],
  bar: [roles.stop3.fill, "#1b3146"],
  barline: [roles.stop3.stroke, "#74b5ea"],
  pod: [roles.pod.fill, "#15372b"],
  podline: [roles.pod.stroke, "#5bcaa6"],
  way: [theme.path, "#ff8f4d"],
  back: ["#6b3fb5", "#bb9dff"],
  change: ["#a54800", "#ffa26b"],
  loss: ["#f0894a", "#8f4516"],
  band0: ["#8fd1bd", "#1f6a52"],
  band1: ["#d5ecc2", "#4a6330"],
  band2: ["#5fb39b", "#2c8a6d"],
  band3: ["#b9e3d6", "#17503d"],
  band4: ["#a8cf8e", "#5d7d44"],
  plate: ["#c1121f", "#c1121f"],
  plateink: ["#ffffff", "#ffffff"],
} as const satisfies Record<string, readonly [string, string]>;
export type Colour = keyof typeof colours;

/** Attributes (light) and classes (all other themes) of a thing's fill and stroke. */
export function paint(fill: Colour | "none" | "hatch", stroke?: Colour): string {
  const inside =
    fill === "none"
      ? ' fill="none"'
      : fill === "hatch"
        ? ' fill="url(#som-hatch)"'
        : ` fill="${colours[fill][0]}"`;
  const outside = stroke ? ` stroke="${colours[stroke][0]}"` : "";
  const names = [
    fill === "none" || fill === "hatch" ? "" : `som-f-${fill}`,
    stroke ? `som-s-${stroke}` : "",
  ].filter(Boolean);
  return `${names.length ? ` class="${names.join(" ")}"` : ""}${inside}${outside}`;
}

const names = Object.keys(colours) as Colour[];
const variables = (theme: 0 | 1) =>
  names.map((name) => `--som-${name}:${colours[name][theme]}`).join(";");
const rules = names
  .map((name) => `.som-f-${name}{fill:var(--som-${name})}.som-s-${name}{stroke:var(--som-${name})}`)
  .join("");

/** Where colours are the reader's own: outlines and lines keep their dashes, words say the rest. */
const forced = [
  ".som{forced-color-adjust:none}",
  ".som [class*=som-f-]{fill:Canvas}",
  ".som [class*=som-s-]{stroke:CanvasText}",
  ".som text[class*=som-f-]{fill:CanvasText}",
  ".som .som-f-way,.som .som-f-back,.som .som-f-plate{fill:Highlight}",
  ".som .som-s-way,.som .som-s-back{stroke:Highlight}",
  ".som text.som-f-plateink{fill:HighlightText}",
].join("");

export const styleSheet = [
  `.som{${variables(0)}}`,
  `@media screen and (prefers-color-scheme:dark){.som{${variables(1)}}`,
  // a page whose own theme is light, whatever the system's is
  `[data-theme=light] .som,[data-jp-theme-light=true] .som{${variables(0)}}}`,
  `@media screen{[data-theme=dark] .som,[data-jp-theme-light=false] .som{${variables(1)}}}`,
  rules,
  `.som text{font-family:"Open Sans",system-ui,sans-serif}`,
  `@media (forced-colors:active){${forced}}`,
].join("\n");

/** Without the style sheet, for programs that know only half of CSS. */
export function withoutStyle(svg: string): string {
  return svg.replace(/<style>[^]*?<\/style>/g, "");
}

export { colours };
