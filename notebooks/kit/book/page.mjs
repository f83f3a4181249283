// One page of the book: a notebook's cells as HTML, with navigation around them.

import { Buffer } from "node:buffer";
import { dirname, relative } from "node:path";
import hljs from "highlight.js/lib/common";
import MarkdownIt from "markdown-it";
import { isAnswer } from "../ipynb.mjs";

/** @typedef {import("../ipynb.mjs").Cell} Cell */
/** @typedef {import("../ipynb.mjs").Output} Output */
/** @typedef {{ id: string, level: number, title: string }} Heading */
/**
 * A stretch of a page that the search finds: what stands below one heading.
 * @typedef {{ id: string, chapter: string, heading: string, text: string }} Section
 */
/**
 * @typedef {{ name: string, page: string, title: string, headings: Heading[], body: string,
 *   sections: Section[], script?: string, parts?: string[], solutions?: string }} Chapter
 *   `script` is what makes the page live, `parts` what its thread needs beside that, `solutions`
 *   the script (of assets/) with those of its exercises
 */
/**
 * @typedef {{ picture(bytes: Buffer, extension: string): string, link(href: string): string }}
 *   Files where pictures go and links lead
 */

/**
 * Turns a notebook into a page's content.
 * @param {string} name its path under notebooks/
 * @param {import("../ipynb.mjs").Notebook} book
 * @param {Files} files
 * @returns {Chapter}
 */
export function chapterOf(name, book, files) {
  const page = name.replace(/\.ipynb$/, ".html");
  const up = "../".repeat(name.split("/").length - 1);
  const picture = (/** @type {Buffer} */ bytes, /** @type {string} */ extension) =>
    up + files.picture(bytes, extension);
  /** @type {Heading[]} */
  const headings = [];
  /** @type {Section[]} */
  const sections = [];
  const markdown = renderer(files, headings);
  const body = book.cells
    .map((cell) => {
      if (cell.cell_type === "code") {
        addText(sections, cell.source);
        return codeCell(cell, picture);
      }
      const tokens = markdown.parse(cell.source, {});
      tokens.forEach(({ type, content }, at) => {
        if (type === "heading_open")
          sections.push({
            id: `${page}#`,
            chapter: "",
            heading: plainText(tokens[at + 1]),
            text: "",
          });
        else if (content && tokens[at - 1]?.type !== "heading_open") addText(sections, content);
      });
      return `<section class="prose">${markdown.renderer.render(tokens, markdown.options, {})}</section>`;
    })
    .join("\n");
  const title = headings[0]?.title ?? name;
  return {
    name,
    page,
    title,
    headings,
    body,
    parts: partsOf(book),
    sections: sections.map((section, at) => ({
      ...section,
      id: section.id + (headings[at]?.id ?? ""),
      chapter: title,
    })),
  };
}

/**
 * What the chapter needs that comes with no other page: what it imports, the mode that it names,
 * and its checks. (live/bundle.mjs)
 * @param {import("../ipynb.mjs").Notebook} book
 */
