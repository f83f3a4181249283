// What `npm pack` makes of the library and of the diagrams is whole: unpacked into an empty folder,
// with their dependencies beside them, the README's ten lines run, and so does the command.

import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import ts from "typescript";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../notebooks/kit/project.mjs";

const packages = /** @type {const} */ ({ lib: "stopover", diagrams: "@stopover/diagrams" });
/** @param {string} path */
const text = (path) => readFileSync(join(root, path), "utf8");

/**
 * The paths of what `npm pack` would put in.
 * @param {string} folder
 * @returns {string[]}
 */
function packed(folder) {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  // `npm` is a .cmd file on Windows; where npm started us it says where it is
  const npm = process.env.npm_execpath;
  const { stdout, stderr } = spawnSync(
    npm ? process.execPath : "npm",
    npm ? [npm, ...args] : args,
    { cwd: join(root, folder), encoding: "utf8", shell: !npm && process.platform === "win32" },
  );
  assert.ok(stdout.startsWith("["), stderr);
  return JSON.parse(stdout)[0].files.map((/** @type {{ path: string }} */ { path }) => path);
}

// inside the project, so that the dependencies are found in its node_modules
mkdirSync(join(root, ".cache"), { recursive: true });
const folder = mkdtempSync(join(root, ".cache/packed-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
/** @type {Record<string, string[]>} */
const files = {};
for (const [from, name] of Object.entries(packages)) {
  files[from] = packed(from);
  for (const path of files[from])
    cpSync(join(root, from, path), join(folder, "node_modules", name, path));
}
writeFileSync(join(folder, "package.json"), '{"type": "module"}');

const test = suite("npm pack");
/** @param {string[]} args */
const node = (...args) => {
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  assert.is(stderr, "");
  return stdout.trim();
};

for (const from of /** @type {(keyof typeof packages)[]} */ (Object.keys(packages))) {
  const { dependencies } = JSON.parse(text(`${from}/package.json`));
  test(`${packages[from]} holds its code, its licence and its sources for debuggers`, () => {
    for (const path of ["LICENSE", "README.md", "package.json", "dist/index.js", "dist/index.d.ts"])
      assert.ok(files[from]?.includes(path), path);
    assert.not(files[from]?.some((path) => path.endsWith(".tsbuildinfo")));
    assert.is(text(`${from}/LICENSE`), text("LICENSE"));
    const map = JSON.parse(text(`${from}/dist/index.js.map`));
    assert.equal(map.sourcesContent, [text(`${from}/index.ts`)]);
  });
  test(`${packages[from]} depends on all that it imports, and on nothing else`, () => {
    const code = (files[from] ?? [])
      .filter((path) => path.endsWith(".js"))
      .map((path) => text(`${from}/${path}`));
    const imported = code
      .flatMap((each) => ts.preProcessFile(each).importedFiles)
      .map(({ fileName }) => /^(@[^/]+\/)?[^/]+/.exec(fileName)?.[0] ?? "")
      .filter((name) => !/^\.|^node:/.test(name) && name !== packages[from]);
    const declared = Object.keys(dependencies);
    assert.equal(
      imported.filter((name) => !declared.includes(name)),
      [],
    );
    assert.equal(
      declared.filter((name) => !code.some((each) => each.includes(`"${name}`))),
      [],
    );
  });
  test(`publint has nothing to say of ${packages[from]}`, async () => {
    const pkgDir = join(folder, "node_modules", packages[from]);
    const { messages, pkg = {} } = await publint({ pkgDir, pack: false, strict: true });
    assert.equal(
      messages.map((message) => formatMessage(message, pkg)),
      [],
    );
  });
}

const [, sample = ""] = /```ts\n([^]*?)```/.exec(text("README.md")) ?? [];
test("the README's lines run, and say what it says", () => {
  writeFileSync(join(folder, "sample.ts"), sample);
  writeFileSync(join(folder, "sample.js"), sample);
  const said = node("sample.js");
  assert.ok(text("README.md").includes(`It prints \`${said}\``), said);
});
test("they compile, in a project that does not know Node.js", () => {
  const program = ts.createProgram([join(folder, "sample.ts")], {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: [],
  });
  const problems = ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, messageText }) =>
        `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`,
    );
  assert.equal(problems, []);
});
test("the command tells the article's journey, and draws it", () => {
  const command = join("node_modules/stopover", "cli.mjs");
  assert.match(node(command, "journey"), /\ndelivered: /);
  assert.match(node(command, "journey", "--output", "mermaid"), /\nsequenceDiagram|\nflowchart/);
});
test("the doors open", () =>
  assert.is(
    node(
      "--input-type=module",
      "-e",
      `await import("stopover/serve"); await import("stopover/lab"); console.log("open")`,
    ),
    "open",
  ));
test("the article's manifests in the package are the kit's", () => {
  for (const name of ["deployment.yaml", "service.yaml"])
    assert.is(text(`lib/manifests/${name}`), text(`notebooks/manifests/${name}`));
  assert.not(existsSync(join(folder, "notebooks")));
});
test.run();
