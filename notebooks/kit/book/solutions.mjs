// A chapter's solutions for its page: a script of its own beside the pages, which a page asks for
// when its reader does. Neither a page's source nor the search holds a solution.

import { byExercise } from "../solutions.mjs";

/** @typedef {import("../ipynb.mjs").Cell} Cell */

/**
 * @param {Cell[]} cells
 * @param {(cell: Cell) => string} html
 * @returns {string} a script that leaves the solutions under their numbers
 */
export function solutionsScript(cells, html) {
  const { begin, of } = byExercise(cells);
  const code = begin.filter(({ cell_type }) => cell_type === "code").map(html);
  const first = `<details><summary>What the solutions of this chapter begin with</summary>${code.join("\n")}</details>`;
  const solutions = [...of].map(([exercise, cells]) => [
    exercise,
    (code.length ? first : "") + cells.map(html).join("\n"),
  ]);
  return `globalThis.stopoverSolutions = ${JSON.stringify(Object.fromEntries(solutions))};\n`;
}
