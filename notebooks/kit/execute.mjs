// Executes several notebooks, each in a process of its own, two at a time, and hands back what each run gave.

import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { readNotebook } from "./ipynb.mjs";
import { notebooksFolder, root } from "./project.mjs";

/** @typedef {{ file: string, name: string, seconds: number, problem?: string, executed?: import("./ipynb.mjs").Notebook }} Run */

const runner = fileURLToPath(new URL("run.mjs", import.meta.url));

/** How long one notebook may take before it is stopped: a chapter should need under ten seconds. */
const patience = 120_000;

/** What a notebook is called in messages: its path under notebooks/. @param {string} file */
export const notebookName = (file) => relative(notebooksFolder, file).replaceAll("\\", "/");

/**
 * Calls `work` for every item, `width` at a time, and keeps the results in the items' order.
 * @template T, R
 * @param {readonly T[]} items @param {(item: T) => Promise<R>} work @returns {Promise<R[]>}
 */
export async function pool(items, work, width = 2) {
  /** @type {R[]} */
  const results = [];
  const queue = items.entries();
  const worker = async () => { for (const [index, item] of queue) results[index] = await work(item); };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/** Executes one notebook; a run that hangs is stopped and reported as a problem. @param {string} file @returns {Promise<Run>} */
export function execute(file) {
  const name = notebookName(file);
  const output = join(root, ".cache", "executed", name);
  mkdirSync(join(output, ".."), { recursive: true });
  rmSync(output, { force: true });
  const started = performance.now();
  return new Promise((done) => {
    const child = spawn(process.execPath, [runner, file, output], { stdio: ["ignore", "inherit", "pipe"], timeout: patience, killSignal: "SIGKILL" });
    let problem = "";
    child.stderr?.on("data", (chunk) => (problem += chunk));
    child.on("close", (code, signal) => {
      const seconds = (performance.now() - started) / 1000;
      if (signal) problem += `stopped after ${seconds.toFixed()} s (${signal}): a cell does not end`;
      const failed = code !== 0;
      done(failed ? { file, name, seconds, problem: problem.trimEnd() || `exit code ${code}` } : { file, name, seconds, executed: readNotebook(output) });
    });
  });
}
