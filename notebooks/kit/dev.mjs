// npm run dev: rebuilds the library, the diagrams and the exercises whenever a file is saved.
// Restart the notebook's kernel to pick a change up.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { root, workspaces } from "./project.mjs";
import { packages } from "./setup.mjs";

packages();
const tsc = spawn(
  process.execPath,
  [
    join(root, "node_modules/typescript/bin/tsc"),
    "-b",
    "-w",
    "--preserveWatchOutput",
    ...workspaces,
  ],
  { cwd: root, stdio: "inherit" },
);
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"]))
  process.on(signal, () => tsc.kill(signal));
tsc.on("exit", (code) => (process.exitCode = code ?? 0));
