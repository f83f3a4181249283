/**
 * What the functions of this package answer: plain data. `show` displays them, `draw` makes pixels
 * of them, JSON keeps them. Each carries a title (what one says when one reads the picture aloud)
 * and, where its source does not read well, a text.
 */
export type Picture = Mermaid | Chart | Table | Page;

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
  still?: Mermaid;
}

export function isPicture(value: unknown): value is Picture {
  return (
    typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    ["mermaid", "vega-lite", "table", "html"].includes(String(value.kind)) &&
    "title" in value
  );
}
