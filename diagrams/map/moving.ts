/**
 * The map of a journey with a packet that moves on it, there and back, as one file: for places that
 * show pictures and run no scripts, a README for one. Who wishes for less motion sees none.
 */
import type { Svg } from "../picture.js";
import { paint } from "../svg/look.js";

/** Seconds that the packet takes there, and as many back. */
const seconds = 9;

/**
 * The map of one journey as an SVG that moves by itself, there and back, without a script: for a
 * page that shows pictures only, as a README.
 */
export function moving({ svg }: Svg): string {
  const ways = ["there", "back"].flatMap((way) => {
    const path = new RegExp(`<path d="([^"]*)"[^>]*data-way="${way}"`).exec(svg);
    return path ? [path[1]!] : [];
  });
  const style = "@media (prefers-reduced-motion:reduce){.moving{display:none}}";
  const packets = ways.map((d, i) => packet(d, i, ways.length));
  return svg.replace("</svg>", `<style>${style}</style>${packets.join("")}</svg>`);
}

/** One after the other: each is seen on its own way only. */
function packet(d: string, i: number, ways: number): string {
  const whole = `dur="${seconds * ways}s" repeatCount="indefinite"`;
  const [from, to] = [i / ways, (i + 1) / ways];
  const times = [0, from, to, 1].filter((time, k, all) => time !== all[k - 1]);
  const points = times.map((time) => (time <= from ? 0 : 1));
  const seen = times.map((time) => (time >= from && time < to ? 1 : 0));
  const ground = paint(i ? "back" : "way", "paper");
  return (
    `<g class="moving"><circle r="9" opacity="0"${ground} stroke-width="2.5">` +
    `<animateMotion path="${d}" calcMode="linear" keyPoints="${points.join(";")}"` +
    ` keyTimes="${times.join(";")}" ${whole}/>` +
    `<animate attributeName="opacity" calcMode="discrete" values="${seen.join(";")}"` +
    ` keyTimes="${times.join(";")}" ${whole}/>` +
    `</circle></g>`
  );
}
