/**
 * From a picture's text to its pixels, without a browser: mermaid on svgdom, vega without a canvas,
 * both to PNG by resvg.
 *
 * Everything heavy is imported inside the functions, and the few globals that mermaid looks for are
 * set here. So this file is only ever loaded in the worker thread of draw.ts: the reader's kernel
 * stays as it was. Same source, same bytes: ids, seeds and the font (svgdom's own Open Sans) are
 * fixed, and no system font is asked for.
 */
import type library from "mermaid";
import type { Chart, Drawn, Mermaid } from "./picture.js";
import { widthOf } from "./svg/measure.js";
import { font, theme } from "./theme.js";
import { titled } from "./titled.js";

export async function toSvg(picture: Mermaid | Chart): Promise<string> {
  return picture.kind === "mermaid" ? mermaidSvg(titled(picture)) : vegaSvg(picture.spec);
}

/** Answers the PNG and the width and height at which it wants to be shown, in CSS pixels. */
export async function toPng(picture: Mermaid | Chart): Promise<Drawn> {
  const { rasterize } = await import("./raster.js");
  return rasterize(await toSvg(picture));
}

/** Loads what the first picture will need. */
export async function warmUp(): Promise<void> {
  await Promise.all([mermaid(), import("./raster.js")]);
}

/** Throws mermaid's own error where the source is not its language. */
export async function parse(source: string): Promise<void> {
  await (await mermaid()).parse(source);
}

async function mermaidSvg(source: string): Promise<string> {
  const { svg } = await (await mermaid()).render("picture", source);
  // resvg knows no auto-start-reverse; all our arrowheads are at the end of their line, where
  // "auto" is the same.
  return roomForTitle(svg)
    .replaceAll('orient="auto-start-reverse"', 'orient="auto"')
    .replace(/<text x="[^"]*" y="-25"/, '$& text-anchor="middle"'); // a sequence's title (theme.ts)
}

/**
 * mermaid measures a flowchart's title before its style sheet makes it larger: one that is wider
 * than all below it would be cut.
 */
function roomForTitle(svg: string): string {
  const title = /<text [^>]*x="([^"]+)"[^>]*class="flowchartTitleText"[^>]*>([^<]*)</.exec(svg);
  const box = /width="[^"]+"([^>]*) viewBox="(\S+) (\S+) (\S+) (\S+)"/.exec(svg);
  if (!title || !box) return svg;
  const half = widthOf(title[2]!, titleSize) / 2 + 8;
  const [left, width] = [Number(box[2]), Number(box[4])];
  const from = Math.min(left, Number(title[1]) - half);
  const to = Math.max(left + width, Number(title[1]) + half);
  if (to - from <= width) return svg;
  return svg.replace(
    box[0],
    `width="${to - from}"${box[1]} viewBox="${from} ${box[3]} ${to - from} ${box[5]}"`,
  );
}
/** Of `.flowchartTitleText` in mermaid's style sheet. Pixels. */
const titleSize = 18;

async function vegaSvg(spec: Chart["spec"]): Promise<string> {
  const [vega, { compile }] = await Promise.all([import("vega"), import("vega-lite")]);
  return new vega.View(vega.parse(compile(spec as never).spec), { renderer: "none" }).toSVG();
}

let loaded: Promise<typeof library> | undefined;
function mermaid() {
  return (loaded ??= loadMermaid());
}

async function loadMermaid() {
  const [{ createHTMLWindow }, { default: purify }] = await Promise.all([
    import("svgdom"),
    import("dompurify"),
  ]);
  const window = createHTMLWindow();
  Object.assign(globalThis, { window, document: window.document, CSSStyleSheet: StyleSheet });
  // No script runs in a PNG and every label is set as text, so there is nothing for DOMPurify to
  // remove (nor a DOM for it to work in).
  Object.assign(purify, {
    isSupported: true,
    sanitize: (html: string) => html,
    addHook() {},
    removeHook() {},
    removeAllHooks() {},
  });
  decodeEntities(window.document);
  measureAsBrowsersDo(window.document.createElementNS("http://www.w3.org/2000/svg", "text"));
  const { default: mermaid } = await import("mermaid");
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    deterministicIds: true,
    handDrawnSeed: 1,
    fontFamily: font,
    maxTextSize: 500_000,
    maxEdges: 5_000,
    htmlLabels: false,
    flowchart: { htmlLabels: false, useMaxWidth: false },
    sequence: { useMaxWidth: false },
    suppressErrorRendering: true,
    // else the arrow shows through its label
    themeCSS: `.edgeLabels .edgeLabel rect { opacity: 1; fill: ${theme.paper}; }`,
  });
  return mermaid;
}

