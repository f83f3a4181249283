// The core's bundle in a real browser, from a page that lies on the disk.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as stopover from "stopover";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { notebooksFolder, root } from "../notebooks/kit/project.mjs";
import { launch, open } from "./chromium.mjs";
import { articleJourney, bundleCore, carried } from "./core-bundle.mjs";

const test = suite("the core in Chromium");

test("a page on the disk runs the article's journey", async () => {
  const folder = join(root, ".cache/core");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "stopover.js"), await bundleCore());
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

test.run();
