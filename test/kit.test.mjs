// The kit itself: the verdict on a test file, notebook files, the author's text form, the embedded
// runner.

import { spawn, spawnSync } from "node:child_process";
import {
  mkdtempSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cellsOf, textOf } from "../notebooks/kit/author.mjs";
import { node } from "../notebooks/kit/execute.mjs";
import { secretFolder } from "../notebooks/kit/jupyter.mjs";
import { formatNotebook, notebook, readNotebook } from "../notebooks/kit/ipynb.mjs";
import { root } from "../notebooks/kit/project.mjs";
import { packages } from "./dist/needs.js";
import { difference } from "./notebooks.mjs";
import { verdict } from "./verdict.mjs";

mkdirSync(join(root, ".cache"), { recursive: true });
// inside the project: packages resolve from here
const folder = mkdtempSync(join(root, ".cache/kit-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

/** @param {string} name @param {string} text */
const file = (name, text) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const judging = suite("a test file is judged by what it ran");
const preamble = `import { test } from "uvu"; const ok = () => {}; const bad = () => { throw new Error("no"); };\n`;
/** @type {[string, string, { passed: number, failed: number, skipped: number }][]} */
const files = [
  [
    "all tests pass",
    `test("a", ok); test("b", ok); test.run();`,
    { passed: 2, failed: 0, skipped: 0 },
  ],
  ["one fails", `test("a", ok); test("b", bad); test.run();`, { passed: 1, failed: 1, skipped: 0 }],
  ["test.run() is forgotten", `test("a", ok);`, { passed: 0, failed: 1, skipped: 0 }],
  ["nothing is queued", `test.run();`, { passed: 0, failed: 1, skipped: 0 }],
  [
    "a before throws",
    `test.before(bad); test("a", ok); test("b", ok); test.run();`,
    { passed: 0, failed: 2, skipped: 0 },
  ],
  [
    "an after throws",
    `test.after(bad); test("a", ok); test.run();`,
    { passed: 0, failed: 1, skipped: 0 },
  ],
  [
    "it exits early",
    `test("a", () => process.exit(0)); test.run();`,
    { passed: 0, failed: 1, skipped: 0 },
  ],
  [
    "it exits with an error after its tests",
    `test("a", ok); test.run(); process.on("exit", () => { process.exitCode = 3; });`,
    { passed: 1, failed: 1, skipped: 0 },
  ],
  [
    "a skip gives its reason",
    `console.log("skip: lab: no root here"); test.skip("lab"); test("a", ok); test.run();`,
    { passed: 1, failed: 0, skipped: 1 },
  ],
  [
    "a skip gives none",
    `test.skip("lab"); test("a", ok); test.run();`,
    { passed: 1, failed: 1, skipped: 1 },
  ],
  [
    "an .only is left",
    `test.only("a", ok); test("b", ok); test.run();`,
    { passed: 1, failed: 1, skipped: 1 },
  ],
  ["it does not parse", `test("a"`, { passed: 0, failed: 1, skipped: 0 }],
];
for (const [name, source, expected] of files) {
  judging(name, () => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [file("case.test.mjs", preamble + source)],
      { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
    );
    const { notes, ...counted } = verdict(stdout + stderr, status);
    assert.equal(counted, expected, notes);
    assert.is(
      notes === "",
      expected.failed + expected.skipped === 0,
      "whatever is not a pass is explained",
    );
  });
}
judging("a file that never ends is failed", () => assert.is(verdict("", null, true).failed, 1));
/** The files directly in test/, and their texts. */
const sources = readdirSync(join(root, "test"))
  .filter((name) => /\.(ts|mjs)$/.test(name))
  .map((name) => ({ name, source: readFileSync(join(root, "test", name), "utf8") }));
judging("only needs.ts skips, for it prints the reason and fails in CI", () => {
  const skipping = sources.filter(({ source }) => /\.skip\(/.test(source));
  assert.equal(
    skipping.map(({ name }) => name),
    ["kit.test.mjs", "needs.ts"],
  );
});
judging("every suite of a file is run", () => {
  for (const { name, source } of sources)
    for (const [, variable] of source.matchAll(/^ *const (\w+) = suite\(/gm))
      assert.match(source, new RegExp(`^ *${variable}\\.run\\(\\);`, "m"), name);
});
judging("CI installs every program that a test may lack", () => {
  const script = readFileSync(join(root, ".ci/run"), "utf8");
  for (const [program, pack] of Object.entries(packages))
    assert.ok(script.includes(` ${program}:${pack}`), `${program} from ${pack}`);
});
judging.run();

const stopping = suite("a process that takes too long");
stopping("is ended with its children", async () => {
  const heartbeat = file("heartbeat", "");
  const child = file(
    "child.mjs",
    `import { appendFileSync } from "node:fs"; setInterval(() => appendFileSync(${JSON.stringify(heartbeat)}, "."), 50);`,
  );
  const parent = file(
    "parent.mjs",
    `import { spawn } from "node:child_process"; spawn(process.execPath, [${JSON.stringify(child)}]); setInterval(() => {}, 1000);`,
  );
  const { late, code } = await node([parent], 4000);
  assert.equal([late, code], [true, null]);
  const beats = readFileSync(heartbeat, "utf8").length;
  assert.ok(beats > 0, "the child was there");
  await new Promise((next) => setTimeout(next, 500));
  assert.is(readFileSync(heartbeat, "utf8").length, beats, "and is no more");
});
stopping("is not waited for where only its child holds on", async () => {
  const child = file("child.mjs", "setTimeout(() => {}, 8000);");
  const parent = file(
    "parent.mjs",
    `import { spawn } from "node:child_process"; spawn(process.execPath, [${JSON.stringify(child)}], { stdio: "inherit" }).unref(); console.log("done"); process.exit(0);`,
  );
  const { late, printed, code, seconds } = await node([parent], 60_000);
  assert.equal([late, code, printed], [false, 0, "done\n"]);
  assert.ok(seconds < 7, `${seconds} s`);
});
stopping("ends with who kept it, though he was killed and could not ask", async () => {
  const heartbeat = file("kept", "");
  const server = file(
    "server.mjs",
    `import { appendFileSync } from "node:fs"; setInterval(() => appendFileSync(${JSON.stringify(heartbeat)}, "."), 50);`,
  );
  const keeper = join(root, "notebooks/kit/keeper.mjs");
  const holder = file(
    "holder.mjs",
    `import { spawn } from "node:child_process"; spawn(process.execPath, [${JSON.stringify(keeper)}, process.execPath, ${JSON.stringify(server)}], { stdio: ["pipe", "ignore", "ignore"], detached: true }); setInterval(() => {}, 1000);`,
  );
  const holding = spawn(process.execPath, [holder], { stdio: "ignore" });
  const beats = () => readFileSync(heartbeat, "utf8").length;
  for (let i = 0; i < 200 && !beats(); i++) await new Promise((next) => setTimeout(next, 50));
  assert.ok(beats() > 0, "the server was there");
  holding.kill("SIGKILL");
  await new Promise((next) => setTimeout(next, 1000));
  const then = beats();
  await new Promise((next) => setTimeout(next, 500));
  assert.is(beats(), then, "and is no more");
});
stopping.run();

const secrets = suite("a folder for secrets");
if (process.platform !== "win32")
  secrets("is its owner's alone, also where it was everybody's", () => {
    const open = join(folder, "open");
    mkdirSync(open, { mode: 0o755 });
    for (const each of [open, join(folder, "new")])
      assert.is(statSync(secretFolder(each)).mode & 0o777, 0o700);
  });
secrets.run();

const writing = suite("a notebook file");
const chapter =
  "# Title\n\nProse.\n\n<!-- cell -->\nMore, with\n```yaml\na: 1\n```\n\n```ts\nconst a = 1;\na\n```\n\n```ts raises-exception\nthrow 1;\n```\n";
writing("goes from text to cells and back", () => assert.is(textOf(cellsOf(chapter)), chapter));
writing("keeps the ids of cells that did not change", () => {
  const [before, after] = [
    cellsOf(chapter),
    cellsOf(`New first cell.\n\n<!-- cell -->\n${chapter}`),
  ];
  assert.equal(
    after.slice(1).map(({ id }) => id),
    before.map(({ id }) => id),
  );
});
writing("gives twins different ids", () => {
  const ids = cellsOf("```ts\na\n```\n```ts\na\n```\n```ts\na\n```\n").map(({ id }) => id);
  assert.is(new Set(ids).size, 3);
});
writing("reads what it wrote, and writes it the same", () => {
  const text = formatNotebook(notebook(cellsOf(chapter)));
  assert.is(formatNotebook(readNotebook(file("chapter.ipynb", text))), text);
});
writing.run();

const running = suite("the embedded runner");
/** @param {string} text */
function execute(text) {
  const [input, output] = [
    file("in.ipynb", formatNotebook(notebook(cellsOf(text)))),
    join(folder, "out.ipynb"),
  ];
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(root, "notebooks/kit/run.mjs"), input, output],
    { encoding: "utf8" },
  );
  const executed = readNotebook(output);
  return { input, executed, status, stderr, outputs: executed.cells.map((cell) => cell.outputs) };
}
const stream = (/** @type {string} */ text, name = "stdout") => [
  { name, output_type: "stream", text },
];
running("keeps what a cell prints, shows and returns", () => {
  const { outputs, status, stderr } = execute(
    `\`\`\`ts\nconst a: number = 1;\nconsole.log("x"); console.log("y");\na + 1\n\`\`\`\n\`\`\`ts\nimport { display } from "tslab";\ndisplay.html("<b>" + a);\n\`\`\``,
  );
  assert.is(status, 0, stderr);
  assert.equal(outputs, [
    stream("x\ny\n2\n"),
    [{ output_type: "display_data", data: { "text/html": "<b>1" }, metadata: {} }],
  ]);
});
running("checks types, and stops at the first failing cell", () => {
  const { outputs, status, stderr } = execute(
    "```ts\nconst a: number = 'x';\n```\n```ts\nconsole.log('never')\n```",
  );
  assert.is(status, 1);
  assert.match(
    stderr,
    /cell 1 failed:\n {4}const a[^]*Type 'string' is not assignable to type 'number'/,
  );
  assert.equal(outputs[1], []);
});
running("goes on after a cell that may raise, without paths and stack frames in its output", () => {
  const { outputs, status, stderr } = execute(
    "```ts raises-exception\nthrow new Error(process.cwd() + '/x');\n```\n```ts\nconsole.log('on')\n```",
  );
  assert.is(status, 0, stderr);
  assert.match(outputs[0]?.[0]?.text ?? "", /Error: \.cache\/kit-\w+\/x\n$/);
  assert.not.match(outputs[0]?.[0]?.text ?? "", / at /);
  assert.equal(outputs[1], stream("on\n"));
});
for (const [door, word] of /** @type {const} */ ([
  ["stopover", "createCluster"],
  ["stopover/serve", "startServing"],
  ["stopover/lab", "planOf"],
]))
  running(`a cell imports ${door}, with its types`, () => {
    const { outputs, status, stderr } = execute(
      `\`\`\`ts\nimport { ${word} } from "${door}";\nconsole.log(typeof ${word})\n\`\`\`\n\`\`\`ts raises-exception\nconst wrong: number = ${word};\n\`\`\``,
    );
    assert.is(status, 0, stderr);
    assert.equal(outputs[0], stream("function\n"));
    assert.match(outputs[1]?.[0]?.text ?? "", /is not assignable to type 'number'/);
  });
running("keeps every line of what it shows, also one that reads like a stack frame", () => {
  const script = "<script>\n  let at = 0;\n  at = 1;\n</script>";
  const { outputs, status, stderr } = execute(
    `\`\`\`ts\nimport { display } from "tslab";\ndisplay.html(${JSON.stringify(script)});\n\`\`\``,
  );
  assert.is(status, 0, stderr);
  assert.is(outputs[0]?.[0]?.data?.["text/html"], script);
});
running("fails a cell whose promise is rejected behind its back", () => {
  const { status, stderr } = execute(
    "```ts\nPromise.reject(new Error('late'));\nawait new Promise((r) => setTimeout(r, 10))\n```",
  );
  assert.is(status, 1);
  assert.match(stderr, /late/);
});
running("is compared with the committed file, and a difference is legible", () => {
  const { input, executed } = execute("```ts\nconsole.log('two')\n```");
  assert.match(difference(input, executed) ?? "", /\+\[output stdout\]\n\+two/);
  writeFileSync(input, formatNotebook(executed));
  assert.is(difference(input, executed), undefined);
  writeFileSync(input, readFileSync(input, "utf8").replace("two\\n", "three\\n"));
  assert.match(difference(input, executed) ?? "", /-three\n\+two/);
});
running.run();