/** As much of a CSSStyleSheet as mermaid fills and reads back. */
class StyleSheet {
  readonly cssRules: { cssText: string }[] = [];
  insertRule(cssText: string, at = 0): number {
    this.cssRules.splice(at, 0, { cssText });
    return at;
  }
  replaceSync(cssText: string): void {
    this.cssRules.splice(0, Infinity, { cssText });
  }
}

/**
 * Where labels are SVG text, mermaid leaves `&#34;` in them for an HTML parser that is not there,
 * and would measure it as five letters.
 */
function decodeEntities(document: { createTextNode(text: string): object }): void {
  const create = document.createTextNode;
  document.createTextNode = function (text) {
    return create.call(
      this,
      String(text).replace(/(?:&#|ﬂ°°)(\d+)(?:;|¶ß)/g, (_, code) =>
        String.fromCodePoint(Number(code)),
      ),
    );
  };
}

/** The little of an SVG element that the corrections below need. */
interface SvgElement {
  nodeName: string;
  nodeType: number;
  textContent: string;
  parentNode: SvgElement | null;
  childNodes: SvgElement[];
  appendChild(child: SvgElement): void;
  getAttribute(name: string): string | null;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
}

/**
 * svgdom's measure of a text differs from a browser's in three ways that mermaid depends on: it
 * reads "1.1em" as 1.1 px; it does not see that mermaid's style sheet centres labels; and it
 * centres each word of a line by itself. So lengths become px as they are set, and while svgdom
 * measures, labels are marked as centred and each line is one text.
 */
function measureAsBrowsersDo(anyText: object): void {
  const elements = ownerOf("setAttribute", anyText),
    setAttribute = elements.setAttribute;
  elements.setAttribute = function (this: SvgElement, name: string, value: unknown) {
    const length = /^d?[xy]$/.test(name) && /^(-?[\d.]+)em$/.exec(String(value));
    return setAttribute.call(
      this,
      name,
      length ? String(Number(length[1]) * theme.fontSize) : value,
    );
  };
  for (const method of ["getBBox", "getBoundingClientRect"]) {
    const owner = ownerOf(method, anyText),
      measure = owner[method];
    owner[method] = function (this: SvgElement, ...options: unknown[]) {
      const undo = textsIn(textRoot(this)).flatMap((text) => [
        centre(text),
        ...text.childNodes.map(joinWords),
      ]);
      try {
        return measure.apply(this, options);
      } finally {
        for (const back of undo) back?.();
      }
    };
  }
}

function centre(text: SvgElement): (() => void) | undefined {
  if (text.getAttribute("text-anchor") || !isLabel(text)) return;
  text.setAttribute("text-anchor", "middle");
  return () => text.removeAttribute("text-anchor");
}
function joinWords(line: SvgElement): (() => void) | undefined {
  if (line.nodeName !== "tspan" || line.childNodes.length < 2) return;
  const words = [...line.childNodes];
  line.textContent = String(line.textContent); // all words in one
  return () => {
    line.textContent = "";
    for (const word of words) line.appendChild(word);
  };
}
function ownerOf(method: string, object: object): any {
  return Object.hasOwn(object, method) ? object : ownerOf(method, Object.getPrototypeOf(object));
}
function textRoot(element: SvgElement): SvgElement {
  return element.nodeName === "tspan" && element.parentNode
    ? textRoot(element.parentNode)
    : element;
}
function textsIn(element: SvgElement): SvgElement[] {
  return element.nodeType !== 1
    ? []
    : element.nodeName === "text"
      ? [element]
      : element.childNodes.flatMap(textsIn);
}
function isLabel(element: SvgElement): boolean {
  for (let at = element.parentNode; at?.nodeType === 1; at = at.parentNode)
    if (/(^|\s)(label|edgeLabel|cluster-label|node)(\s|$)/.test(at.getAttribute("class") ?? ""))
      return true;
  return false;
}
