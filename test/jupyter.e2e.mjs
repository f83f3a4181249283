// The chapters in a real Jupyter: one by its kernel alone, and in the JupyterLab that `npm start`
// starts, in a real browser without a screen, a third of them, drawn by the seed. All of them:
// npm run judge:jupyterlab. Both suites use .venv, which the first makes.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { notebookName } from "../notebooks/kit/execute.mjs";
import { chapters, readNotebook } from "../notebooks/kit/ipynb.mjs";
import { ensureJupyter } from "../notebooks/kit/jupyter.mjs";
import { notebooksFolder, root } from "../notebooks/kit/project.mjs";
import { lacksBrowser, launch, open } from "./chromium.mjs";
import { needs } from "./dist/needs.js";
import { seed } from "./dist/seed.js";
import { testKernel } from "./jupyter-kernel.mjs";
import { aloud, badPictures, moveAll, movingIn, picture } from "./page-checks.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** One chapter takes half a minute of two cores: a run opens one of so many. */
const share = process.argv.includes("--all") ? 1 : 3;
const chosen = chapters().filter((_, at) => at % share === seed % share);

testKernel();
const lab = suite("the chapters in JupyterLab");
if (needs(lab, "the chapters in JupyterLab", lacksBrowser)) testLab();
lab.run();

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

  for (const file of chosen) {
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
        const pictures = outputs(
          ({ data }) =>
            data &&
            !data["text/html"] &&
            Object.keys(data).some((type) => /mermaid|image|vega/.test(type)),
        );
        const drawn = ".jp-OutputArea :is(.jp-RenderedImage, .jp-RenderedMermaid, .vega-embed)";
        // mermaid and vega draw after the cell is done
        for (let tries = 0; tries < 50 && (await count(drawn)) < pictures; tries++)
          await page.waitForTimeout(200);
        assert.is(await count(drawn), pictures, "pictures");
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
