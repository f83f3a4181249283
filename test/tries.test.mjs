// What cells offer to try: how a line says so, what runs again after a change, and that all that
// the chapters offer runs.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as clouds from "stopover/clouds";
import * as lab from "stopover/lab";
import { Kernel } from "../notebooks/kit/book/live/kernel.mjs";
import { carry } from "../notebooks/kit/book/live/machine.mjs";
import { load } from "../notebooks/kit/book/live/modules.mjs";
import { usersOf } from "../notebooks/kit/book/live/names.mjs";
import { triesIn, valuesOf } from "../notebooks/kit/book/live/tries.mjs";
import { notebookName } from "../notebooks/kit/execute.mjs";
import { chapters, readNotebook } from "../notebooks/kit/ipynb.mjs";
import { notebooksFolder } from "../notebooks/kit/project.mjs";

Object.assign(globalThis, { stopoverParts: { clouds, lab } }); // as the pages bring them

const lines = suite("a line that offers something to try");
/** A line; the name, the value and what may be tried. @type {[string, string][]} */
const offers = [
  ["const replicas = 3; // try 1..3", "replicas: 3 of 1 2 3"],
  ["let n = -1 // try -2..0", "n: -1 of -2 -1 0"],
  ["  nodes: 3, // try 2..3", "nodes: 3 of 2 3"],
  ["const cloud = aws(); // try aws() | gcp()", "cloud: aws() of aws() gcp()"],
  ['policy = "Local"; // try "Cluster" | "Local"', 'policy: "Local" of "Cluster" "Local"'],
  ["const f = () => 1; // try this", "f: () => 1 of this"],
  ["const replicas = 3; // three", ""],
  ["// try 1..3", ""],
  ["settle(); // try 1..3", ""],
];
for (const [line, told] of offers) {
  lines(line, () => {
    const source = `const before = 1;\n${line}\nafter();`;
    const [found, ...others] = triesIn(source);
    assert.is(others.length, 0);
    assert.is(found ? `${found.name}: ${found.value} of ${valuesOf(found).join(" ")}` : "", told);
    if (found) assert.is(source.slice(found.from, found.to), found.value, "where it stands");
  });
}
lines.run();

const users = suite("what runs again after a change");
/**
 * A cell, those below it, and which of them use what it makes.
 * @type {[string, string[], number[]][]}
 */
const table = [
  ["const a = 1;", ["a + 1", "b", "c.a", "({ a: 1 })", "({ a })", "f(a)"], [0, 4, 5]],
  ["const a = 1;", ["const b = a;", "b"], [0, 1]],
  ["const a = 1;", ["const a = 2;", "a"], []],
  ["let a = 1;", ["a = 2; a", "a"], []],
  ["let a = 1;", ["a = a + 1;", "a"], [0, 1]],
  ["a = make();", ["a.use()", "a = make(); a.use()", "a.use()"], [0]],
  ["const [{ a, b: c }] = x;", ["b", "c", "a"], [1, 2]],
  ["import { a as b } from 'x';", ["a", "b"], [1]],
  ["function a() { return 1 }", ["a()", "function b() { return a() }", "b()"], [0, 1, 2]],
  ["const n: number = 1;", ["n as number", "no code at all"], [0]],
  ["no code at all", ["a"], []],
];
for (const [maker, cells, again] of table) {
  users(`${maker} … ${cells.join(" … ")}`, () => assert.equal(usersOf(maker, cells), again));
}
users.run();

const offered = suite("what the chapters offer");
const codeOf = (/** @type {string} */ file) =>
  readNotebook(file).cells.flatMap(({ cell_type, source }) =>
    cell_type === "code" ? [source] : [],
  );
const panels = chapters().filter((file) => codeOf(file).some((code) => triesIn(code).length));
offered("there are panels", () => assert.ok(panels.length >= 3, panels.join()));
for (const file of panels) {
  offered(`${notebookName(file)}: each value runs, one after the other`, () => runs(codeOf(file)));
}
offered.run();

/** The least, the most and every choice; what is printed is among them. */
const someOf = (/** @type {import("../notebooks/kit/book/live/tries.mjs").Try} */ offer) =>
  offer.range ? [offer.range.least, offer.range.most].map(String) : offer.choices;

/** @param {string[]} cells */
async function runs(cells) {
  const manifests = ["deployment", "service"].map((name) => `manifests/${name}.yaml`);
  carry(
    Object.fromEntries(
      manifests.map((at) => [at, readFileSync(join(notebooksFolder, at), "utf8")]),
    ),
  );
  const kernel = new Kernel(load);
  const run = async (/** @type {string} */ source) => {
    let said = "";
    const ended = await kernel.run(source, (output) => {
      if ("error" in output) said = output.error.message;
    });
    assert.is(ended, "good", `${said}:\n${source}`);
  };
  const last = cells.findLastIndex((code) => triesIn(code).length);
  for (const code of cells.slice(0, last + 1)) {
    await run(code);
    for (const offer of triesIn(code)) {
      assert.ok(valuesOf(offer).includes(offer.value), `${offer.name} = ${offer.value}`);
      for (const value of someOf(offer))
        await run(code.slice(0, offer.from) + value + code.slice(offer.to));
    }
    if (triesIn(code).length) await run(code); // and the cells below find what they expect
  }
}
