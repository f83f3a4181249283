// What the committed notebooks say, to be held against what a page of the book says.

import { readNotebook } from "../notebooks/kit/ipynb.mjs";

/**
 * The texts of a notebook's code cells, as `book.runAll()` answers them.
 * @param {string} file
 */
export function committed(file) {
  return readNotebook(file)
    .cells.filter(({ cell_type }) => cell_type === "code")
    .map(({ outputs = [] }, cell) => ({ cell, text: outputs.map(textOf).join("\n") }));
}

/** @param {import("../notebooks/kit/ipynb.mjs").Output} output */
const textOf = ({ name, text, data }) =>
  name === "stderr" ? "" : String(text ?? data?.["text/plain"] ?? "").replace(/\n+$/, "");
