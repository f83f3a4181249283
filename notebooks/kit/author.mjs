// A chapter as text, for writing and reviewing; the notebook file stays what is committed.
//
//     node notebooks/kit/author.mjs CHAPTER.md notebooks/NN-name.ipynb   a notebook without outputs
//     node notebooks/kit/author.mjs notebooks/NN-name.ipynb CHAPTER.md   its text
//
// The text is markdown. A ```ts fence that starts a line is a code cell; words after `ts` are its
// tags (```ts raises-exception). Any other fence (```typescript, ```yaml, ```mermaid) stays in the
// markdown. A line `<!-- cell -->` begins a new markdown cell. A cell's id is a hash of its
// content: a cell that did not change keeps it.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { notebook, readNotebook, writeNotebook } from "./ipynb.mjs";
import { isMain } from "./project.mjs";

/** @typedef {import("./ipynb.mjs").Cell} Cell */

const boundary = "<!-- cell -->";

/** @param {string} text @returns {Cell[]} */
export function cellsOf(text) {
  /** @type {Cell[]} */
  const cells = [];
  const taken = new Set();
  const add = (
    /** @type {Cell["cell_type"]} */ cell_type,
    /** @type {string} */ text,
    /** @type {string[]} */ tags = [],
  ) => {
    const source = text.replace(/^\n+|\s+$/g, "");
    if (!source) return;
    let id = createHash("sha256").update(`${cell_type}\n${source}`).digest("hex").slice(0, 8);
    while (taken.has(id)) id += "-again";
    taken.add(id);
    cells.push({ cell_type, id, metadata: tags.length ? { tags } : {}, source });
  };
  // split() with two groups gives: markdown, tags, code, markdown, tags, code, ..., markdown
  const parts = text.split(/^```ts\b(.*)\n([\s\S]*?)^```[ \t]*$/m);
  for (let i = 0; i < parts.length; i += 3) {
    for (const markdown of (parts[i] ?? "").split(boundary)) add("markdown", markdown);
    if (i + 2 < parts.length)
      add("code", parts[i + 2] ?? "", parts[i + 1]?.trim().split(/\s+/).filter(Boolean));
  }
  return cells;
}

/** @param {Cell[]} cells */
export const textOf = (cells) =>
  cells
    .map((cell, i) => {
      if (cell.cell_type === "code")
        return `\`\`\`${["ts", ...(cell.metadata.tags ?? [])].join(" ")}\n${cell.source}\n\`\`\`\n`;
      return (cells[i - 1]?.cell_type === "markdown" ? `${boundary}\n` : "") + `${cell.source}\n`;
    })
    .join("\n");

/** @param {string[]} files */
function main([from, to]) {
  if (!from || !to || from.endsWith(".ipynb") === to.endsWith(".ipynb")) {
    console.error(
      "usage: node notebooks/kit/author.mjs CHAPTER.md NOTEBOOK.ipynb (or the other way round)",
    );
    process.exitCode = 2;
  } else if (to.endsWith(".ipynb"))
    writeNotebook(to, notebook(cellsOf(readFileSync(from, "utf8"))));
  else writeFileSync(to, textOf(readNotebook(from).cells));
}
if (isMain(import.meta.url)) main(process.argv.slice(2));
