// npm run mutants [-- --sample 400] [--seed 1] [--again] [NAME ...]: can the tests fail?
//
// Changes one small thing at a time in what net, node and journey were compiled to (mutate.mjs),
// and runs the tests that execute the changed place until one of them fails (judge.mjs). A mutation
// that lives is printed with its line: write the test that kills it, delete code that cannot
// matter, or say in equivalent.json why no test can. Then `--again` tries those that lived or were
// not reached in the last run. A NAME narrows it to files whose path contains it. Not part of CI.

import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { node } from "../../notebooks/kit/execute.mjs";
import { giveUp, root, say, workspaces } from "../../notebooks/kit/project.mjs";
import { packages, tsc } from "../../notebooks/kit/setup.mjs";
import { mutationsOf } from "./mutate.mjs";

/**
 * @typedef {import("./mutate.mjs").Mutation & { name: string }} Mutation
 * @typedef {import("./judge.mjs").Task} Task
 * @typedef {import("./judge.mjs").Report} Report
 * @typedef {{ id: string, ms: number, covers: Set<number>, touches: Set<string> }} Test
 *   A test, the numbers of the mutations whose places it executes, and the files of which it
 *   executes anything.
 */

const rooms = ["net", "node", "journey"];
/**
 * Suites judge that import a file of these rooms, and those of this list, which go through the
 * whole cluster. Not those that start processes, wait for somebody, or draw pictures.
 */
const importsRoom = new RegExp(`from "stopover/internal/(${rooms.join("|")})/`);
const whole =
  /^(toy-|apply|asked-of-clouds|bounds|choice|cloud\.|cluster-options|containers|debug-container|disruption|downward|fields|jobs|journey|kube-proxy|kubelet|kubernetes-versions|membership|node-lifecycle|other-clouds|pasted|pings|pod-needs|proxy-modes|rollout-loss|streams|unread|versions|why\.|why-external|why-healthy)/;
const elsewhere = /^(cli|diagrams|imports|kernel-oracle|kube-proxy-process|lab|simulator|terminal)/;

/** Milliseconds of tests after which a mutation that they did not see is taken to live. */
const enough = 5_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: "string", default: "400" },
    seed: { type: "string", default: "1" },
    again: { type: "boolean", default: false },
  },
});
packages();
if (!tsc("-b", ...workspaces, "test")) giveUp("the build failed");

const cache = join(root, ".cache");
const tree = join(cache, "mutants");
const record = join(cache, `mutants-${values.seed}.json`);
copyTree();
/** @type {Record<string, string>} */
const equivalent = read(fileURLToPath(new URL("equivalent.json", import.meta.url)));
const chosen = sample(everyMutation());
const tests = await measure();
say(`${chosen.length} mutations, ${tests.length} tests, seed ${values.seed}`);
/** @type {Record<string, string>} which test killed it, or "" */
const fates = values.again && existsSync(record) ? read(record) : {};
await judgeAll();
await judgeTheKillers();
count();
rmSync(tree, { recursive: true });

async function judgeAll() {
  for (const [i, mutation] of chosen.entries()) {
    const { name } = mutation;
    if (name in equivalent || fates[name]) continue;
    const killer = await killerOf(mutation, i);
    fates[name] = killer;
    writeFileSync(record, JSON.stringify(fates, undefined, 1));
    if (!killer) console.log(`survived  ${name}`);
    if (i % 20 === 19) process.stderr.write(`${i + 1} of ${chosen.length}\n`);
  }
}

/**
 * Those that killed must pass, in the same order, while nothing is changed: one that fails for
 * another test's sake kills what it never saw, and what it killed is counted as alive.
 */
async function judgeTheKillers() {
  const killers = new Set(Object.values(fates));
  const inOrder = byTime().filter(({ id }) => killers.has(id));
  const { killer } = await run({ tests: inOrder.map(({ id, ms }) => ({ id, ms })) });
  if (killer === undefined) return;
  say(`${killer} fails while nothing is changed, and kills nothing`);
  for (const [name, by] of Object.entries(fates)) if (by === killer) fates[name] = "";
  await judgeTheKillers();
}

