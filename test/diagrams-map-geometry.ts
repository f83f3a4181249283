/** Reads boxes, texts and lines back out of an SVG of ours, so that tests can hold them apart. */

export interface Box {
  is: string;
  x: number;
  y: number;
  w: number;
  h: number;
}

const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1];
const numeric = (tag: string, name: string): number => Number(attribute(tag, name) ?? 0);

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
export const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name]!);

/** Each text with the box that its letters take: most of a line above its foot, a little below. */
export function textsOf(svg: string): Box[] {
  return [...svg.matchAll(/<text([^>]*)>([^<]*)/g)].map(([, tag, words]) => {
    const [x, y, w] = [numeric(tag!, "x"), numeric(tag!, "y"), numeric(tag!, "textLength")];
    const size = Number(attribute(tag!, "font-size") ?? 14);
    const anchor = attribute(tag!, "text-anchor");
    const left = anchor === "middle" ? x - w / 2 : anchor === "end" ? x - w : x;
    return { is: unescaped(words!), x: left, y: y - size * 0.76, w, h: size * 0.98 };
  });
}

/** The boxes that stand for something, and the plates. */
export function boxesOf(svg: string): Box[] {
  const rects = [...svg.matchAll(/<rect([^>]*) data-is="([^"]*)"/g)].map(([, tag, is]) => ({
    is: unescaped(is!),
    x: numeric(tag!, "x"),
    y: numeric(tag!, "y"),
    w: numeric(tag!, "width"),
    h: numeric(tag!, "height"),
  }));
  return rects;
}

/** The plates with the article's numbers. */
export function platesOf(svg: string): Box[] {
  return [...svg.matchAll(/<g data-plate="(\d)"><rect([^>]*)/g)].map(([, number, tag]) => ({
    is: `plate ${number}`,
    x: numeric(tag!, "x"),
    y: numeric(tag!, "y"),
    w: numeric(tag!, "width"),
    h: numeric(tag!, "height"),
  }));
}

export function sizeOf(svg: string): { width: number; height: number } {
  return { width: numeric(svg, "width"), height: numeric(svg, "height") };
}

/** Points along a way, a few pixels apart. */
export function pointsAlong(svg: string, way: "there" | "back"): { x: number; y: number }[] {
  const d = new RegExp(`<path d="([^"]*)"[^>]*data-way="${way}"`).exec(svg)?.[1] ?? "";
  const corners = [...d.matchAll(/[MLQ]?(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => ({
    x: Number(x),
    y: Number(y),
  }));
  return corners.slice(1).flatMap((end, i) => {
    const start = corners[i]!;
    const steps = Math.ceil(Math.hypot(end.x - start.x, end.y - start.y) / 3);
    return Array.from({ length: steps }, (_, k) => ({
      x: start.x + ((end.x - start.x) * k) / steps,
      y: start.y + ((end.y - start.y) * k) / steps,
    }));
  });
}

export const overlap = (a: Box, b: Box, slack = 0.5): boolean =>
  a.x + a.w > b.x + slack &&
  b.x + b.w > a.x + slack &&
  a.y + a.h > b.y + slack &&
  b.y + b.h > a.y + slack;

export const inside = (inner: Box, outer: Box, slack = 0.5): boolean =>
  inner.x >= outer.x - slack &&
  inner.y >= outer.y - slack &&
  inner.x + inner.w <= outer.x + outer.w + slack &&
  inner.y + inner.h <= outer.y + outer.h + slack;
