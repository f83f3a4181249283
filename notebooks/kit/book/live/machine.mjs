// What a page has in place of a machine's files: those that it carries, by their paths.

import { carryFiles } from "stopover";

/** @type {Map<string, string>} */
const carried = new Map();

/** @param {Readonly<Record<string, string>>} files */
export function carry(files) {
  for (const [path, text] of Object.entries(files)) carried.set(path, text);
  carryFiles(files);
}

/** @param {string} path @param {unknown} [encoding] */
export function readFileSync(path, encoding) {
  const text = carried.get(path);
  if (text === undefined) {
    throw new Error(
      `there is no file "${path}" in this page; there are ${[...carried.keys()].join(", ")}`,
    );
  }
  return encoding === undefined ? new TextEncoder().encode(text) : text;
}
