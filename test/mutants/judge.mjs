// A process that runs tests of several suites, one by one: `node judge.mjs TASK`, where TASK is the
// path of a Task as JSON. Writes a Report to the task's `report`. Ends at once with code 1 where a
// test fails that must not; a test that takes far more CPU time than it should is ended with the
// process (a loop that mutation made never ends).

import { Session } from "node:inspector";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

/**
 * @typedef {{ folder: string, report: string, files?: string[], places?: Place[],
 *   tests?: { id: string, ms: number }[] }} Task
 *   `files`: measure all of their tests, and ask which of the `places` each one executes.
 *   `tests`: run these, in this order, until one fails.
 * @typedef {{ url: string, at: number }} Place
 * @typedef {{ id: string, ms: number, failed: boolean, covers: number[], touches: string[] }}
 *   Measure
 * @typedef {{ measures?: Measure[], left?: string[], killer?: string }} Report
 */

/** @type {Task} */
const task = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));
const shared = /** @type {{ collected?: import("./collect.mjs").Test[] }} */ (
  /** @type {unknown} */ (globalThis)
);
/** @type {Map<string, () => unknown>} */
const known = new Map();
const deadline = watch();

if (task.tests) await judge(task.tests);
else await measure(task.files ?? [], task.places ?? []);

/** @param {{ id: string, ms: number }[]} tests */
async function judge(tests) {
  for (const { id, ms } of tests) {
    report({ killer: id }); // stays, if the process ends here
    deadline[0] = cpu() + 4000 + 10 * ms;
    const [file = ""] = id.split(" ");
    if (!known.has(id)) await load(file);
    if (!(await passes(id))) process.exit(1);
  }
  report({});
  process.exit(0);
}

/** @param {string[]} files @param {Place[]} places */
async function measure(files, places) {
  const executed = startCoverage(places);
  const left = [];
  for (const file of files) if (!(await load(file))) left.push(file);
  /** @type {Measure[]} */
  const measures = [];
  executed(); // what loading has executed
  for (const id of [...known.keys()].reverse()) {
    const before = cpu();
    const failed = !(await passes(id));
    measures.push({ id, ms: cpu() - before, failed, ...executed() });
  }
  report({ measures, left });
  process.exit(0);
}

/** Puts the file's tests on the list; false where it is no suite for us. @param {string} file */
async function load(file) {
  shared.collected?.splice(0);
  try {
    await import(pathToFileURL(join(task.folder, file)).href);
  } catch {
    return false;
  }
  shared.collected?.forEach(({ run }, i) => known.set(`${file} ${i}`, run));
  return true;
}

/** @param {string} id */
async function passes(id) {
  try {
    const run = known.get(id);
    await run?.();
    return run !== undefined;
  } catch {
    return false;
  }
}

/** @param {Report} what */
function report(what) {
  writeFileSync(task.report, JSON.stringify(what));
}

/** Milliseconds of CPU that this process has had. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A thread that ends the process once it has had more CPU time than the number answered. */
function watch() {
  const limit = new Float64Array(new SharedArrayBuffer(8)).fill(Infinity);
  const look = `const { workerData: limit } = require("node:worker_threads");
    setInterval(() => {
      const { user, system } = process.cpuUsage();
      if ((user + system) / 1000 > limit[0]) process.kill(process.pid, "SIGKILL");
    }, 100);`;
  new Worker(look, { eval: true, workerData: limit }).unref();
  return limit;
}

/**
 * Answers a function that says which of the places were executed since it was last asked, and which
 * of their files.
 * @param {Place[]} places
 */
function startCoverage(places) {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  const byFile = grouped(places);
  return () => {
    /** @type {number[]} */
    const covers = [];
    /** @type {string[]} */
    const touches = [];
    session.post("Profiler.takePreciseCoverage", (error, answer) => {
      if (error) throw error;
      for (const { url, functions } of answer.result) {
        const here = byFile.get(url);
        if (!here) continue;
        const ranges = functions.flatMap((each) => each.ranges);
        if (ranges.some(({ count }) => count > 0)) touches.push(fileURLToPath(url));
        for (const i of here) if (isExecuted(ranges, places[i]?.at ?? 0)) covers.push(i);
      }
    });
    return { covers, touches };
  };
}

/** @param {Place[]} places */
function grouped(places) {
  /** @type {Map<string, number[]>} */
  const groups = new Map();
  places.forEach(({ url }, i) => groups.set(url, [...(groups.get(url) ?? []), i]));
  return groups;
}

/**
 * The innermost of V8's ranges around a place says whether it was executed.
 * @param {{ startOffset: number, endOffset: number, count: number }[]} ranges @param {number} at
 */
function isExecuted(ranges, at) {
  const around = ranges.filter(({ startOffset, endOffset }) => startOffset <= at && at < endOffset);
  const innermost = around.reduce(
    (a, b) => (b.endOffset - b.startOffset <= a.endOffset - a.startOffset ? b : a),
    { startOffset: 0, endOffset: Infinity, count: 0 },
  );
  return innermost.count > 0;
}
