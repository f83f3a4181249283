// The book as a reader meets it, in a real browser without a screen, from file://.

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
import { aloud, badPictures, moveAll, movingIn, picture } from "./page-checks.mjs";

const book = suite("the book in a browser");
if (needs(book, "the book in a browser", lacksBrowser)) testBook();
book.run();

function testBook() {
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {string} */
  let folder;
  book.before(
    aloud(async () => {
      [browser, folder] = [await launch(), await buildBook(join(root, ".cache/book-under-test"))];
    }),
  );
  book.after(() => browser?.close());
  const address = (/** @type {string} */ page) => pathToFileURL(join(folder, page)).href;

  book(
    "every page is reached by its next link, with its pictures and without a script error or a network request",
    async () => {
      const { page, complaints } = await open(browser);
      await page.goto(address(notebookName(chapters()[0] ?? "").replace(".ipynb", ".html")));
      const visited = [];
      /** @type {import("./page-checks.mjs").Moving} */
      const moved = { play: 0, roll: 0, sort: 0 };
      for (;;) {
        const name = decodeURI(page.url()).split("/book-under-test/")[1] ?? "";
        visited.push(name.replace(".html", ".ipynb"));
        // a click answers when the new page has begun: answers further down are not there yet
        await page.waitForLoadState("domcontentloaded");
        await page
          .locator("figure img")
          .evaluateAll((images) =>
            Promise.all(
              images.map((image) =>
                /** @type {HTMLImageElement} */ (image).decode().catch(() => {}),
              ),
            ),
          );
        await page
          .locator("details.answer")
          .evaluateAll((all) =>
            all.forEach((each) => /** @type {HTMLDetailsElement} */ (each).toggleAttribute("open")),
          );
        const { play, roll, sort } = await moveAll(page);
        moved.play += play;
        moved.roll += roll;
        moved.sort += sort;
        assert.equal(await badPictures(page, "figure img"), [], name);
        await picture(page, `book-${name}`);
        const next = page.locator("footer a[rel=next]");
        if (!(await next.count())) break;
        await next.click();
      }
      assert.equal(visited, chapters().map(notebookName));
      assert.equal(
        moved,
        movingIn(chapters().flatMap((file) => readNotebook(file).cells)),
        "what can be stepped and sorted",
      );
      assert.equal(complaints, []);
    },
  );

  book("the search leads to the section, and the theme is remembered", async () => {
    const { page, complaints } = await open(browser, "dark");
    await page.goto(address("index.html"));
    const theme = () => page.locator("html").getAttribute("data-theme");
    assert.is(await theme(), "dark", "as the system wishes");
    await page.locator(".theme").click();
    await page.reload();
    assert.is(await theme(), "light");
    await page.keyboard.press("/");
    await page.keyboard.type("service");
    const hit = page.locator(".results a").first();
    await hit.waitFor();
    const href = (await hit.getAttribute("href")) ?? "";
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.href.endsWith(href.replace("./", "")));
    assert.is(await page.locator(`[id="${href.split("#")[1]}"]`).count(), 1, href);
    assert.equal(complaints, []);
  });

  book("the library's API is a click away", async () => {
    const { page, complaints } = await open(browser);
    await page.goto(address("index.html"));
    await page.getByRole("link", { name: "The library's API" }).click();
    await page
      .getByRole("main")
      .or(page.locator(".col-content"))
      .getByRole("link", { name: "stopover", exact: true })
      .click();
    await page.getByRole("link", { name: "createCluster" }).first().click();
    await page.getByRole("heading", { name: "createCluster" }).first().waitFor();
    assert.equal(complaints, []);
  });
}
