// npm run bench [-- NAME ...]: builds, and prints what every benchmark measured (or those whose
// file or name holds a NAME). A benchmark file exports `benches`, a list of { name, run }, where
// run() gives the line to print; each file runs in a process of its own.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { giveUp, root, workspaces } from "../../notebooks/kit/project.mjs";
import { packages, tsc } from "../../notebooks/kit/setup.mjs";

const [only, ...rest] = process.argv.slice(2);
if (only === "--file") await runFile(rest[0] ?? "", rest.slice(1));
else {
  packages();
  if (!tsc("-b", ...workspaces, "test"))
    giveUp("the build failed: the type errors above say where");
  const files = readdirSync(join(root, "test/bench"))
    .filter((file) => /\.bench\.(ts|mjs)$/.test(file))
    .sort();
  for (const file of files) {
    const { status } = spawnSync(
      process.execPath,
      ["--expose-gc", fileURLToPath(import.meta.url), "--file", file, ...process.argv.slice(2)],
      { cwd: root, stdio: "inherit" },
    );
    if (status !== 0) process.exitCode = 1;
  }
}

/** @param {string} file @param {string[]} names */
async function runFile(file, names) {
  const path = file.endsWith(".ts")
    ? `test/dist/bench/${file.slice(0, -3)}.js`
    : `test/bench/${file}`;
  const { benches } = await import(pathToFileURL(join(root, path)).href);
  const wanted = benches.filter(
    (/** @type {{ name: string }} */ { name }) =>
      !names.length || names.some((part) => `${file} ${name}`.includes(part)),
  );
  if (wanted.length) console.log(`\n${file.replace(/\.bench\..*/, "")}`);
  for (const { name, run } of wanted) {
    try {
      console.log(`  ${name}: ${await run()}`);
    } catch (error) {
      console.log(`  ${name}: failed: ${/** @type {Error} */ (error).stack}`);
      process.exitCode = 1;
    }
  }
}
