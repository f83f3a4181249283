// A chapter, executed by a real Jupyter through the tslab kernel, gives what the committed
// notebook holds.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { notebookName } from "../notebooks/kit/execute.mjs";
import { chapters, readNotebook } from "../notebooks/kit/ipynb.mjs";
import { ensureJupyter, jupyterEnv, writeKernelSpec } from "../notebooks/kit/jupyter.mjs";
import { root } from "../notebooks/kit/project.mjs";
import { sanitise } from "../notebooks/kit/run.mjs";
import { skipped } from "./dist/needs.js";
import { difference } from "./notebooks.mjs";

/** The chapter that goes the whole way, or else the last one there is. */
const chapter =
  chapters().find((file) => notebookName(file).startsWith("06-")) ?? chapters().at(-1);

/** Queues the test: call it once. */
export function testKernel() {
  const kernel = suite("a real Jupyter kernel");
  const lacking = ensureJupyter();
  if (lacking) skipped(kernel, "a real Jupyter kernel", lacking);
  else
    kernel(`runs ${notebookName(chapter ?? "")} as the embedded runner does`, () => {
      assert.ok(chapter, "there is a chapter");
      writeKernelSpec();
      const folder = mkdtempSync(join(root, ".cache", "kernel-"));
      try {
        const { status, stderr } = spawnSync(
          "jupyter-nbconvert",
          [
            ...["--to", "notebook", "--execute", chapter],
            ...["--output-dir", folder, "--output", "out.ipynb"],
          ],
          { encoding: "utf8", env: jupyterEnv() },
        );
        assert.is(status, 0, stderr);
        const change = difference(
          chapter,
          asCommitted(readNotebook(chapter), readNotebook(join(folder, "out.ipynb"))),
        );
        assert.not(change, change);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  kernel.run();
}

/**
 * What Jupyter made of the outputs, in the form that is committed: neighbouring pieces of one
 * stream joined, nothing of this machine.
 * @param {import("../notebooks/kit/ipynb.mjs").Notebook} committed
 * @param {import("../notebooks/kit/ipynb.mjs").Notebook} executed
 */
function asCommitted(committed, executed) {
  committed.cells.forEach((cell, at) => {
    if (cell.cell_type !== "code") return;
    /** @type {import("../notebooks/kit/ipynb.mjs").Output[]} */
    const joined = [];
    for (const output of executed.cells[at]?.outputs ?? []) {
      const last = joined.at(-1);
      if (last?.text !== undefined && last.name === output.name) last.text += output.text;
      else joined.push(output);
    }
    joined.forEach(sanitise);
    cell.outputs = joined;
  });
  return committed;
}
