// A plugin of Prettier: it formats the code cells of a notebook as it formats files of code, so
// that no line of a cell is longer than elsewhere and nobody joins lines by hand.

import { format } from "prettier";
import { formatNotebook, parseNotebook } from "./ipynb.mjs";

/** @type {import("prettier").SupportLanguage[]} */
export const languages = [{ name: "Jupyter notebook", parsers: ["ipynb"], extensions: [".ipynb"] }];

/** @type {Record<string, import("prettier").Parser<{ text: string }>>} */
export const parsers = {
  ipynb: {
    astFormat: "ipynb",
    locStart: () => 0,
    locEnd: ({ text }) => text.length,
    /** @param {string} text @param {import("prettier").ParserOptions} options */
    async parse(text, options) {
      const book = parseNotebook(text, options.filepath);
      for (const cell of book.cells)
        if (cell.cell_type === "code")
          cell.source = await formatted(cell.source, options.printWidth);
      return { text: formatNotebook(book) };
    },
  },
};

/** @type {Record<string, import("prettier").Printer<{ text: string }>>} */
export const printers = { ipynb: { print: ({ node }) => node.text } };

/** The code of a cell in its one form. @param {string} source */
export async function formatted(source, printWidth = 100) {
  const text = await format(source, { parser: "typescript", printWidth });
  return text.trimEnd();
}