function count() {
  const judged = chosen.filter(({ name }) => !(name in equivalent));
  const killed = judged.filter(({ name }) => fates[name]).length;
  console.log(
    `seed ${values.seed}: ${killed} of ${judged.length} killed (${((100 * killed) / judged.length).toFixed(1)} %), ${chosen.length - judged.length} listed as equivalent`,
  );
}

/**
 * A copy whose library may be broken. Packages are the project's own, but for `stopover` itself and
 * for uvu, in whose place collect.mjs stands.
 */
function copyTree() {
  rmSync(tree, { recursive: true, force: true });
  const modules = join(tree, "node_modules");
  mkdirSync(join(modules, "@stopover"), { recursive: true });
  for (const name of ["package.json", "README.md", "lib", "diagrams", "notebooks", "test"])
    cpSync(join(root, name), join(tree, name), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules")))
    if (!/^(stopover|@stopover|uvu|\..*)$/.test(name))
      symlinkSync(join(root, "node_modules", name), join(modules, name), "junction");
  for (const [name, to] of Object.entries({
    stopover: "lib",
    "@stopover/diagrams": "diagrams",
    "@stopover/exercises": "notebooks/exercises",
  }))
    symlinkSync(join(tree, to), join(modules, name), "junction");
  cpSync(join(root, "node_modules/uvu"), join(modules, "uvu"), { recursive: true });
  cpSync(
    fileURLToPath(new URL("collect.mjs", import.meta.url)),
    join(modules, "uvu/dist/index.mjs"),
  );
}

/**
 * Runs every test once, to see what it executes and how long it takes; the last ones first, since a
 * test that needs those before it cannot judge by itself. What fails judges nothing.
 * @returns {Promise<Test[]>}
 */
async function measure() {
  const files = readdirSync(join(root, "test"), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".test.ts") && isJudge(name))
    .map((name) => join("test/dist", name.replace(/ts$/, "js")))
    .sort();
  const places = chosen.map(({ file, start }) => ({
    url: pathToFileURL(join(tree, file)).href,
    at: start,
  }));
  const { measures = [], left = [] } = await run({ files, places });
  for (const file of left) say(`${file} is no suite for this, and is left out`);
  if (!measures.length) giveUp("no test could be measured");
  return measures.flatMap(({ id, ms, failed, covers, touches }) => {
    if (!failed) return { id, ms, covers: new Set(covers), touches: new Set(touches) };
    say(`${id} fails as it is, and judges nothing`);
    return [];
  });
}

/** @param {string} name */
function isJudge(name) {
  const source = readFileSync(join(root, "test", name), "utf8");
  return !elsewhere.test(name) && (whole.test(name) || importsRoom.test(source));
}

/**
 * The mutations of all files; what equivalent.json lists must be among them. (What a source that is
 * gone was compiled to may lie there yet: nobody imports it.)
 */
function everyMutation() {
  const sources = rooms.flatMap((room) =>
    readdirSync(join(root, "lib", room), { recursive: true })
      .map((name) => join(room, String(name)))
      .filter((name) => name.endsWith(".ts")),
  );
  const all = sources
    .map((name) => join("lib/dist", name.replace(/ts$/, "js")))
    .flatMap((file) => named(file, readFileSync(join(tree, file), "utf8")));
  const names = new Set(all.map(({ name }) => name));
  for (const [name, reason] of Object.entries(equivalent)) {
    if (!names.has(name)) giveUp(`equivalent.json lists what is no mutation any more: ${name}`);
    if (!/^[A-Z].*\.$/.test(reason)) giveUp(`equivalent.json gives no reason for: ${name}`);
  }
  return all;
}

