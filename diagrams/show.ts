/**
 * Puts a picture into the notebook: the one file that knows tslab, the kernel.
 *
 * tslab's own `display` sends one MIME type at a time, so the bundle goes through the function
 * behind it, which is private: that is why tslab is pinned. Where it is not to be had,
 * `display.raw` sends the picture alone; outside a kernel the text is printed.
 */
import { createRequire } from "node:module";
import { png, warmUp } from "./draw.js";
import { journey } from "./journey.js";
import { doors, isDiagnosis } from "./ladder.js";
import { outcomes } from "./outcomes.js";
import { isPicture, type Page, type Picture } from "./picture.js";
import { sortable, stillMark } from "./player/script.js";
import { journeys, objects, table } from "./table.js";
import { html } from "./text.js";
import { titled } from "./titled.js";
import type { Journey, KubeObject, Outcomes } from "stopover";
import { printableLines } from "stopover/internal/net/printable";
import { printThrough } from "./print.js";

/**
 * A picture, a journey, all outcomes, an object of Kubernetes, a list of rows, or any other object
 * (as a table of its fields).
 */
export type Showable = Picture | Journey | Outcomes | KubeObject | readonly unknown[] | object;

/** nbformat's display data: MIME type -> content. */
export interface Bundle {
  data: Record<string, unknown>;
  /**
   * For images: the size at which to show them, in CSS pixels, and what they say to who cannot see
   * them.
   */
  metadata: Record<string, { width: number; height: number; alt: string }>;
}

/** A notebook's column is about this wide; a wider picture is scaled down to it. */
const columnWidth = 960;

/**
 * Shows a picture, a journey, an object or a list of objects under the cell that runs. It has drawn
 * when it returns: no `await`.
 *
 *     show(topology(cluster, { journey: trip }));
 *     show(trip);   show(trip, { step: 4 });   show(cluster.list("Pod"));
 *
 * `step`, for a journey: draw it only as far as its nth hop. A picture that fails shows its text
 * and says why; it never throws for that.
 */
export function show(what: Showable, options: { step?: number } = {}): void {
  const picture = toPicture(what, options),
    kernel = runningKernel();
  if (!kernel) return console.log(textOf(picture));
  const bundle = bundleOf(picture);
  if (kernel.lastWriteDisplayData) kernel.lastWriteDisplayData({ ...bundle, transient: {} });
  else kernel.displayRaw(...richest(bundle));
}

/** What `show` understands, as the picture it shows. */
export function toPicture(what: Showable, options: { step?: number } = {}): Picture {
  if (isPicture(what)) return what;
  if (
    Array.isArray(what) &&
    what.length &&
    what.every((one) => typeof one === "object" && one !== null && "hops" in one)
  )
    return journeys(what as Journey[]);
  if (Array.isArray(what))
    return what.length && what.every(isObject)
      ? objects(what)
      : table(
          what.map((row: unknown) =>
            typeof row === "object" && row !== null ? row : { value: row },
          ),
        );
  if (typeof what !== "object" || what === null)
    throw new TypeError(
      `show() takes a picture, a journey, an object or a list of them, and got ${what === null ? "null" : typeof what}; draw it first, for instance with journey(…) or topology(…)`,
    );
  if ("hops" in what) return journey(what as Journey, options);
  if ("outcomes" in what && "request" in what) return outcomes(what as Outcomes);
  if (isDiagnosis(what)) return doors(what);
  return isObject(what)
    ? objects([what])
    : table(
        Object.entries<unknown>(what as Record<string, unknown>).map(([field, value]) => ({
          field,
          value,
        })),
      );
}
function isObject(what: unknown): what is KubeObject {
  return typeof what === "object" && what !== null && "kind" in what && "metadata" in what;
}

/**
 * A picture in every form in which some front end can show it (see the guide for which shows what
 * where).
 */
export function bundleOf(picture: Picture): Bundle {
  const text = { "text/plain": textOf(picture) };
  if (picture.kind === "table")
    return { data: { "text/html": sortable(picture), ...text }, metadata: {} };
  if (picture.kind === "html") return withStill(picture);
  const source =
    picture.kind === "mermaid"
      ? { "text/vnd.mermaid": titled(picture) }
      : picture.kind === "vega-lite"
        ? { "application/vnd.vegalite.v5+json": picture.spec }
        : {};
  return withPng({ data: { ...source, ...text }, metadata: {} }, picture);
}

/** A page shows its still picture until its script runs, and where none does. */
function withStill(page: Page): Bundle {
  const { data, metadata } = withPng({ data: {}, metadata: {} }, page.still);
  const image = data["image/png"]
    ? `<img alt="${html(page.title)}" width="${metadata["image/png"]!.width}" src="data:image/png;base64,${String(data["image/png"])}">`
    : "";
  return {
    data: { "text/html": page.html.replace(stillMark, image), "text/plain": textOf(page) },
    metadata: {},
  };
}

function withPng(bundle: Bundle, picture: Parameters<typeof png>[0] | undefined): Bundle {
  if (!picture) return bundle;
  try {
    const drawn = png(picture),
      width = Math.min(drawn.width, columnWidth);
    const size = { width, height: Math.round((drawn.height * width) / drawn.width) };
    return {
      data: { ...bundle.data, "image/png": Buffer.from(drawn.png).toString("base64") },
      metadata: { "image/png": { ...size, alt: picture.title } },
    };
  } catch (error) {
    // Without its source, so that no front end tries and shows its own error instead of this text.
    return {
      data: {
        "text/plain": `${String(bundle.data["text/plain"])}\n\n(This picture could not be drawn: ${error instanceof Error ? error.message : String(error)})`,
      },
      metadata: {},
    };
  }
}

/** What a terminal shows: the title, and the source or the aligned text. */
export function textOf(picture: Picture): string {
  if (picture.kind !== "mermaid") return picture.text;
  return printableLines(
    `${picture.title}\n\n${picture.source.replace(/^%%\{init:.*\n/, "").trimEnd()}`,
  );
}

function richest({ data }: Bundle): [string, string | Uint8Array] {
  if (data["text/html"]) return ["text/html", String(data["text/html"])];
  return data["image/png"]
    ? ["image/png", Buffer.from(String(data["image/png"]), "base64")]
    : ["text/plain", String(data["text/plain"])];
}

interface Kernel {
  lastWriteDisplayData?: ((data: Bundle & { transient: object }) => void) | undefined;
  displayRaw(type: string, content: string | Uint8Array): void;
}
/** What a cell imports from tslab. */
interface Public {
  display: { raw: Kernel["displayRaw"] };
}

/**
 * The tslab that runs this process, if one does: it may be another copy than the project's, so it
 * is looked for among what is loaded.
 */
function runningKernel(): Kernel | undefined {
  const cache = createRequire(import.meta.url).cache;
  for (const [file, module] of Object.entries(cache)) {
    if (!/[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(file) || !module) continue;
    const kernel = module.exports as Pick<Kernel, "lastWriteDisplayData">;
    const displayRaw: Kernel["displayRaw"] = (type, content) =>
      (createRequire(file)("./public.js") as Public).display.raw(type, content);
    if (kernel.lastWriteDisplayData || !("lastWriteDisplayData" in kernel))
      return { lastWriteDisplayData: kernel.lastWriteDisplayData, displayRaw };
  }
  return undefined;
}

// Loading mermaid takes a second or two: in a notebook it starts while the reader is still at the
// first cells.
if (runningKernel()) {
  warmUp();
  printThrough(console, (text) => void process.stdout.write(text));
}