function partsOf({ cells }) {
  const has = (/** @type {string} */ text) => cells.some(({ source }) => source.includes(text));
  const own = cells.flatMap(({ source }) => /^check\("(\d\d)\./m.exec(source)?.[1] ?? []);
  return [
    ...["clouds", "lab"].filter((part) => has(`from "stopover/${part}"`)),
    ...(has('"nftables"') ? ["nftables"] : []),
    ...[...new Set(own)].map((number) => `exercises/${number}`),
  ].map((part) => `${part}.js`);
}

/**
 * A cell of a solution as HTML: without outputs, and with links as in the chapter.
 * @param {Files} files
 * @returns {(cell: Cell) => string}
 */
export function solutionCell(files) {
  const markdown = renderer(files, []);
  return ({ cell_type, source }) =>
    cell_type === "code" ? printed(source) : markdown.render(source);
}

/**
 * Adds text to the section that is open, for the search; what stands before the first heading is
 * not searched.
 * @param {Section[]} sections
 * @param {string} text
 */
function addText(sections, text) {
  const open = sections.at(-1);
  if (open) open.text += `${text}\n`;
}

/** A heading without its marks. @param {import("markdown-it").Token | undefined} inline */
const plainText = (inline) =>
  (inline?.children ?? [])
    .filter(({ type }) => type === "text" || type === "code_inline")
    .map(({ content }) => content)
    .join("");

/**
 * Markdown as Jupyter shows it: headings get anchors, links lead to pages.
 * @param {Files} files
 * @param {Heading[]} headings receives what it meets
 */
function renderer(files, headings) {
  const markdown = new MarkdownIt({ html: true, linkify: true, highlight: coloured });
  const { rules } = markdown.renderer;
  const taken = new Set();
  rules.heading_open = (tokens, at) => {
    const token = tokens[at];
    const title = plainText(tokens[at + 1]);
    let id =
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, "-")
        .replace(/^-|-$/g, "") || "section";
    while (taken.has(id)) id += "-";
    taken.add(id);
    headings.push({ id, title, level: Number(token?.tag.slice(1)) });
    return `<${token?.tag} id="${id}">`;
  };
  rules.link_open = (tokens, at, options, _, self) => {
    const token = tokens[at];
    token?.attrSet("href", files.link(String(token.attrGet("href") ?? "")));
    return self.renderToken(tokens, at, options);
  };
  rules.image = (tokens, at, options, env, self) => {
    const token = tokens[at];
    token?.attrSet("src", files.link(String(token.attrGet("src") ?? "")));
    token?.attrSet("alt", self.renderInlineAsText(token.children ?? [], options, env));
    return self.renderToken(tokens, at, options);
  };
  rules.table_open = () => `<div class="wide"><table>`;
  rules.table_close = () => "</table></div>";
  return markdown;
}

/** @param {string} code @param {string} language */
const coloured = (code, language) =>
  hljs.getLanguage(language) ? hljs.highlight(code, { language }).value : escaped(code);

/** @param {Cell} cell @param {Files["picture"]} picture */
function codeCell(cell, picture) {
  const shown = (cell.outputs ?? []).map((output) => outputHtml(output, picture)).join("\n");
  const outputs = shown && isAnswer(cell.metadata) ? folded(shown) : shown;
  return `<section class="cell">${printed(cell.source)}${outputs && `\n<div class="outputs">${outputs}</div>`}</section>`;
}

/** @param {string} source */
const printed = (source) =>
  `<pre class="code"><code>${coloured(source, "typescript")}</code></pre>`;

/** An answer is out of sight until the reader has made a guess. @param {string} outputs */
const folded = (outputs) =>
  `<details class="answer"><summary>What happens? Guess first, then unfold this</summary>${outputs}</details>`;

/**
 * The richest form of an output that a page can show.
 * @param {Output} output
 * @param {Files["picture"]} picture
 */
function outputHtml({ name, text, data = {}, metadata = {} }, picture) {
  if (text !== undefined) return `<pre class="${name}">${escaped(text)}</pre>`;
  if (data["text/html"]) return `<div class="rich">${data["text/html"]}</div>`;
  for (const [type, extension] of [
    ["image/png", "png"],
    ["image/svg+xml", "svg"],
  ]) {
    const content = data[type ?? ""];
    if (content)
      return figure(
        picture(Buffer.from(content, extension === "png" ? "base64" : "utf8"), extension ?? ""),
        metadata[type ?? ""],
        data,
      );
  }
  return data["text/plain"] ? `<pre>${escaped(data["text/plain"])}</pre>` : "";
}

/**
 * @param {string} src
 * @param {{ width?: number, height?: number } | undefined} size
 * @param {Record<string, string>} data
 */
function figure(src, size, data) {
  const source = data["text/vnd.mermaid"];
  // a picture's text begins with its title
  const alt = data["text/plain"]?.split("\n")[0] || "picture";
  const dimensions = size?.width
    ? ` width="${Math.round(size.width)}"${size.height ? ` height="${Math.round(size.height)}"` : ""}`
    : "";
  const details = source
    ? `<details><summary>the diagram's source</summary><pre>${escaped(source)}</pre></details>`
    : "";
  return `<figure><img src="${src}" alt="${escaped(alt)}"${dimensions}>${details}</figure>`;
}

/**
 * What a page may do: nothing with the network; scripts are the book's own and those that cells
 * make. ('self' is the page's own folder where the page comes from the disk.)
 */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "worker-src blob:",
  "form-action 'none'",
  "base-uri 'none'",
].join("; ");

/** The whole page. @param {Chapter} chapter @param {Chapter[]} all */
export function layout(chapter, all) {
  const here = dirname(chapter.page);
  const to = (/** @type {string} */ page) => relative(here, page).replaceAll("\\", "/");
  // pages of a kind of their own stand beside the chapters, not among them
  const row = chapter.script ? [] : all.filter(({ script }) => script === undefined);
  const at = row.indexOf(chapter);
  const link = (
    /** @type {Chapter | undefined} */ other,
    /** @type {string} */ label,
    /** @type {string} */ rel,
  ) =>
    other
      ? `<a rel="${rel}" href="${to(other.page)}">${label.replace("%", escaped(other.title))}</a>`
      : "<span></span>";
  const contents = chapter.headings
    .filter(({ level }) => level === 2)
    .map(({ id, title }) => `<li><a href="#${id}">${escaped(title)}</a></li>`)
    .join("");
  const item = (/** @type {Chapter} */ other) =>
    other === chapter
      ? `<li><a href="${to(other.page)}" aria-current="page">${escaped(other.title)}</a>${contents && `<ol>${contents}</ol>`}</li>`
      : `<li><a href="${to(other.page)}">${escaped(other.title)}</a></li>`;
  const notebooks = all.filter(({ script }) => script === undefined);
  const tools = all.filter(({ script }) => script !== undefined);
  return `<!doctype html>
<html lang="en" data-root="${to("") || "."}"${chapter.solutions ? ` data-solutions="${chapter.solutions}"` : ""}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(chapter.title)} · Stopover</title>
<link rel="stylesheet" href="${to("assets/book.css")}">
<script src="${to("assets/book.js")}"></script>
</head>
<body>
<header>
<a class="home" href="${to("index.html")}">Stopover</a>
<input type="search" placeholder="Search (press /)" aria-label="Search the book" autocomplete="off">
<button class="theme" type="button" aria-label="Switch between light and dark"></button>
<div class="results" role="status" hidden></div>
</header>
<nav aria-label="Chapters"><ol>${[...tools, ...notebooks].map(item).join("\n")}</ol><h2>Reference</h2><ol><li><a href="${to("api/index.html")}">The library's API</a></li></ol></nav>
<main>
${chapter.body}
<footer>${link(row[at - 1], "← %", "prev")}${link(row[at + 1], "% →", "next")}</footer>
</main>
${["files.js", "worker.js", ...(chapter.parts ?? []), chapter.script ?? "live.js"].map((file) => `<script src="${to(`assets/${file}`)}"></script>`).join("\n")}
</body>
</html>
`;
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
