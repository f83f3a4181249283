// What makes a page of the book live. assets/worker.js and assets/files.js have left here what the
// thread runs and what cells read.
//
// For programs: `book.runAll()` answers what each cell printed and showed, as text.

import { Chapter } from "./chapter.mjs";
import { bookFolder } from "./page.mjs";

/** @type {{ stopoverWorker: string, stopoverFiles: Record<string, string>, book?: object }} */
const page = /** @type {any} */ (globalThis);

/** Cells read files by paths from their notebook's own folder. */
const prefix = bookFolder() === "." ? "" : `${bookFolder()}/`;
const files = Object.fromEntries(
  Object.entries(page.stopoverFiles).map(([path, text]) => [prefix + path, text]),
);
const chapter = new Chapter(page.stopoverWorker, files);
page.book = { runAll: () => chapter.runAll() };
chapter.session.start();
editWhenIdle(chapter.cells);

/**
 * Makes editors of the cells in the moments when the page has nothing else to do, so that a long
 * chapter can be read at once.
 * @param {Chapter["cells"]} cells
 */
function editWhenIdle([next, ...others]) {
  if (!next) return;
  const idle =
    globalThis.requestIdleCallback ?? ((/** @type {() => void} */ go) => setTimeout(go, 20));
  idle(() => {
    next.edit();
    editWhenIdle(others);
  });
}
