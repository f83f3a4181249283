// The solutions of the exercises. They lie packed as text in test/solutions, a file for each
// chapter, where no reader of the chapters meets them and a change of them can be reviewed.
//
//     npm run solutions -- open [CHAPTER ...]   notebooks beside the chapters, which git ignores
//     npm run solutions -- pack [CHAPTER ...]   what was changed in these goes back into the text
//
// A text is what author.mjs reads and writes. After a first cell that all of them build on, each
// solution begins with the number of its exercise: **05.1** and so on. Outputs are not kept: tests
// run the solutions, and each must be found right.

import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cellsOf, textOf } from "./author.mjs";
import { isSolution, notebook, readNotebook, solutionSuffix, writeNotebook } from "./ipynb.mjs";
import { giveUp, isMain, notebooksFolder, root, say } from "./project.mjs";

/** @typedef {import("./ipynb.mjs").Cell} Cell */

const folder = join(root, "test/solutions");

/** The chapters that have solutions here, in order: "05-how-they-connect" and so on. */
export const solved = () =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith(".md"))
        .map((file) => file.slice(0, -".md".length))
        .sort()
    : [];

/** @param {string} chapter */
export const packedText = (chapter) => readFileSync(join(folder, `${chapter}.md`), "utf8");

/** The solutions of a chapter as a notebook without outputs. @param {string} chapter */
export const solutionsOf = (chapter) => notebook(cellsOf(packedText(chapter)));

/**
 * The cells of each exercise's solution, and what all of them build on. A text that tells of one
 * exercise and begins the next is divided.
 * @param {Cell[]} cells
 * @returns {{ begin: Cell[], of: Map<string, Cell[]> }}
 */
export function byExercise(cells) {
  /** @type {Cell[]} */
  const begin = [];
  const of = new Map();
  let open = begin;
  for (const cell of cells) {
    if (cell.cell_type === "code") open.push(cell);
    else
      for (const source of cell.source.split(/^(?=\*\*\d\d\.\d+\*\*)/m)) {
        const number = /^\*\*(\d\d\.\d+)\*\*/.exec(source)?.[1];
        if (number) of.set(number, (open = []));
        open.push({ ...cell, source });
      }
  }
  return { begin, of };
}

/**
 * Writes solutions as notebooks into the folder of the chapters; one that is there stays as it is.
 * @param {string[]} chapters
 * @returns {string[]} the files that it wrote
 */
export function openSolutions(chapters = solved(), into = notebooksFolder) {
  const files = chapters.map((chapter) => join(into, chapter + solutionSuffix));
  return files.filter((file, at) => {
    if (existsSync(file)) return false;
    writeNotebook(file, solutionsOf(chapters[at] ?? ""));
    return true;
  });
}

/** The text of an opened notebook, its code formatted. @param {Cell[]} cells */
export async function packed(cells) {
  const { formatted } = await import("./prettier-ipynb.mjs"); // needs a package
  const all = cells.map(async (cell) =>
    cell.cell_type === "code" ? { ...cell, source: await formatted(cell.source) } : cell,
  );
  return textOf(await Promise.all(all));
}

/** @param {string[]} args */
async function main([action, ...names]) {
  if (action === "open") {
    const chapters = matching(solved(), names);
    const written = openSolutions(chapters);
    say(`${written.length} of ${chapters.length} opened in notebooks/ (*${solutionSuffix})`);
    if (written.length < chapters.length) say("those that were open stay as they are");
  } else if (action === "pack") {
    const opened = readdirSync(notebooksFolder).filter(isSolution);
    for (const file of matching(opened, names)) {
      const chapter = file.slice(0, -solutionSuffix.length);
      const text = await packed(readNotebook(join(notebooksFolder, file)).cells);
      writeFileSync(join(folder, `${chapter}.md`), text);
      say(`packed into test/solutions/${chapter}.md`);
    }
  } else {
    giveUp("npm run solutions -- open [CHAPTER ...], or pack [CHAPTER ...]; CHAPTER: 05, say", 2);
  }
}

/** @param {string[]} all @param {string[]} names */
function matching(all, names) {
  const unknown = names.filter((name) => !all.some((each) => each.startsWith(name)));
  if (unknown.length || !all.length)
    giveUp(`there are no solutions ${unknown.join(", ")}; there are: ${all.join(", ") || "none"}`);
  return all.filter((each) => !names.length || names.some((name) => each.startsWith(name)));
}

if (isMain(import.meta.url)) await main(process.argv.slice(2));
