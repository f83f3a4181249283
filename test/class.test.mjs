// What a class is given: chapters without their solutions, and copies that stay as the learner left
// them.

import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { copyChapters } from "../notebooks/kit/hub/copy.mjs";
import { chapters } from "../notebooks/kit/ipynb.mjs";
import { root } from "../notebooks/kit/project.mjs";
import { solved } from "../notebooks/kit/solutions.mjs";

const copies = suite("a learner's copies");
/** @type {string} */
let folder;
copies.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "stopover-class-"));
});
copies.after.each(() => rmSync(folder, { recursive: true }));
const names = () => readdirSync(join(folder, "notebooks"));

copies("hold every chapter and what cells read, and nothing else", () => {
  copyChapters(folder);
  assert.equal(
    names().filter((name) => name.endsWith(".ipynb")),
    chapters()
      .map((file) => file.split(/[\\/]/).at(-1))
      .sort(),
  );
  const others = names().filter((name) => !name.endsWith(".ipynb"));
  assert.equal(others.sort(), ["dumps", "manifests"]);
});
copies("find the library above them", () => {
  copyChapters(folder);
  const packages = realpathSync(join(folder, "node_modules"));
  assert.is(packages, realpathSync(join(root, "node_modules")));
  assert.ok(existsSync(join(packages, "stopover/package.json")));
});
copies("hold the solutions where the teacher says so", () => {
  copyChapters(folder, { solutions: true });
  const opened = names().filter((name) => name.endsWith(".solutions.ipynb"));
  assert.equal(
    opened,
    solved().map((chapter) => `${chapter}.solutions.ipynb`),
  );
});
copies("stay as they are; one that is deleted comes back fresh", () => {
  copyChapters(folder);
  const [mine, fresh] = ["00-the-cluster.ipynb", "06-the-request.ipynb"].map((name) =>
    join(folder, "notebooks", name),
  );
  const before = readFileSync(fresh ?? "", "utf8");
  writeFileSync(mine ?? "", "my work");
  rmSync(fresh ?? "");
  copyChapters(folder);
  assert.is(readFileSync(mine ?? "", "utf8"), "my work");
  assert.is(readFileSync(fresh ?? "", "utf8"), before);
});
copies.run();
