// The fast suites that can start a program, on a machine that has Node, npm, git and the shell's
// basic tools and nothing else: whatever needs a program must skip there and say why, as a reader's
// `npm test` does.

import { spawnSync } from "node:child_process";
import { accessSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../notebooks/kit/project.mjs";
import { skipped } from "./dist/needs.js";

const kept = `node npm git
  sh bash env cat cp mv rm mkdir ls ln sed grep sort head tail tr cut wc tee xargs find touch chmod
  uname dirname basename readlink mktemp date sleep test printf echo pwd id`.split(/\s+/);
/** Suites that start nothing but this Node, and take long. */
const slow = [
  "both-modes",
  "brought",
  "cases",
  "cli-why",
  "exercises",
  "tries",
  "diagrams.test",
  "kit.test",
  "shell.test",
  "terminal",
];

/** What starts a program, here or behind a door of the library's. */
const starts = /"node:child_process"|"stopover\/(lab|internal\/doors\/(lab|dump|cli\/cli))/;

/**
 * Whether the program or a file beside it that it imports can start a program: no other suite can
 * miss one.
 * @param {string} file compiled
 * @returns {boolean}
 */
function canStart(file, seen = new Set()) {
  if (seen.has(file)) return false;
  seen.add(file);
  const text = readFileSync(file, "utf8");
  if (starts.test(text)) return true;
  const beside = [...text.matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)].map(([, path = ""]) =>
    join(dirname(file), path),
  );
  return beside.some((each) => canStart(each, seen));
}

const suites = readdirSync(join(root, "test"))
  .filter((name) => /\.test\.(ts|mjs)$/.test(name) && !slow.some((each) => name.includes(each)))
  .filter((name) => canStart(join(root, "test", name.replace(/^(.*)\.ts$/, "dist/$1.js"))))
  .map((name) => `test/${name}`);

/** @param {string} program */
const placeOf = (program) =>
  (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        return accessSync(file) === undefined;
      } catch {
        return false;
      }
    });

const bare = suite("a bare machine");
bare("every suite that says what it lacks is among those that run", () => {
  const asking = readdirSync(join(root, "test")).filter(
    (name) =>
      /\.test\.(ts|mjs)$/.test(name) &&
      readFileSync(join(root, "test", name), "utf8").includes("lacking("),
  );
  assert.ok(asking.length > 0);
  assert.equal(
    asking.filter((name) => !suites.includes(`test/${name}`)),
    [],
  );
});
const name = "the fast suites pass, or skip and say why";
if (process.platform === "win32")
  skipped(bare, name, "the folder of links is made for a POSIX shell");
else
  bare(name, () => {
    const folder = mkdtempSync(join(tmpdir(), "stopover-bare-"));
    try {
      for (const program of kept) {
        const place = program === "node" ? process.execPath : placeOf(program);
        if (place) symlinkSync(place, join(folder, program));
      }
      const { CI: _, ...env } = process.env;
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [join(root, "test/run.mjs"), ...suites],
        { encoding: "utf8", env: { ...env, PATH: folder } },
      );
      assert.is(status, 0, stdout + stderr);
      assert.match(stdout, /\n\d{3,} passed, 0 failed, [1-9]\d* skipped\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
bare.run();
