/**
 * What the functions of this package answer: plain data. `show` displays them, `draw` makes pixels
 * of them, JSON keeps them. Each carries a title (what one says when one reads the picture aloud)
 * and, where its source does not read well, a text.
 */
export type Picture = Mermaid | Chart | Svg | Table | Page;

/**
 * A mermaid diagram: https://mermaid.js.org. `source` is what one would paste into a ```mermaid
 * fence.
 */
export interface Mermaid {
  kind: "mermaid";
  title: string;
  source: string;
}

/** A vega-lite chart, version 5 of the grammar (the one that JupyterLab and VS Code know). */
export interface Chart {
  kind: "vega-lite";
  title: string;
  spec: Record<string, unknown>;
  text: string;
}

/** A picture of our own, in two layouts of the same: for a page, and for a phone (360 px). */
export interface Svg {
  kind: "svg";
  title: string;
  /** About 960 px wide. */
  svg: string;
  stacked: string;
  text: string;
}

/** Rows and columns, as HTML and as aligned text. */
export interface Table {
  kind: "table";
  title: string;
  html: string;
  text: string;
}

/** A piece of HTML that works by itself: no network, no library. */
export interface Page {
  kind: "html";
  title: string;
  html: string;
  text: string;
  /** What stands for it where HTML cannot be shown. */
  still?: Mermaid | Svg;
}

export function isPicture(value: unknown): value is Picture {
  return (
    typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    ["mermaid", "vega-lite", "svg", "table", "html"].includes(String(value.kind)) &&
    "title" in value
  );
}

/** A picture's PNG, and its size in CSS pixels (the PNG has twice as many). */
export interface Drawn {
  png: Uint8Array;
  /** The size at which to show it, in CSS pixels; the PNG has twice as many each way. */
  width: number;
  height: number;
}
