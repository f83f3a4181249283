// npm run bench [-- NAME ...] [--large] [--against COMMIT]: builds, and prints every figure, or
// those whose name holds a NAME. `--against` builds another commit in a folder of its own and
// measures both in turn: ours, theirs, ratio. A figure is CPU time, the best of the rounds that fit
// into a few seconds.
// Without `--against` the *.bench files follow, which look inside the library. Everything is
// measured in a process of its own, so that nothing profits from what something else has warmed up.

import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { giveUp, root, say, workspaces } from "../../notebooks/kit/project.mjs";
import { npm, packages, tsc } from "../../notebooks/kit/setup.mjs";
import { figures } from "./figures.mjs";

/** How long one figure may take; a large one has an hour. Milliseconds. */
const patience = 60_000;
const patienceForLarge = 3_600_000;

const { values, positionals } = options();
/** @param {{ name: string, large?: boolean }} each */
const isWanted = ({ name, large }) =>
  (values.large || !large) &&
  (!positionals.length || positionals.some((part) => name.includes(part)));

packages();
if (!tsc("-b", ...workspaces, "test")) giveUp("the build failed: the type errors above say where");
const wanted = figures.filter(isWanted);
const inside = values.against === undefined ? (await insideBenches()).filter(isWanted) : [];
const total = wanted.length + inside.length;
if (!total) giveUp(`no figure's name holds ${positionals.join(" or ")}`, 2);
const theirs = values.against === undefined ? undefined : checkOut(values.against);
const tidy = () => theirs && remove(theirs);
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"]))
  process.on(signal, () => {
    tidy();
    process.exit(1);
  });
try {
  await measureAll();
} finally {
  tidy();
}

async function measureAll() {
  const started = performance.now();
  for (const [i, figure] of wanted.entries()) {
    progress(i, figure);
    const ours = await measure(libraryIn(root), figure);
    const other = theirs === undefined ? undefined : await measure(libraryIn(theirs), figure);
    console.log(line(figure, ours, other));
    if (ours.error) process.exitCode = 1;
  }
  for (const [i, bench] of inside.entries()) {
    progress(wanted.length + i, bench);
    const { text, error } = await measure(bench.file, bench);
    console.log(`${bench.name}: ${text ?? `failed (${error})`}`);
    if (error) process.exitCode = 1;
  }
  say(`measured in ${((performance.now() - started) / 60_000).toFixed(1)} min`);
}

/**
 * @typedef {import("./figures.mjs").Figure} Figure
 * @typedef {{ value?: number, text?: string, error?: string }} Measured
 */

/** @param {string} tree */
function libraryIn(tree) {
  return join(tree, "lib/dist/index.js");
}

/** @param {number} i @param {{ name: string }} what */
function progress(i, { name }) {
  process.stderr.write(`${i + 1} of ${total}: ${name} …\n`);
}

/** @returns {Promise<{ name: string, file: string, large?: boolean }[]>} */
async function insideBenches() {
  const folders = ["test/dist/bench", "test/bench"].map((folder) => join(root, folder));
  const files = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => /\.bench\.m?js$/.test(file))
      .filter((file) => folder.endsWith("test/bench") || sourceExists(file))
      .map((file) => join(folder, file)),
  );
  const all = files.map(async (file) => {
    /** @type {{ benches: { name: string, large?: boolean }[] }} */
    const { benches } = await import(pathToFileURL(file).href);
    return benches.map(({ name, large = false }) => ({ name, large, file }));
  });
  return (await Promise.all(all)).flat();
}

/** What was compiled once may be of a file that is gone. @param {string} file */
function sourceExists(file) {
  return existsSync(join(root, "test/bench", file.replace(/\.js$/, ".ts")));
}

/**
 * @param {string} library a build's entry, or a bench file
 * @param {{ name: string, large?: boolean }} figure
 * @returns {Promise<Measured>}
 */
function measure(library, { name, large }) {
  const measuring = fileURLToPath(new URL("measure.mjs", import.meta.url));
  const args = ["--expose-gc", "--max-old-space-size=6000", measuring, library, name];
  const timeout = large ? patienceForLarge : patience;
  return new Promise((done) =>
    execFile(
      process.execPath,
      args,
      { timeout, killSignal: "SIGKILL" },
      (error, stdout, stderr) => {
        if (stdout) done(/** @type {Measured} */ (JSON.parse(stdout)));
        else if (error?.killed) done({ error: `took longer than ${timeout / 1000} s` });
        else done({ error: stderr.trim().split("\n").at(-1) || "it ended without a word" });
      },
    ),
  );
}

/**
 * @param {Figure} figure
 * @param {Measured} ours
 * @param {Measured} [other]
 */
function line({ name, unit, most }, ours, other) {
  const told = (/** @type {Measured} */ { value, error }) =>
    value === undefined ? `failed (${error})` : `${Number(value.toPrecision(3))} ${unit}`;
  const goal = most === undefined ? "" : ` (goal: under ${most} ${unit})`;
  if (!other) return `${name}: ${told(ours)}${goal}`;
  const ratio =
    ours.value !== undefined && other.value !== undefined
      ? `, ratio ${(ours.value / other.value).toFixed(2)}`
      : "";
  return `${name}: ${told(ours)}, then ${told(other)}${ratio}${goal}`;
}

/**
 * Another commit's library, with the packages that its own lock file names for it, built by our
 * compiler. What only compiling needs (types) is found in a folder above: a link to our packages.
 * @param {string} commit
 */
function checkOut(commit) {
  const above = mkdtempSync(join(tmpdir(), "stopover-bench-"));
  const folder = join(above, "commit");
  const { status, stderr } = git("worktree", "add", "--detach", folder, commit);
  if (status !== 0) {
    rmSync(above, { recursive: true });
    giveUp(`${commit} cannot be checked out: ${stderr.trim().split("\n").at(-1)}`, 2);
  }
  symlinkSync(join(root, "node_modules"), join(above, "node_modules"), "junction");
  say(`building ${commit}`);
  const wanted = ["ci", "--workspace=lib", "--omit=dev", "--ignore-scripts", "--loglevel=error"];
  if (npm(wanted, folder) && tsc("-b", join(folder, "lib"))) return folder;
  remove(folder);
  return giveUp(`${commit} does not build`);
}

/** @param {string} folder */
function remove(folder) {
  git("worktree", "remove", "--force", folder);
  rmSync(join(folder, ".."), { recursive: true, force: true }); // of a link, the link alone
}

/** @param {string[]} args */
function git(...args) {
  return spawnSync("git", args, { cwd: root, encoding: "utf8" });
}

function options() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { large: { type: "boolean" }, against: { type: "string" } },
    });
  } catch (error) {
    giveUp(/** @type {Error} */ (error).message, 2);
  }
}
