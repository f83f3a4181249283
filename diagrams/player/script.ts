/**
 * Pages that move: what an output holds of them. engine-script.ts brings them to life.
 *
 * An output holds data and a still picture, and no program: where it is shown, `loader` asks for
 * the engine once, from whoever serves the page. The book has it among its assets, and `npm start`
 * lays it where JupyterLab serves extensions from. Where neither is there (GitHub, an untrusted
 * notebook) the still picture stays.
 */
import type { Page, Svg, Table } from "../picture.js";
import { html, scriptJson } from "../text.js";

/** Where `show` puts the still picture into a page. */
export const stillMark = "<!--still-->";

/** Where the engine lies in the book, beside its pages. */
export const engineInBook = "assets/engine.js";
/** Where it lies below the folder from which JupyterLab serves its extensions. */
export const engineInLab = "stopover/engine.js";

const loader = `(() => {
  if (globalThis.stopover) return stopover();
  if (document.getElementById("engine-of-stopover")) return;
  const lab = document.getElementById("jupyter-config-data");
  const { fullLabextensionsUrl, baseUrl } = lab ? JSON.parse(lab.textContent) : {};
  const script = document.createElement("script");
  script.id = "engine-of-stopover";
  script.src = lab
    ? (fullLabextensionsUrl ?? baseUrl + "lab/extensions") + "/${engineInLab}"
    : (document.documentElement.dataset.root ?? ".") + "/${engineInBook}";
  document.head.append(script);
})();`;

/** What stands beside a page's data. */
export interface Around {
  title: string;
  text: string;
  still: Svg;
  /** HTML that stands below the still picture. */
  below?: string;
}

export function pageOf(
  engine: "play" | "roll",
  data: object,
  { title, text, still, below = "" }: Around,
): Page {
  const json = scriptJson(data);
  return {
    kind: "html",
    title,
    text,
    still,
    html: `<div id="stopover-${fingerprint(json)}" data-stopover="${engine}"><div>${stillMark}${below}</div>
<script type="application/json">${json}</script></div>
<script>${loader}</script>`,
  };
}

/** A table's HTML. Its columns sort, if it has rows to sort and the engine can be had. */
export function sortable({ html }: Table): string {
  if (html.split("<tr>").length < 4) return html;
  return `<div data-stopover="sort">${html}</div>\n<script>${loader}</script>`;
}

/** A line that unfolds into more. */
export function folded(summary: string, more: string): string {
  return `<details><summary>${html(summary)}</summary>${more}</details>`;
}

/**
 * FNV-1a, 32 bits: the same page always has the same id, and two pages of one chapter hardly ever
 * do.
 */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text))
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}
