// npm test [-- NAME ...]: everything there is to check, or what matches a NAME (`npm test -- net`,
// `npm test -- 02-`, `npm test -- types`); `-NAME` leaves out what matches it.
//
// It sets up what it needs, checks the types, runs each uvu file in a process of its own, executes
// every notebook and compares its outputs with the committed ones, and ends with one line, `N
// passed, N failed, N skipped`, counted over all of it.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { node, notebookName, pool } from "../notebooks/kit/execute.mjs";
import { chapters } from "../notebooks/kit/ipynb.mjs";
import { root, workspaces } from "../notebooks/kit/project.mjs";
import { packages, tsc } from "../notebooks/kit/setup.mjs";
import { solved } from "../notebooks/kit/solutions.mjs";
import { verdict } from "./verdict.mjs";

/**
 * What a check came to. `notes` are printed below its line: why it failed, what it skipped and why.
 * @typedef {{ name: string, passed: number, failed: number, skipped: number, seconds: number,
 *   notes: string }} Result
 */

/** How long one test file may take before it is stopped and counted as failed. */
const patience = 1200_000;

/** How many of the slowest parts the end of a long run names. */
const slowest = 10;

/** What is linted and formatted; both keep what they found good in .cache/. */
const sources = [...workspaces, "notebooks", "test", "eslint.config.js"];
const linters = {
  format: [
    "node_modules/prettier/bin/prettier.cjs",
    ...["--check", "--log-level=warn", "--cache", "--cache-location=.cache/prettier"],
  ],
  lint: [
    "node_modules/eslint/bin/eslint.js",
    ...[
      "--max-warnings=0",
      "--no-warn-ignored",
      "--cache",
      "--cache-strategy=content",
      "--cache-location=.cache/eslint",
    ],
  ],
};

const started = performance.now();
const names = process.argv.slice(2).filter((name) => !name.startsWith("-"));
const unwanted = process.argv
  .slice(2)
  .flatMap((name) => (name.startsWith("-") ? name.slice(1) : []));
const wanted = (/** @type {string} */ name) =>
  (!names.length || names.some((part) => name.includes(part))) &&
  !unwanted.some((part) => name.includes(part));

packages();
const { compareNotebook, runSolutions } = await import("./notebooks.mjs"); // needs a package
const results = [
  ...[
    checkTypes("types: the workspaces and the tests", "-b", ...workspaces, "test"),
    checkTypes("types: notebooks/kit", "-p", "notebooks/kit"),
  ].filter(defined),
  // in one pool: nobody waits for the slowest of another kind
  ...(await pool(
    [
      ...Object.entries(linters).map(([name, args]) => ({
        name,
        run: () => runLinter(name, args),
      })),
      ...testFiles(/\.test\.(ts|mjs)$/).map((name) => ({ name, run: () => runFile(name) })),
      ...chapters().map((file) => ({
        name: `notebooks/${notebookName(file)}`,
        run: () => compareNotebook(file),
      })),
      ...solved().map((chapter) => ({
        name: `test/solutions/${chapter}.md`,
        run: () => runSolutions(chapter),
      })),
    ].filter(({ name }) => wanted(name)),
    async ({ run }) => shown(await run()),
  )),
  ...(await pool(testFiles(/\.e2e\.mjs$/).filter(wanted), async (file) =>
    shown(await runFile(file)),
  )),
];
if (!results.length)
  shown({
    name: `nothing matches ${names.join(" or ")}`,
    passed: 0,
    failed: 1,
    skipped: 0,
    seconds: 0,
    notes: "",
  });
summary();

/**
 * Compiles strictly; the tests need what this writes, so it always runs.
 * @param {string} name
 * @param {string[]} args
 */
function checkTypes(name, ...args) {
  const started = performance.now();
  const good = tsc(...args);
  if (good && !wanted(name)) return undefined;
  return shown({
    name,
    passed: +good,
    failed: +!good,
    skipped: 0,
    seconds: (performance.now() - started) / 1000,
    notes: "",
  });
}

/**
 * A linter reads the sources and complains in words of its own.
 * @param {string} name
 * @param {string[]} args
 * @returns {Promise<Result>}
 */
async function runLinter(name, args) {
  const { code, printed, seconds } = await node([...args, ...sources], patience);
  const good = code === 0;
  return { name, passed: +good, failed: +!good, skipped: 0, seconds, notes: good ? "" : printed };
}

/**
 * The test files of a kind: TypeScript ones run as compiled, .mjs ones as they are.
 * @param {RegExp} kind
 */
function testFiles(kind) {
  const files = readdirSync(join(root, "test"), { recursive: true }).map(
    (file) => `test/${String(file).replaceAll("\\", "/")}`,
  );
  return files.filter((file) => kind.test(file) && !file.startsWith("test/dist/")).sort();
}

/** @param {string} file @returns {Promise<Result>} */
async function runFile(file) {
  if (file.endsWith(".e2e.mjs") && !names.length && !process.env.CI) {
    return {
      name: file,
      passed: 0,
      failed: 0,
      skipped: 1,
      seconds: 0,
      notes: `skipped: it takes minutes, or installs Jupyter; CI runs it, and so does: npm test -- ${file.slice(5, -8)}`,
    };
  }
  const compiled = file.replace(/^test\/(.*)\.ts$/, "test/dist/$1.js");
  const { code, printed, late, seconds } = await node([compiled], patience, {
    ...process.env,
    NO_COLOR: "1",
  });
  return { name: file, seconds, ...verdict(printed, code, late) };
}

/** Prints a result as soon as it is there. @template {Result} T @param {T} result @returns {T} */
function shown(result) {
  const { name, passed, failed, skipped, seconds, notes } = result;
  console.log(
    `${failed ? "FAIL" : "ok  "} ${name}  ${counts(passed, failed, skipped)}  (${seconds.toFixed(1)} s)`,
  );
  if (notes) console.log(notes.replace(/^/gm, "       "));
  return result;
}

/** The last line, alone: programs read it. */
function summary() {
  const sum = (/** @type {"passed" | "failed" | "skipped"} */ key) =>
    results.reduce((total, result) => total + result[key], 0);
  const failed = results.length ? sum("failed") : 1;
  const broken = results.filter((result) => result.failed).map((result) => result.name);
  if (results.length > slowest) tellTheSlowest();
  if (broken.length) console.log(`\nfailed: ${broken.join(", ")}`);
  console.log(`\n${counts(sum("passed"), failed, sum("skipped"))}`);
  process.exitCode = failed ? 1 : 0;
}

/** What to make faster first, and how long all of it took: two run at a time. */
function tellTheSlowest() {
  const rows = results.toSorted((a, b) => b.seconds - a.seconds).slice(0, slowest);
  const minutes = (performance.now() - started) / 60_000;
  console.log(
    `\nthe ${slowest} slowest of ${results.length} parts (${minutes.toFixed(1)} min in all):`,
  );
  for (const { name, seconds } of rows) console.log(`${seconds.toFixed(1).padStart(8)} s  ${name}`);
}

/** @param {number} passed @param {number} failed @param {number} skipped */
function counts(passed, failed, skipped) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** @template T @param {T | undefined} value @returns {value is T} */
function defined(value) {
  return value !== undefined;
}
