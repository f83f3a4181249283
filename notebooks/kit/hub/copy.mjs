// Copies the chapters that a learner does not have yet: node copy.mjs FOLDER. What is there already
// stays as the learner left it, so a chapter that is deleted comes back fresh at the next start.

import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { isSolution } from "../ipynb.mjs";
import { isMain, notebooksFolder, root } from "../project.mjs";
import { openSolutions, solved } from "../solutions.mjs";

/** The chapters and what their cells read: no answers, and nothing of the kit. */
const given = (/** @type {string} */ name) =>
  (name.endsWith(".ipynb") && !isSolution(name)) || ["manifests", "dumps"].includes(name);

/** @param {string} folder */
export function copyChapters(folder, { solutions = false } = {}) {
  const notebooks = join(folder, "notebooks");
  mkdirSync(notebooks, { recursive: true });
  for (const name of readdirSync(notebooksFolder).filter(given))
    cpSync(join(notebooksFolder, name), join(notebooks, name), { recursive: true, force: false });
  if (solutions) openSolutions(solved(), notebooks);
  // cells find the library above their notebook, and the file browser does not show it
  const packages = join(folder, "node_modules");
  if (!existsSync(packages)) symlinkSync(join(root, "node_modules"), packages);
}

if (isMain(import.meta.url))
  copyChapters(process.argv[2] ?? ".", { solutions: process.env.STOPOVER_SOLUTIONS === "yes" });
