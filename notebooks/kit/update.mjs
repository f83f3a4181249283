// npm run notebooks:update [-- NAME ...]: executes the notebooks (all, or those whose path holds a
// NAME) and writes their outputs. A notebook with a failing cell, or with a picture that cannot be
// drawn, keeps its file as it was.

import { readFileSync, writeFileSync } from "node:fs";
import { execute, notebookName, pool } from "./execute.mjs";
import { chapters, formatNotebook } from "./ipynb.mjs";
import { ready } from "./setup.mjs";

const names = process.argv.slice(2);
ready();
const files = chapters().filter(
  (file) => !names.length || names.some((name) => notebookName(file).includes(name)),
);
if (!files.length)
  console.error(`no notebook's path holds ${names.map((name) => `"${name}"`).join(" or ")}`);

const runs = await pool(files, async (file) => {
  const { name, seconds, problem, executed } = await execute(file);
  const took = `${name} (${seconds.toFixed(1)} s)`;
  if (!executed) return (console.error(`failed     ${took}\n${problem}`), false);
  const text = formatNotebook(executed);
  // a cell goes on without its picture, and a file is not to be without it
  if (text.includes("(This picture could not be drawn"))
    return (console.error(`failed     ${took}\na picture could not be drawn`), false);
  const same = text === readFileSync(file, "utf8");
  if (!same) writeFileSync(file, text);
  console.log(`${same ? "unchanged" : "written  "}  ${took}`);
  return true;
});
process.exitCode = runs.length && runs.every(Boolean) ? 0 : 1;
