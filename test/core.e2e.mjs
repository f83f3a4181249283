// The core's bundle in a real browser, from a page that lies on the disk.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import * as stopover from "stopover";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { notebooksFolder, root } from "../notebooks/kit/project.mjs";
import { launch, open } from "./chromium.mjs";
import { articleJourney, carried, firstChunk, writeChunks } from "./core-bundle.mjs";

const test = suite("the core in Chromium");

test("a page on the disk runs the article's journey", async () => {
  const folder = join(root, ".cache/core");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "stopover.js"), await firstChunk());
  writeFileSync(
    join(folder, "index.html"),
    "<!doctype html><meta charset=utf-8><title>Stopover</title><script src=stopover.js></script>",
  );
  const browser = await launch();
  try {
    const { page, complaints } = await open(browser);
    await page.goto(pathToFileURL(join(folder, "index.html")).href);
    const told = await page.evaluate(
      `stopover.carryFiles(${JSON.stringify(carried)}), (${articleJourney})(stopover, "manifests")`,
    );
    assert.is(told, articleJourney(stopover, join(notebooksFolder, "manifests")));
    assert.equal(complaints, []);
  } finally {
    await browser.close();
  }
});

test("a page that is served loads what reads rules only when somebody brings some", async () => {
  const folder = join(root, ".cache/core-chunks");
  await writeChunks(folder);
  const server = createServer((request, response) => {
    const file = join(folder, basename(request.url ?? ""));
    if (!existsSync(file) || request.url === "/") {
      return void response.setHeader("Content-Type", "text/html").end("<!doctype html><title>x");
    }
    response.setHeader("Content-Type", "text/javascript").end(readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const browser = await launch();
  try {
    const { page } = await open(browser);
    /** @type {string[]} */
    const asked = [];
    page.on("request", (request) => asked.push(basename(request.url())));
    await page.goto(`http://127.0.0.1:${port}/`);
    await page.evaluate("import('/live.js').then((live) => void (globalThis.stopover = live))");
    const told = await page.evaluate(
      `stopover.carryFiles(${JSON.stringify(carried)}), (${articleJourney})(stopover, "manifests")`,
    );
    assert.is(told, articleJourney(stopover, join(notebooksFolder, "manifests")));
    assert.not.ok(asked.includes("given.js"));
    const rules = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 80 -j DROP\nCOMMIT\n";
    const verdict = await page.evaluate(
      `import("/given.js").then(({ openRules }) => openRules(${JSON.stringify(rules)})
        .packet({ from: "203.0.113.9", to: "192.168.0.1:80" }).disposition)`,
    );
    assert.is(verdict, "dropped");
    assert.ok(asked.includes("given.js"));
  } finally {
    await browser.close();
    server.close();
  }
});

test.run();
