// What a reader waits for before anything happens: the command from cold, and the library's import.
// Medians of seven processes.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "../../notebooks/kit/project.mjs";

/**
 * Runs Node in a new process and reads the number that it prints on standard error.
 * @param {string[]} args
 */
function measured(args) {
  const numbers = Array.from({ length: 7 }, () => {
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return Number(stderr.trim().split("\n").at(-1));
  });
  return numbers.sort((a, b) => a - b)[3] ?? NaN;
}

/**
 * On exit, the milliseconds of CPU that the process used since it began, Node's own start included.
 */
const cpuAtExit = `data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();console.error((user+system)/1e3)})`;
const importTime = `const t=performance.now();await import("stopover");console.error(performance.now()-t)`;

/** @param {number} ms @param {string} aim */
const line = (ms, aim) => `${ms.toFixed(0)} ms (aim: under ${aim})`;

export const benches = [
  {
    name: "bare `node -e 0`, CPU, for comparison",
    run: () => `${measured(["--import", cpuAtExit, "-e", "0"]).toFixed(0)} ms`,
  },
  {
    name: "cold `stopover journey`, CPU",
    run: () =>
      line(measured(["--import", cpuAtExit, join(root, "lib/cli.mjs"), "journey"]), "500 ms"),
  },
  {
    name: "import of the library, wall time",
    run: () => line(measured(["--input-type=module", "-e", importTime]), "150 ms"),
  },
];
