// Notebook files: where the chapters are, how a notebook is read, and the one form in which it is
// written.
//
// The form is nbformat 4.5 as Jupyter itself writes it (keys sorted, one space of indent, text as a
// list of lines), so that saving a chapter from JupyterLab and running `npm run notebooks:update`
// give the same file.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { notebooksFolder } from "./project.mjs";

/**
 * @typedef {{ output_type: string, name?: string, text?: string, data?: Record<string, any>,
 *   metadata?: Record<string, any> }} Output
 */
/**
 * @typedef {{ cell_type: "code" | "markdown", id: string, metadata: { tags?: string[] }, source:
 *   string, outputs?: Output[], execution_count?: number | null }} Cell
 */
/**
 * @typedef {{ cells: Cell[], metadata: Record<string, any>, nbformat: 4, nbformat_minor: 5 }}
 *   Notebook
 */

/**
 * What tslab's kernel tells Jupyter about itself; Jupyter writes it into every notebook it saves.
 */
const kernelMetadata = {
  kernelspec: { display_name: "TypeScript", language: "typescript", name: "tslab" },
  language_info: {
    codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
    file_extension: ".ts",
    mimetype: "text/typescript",
    name: "typescript",
    version: "3.7.2",
  },
};

/** How the name of a notebook with solutions ends, where one was opened (solutions.mjs). */
export const solutionSuffix = ".solutions.ipynb";
/** @param {string} file */
export const isSolution = (file) => file.endsWith(solutionSuffix);

/**
 * Every notebook of the kit, the index first, then the chapters in order.
 * @returns {string[]}
 */
export function chapters(folder = notebooksFolder) {
  const rank = (/** @type {string} */ file) => (basename(file) === "index.ipynb" ? 0 : 1);
  return (
    readdirSync(folder, { recursive: true })
      .map(String)
      // hidden ones are Jupyter's checkpoints, or somebody's drafts
      .filter((file) => file.endsWith(".ipynb") && !/(^|[\\/])(\.|node_modules)/.test(file))
      .filter((file) => !isSolution(file))
      .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
      .map((file) => join(folder, file))
  );
}

/** Reads a notebook, with every text as one string. @param {string} file @returns {Notebook} */
export const readNotebook = (file) => parseNotebook(readFileSync(file, "utf8"), file);

/** The same of a text at hand. @param {string} text @param {string} file @returns {Notebook} */
export function parseNotebook(text, file) {
  const raw = JSON.parse(text);
  if (raw.nbformat !== 4)
    throw new Error(`${file}: nbformat ${raw.nbformat} is not supported; save it as nbformat 4`);
  for (const cell of raw.cells) {
    cell.source = joined(cell.source);
    for (const output of cell.outputs ?? []) {
      if (output.text) output.text = joined(output.text);
      for (const type of Object.keys(output.data ?? {}))
        if (isText(type)) output.data[type] = joined(output.data[type]);
    }
  }
  return raw;
}

/** A new notebook from bare cells. @param {Cell[]} cells @returns {Notebook} */
export const notebook = (cells) => ({
  cells,
  metadata: kernelMetadata,
  nbformat: 4,
  nbformat_minor: 5,
});

/** The text of a notebook file in its one form. @param {Notebook} book */
export function formatNotebook(book) {
  const cells = book.cells.map((cell) => ({
    ...cell,
    metadata: metadataOf(cell),
    source: lines(cell.source),
    ...(cell.cell_type === "code" && {
      outputs: (cell.outputs ?? []).map(formatOutput),
      execution_count: cell.execution_count ?? null,
    }),
  }));
  return (
    JSON.stringify(
      sorted({ cells, metadata: kernelMetadata, nbformat: 4, nbformat_minor: 5 }),
      null,
      1,
    ) + "\n"
  );
}

/**
 * The answer to a question lies folded, in the form that JupyterLab (and, for older ones, Jupyter
 * Notebook) keeps that in: running the cell unfolds it.
 * @param {Cell} cell
 */
function metadataOf({ metadata, outputs }) {
  if (!isAnswer(metadata)) return metadata;
  const { tags } = metadata;
  return { tags, ...(outputs?.length && { collapsed: true, jupyter: { outputs_hidden: true } }) };
}

/**
 * Whether a cell answers a question that the reader should think about first.
 * @param {Cell["metadata"]} metadata
 */
export const isAnswer = ({ tags }) => tags?.includes("predict") ?? false;

/** @param {string} file @param {Notebook} book */
export const writeNotebook = (file, book) => writeFileSync(file, formatNotebook(book));

/** @param {Output} output */
function formatOutput(output) {
  if (output.text !== undefined) return { ...output, text: lines(output.text) };
  const data = Object.entries(output.data ?? {}).map(([type, value]) => [
    type,
    isText(type) && typeof value === "string" ? lines(value) : value,
  ]);
  return { ...output, data: Object.fromEntries(data) };
}

/** The MIME types whose strings nbformat stores line by line. @param {string} type */
const isText = (type) =>
  type.startsWith("text/") || type === "image/svg+xml" || type === "application/javascript";

/** @param {string | string[]} text */
const joined = (text) => (Array.isArray(text) ? text.join("") : text);

/** @param {string} text @returns {string[]} */
const lines = (text) => text.match(/[^\n]*\n|[^\n]+/g) ?? [];

/** @param {any} value @returns {any} */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}
