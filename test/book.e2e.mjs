// The living book in real browsers, from the disk: every chapter's cells run and say what the
// committed notebooks say.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { aws, openRules, openSnapshot, parse, read } from "stopover";
import { openDocuments } from "stopover/internal/doors/cli/opened";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildBook } from "../notebooks/kit/book.mjs";
import { notebookName } from "../notebooks/kit/execute.mjs";
import { chapters } from "../notebooks/kit/ipynb.mjs";
import { notebooksFolder, root } from "../notebooks/kit/project.mjs";
import { lacksBrowser, launch, open } from "./chromium.mjs";
import { committed } from "./committed.mjs";
import { needs } from "./dist/needs.js";
import { testTerminals } from "./terminal.mjs";

/** @typedef {import("playwright-core").Page} Page */

const screenshots = join(root, ".cache/screenshots");
mkdirSync(screenshots, { recursive: true });

const test = suite("the book that runs");
if (needs(test, "the book that runs", lacksBrowser)) testBook();
test.run();

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
  const go = async (/** @type {string} */ name, { anew = true } = {}) => {
    // what another test wrote is not this one's
    if (anew) await opened.page.evaluate("localStorage.clear()").catch(() => {});
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

  /**
   * Puts code into a cell's editor, and runs it by its key.
   * @param {Page} page
   * @param {number} cell
   * @param {(code: string) => string} change
   * @returns {Promise<import("playwright-core").Locator>} the cell
   */
  async function write(page, cell, change) {
    const section = page.locator(".cell").nth(cell);
    const editor = section.locator(".cm-content");
    const code = (await editor.locator(".cm-line").allTextContents()).join("\n");
    await editor.click();
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText(change(code));
    await page.keyboard.press("Control+Enter");
    return section;
  }
  const says = (
    /** @type {import("playwright-core").Locator} */ cell,
    /** @type {RegExp} */ text,
  ) => cell.locator(".outputs", { hasText: text }).waitFor({ timeout: 10_000 });

  test("five replicas in place of three: each Pod gets 1/5, and nothing of the old answer is left", async () => {
    const page = await go("06-the-request.html");
    await page.evaluate("book.runAll()");
    const cell = await write(
      page,
      1,
      (code) =>
        `cluster.scale("Deployment", "nginx", 5); cluster.settle();\n${code}\ncluster.shares(url)`,
    );
    await says(cell, /: 0\.2,/);
    const run = (/** @type {import("playwright-core").Locator} */ cell) =>
      cell.getByRole("button", { name: /^Run cell/ }).click();
    await run(page.locator(".cell", { hasText: "const every = cluster.outcomes(url)" }));
    const spread = page.locator(".cell", { hasText: "spread(every" });
    await run(spread);
    await says(spread, /1\/5/);
    assert.not.match((await spread.locator(".outputs").textContent()) ?? "", /1\/3/);
  });

  test("a panel changes its line and runs what must run, also from the keyboard", async () => {
    const page = await go("06-the-request.html");
    const cell = page.locator(".cell", { has: page.locator(".panel") });
    const answer = page.locator("details.answer").first();
    const replicas = cell.getByRole("slider", { name: "replicas" });
    await replicas.focus();
    for (const _ of "45") await page.keyboard.press("ArrowRight");
    const picture = cell.locator(".outputs svg:visible");
    await picture.getByText("1/5").first().waitFor({ timeout: 20_000 });
    await cell.locator(".cm-line", { hasText: "replicas = 5;" }).waitFor();
    assert.is(await picture.getByText("1/9").count(), 0, "nothing is left of the old answer");
    assert.not.ok(await answer.getAttribute("open"), "an answer above stays folded");
    await cell.getByRole("combobox", { name: "cloud" }).selectOption("gcp()");
    await cell.locator(".cm-line", { hasText: "cloud = gcp();" }).waitFor();
    await picture.getByText("a passthrough").or(picture).first().waitFor();
    assert.is(await replicas.inputValue(), "5");
    await replicas.press("ArrowRight"); // and before that has run:
    await page.getByRole("button", { name: "Put code and outputs back" }).click();
    assert.is(await replicas.inputValue(), "3");
    await page.waitForTimeout(500); // nothing is taken up again
    assert.is(await cell.getAttribute("data-state"), "");
    await replicas.press("ArrowRight");
    await picture.getByText("1/4").first().waitFor({ timeout: 20_000 });
    assert.equal(opened.complaints, []);
  });

  test("what uses the names of a changed cell runs again, and an answer in it stays folded", async () => {
    const page = await go("07-when-things-change.html");
    const down = page.getByLabel("down", { exact: true });
    const cell = page.locator(".cell", { has: down });
    const shares = page
      .locator(".cell", { hasText: /cluster\.shares\(url\);\s*What happens/ })
      .first();
    await down.selectOption('"node-c"');
    await cell.locator(".outputs svg:visible", { hasText: "node-c" }).first().waitFor();
    await shares.locator("[data-state=good]").or(shares).waitFor();
    await page.waitForFunction(() => !document.querySelector("[data-state=running]"));
    assert.is(await shares.locator("details.answer").getAttribute("open"), null);
    assert.match((await shares.locator(".outputs").textContent()) ?? "", /jg2kn/);
    assert.equal(opened.complaints, []);
  });

  test("a diagram is drawn once: when its cell runs again it is there at once", async () => {
    const page = await go("06-the-request.html");
    await page.evaluate("book.runAll()");
    await page.evaluate(() => {
      const { mermaid } = /** @type {any} */ (globalThis);
      const { render } = mermaid;
      mermaid.calls = 0;
      mermaid.render = (/** @type {unknown[]} */ ...all) => (mermaid.calls++, render(...all));
    });
    const cell = page.locator(".cell", { hasText: "show(sequence(trip))" });
    const id = () => cell.locator(".drawn svg").getAttribute("id");
    const before = await id();
    await cell.getByRole("button", { name: /^Run cell/ }).click();
    await page.waitForFunction(
      (before) => ![...document.querySelectorAll("svg")].some(({ id }) => id === before),
      before,
    );
    await cell.locator(".drawn svg").waitFor();
    assert.not.equal(await id(), before, "each has a name of its own");
    assert.is(await page.evaluate("mermaid.calls"), 0);
  });

  test("an endless loop can be stopped, the reader is told what that costs, and it goes on", async () => {
    const page = await go("01-after-the-deployment.html");
    const cell = await write(page, 0, () => "while (true) {}");
    await page.getByText(/^cell 1 of \d+ runs, \d+ s$/).waitFor();
    assert.match((await cell.locator(".state").textContent()) ?? "", /^running … \d+ s$/);
    await page.getByRole("button", { name: "Stop the cell that runs" }).click();
    await page.getByText("What the cells had made is gone").waitFor();
    assert.is(await cell.getAttribute("data-state"), "stopped");
    await write(page, 0, () => "const half = 21; half * 2");
    await says(cell, /^42/);
    await page.getByRole("button", { name: "Put code and outputs back" }).click();
    assert.match((await cell.locator(".cm-content").textContent()) ?? "", /createCluster/);
  });

  test("an error is one sentence, its stack is folded, and the cells above are named as the cause", async () => {
    const page = await go("05-how-they-connect.html");
    const cell = await write(page, 2, () => "clutser.settle()");
    await says(cell, /^ReferenceError clutser is not defined/);
    assert.not.ok(await cell.locator(".error pre").isVisible());
    await write(page, 2, () => "cluster.settle.name");
    await says(cell, /^ReferenceError cluster is not defined/);
    await cell.getByRole("button", { name: "Run the cells above, then this one" }).click();
    await says(cell, /^settle/);
  });

  test("what was changed is there on return, in its own chapter, until it is reset", async () => {
    const again = () => go("01-after-the-deployment.html", { anew: false });
    const page = await go("01-after-the-deployment.html");
    const code = page.locator(".cell").nth(0).locator(".cm-content");
    await says(await write(page, 0, () => "40 + 2 // <b>mine</b>"), /^42/);
    await go("02-the-service-is-created.html", { anew: false });
    await code.waitFor();
    assert.not.match((await code.textContent()) ?? "", /mine/);
    await again();
    const line = page.locator(".controls .status");
    const words = (await line.textContent()) ?? "";
    assert.match(words, /^1 cell that you changed is as you left it\. You had run to cell 1 of /);
    assert.is(await code.textContent(), "40 + 2 // <b>mine</b>");
    assert.is(await page.locator(".cell").nth(0).getAttribute("data-state"), "changed");
    await page.getByRole("button", { name: "Put code and outputs back" }).click();
    await again();
    await code.waitFor();
    assert.match((await code.textContent()) ?? "", /createCluster/);
    assert.is(await line.textContent(), "");
    assert.equal(opened.complaints, []);
  });

  test("where the browser refuses to keep, or keeps what no book wrote, the page works and says so", async () => {
    const page = await browser.newPage();
    const file = pathToFileURL(join(folder, "01-after-the-deployment.html")).href;
    const junk = '{"cells":[7],"ran":"many"}';
    await page.goto(file);
    await page.evaluate(
      (junk) => localStorage.setItem(`stopover ${location.pathname}`, junk),
      junk,
    );
    await page.reload();
    await says(await write(page, 0, () => "40 + 2"), /^42/);
    await page.addInitScript(() =>
      Object.defineProperty(globalThis, "localStorage", {
        get() {
          throw new DOMException("no", "SecurityError");
        },
      }),
    );
    await page.reload();
    await says(await write(page, 0, () => "41 + 2"), /^43/);
    await page.getByText("This browser does not keep your changes").waitFor();
    await page.close();
  });

  test("exercises check themselves", async () => {
    const page = await go("06-the-request.html");
    await page.evaluate("book.runAll()");
    const cells = await page.locator(".cell").count();
    const first = await page.locator(".cell", { hasText: 'check("06.1"' }).count();
    assert.is(first, 1);
    const at = await page
      .locator(".cell")
      .evaluateAll((all) => all.findIndex((each) => each.textContent?.includes('check("06.1"')));
    assert.ok(at > 0 && at < cells);
    const solution = page.getByRole("button", { name: "Show a solution" });
    assert.is(await solution.count(), 0, "nobody has tried yet");
    assert.not.match(await page.content(), /check\("06.1", 1 \/ 3\)/);
    await says(await write(page, at, (code) => code.replace("?", "1/2")), /^Not yet\./);
    await solution.click();
    const shown = page.locator(".solution");
    await shown.getByText("the very node that the load balancer chose").waitFor();
    assert.match((await shown.textContent()) ?? "", /check\(\s*"06\.1",/);
    assert.not.match((await shown.textContent()) ?? "", /06\.2/);
    await says(await write(page, at, (code) => code.replace("1/2", "1/3")), /^Right\./);
    assert.equal(opened.complaints, []);
  });

  const complaints = () => opened.complaints;
  testTerminals(test, { go, complaints, misplaced, screenshots });

  test("Your cluster: a manifest, a dump and rules are answered, without any request", async () => {
    const page = await go("your-cluster.html");
    /** @type {string[]} */
    const asked = [];
    const note = (/** @type {import("playwright-core").Request} */ request) =>
      asked.push(request.url());
    page.on("request", note);
    const ask = (/** @type {object} */ question) =>
      page.evaluate(
        (question) => /** @type {any} */ (globalThis).book.ask(question).catch(String),
        question,
      );
    const manifests = ["deployment.yaml", "service.yaml"].map((name) => ({
      name,
      text: readFileSync(join(notebooksFolder, "manifests", name), "utf8"),
    }));
    const options = { cloud: aws(), nodes: 3, seed: 1 };
    const cluster = openDocuments(read(join(notebooksFolder, "manifests")), options);
    const url = "http://mynginx-app.com:8080/";
    assert.equal(await ask({ files: manifests }), json(cluster.request(url)));

    const kinds = /** @type {const} */ (["Node", "Pod", "Service", "EndpointSlice"]);
    const dump = JSON.stringify({
      apiVersion: "v1",
      kind: "List",
      items: kinds.flatMap((kind) => cluster.list(kind)),
    });
    const dumped = { files: [{ name: "dump.json", text: dump }], snapshot: true, url };
    assert.equal(
      await ask(dumped),
      json(openSnapshot(parse(dump, { as: "dump" }), { seed: 1 }).request(url)),
    );

    const rules = cluster.node("node-a").rules.saveText();
    const port = cluster.list("Service").find(({ metadata }) => metadata.name === "nginx")?.spec
      .ports?.[0]?.nodePort;
    const to = `192.168.0.1:${port}`;
    assert.equal(
      await ask({ files: [], rules, url: to, from: "203.0.113.9" }),
      json(openRules(rules).packet({ from: "203.0.113.9", to })),
    );
    assert.is(
      await ask({ files: manifests, from: "mars" }),
      'Error: from "mars": allowed are internet, an IP address, node/NAME and pod/NAMESPACE/NAME',
    );
    page.off("request", note);
    assert.equal(
      asked.filter((url) => !url.startsWith("blob:")),
      [],
    );
  });

  test("Your cluster: a link opened again gives the same, and markup in it stays text", async () => {
    const page = await go("your-cluster.html");
    await page.getByRole("button", { name: "The article's" }).click();
    const rules = page.locator(".folded").first();
    await rules.waitFor();
    await page.locator("#from").fill("<img src=x onerror=alert(1)>");
    await page.getByRole("button", { name: "Link", exact: true }).click();
    const link = page.url();
    await page.goto("about:blank");
    await page.goto(link);
    await page.locator("#said.wrong", { hasText: "<img src=x" }).waitFor();
    await page.locator("#from").fill("");
    await page.getByRole("button", { name: "Follow the request" }).click();
    await rules.waitFor();
    await page.getByText(/all \d+ doors that should answer do/).waitFor();
    assert.match(
      (await page.locator("#said").textContent()) ?? "",
      /^delivered: Pod default.nginx/,
    );
    assert.match((await page.locator("#answer").textContent()) ?? "", /1\/9/);
    await page.goto(`${link.slice(0, -9)}`);
    await page.reload();
    await page.locator("#said.wrong", { hasText: "the link is damaged" }).waitFor();
    assert.equal(opened.complaints, []);
  });

  test("Your cluster: who leaves the page and comes back finds the boxes as they were", async () => {
    const page = await go("your-cluster.html");
    await page.getByRole("button", { name: "The article's" }).click();
    await page.locator(".folded").first().waitFor();
    await page.locator("#from").fill("203.0.113.9");
    await page.locator("#from").blur();
    await page.goto(pathToFileURL(join(folder, "index.html")).href);
    await page.goBack();
    await page.waitForFunction("document.getElementById('from').value !== ''");
    assert.is(await page.locator("#from").inputValue(), "203.0.113.9");
    assert.match(await page.locator("#documents").inputValue(), /kind: Deployment/);
    assert.equal(opened.complaints, []);
  });

  test("Your cluster: what is too much for a link is saved as a file, which opens again", async () => {
    const page = await go("your-cluster.html");
    const numbers = Array.from({ length: 40_000 }, (_, n) => (n * 2654435761) % 4294967296);
    await page.locator("#rules").evaluate((box, text) => {
      /** @type {HTMLTextAreaElement} */ (box).value = text; // pasted, not typed
    }, numbers.join("\n"));
    await page.locator("#url").fill("192.168.0.1:80");
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Link", exact: true }).click();
    const file = join(folder, "saved.json");
    await (await saved).saveAs(file);
    await page.getByText("carries at most").waitFor();
    assert.not.ok(page.url().includes("#"));
    await page.locator("#url").fill("");
    await page.locator("#files").setInputFiles(file);
    await page.waitForFunction("document.getElementById('url').value === '192.168.0.1:80'");
    assert.is(await page.locator("#rules").inputValue(), numbers.join("\n"));
  });

  for (const [width, scheme] of /** @type {const} */ ([
    [390, "dark"],
    [1280, "light"],
  ])) {
    test(`at ${width} px, ${scheme}: no page is wider than the window, nothing lies over another`, async () => {
      const { page, complaints } = await open(browser, scheme);
      await page.setViewportSize({ width, height: 844 });
      for (const name of ["06-the-request", "11-the-cost-of-rules", "your-cluster"]) {
        await page.goto(pathToFileURL(join(folder, `${name}.html`)).href);
        if (name === "your-cluster") {
          await page.getByRole("button", { name: "The article's" }).click();
          await page.locator(".folded").first().waitFor();
        } else {
          await page.evaluate("book.runAll()");
        }
        assert.equal(await page.evaluate(misplaced), [], name);
        const scaled = await page.locator(".drawn svg[style*=own-width]").evaluateAll((all) =>
          all.flatMap((each) => {
            const [is, own] = [
              each.clientWidth,
              parseFloat(each.style.getPropertyValue("--own-width")),
            ];
            return is < own - 1 ? `${is} of ${own} px` : [];
          }),
        );
        if (width === 390) assert.equal(scaled, [], `${name}: drawn too small to read`);
        await page.screenshot({ path: join(screenshots, `living-${name}-${width}.png`) });
      }
      assert.equal(complaints, []);
      await page.close();
    });
  }
}

/** What a journey is in JSON. @param {object} journey */
const json = (journey) => JSON.parse(JSON.stringify(journey));

/**
 * What lies outside of the window, without being in something that scrolls; and which buttons and
 * texts of one row lie over each other. Handed to the page as its source.
 */
function misplaced() {
  const wide = document.documentElement.clientWidth;
  const scrolls = (/** @type {Element} */ element) =>
    element.closest(".rich, pre, .wide, .results, nav, details, svg, .cm-editor, .screen");
  const boxes = [...document.body.querySelectorAll("*")].filter((element) => !scrolls(element));
  const outside = boxes.filter((element) => {
    const { left, right, width } = element.getBoundingClientRect();
    return width > 0 && (right > wide + 1 || left < -1);
  });
  const rows = [...document.querySelectorAll("header, .bar, .controls")];
  const over = rows.flatMap((row) => {
    const all = [...row.children].filter((each) => each.getBoundingClientRect().width > 0);
    return all.filter((a, at) =>
      all.slice(at + 1).some((b) => {
        const [x, y] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
        if (getComputedStyle(b).position === "absolute") return false;
        const apart = x.right <= y.left + 0.5 || y.right <= x.left + 0.5;
        return !(apart || x.bottom <= y.top + 0.5 || y.bottom <= x.top + 0.5);
      }),
    );
  });
  return [...outside, ...over].map((element) => element.outerHTML.slice(0, 120));
}
