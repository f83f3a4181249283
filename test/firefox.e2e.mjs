// The living book in Firefox, from the disk: one chapter says what is committed, and draws its
// pictures. All chapters: npm run judge:firefox; some of them: npm run judge:firefox -- 07- 08-

import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildBook } from "../notebooks/kit/book.mjs";
import { notebookName } from "../notebooks/kit/execute.mjs";
import { chapters } from "../notebooks/kit/ipynb.mjs";
import { root } from "../notebooks/kit/project.mjs";
import { committed } from "./committed.mjs";
import { lacking, needs } from "./dist/needs.js";

const executablePath = ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find(existsSync);
const lacksFirefox = executablePath ? [] : lacking("firefox-esr");
const names = process.argv.slice(2).filter((each) => each !== "--all");
const isWanted = (/** @type {string} */ chapter) =>
  names.length
    ? names.some((name) => chapter.includes(name))
    : process.argv.includes("--all") || chapter.startsWith("06-");

/** How long one chapter may take, in milliseconds: a busy machine is no fault of the book. */
const patience = 600_000;

const test = suite("the book in Firefox");
if (needs(test, "the book in Firefox", lacksFirefox)) testFirefox();
test.run();

function testFirefox() {
  /** @type {import("puppeteer-core").Browser} */
  let browser;
  /** @type {import("puppeteer-core").Page} */
  let page;
  /** @type {string[]} */
  const complaints = [];
  /** @type {string} */
  let folder;
  test.before(async () => {
    folder = await buildBook(join(root, ".cache/book-in-firefox"), { api: false });
    browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: executablePath ?? "",
      headless: true,
      protocolTimeout: patience,
    });
    page = await browser.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
  });
  test.after(() => browser?.close());

  for (const file of chapters().filter((file) => isWanted(notebookName(file)))) {
    const name = notebookName(file);
    test(`${name} says what is committed, and its pictures are drawn`, async () => {
      await page.goto(pathToFileURL(join(folder, name.replace(".ipynb", ".html"))).href);
      assert.equal(await page.evaluate("book.runAll()"), committed(file));
      assert.is(await page.evaluate("document.querySelectorAll('figure.drawn > pre').length"), 0);
      assert.equal(complaints, []);
    });
  }

  test("Your cluster answers", async () => {
    await page.goto(pathToFileURL(join(folder, "your-cluster.html")).href);
    await page.click("#example");
    await page.waitForSelector("#answer .folded");
    assert.match(await page.$eval("#said", (said) => said.textContent), /^delivered/);
    assert.equal(complaints, []);
  });
}
