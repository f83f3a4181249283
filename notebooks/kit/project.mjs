// Where the project is, and how its commands speak.

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder of the whole project, and that of the chapters; both end with a slash. */
export const root = fileURLToPath(new URL("../..", import.meta.url));
export const notebooksFolder = fileURLToPath(new URL("..", import.meta.url));

/** The npm workspaces: what is compiled before a cell can run. */
export const workspaces = ["lib", "diagrams", "notebooks/exercises"];

/** Says what happens now. @param {string} text */
export const say = (text) => console.log(`stopover: ${text}`);

/**
 * Ends the process with one line that says what was wrong and what to do.
 * @param {string} text
 * @returns {never}
 */
export function giveUp(text, code = 1) {
  console.error(`stopover: ${text}`);
  process.exit(code);
}

/** Whether Node was started with this very file. @param {string} url the file's import.meta.url */
export const isMain = (url) =>
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);
