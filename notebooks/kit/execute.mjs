// Executes several notebooks, each in a process of its own, two at a time, and hands back what each
// run gave.

import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { readNotebook } from "./ipynb.mjs";
import { notebooksFolder, root } from "./project.mjs";

/**
 * @typedef {{ file: string, name: string, seconds: number, problem?: string, executed?:
 *   import("./ipynb.mjs").Notebook }} Run
 */

const runner = fileURLToPath(new URL("run.mjs", import.meta.url));

/** How long one notebook may take before it is stopped: a chapter should need under ten seconds. */
const patience = 120_000;

/** What a notebook is called in messages: its path under notebooks/. @param {string} file */
export const notebookName = (file) => relative(notebooksFolder, file).replaceAll("\\", "/");

/**
 * Calls `work` for every item, `width` at a time, and keeps the results in the items' order.
 * @template T, R
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
export async function pool(items, work, width = 2) {
  /** @type {R[]} */
  const results = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/**
 * Executes one notebook; a run that hangs is stopped and reported as a problem. Its cells run in
 * `folder`, by default its own.
 * @param {string} file
 * @returns {Promise<Run>}
 */
export async function execute(file, { name = notebookName(file), folder = dirname(file) } = {}) {
  const output = join(root, ".cache", "executed", name);
  mkdirSync(join(output, ".."), { recursive: true });
  rmSync(output, { force: true });
  const { code, printed, late, seconds } = await node([runner, file, output, folder], patience);
  if (late)
    return {
      file,
      name,
      seconds,
      problem: `${printed}stopped after ${seconds.toFixed()} s: a cell does not end`,
    };
  return code === 0
    ? { file, name, seconds, executed: readNotebook(output) }
    : { file, name, seconds, problem: printed.trimEnd() || `exit code ${code}` };
}

/**
 * The processes that run now: what ends us ends them.
 * @type {Set<import("node:child_process").ChildProcess>}
 */
const running = new Set();
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"]))
  process.on(signal, () => {
    if (!running.size) return; // then others decide what the signal means
    running.forEach((child) => endGroup(child));
    process.exit(1);
  });

/**
 * Runs Node on a file, in a process group of its own, and waits for it; after `patience`
 * milliseconds the group is ended.
 * @param {string[]} args
 * @returns {Promise<{ code: number | null, printed: string, late: boolean, seconds: number }>}
 *   `printed` is both streams
 */
export function node(args, /** @type {number} */ patience, env = process.env) {
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: process.platform !== "win32",
  });
  running.add(child);
  let printed = "";
  let late = false;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => (printed += text));
  const timer = setTimeout(() => {
    late = true;
    endGroup(child);
  }, patience);
  return new Promise((done) =>
    child.on("exit", (code) => {
      clearTimeout(timer);
      running.delete(child);
      const finish = () =>
        done({ code, printed, late, seconds: (performance.now() - started) / 1000 });
      // a process that it left behind may hold its output open
      const enough = setTimeout(finish, 2000);
      child.on("close", () => {
        clearTimeout(enough);
        finish();
      });
    }),
  );
}

/**
 * Asks a process and its children to end, and makes them end ten seconds later.
 * @param {import("node:child_process").ChildProcess} child
 */
function endGroup(child) {
  const kill = (/** @type {NodeJS.Signals} */ signal) => {
    try {
      process.kill(-(child.pid ?? 0), signal);
    } catch {
      child.kill(signal);
    }
  };
  kill("SIGTERM");
  setTimeout(kill, 10_000, "SIGKILL").unref();
}
