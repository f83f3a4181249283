// The kit as a reader meets it, in a real browser without a screen: the book from file://, and
// every chapter in the JupyterLab that `npm start` starts. Screenshots go to .cache/screenshots.

import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildBook } from "../notebooks/kit/book.mjs";
import { notebookName } from "../notebooks/kit/execute.mjs";
import { chapters, readNotebook } from "../notebooks/kit/ipynb.mjs";
import { ensureJupyter } from "../notebooks/kit/jupyter.mjs";
import { notebooksFolder, root } from "../notebooks/kit/project.mjs";
import { lacksBrowser, launch, open } from "./chromium.mjs";
import { needs } from "./dist/needs.js";

/** @typedef {import("playwright-core").Page} Page */

const screenshots = join(root, ".cache/screenshots");
mkdirSync(screenshots, { recursive: true });
const picture = (/** @type {Page} */ page, /** @type {string} */ name) =>
  page.screenshot({ path: join(screenshots, `${name.replaceAll("/", "-")}.png`) });

/** uvu says nothing of what a `before` throws. @param {() => Promise<void>} work */
const aloud = (work) => () =>
  work().catch((error) => {
    console.error(error);
    throw error;
  });

/**
 * The pictures of a page that did not load or are too small to see.
 * @param {Page} page
 * @param {string} selector
 */
const badPictures = (page, selector) =>
  page.locator(selector).evaluateAll((images) =>
    images
      .map((image) => ({
        image: /** @type {HTMLImageElement} */ (image),
        box: image.getBoundingClientRect(),
      }))
      .filter(
        ({ image, box }) =>
          !(image.complete && image.naturalWidth > 0 && box.width > 150 && box.height > 60),
      )
      .map(
        ({ image, box }) => `${image.alt || image.src.slice(0, 60)}: ${box.width}x${box.height}`,
      ),
  );

/**
 * How many outputs hold a page that moves: a journey, a film, a table of several rows.
 * @param {import("../notebooks/kit/ipynb.mjs").Cell[]} cells
 * @returns {Moving}
 */
const movingIn = (cells) => {
  const html = cells
    .flatMap((cell) => cell.outputs ?? [])
    .map(({ data }) => String(data?.["text/html"] ?? ""));
  const count = (/** @type {string} */ engine) =>
    html.filter((text) => text.includes(`data-stopover="${engine}"`)).length;
  return { play: count("play"), roll: count("roll"), sort: count("sort") };
};
/** @typedef {{ play: number, roll: number, sort: number }} Moving */

/**
 * Steps every journey and every film of a page forward and back, by button and by key, and sorts a
 * table.
 * @param {Page} page
 * @returns {Promise<Moving>} how many there are
 */
async function moveAll(page) {
  await page.waitForFunction(
    () =>
      document.readyState === "complete" &&
      !document.querySelector("[data-stopover]:not([data-ready])"),
  );
  const players = await page.locator("[data-stopover=play]").all();
  for (const player of players) {
    const at = async (/** @type {number} */ step) =>
      player.getByText(new RegExp(`^${step} / \\d+$`)).waitFor({ timeout: 5000 });
    await at(1);
    await player.getByRole("button", { name: "forward" }).click();
    await at(2);
    await page.keyboard.press("ArrowRight");
    await at(3);
    await player.getByRole("button", { name: "back" }).click();
    await at(2);
  }
  const films = await page.locator("[data-stopover=roll]").all();
  for (const film of films) {
    const id = await film.getAttribute("id");
    const at = (/** @type {number} */ step) =>
      page.locator(`#${id}[data-step="${step}"]`).first().waitFor({ timeout: 5000 });
    await at(0);
    await film.getByRole("button", { name: "forward" }).click();
    await at(1);
    await page.keyboard.press("ArrowLeft");
    await at(0);
  }
  const tables = page.locator("[data-stopover=sort][data-ready]");
  const sorted = await tables.count();
  if (sorted) {
    const head = tables.first().locator("th").first();
    await head.click();
    assert.is(await head.getAttribute("aria-sort"), "ascending");
  }
  return { play: players.length, roll: films.length, sort: sorted };
}

