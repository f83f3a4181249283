// node test/bench/measure.mjs LIBRARY NAME: measures one figure with one build of the library, and
// prints a line of JSON: { "value": … } in the figure's unit, or { "error": "…" }. Where LIBRARY is
// a *.bench file, which looks inside this build, it is that bench's own line: { "text": "…" }.

import { pathToFileURL } from "node:url";
import { figures } from "./figures.mjs";

const [library = "", name] = process.argv.slice(2);
const scale = { µs: 1e6, ms: 1e3, s: 1 };

/** CPU seconds of this process so far: the machine may be busy. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** @param {string} file */
async function insideBench(file) {
  const { benches } = await import(pathToFileURL(file).href);
  return { text: await benches.find((/** @type {Figure} */ each) => each.name === name).run() };
}

/** @typedef {import("./figures.mjs").Figure} Figure */

async function publicFigure() {
  const figure = figures.find((each) => each.name === name);
  if (!figure) throw new Error(`there is no figure "${name}"`);
  const { times = 1, rounds = 3, run } = figure.prepare(await import(pathToFileURL(library).href));
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const before = cpu();
    run();
    best = Math.min(best, cpu() - before);
  }
  return { value: (best / times) * scale[figure.unit] };
}

try {
  const inside = /\.bench\.m?js$/.test(library);
  console.log(JSON.stringify(await (inside ? insideBench(library) : publicFigure())));
} catch (error) {
  console.log(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
}
process.exit(0); // a build may have left something running
