// The living book in real browsers, from the disk: every chapter's cells run and say what the
// committed notebooks say.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildBook } from "../notebooks/kit/book.mjs";
import { notebookName } from "../notebooks/kit/execute.mjs";
import { chapters, readNotebook } from "../notebooks/kit/ipynb.mjs";
import { root } from "../notebooks/kit/project.mjs";
import { lacksBrowser, launch, open } from "./chromium.mjs";
import { needs } from "./dist/needs.js";

/** @typedef {import("playwright-core").Page} Page */

const test = suite("the book that runs");
if (needs(test, "the book that runs", lacksBrowser)) testBook();
test.run();

/** The texts that a committed notebook holds, cell by cell. @param {string} file */
function committed(file) {
  return readNotebook(file)
    .cells.filter(({ cell_type }) => cell_type === "code")
    .map(({ outputs = [] }, cell) => ({ cell, text: outputs.map(textOf).join("\n") }));
}

/** @param {import("../notebooks/kit/ipynb.mjs").Output} output */
const textOf = ({ name, text, data }) =>
  name === "stderr" ? "" : String(text ?? data?.["text/plain"] ?? "").replace(/\n+$/, "");

function testBook() {
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {Awaited<ReturnType<typeof open>>} */
  let opened;
  /** @type {string} */
  let folder;
  test.before(async () => {
    folder = await buildBook(join(root, ".cache/living-book"), { api: false });
    browser = await launch();
    opened = await open(browser);
  });
  test.after(() => browser?.close());
  const go = async (/** @type {string} */ name) => {
    await opened.page.goto(pathToFileURL(join(folder, name)).href);
    return opened.page;
  };

  for (const file of chapters()) {
    const name = notebookName(file);
    test(`${name} says what is committed`, async () => {
      const page = await go(name.replace(".ipynb", ".html"));
      assert.equal(await page.evaluate("book.runAll()"), committed(file));
      assert.equal(opened.complaints, []);
    });
  }
}
