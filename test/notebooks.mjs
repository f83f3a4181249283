// Executes a notebook with the embedded runner and compares it with the committed file, byte for
// byte. A difference is shown as a readable diff of cells and outputs, a picture as its size and
// hash; what the run wrote is kept beside it.

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { createTwoFilesPatch } from "diff";
import { execute } from "../notebooks/kit/execute.mjs";
import { formatNotebook, readNotebook } from "../notebooks/kit/ipynb.mjs";
import { notebooksFolder, root } from "../notebooks/kit/project.mjs";
import { openSolutions } from "../notebooks/kit/solutions.mjs";

/** @typedef {import("../notebooks/kit/ipynb.mjs").Notebook} Notebook */

/** A notebook larger than this is slow to open and not shown by GitHub. */
const sizeLimit = 2_000_000;

/** As many lines of a difference are printed: the first ones tell most. */
const patchLimit = 60;

/** @param {string} file @returns {Promise<import("./run.mjs").Result>} */
export async function compareNotebook(file) {
  const { name, seconds, problem, executed } = await execute(file);
  const notes =
    problem ?? difference(file, /** @type {Notebook} */ (executed)) ?? tooLarge(file) ?? "";
  return {
    name: `notebooks/${name}`,
    seconds,
    passed: notes ? 0 : 1,
    failed: notes ? 1 : 0,
    skipped: 0,
    notes,
  };
}

/**
 * Runs a chapter's solutions: no cell fails, and whatever they hand in is right.
 * @param {string} chapter
 * @returns {Promise<import("./run.mjs").Result>}
 */
export async function runSolutions(chapter) {
  const name = `${chapter}.solutions.ipynb`;
  const folder = join(root, ".cache/solutions");
  mkdirSync(folder, { recursive: true });
  const [file] = openSolutions([chapter], mkdtempSync(join(folder, "run-")));
  const run = await execute(file ?? "", { name, folder: notebooksFolder });
  rmSync(dirname(file ?? ""), { recursive: true });
  const wrong = (run.executed?.cells ?? []).filter(({ source, outputs = [] }) => {
    const said = outputs.map(({ text = "" }) => text).join("");
    return /\bcheck\(/.test(source) && !/^Right\. /m.test(said);
  });
  const notes =
    run.problem ?? wrong.map(({ source }) => `is not found right:\n${source}`).join("\n");
  return {
    name: `test/solutions/${chapter}.md`,
    seconds: run.seconds,
    passed: notes ? 0 : 1,
    failed: notes ? 1 : 0,
    skipped: 0,
    notes,
  };
}

/** @param {string} file @param {Notebook} executed */
export function difference(file, executed) {
  if (formatNotebook(executed) === readFileSync(file, "utf8")) return undefined;
  const [committed, now] = [plain(readNotebook(file)), plain(executed)];
  const remedy = "If the new outputs are right: npm run notebooks:update";
  if (committed === now) return `Same content in another form. ${remedy}`;
  const [, ...patch] = createTwoFilesPatch("committed", "now", committed, now, "", "", {
    context: 2,
  })
    .trimEnd()
    .split("\n");
  const more =
    patch.length > patchLimit
      ? [
          `... and ${patch.length - patchLimit} lines more; what the run wrote is in .cache/executed/`,
        ]
      : [];
  return [...patch.slice(0, patchLimit), ...more, remedy].join("\n");
}

/** A notebook as lines that a person can compare. @param {Notebook} book */
function plain({ cells }) {
  return (
    cells
      .map((cell, index) =>
        [
          `[cell ${index + 1}, ${cell.cell_type}]`,
          cell.source,
          ...(cell.outputs ?? []).flatMap(({ name, text, data = {} }) =>
            text === undefined
              ? Object.entries(data).flatMap(([type, value]) => [
                  `[output ${type}]`,
                  legible(type, value),
                ])
              : [`[output ${name}]`, text],
          ),
        ].join("\n"),
      )
      .join("\n") + "\n"
  );
}

/** @param {string} type @param {any} value */
function legible(type, value) {
  if (!type.startsWith("image/"))
    return typeof value === "string" ? value : JSON.stringify(value, null, 1);
  return `${value.length} characters, sha256 ${createHash("sha256").update(value).digest("hex").slice(0, 12)}`;
}

/** @param {string} file */
function tooLarge(file) {
  const { size } = statSync(file);
  return size > sizeLimit ? `${(size / 1e6).toFixed(1)} MB: a notebook may have 2 MB` : undefined;
}
