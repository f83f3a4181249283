// What a cell leaves below itself, as a page shows it: text, tables, pictures, errors. What draws
// pictures is loaded when the first one is asked for, from the book's own folder.

import { element, loadScripts } from "./page.mjs";
import { stationsBelow } from "./stations.mjs";

/** @typedef {import("./kernel.mjs").Output} Output */

/**
 * Shows one output below those that stand there. Answers when it is drawn.
 * @param {HTMLElement} place
 * @param {Output} output
 */
export async function append(place, output) {
  if ("stream" in output) return stream(place, output.stream, output.text);
  if ("error" in output) return void place.append(errorBox(output.error));
  if ("recorded" in output) {
    return void place.append(
      element("p", {
        className: "recorded",
        textContent: `What a real kernel did here is a recording: ${output.recorded}`,
      }),
    );
  }
  await bundle(place, output.data);
}

/**
 * What is printed one after the other is one text.
 * @param {HTMLElement} place
 * @param {string} name
 * @param {string} text
 */
function stream(place, name, text) {
  const last = place.lastElementChild;
  if (last instanceof HTMLPreElement && last.className === name) last.append(text);
  else place.append(element("pre", { className: name, textContent: text }));
}

/** @param {{ name: string, message: string, stack: string }} error */
function errorBox({ name, message, stack }) {
  const box = element("div", { className: "error" });
  box.setAttribute("role", "alert");
  const sentence = element("p", { textContent: ` ${message}` });
  sentence.prepend(element("b", { textContent: name }));
  box.append(sentence);
  if (stack) {
    const folded = element("details");
    folded.append(element("summary", { textContent: "where" }));
    folded.append(element("pre", { textContent: stack }));
    box.append(folded);
  }
  return box;
}

/**
 * The richest form that a page shows.
 * @param {HTMLElement} place
 * @param {Record<string, unknown>} data
 */
async function bundle(place, data) {
  const text = String(data["text/plain"] ?? "");
  if (data["text/html"]) {
    place.append(rich(String(data["text/html"])));
    const places = data["stopover/places"];
    if (places) place.append(stationsBelow(/** @type {any} */ (places)));
    return;
  }
  for (const [type, draw] of Object.entries(artists)) {
    if (data[type] === undefined) continue;
    const figure = element("figure", { className: "drawn" });
    figure.append(element("pre", { textContent: text }));
    place.append(figure);
    try {
      const picture = await draw(data[type]);
      picture.setAttribute("role", "img");
      picture.setAttribute("aria-label", text.split("\n")[0] ?? "picture");
      figure.replaceChildren(picture, asText(text));
    } catch (error) {
      figure.append(errorBox({ name: "Not drawn:", message: String(error), stack: "" }));
    }
    return;
  }
  place.append(element("pre", { textContent: text }));
}

/**
 * HTML that a cell shows, with its scripts: they are the cell's own, as in a notebook.
 * @param {string} html
 */
export function rich(html) {
  const box = element("div", { className: "rich", innerHTML: html });
  // a script of some type is data
  for (const script of box.querySelectorAll("script:not([type])")) {
    // one that was parsed as HTML does not run, and one that is made does when it is in the page
    requestAnimationFrame(() =>
      script.replaceWith(element("script", { textContent: script.textContent })),
    );
  }
  return box;
}

/** What a picture says, for who reads rather than looks. @param {string} text */
function asText(text) {
  const folded = element("details");
  folded.append(element("summary", { textContent: "the same as text" }));
  folded.append(element("pre", { textContent: text }));
  return folded;
}

/** What draws a kind of picture. @type {Record<string, (content: any) => Promise<Element>>} */
const artists = {
  "text/vnd.mermaid": async (source) => {
    const svg = drawn.get(source) ?? (await (await theMermaid()).render(anyName, source)).svg;
    if (drawn.size > 100) drawn.clear();
    drawn.set(source, svg);
    // two of one source in a page are two things all the same
    const box = element("div", { innerHTML: svg.replaceAll(anyName, `picture-${++pictures}`) });
    // mermaid makes it as wide as there is room: on a phone it keeps its own width, and scrolls
    const drawing = /** @type {SVGSVGElement | null} */ (box.querySelector("svg"));
    drawing?.style.setProperty("--own-width", `${drawing.viewBox.baseVal.width}px`);
    return box;
  },
  "application/vnd.vegalite.v5+json": async (spec) => {
    await loadScripts("vega.js", "vega-lite.js");
    const { vega, vegaLite } = /** @type {any} */ (globalThis);
    const box = element("div");
    const view = new vega.View(vega.parse(vegaLite.compile(spec).spec), { renderer: "svg" });
    await view.initialize(box).runAsync();
    return box;
  },
};

/** What mermaid has drawn, by source: a cell that runs again often shows the same. */
const drawn = new Map();
/** What it calls each of them, to be replaced where one is shown. */
const anyName = "picture-drawn-once";
let pictures = 0;
/** @type {Promise<any> | undefined} */
let mermaid;
/** Mermaid, with the settings with which the kit draws its PNGs. */
const theMermaid = () =>
  (mermaid ??= loadScripts("mermaid.js").then(() => {
    const { mermaid } = /** @type {any} */ (globalThis);
    mermaid.initialize({
      startOnLoad: false,
      securityLevel: "strict",
      handDrawnSeed: 1,
      maxTextSize: 500_000,
      maxEdges: 5_000,
      htmlLabels: false,
      flowchart: { htmlLabels: false },
      suppressErrorRendering: true,
      themeCSS: ".edgeLabels .edgeLabel rect { opacity: 1; fill: #ffffff; }",
    });
    return mermaid;
  }));