/**
 * So many of all mutations, without preference: a file has its share by its size. Each has a number
 * made of the seed and its name, and the smallest numbers are taken, so that a change of the code
 * changes little of the sample.
 * @param {Mutation[]} mutations
 */
function sample(mutations) {
  const number = ({ name = "" }) =>
    createHash("sha256").update(`${values.seed} ${name}`).digest("hex");
  return mutations
    .filter(({ file }) => !positionals.length || positionals.some((part) => file.includes(part)))
    .map((mutation) => ({ mutation, number: number(mutation) }))
    .sort((a, b) => (a.number < b.number ? -1 : 1))
    .slice(0, Number(values.sample))
    .map(({ mutation }) => mutation);
}

/**
 * What a mutation is called here and in equivalent.json: its file, its line's text and the change;
 * the second of the same name in a file ends with `#2`.
 * @param {string} file @param {string} text @returns {Mutation[]}
 */
function named(file, text) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  return mutationsOf(file, text).map((mutation) => {
    const { start, what } = mutation;
    const line = text.slice(text.lastIndexOf("\n", start) + 1, text.indexOf("\n", start)).trim();
    const name = `${relative("lib/dist", file)}: ${line.slice(0, 90)} [${what}]`;
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return { ...mutation, name: count > 1 ? `${name} #${count}` : name };
  });
}

/**
 * The first test that fails, or "".
 * @param {Mutation} mutation @param {number} number
 */
async function killerOf({ file, start, end, to, once }, number) {
  const path = join(tree, file);
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.slice(0, start) + to + text.slice(end));
  try {
    return (await run({ tests: judgesOf(number, path, once) })).killer ?? "";
  } finally {
    writeFileSync(path, text);
  }
}

/**
 * Tests that execute the place: those of suites that import from its folder first, and of these the
 * short ones. After them others that execute the file: what is remembered is executed by the first
 * test that needs it alone, and all judge it. What is executed when the file is loaded is judged by
 * all tests.
 * @param {number} number @param {string} path @param {boolean} once
 */
function judgesOf(number, path, once) {
  const isNear = nearTo(path);
  const covering = byTime()
    .filter(({ covers }) => covers.has(number))
    .sort((a, b) => Number(isNear(b)) - Number(isNear(a)));
  const touching = byTime().filter((test) => !covering.includes(test) && test.touches.has(path));
  const others = once ? byTime().filter(({ touches }) => !touches.has(path)) : [];
  let left = enough;
  const judges = [...covering, ...touching, ...others].filter(({ ms }) => (left -= ms) > 0);
  return judges.map(({ id, ms }) => ({ id, ms }));
}

/**
 * Whether a test's suite imports from the folder of a file.
 * @param {string} path @returns {(test: Test) => boolean}
 */
function nearTo(path) {
  const [, folder = ""] = /lib\/dist\/(.*)\/[^/]*$/.exec(path) ?? [];
  /** @type {Map<string, boolean>} */
  const known = new Map();
  return ({ id }) => {
    const [suite = ""] = id.split(" ");
    const near =
      known.get(suite) ?? readFileSync(join(tree, suite), "utf8").includes(`internal/${folder}/`);
    known.set(suite, near);
    return near;
  };
}

function byTime() {
  return tests.toSorted((a, b) => a.ms - b.ms);
}

/**
 * A judge at work. What ends without a report has failed at the test it was at.
 * @param {Partial<Task>} what @returns {Promise<Report>}
 */
async function run(what) {
  const report = join(tree, "report.json");
  const task = join(tree, "task.json");
  writeFileSync(report, "{}");
  writeFileSync(task, JSON.stringify({ folder: tree, report, ...what }));
  const judge = fileURLToPath(new URL("judge.mjs", import.meta.url));
  const { late, printed } = await node(["--max-old-space-size=1500", judge, task], 3 * 3600_000);
  if (late || !existsSync(report)) say(printed.slice(-2000));
  return read(report);
}

/** @param {string} path */
function read(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
