// Solutions lie packed as text, where no reader of a chapter meets them, and come out as notebooks.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { solutionsScript } from "../notebooks/kit/book/solutions.mjs";
import { chapters, readNotebook } from "../notebooks/kit/ipynb.mjs";
import {
  byExercise,
  openSolutions,
  packed,
  packedText,
  solutionsOf,
  solved,
} from "../notebooks/kit/solutions.mjs";

const chapter = (/** @type {string} */ name) =>
  readNotebook(chapters().find((file) => basename(file, ".ipynb") === name) ?? name);
const asked = (/** @type {import("../notebooks/kit/ipynb.mjs").Cell[]} */ cells) => [
  ...new Set(
    cells.flatMap(({ source }) =>
      [...source.matchAll(/\bcheck\(\s*"(\d\d\.\d+)"/g)].map(([, id]) => id),
    ),
  ),
];

test("every chapter has solutions, and says how one comes by them", () => {
  const numbered = chapters()
    .map((file) => basename(file, ".ipynb"))
    .filter((name) => /^\d\d-/.test(name));
  assert.equal(solved(), numbered);
  for (const name of numbered) {
    const last = chapter(name).cells.at(-1)?.source ?? "";
    assert.match(last, `npm run solutions -- open ${name.slice(0, 2)}`, name);
  }
});

for (const name of solved()) {
  test(`${name}: each exercise has its solution, under its number`, () => {
    const exercises = asked(chapter(name).cells);
    const { begin, of } = byExercise(solutionsOf(name).cells);
    assert.equal([...of.keys()], exercises);
    for (const [exercise, cells] of of) assert.equal(asked(cells), [exercise]);
    assert.equal(asked(begin), []);
  });
  test(`${name}: opened and packed again it is the same text, formatted`, async () => {
    assert.is(await packed(solutionsOf(name).cells), packedText(name));
  });
}

test("one that is open stays as it is; a page's script holds one for each exercise", () => {
  const folder = mkdtempSync(join(tmpdir(), "stopover-solutions-"));
  const [name = ""] = solved();
  const [file = ""] = openSolutions([name], folder);
  assert.equal(readNotebook(file).cells.length, solutionsOf(name).cells.length);
  writeFileSync(file, "mine");
  assert.equal(openSolutions([name], folder), []);
  assert.is(readFileSync(file, "utf8"), "mine");
  rmSync(folder, { recursive: true });
  const script = solutionsScript(solutionsOf(name).cells, ({ source }) => source);
  const given = JSON.parse(script.slice(script.indexOf("{"), -";\n".length));
  assert.equal(Object.keys(given), asked(chapter(name).cells));
});

test.run();