const book = suite("the book in a browser");
const lab = suite("the chapters in JupyterLab");
if (needs(book, "the book in a browser", lacksBrowser)) testBook();
if (needs(lab, "the chapters in JupyterLab", lacksBrowser)) testLab();
book.run();
lab.run();

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
      /** @type {Moving} */
      const moved = { play: 0, roll: 0, sort: 0 };
      for (;;) {
        const name = decodeURI(page.url()).split("/book-under-test/")[1] ?? "";
        visited.push(name.replace(".html", ".ipynb"));
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

function testLab() {
  /** @type {{ url: string, stop(): Promise<void> }} */
  let server;
  /** @type {import("playwright-core").Browser} */
  let browser;
  lab.before(
    aloud(async () => {
      const problem = ensureJupyter();
      if (problem) throw new Error(problem);
      [server, browser] = [await npmStart(), await launch()];
      // all cells in the page, not only those in view
      await setting("@jupyterlab/notebook-extension:tracker", { windowingMode: "none" });
      // the committed files stay as they are
      await setting("@jupyterlab/docmanager-extension:plugin", { autosave: false });
      await setting("@jupyterlab/apputils-extension:notification", {
        checkForUpdates: false,
        fetchNews: "false",
      }); // as in the reader's settings
    }),
  );
  lab.after(async () => {
    await browser?.close();
    await server?.stop();
  });
  lab("no file that holds its token is open to others", () => {
    const token = new URL(server.url).searchParams.get("token") ?? "";
    assert.ok(token.length > 20, server.url);
    const own = join(root, ".jupyter");
    const holding = readdirSync(own, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((file) => readFileSync(file, "utf8").includes(token));
    assert.ok(holding.length > 1, "the log, and what Jupyter notes down");
    for (const file of [own, ...holding]) assert.is(statSync(file).mode & 0o077, 0, file);
  });

  /**
   * Asks the server for something in its REST API.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async function ask(method, path, body) {
    const { origin, searchParams } = new URL(server.url);
    const reply = await fetch(`${origin}${path}`, {
      method,
      headers: { authorization: `token ${searchParams.get("token")}` },
      ...(body && { body: JSON.stringify(body) }),
    });
    assert.ok(reply.ok, `${method} ${path}: HTTP ${reply.status}`);
    return reply.status === 204 ? undefined : reply.json();
  }
  const setting = (/** @type {string} */ plugin, /** @type {object} */ value) =>
    ask("PUT", `/lab/api/settings/${plugin}`, { raw: JSON.stringify(value) });

  lab.after.each(async () => {
    // a chapter's kernel would stay, and take memory and time from the next
    for (const { id } of await ask("GET", "/api/sessions"))
      await ask("DELETE", `/api/sessions/${id}`);
  });
  const openChapter = (/** @type {Page} */ page, /** @type {string} */ name) => {
    const { origin, searchParams } = new URL(server.url);
    // reset: no tabs of the chapter before
    return page.goto(`${origin}/lab/tree/${name}?reset&token=${searchParams.get("token")}`);
  };
  const codeCells = (/** @type {string} */ file) =>
    readNotebook(file).cells.filter((cell) => cell.cell_type === "code");

  lab(
    "an exercise is answered wrong, and then right; a typo is explained; an endless loop can be ended",
    async () => {
      const { page, complaints } = await open(browser);
      await openChapter(page, "06-the-request.ipynb");
      await runAll(page, codeCells(join(notebooksFolder, "06-the-request.ipynb")).length);
      const cells = page.locator(".jp-Notebook .jp-CodeCell");
      const cell = cells.nth(
        await cells.evaluateAll((all) =>
          all.findIndex(({ textContent }) => textContent?.includes('check("06.1"')),
        ),
      );
      const write = async (/** @type {string} */ code, /** @type {RegExp} */ output) => {
        await runInCell(cell, code);
        await cell
          .locator(".jp-OutputArea-output", { hasText: output })
          .waitFor({ timeout: 10_000 });
      };
      await write('check("06.1", "1/9");', /^Not yet\. \S/);
      await write('check("06.1", "1/3");', /^Right\./);
      await picture(page, "lab-exercise");
      // tslab drops what comes within 200 ms of an error
      const afterAnError = () => page.waitForTimeout(1000);
      await write("clutser.settle();", /Cannot find name 'clutser'. Did you mean 'cluster'\?/);
      await afterAnError();
      await runInCell(cell, "while (true) {}");
      await cell.locator(".jp-InputArea-prompt", { hasText: "[*]" }).waitFor();
      // a number, or none: "[*]" is what it must not be
      const ended = cell.locator(".jp-InputArea-prompt", { hasText: /\[[\d ]*\]/ });
      for (let tries = 0; tries < 10 && !(await ended.isVisible()); tries++) {
        // no message tells when the loop has begun, and an interrupt before it is lost
        await page.waitForTimeout(2000);
        await menu(page, "Kernel", "kernelmenu:interrupt");
        await ended.waitFor({ timeout: 3000 }).catch(() => undefined);
      }
      await ended.waitFor({ timeout: 1000 });
      await afterAnError();
      await write("typeof cluster.settle", /^function/);
      assert.equal(complaints, []);
      await page.close();
    },
  );

  for (const file of chapters()) {
    const name = notebookName(file);
    lab(`${name}: all cells run, nothing fails, every picture is there`, async () => {
      const expected = codeCells(file);
      const { page, complaints } = await open(browser);
      try {
        await openChapter(page, name);
        await runAll(page, expected.length);
        const count = (/** @type {string} */ selector) =>
          page.locator(`.jp-Notebook ${selector}`).count();
        const outputs = (
          /** @type {(output: import("../notebooks/kit/ipynb.mjs").Output) => unknown} */ test,
        ) => expected.flatMap((cell) => (cell.outputs ?? []).filter(test)).length;
        assert.equal(await moveAll(page), movingIn(expected), "what can be stepped and sorted");
        assert.is(
          await count("[data-mime-type='application/vnd.jupyter.stderr']"),
          outputs((output) => output.name === "stderr"),
          "error outputs",
        );
        await page.waitForTimeout(1000); // mermaid and vega draw after the cell is done
        const drawn = await count(
          ".jp-OutputArea :is(.jp-RenderedImage, .jp-RenderedMermaid, .vega-embed)",
        );
        assert.is(
          drawn,
          outputs(
            ({ data }) =>
              data &&
              !data["text/html"] &&
              Object.keys(data).some((type) => /mermaid|image|vega/.test(type)),
          ),
          "pictures",
        );
        assert.equal(
          await badPictures(page, ".jp-OutputArea :is(.jp-RenderedImage, .jp-RenderedMermaid) img"),
          [],
        );
        assert.equal(complaints, []);
      } finally {
        await picture(page, `lab-${name}`); // also, and above all, of a failure
        await page.close();
      }
    });
  }
}

/**
 * Puts code into a cell in place of what it held, and runs it.
 * @param {import("playwright-core").Locator} cell
 * @param {string} code
 */
async function runInCell(cell, code) {
  await cell.locator(".cm-content").click();
  await cell.page().keyboard.press("Control+A");
  await cell.page().keyboard.insertText(code); // not typed: an editor may close brackets by itself
  await cell.page().keyboard.press("Control+Enter");
}

/** @param {Page} page @param {string} title @param {string} command */
async function menu(page, title, command) {
  await page.locator(".lm-MenuBar-itemLabel", { hasText: new RegExp(`^${title}$`) }).click();
  await page.locator(`li.lm-Menu-item[data-command="${command}"]`).click();
}

/**
 * Clears the outputs, runs all cells in a fresh kernel and waits until each has its number.
 * @param {Page} page
 * @param {number} cells
 */
async function runAll(page, cells) {
  const prompts = (/** @type {RegExp} */ pattern) =>
    page.locator(".jp-Notebook .jp-CodeCell .jp-InputArea-prompt", { hasText: pattern });
  const reached = async (/** @type {RegExp} */ pattern) => {
    while ((await prompts(pattern).count()) !== cells) await page.waitForTimeout(200);
  };
  await page.getByText("TypeScript | Idle").waitFor({ timeout: 60_000 });
  await menu(page, "Edit", "editmenu:clear-all");
  await withinSeconds(10, reached(/^\[ \]:$/), "the outputs are not cleared");
  await menu(page, "Run", "runmenu:run-all");
  await withinSeconds(90, reached(/^\[\d+\]:$/), "not every cell has run");
}

/** @param {number} seconds @param {Promise<void>} work @param {string} complaint */
const withinSeconds = (seconds, work, complaint) =>
  Promise.race([
    work,
    new Promise((_, fail) =>
      setTimeout(fail, seconds * 1000, new Error(`after ${seconds} s ${complaint}`)).unref(),
    ),
  ]);

/**
 * Starts the kit as its reader does, and takes the address from what it prints.
 * @returns {Promise<{ url: string, stop(): Promise<void> }>}
 */
function npmStart() {
  const env = {
    ...process.env,
    JUPYTERLAB_SETTINGS_DIR: join(root, ".cache/lab/settings"),
    JUPYTERLAB_WORKSPACES_DIR: join(root, ".cache/lab/workspaces"),
  }; // not the reader's own
  const child = spawn(
    process.execPath,
    [join(root, "notebooks/kit/start.mjs"), "--no-browser", "--port", "0"],
    { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise((done) => child.on("exit", done));
  return new Promise((done, fail) => {
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      const url = text.match(/http:\/\/127\.0\.0\.1\S+/)?.[0];
      if (url && text.includes("Ctrl-C"))
        done({
          url,
          stop: async () => {
            child.kill("SIGINT");
            await ended;
          },
        });
    });
    void ended.then(() => fail(new Error(`npm start ended:\n${text}`)));
  });
}
