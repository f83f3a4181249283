// node test/bench/measure.mjs LIBRARY NAME: measures one figure with one build of the library, and
// prints a line of JSON: { "value": … } in the figure's unit, or { "error": "…" }. Where LIBRARY is
// a *.bench file, which looks inside this build, it is that bench's own line: { "text": "…" }.

import { pathToFileURL } from "node:url";
import { figures } from "./figures.mjs";

const [file = "", name] = process.argv.slice(2);
const scale = { µs: 1e6, ms: 1e3, s: 1 };
/**
 * The best of as many rounds as begin within so many CPU seconds, or, where these are few, of so
 * many rounds as long as the most seconds allow: the first ones pay for V8's compiler, whose
 * threads count as well, and which may take several times as long as what it compiles. What takes
 * longer is measured once.
 */
const enough = 3;
const rounds = 20;
const most = 12;

/** CPU seconds of this process so far: the machine may be busy. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function insideBench() {
  const { benches } = await import(pathToFileURL(file).href);
  return { text: await benches.find((/** @type {Figure} */ each) => each.name === name).run() };
}

/** @typedef {import("./figures.mjs").Figure} Figure */

async function publicFigure() {
  const figure = figures.find((each) => each.name === name);
  if (!figure) throw new Error(`there is no figure "${name}"`);
  const library = await import(pathToFileURL(file).href);
  const { times = 1, before, run } = figure.prepare(library);
  let best = Infinity;
  let spent = 0;
  for (let round = 0; spent < (round < rounds ? most : enough); round++) {
    before?.();
    const started = cpu();
    run();
    const taken = cpu() - started;
    spent += taken;
    best = Math.min(best, taken);
  }
  return { value: (best / times) * scale[figure.unit] };
}

try {
  const inside = /\.bench\.m?js$/.test(file);
  console.log(JSON.stringify(await (inside ? insideBench() : publicFigure())));
} catch (error) {
  console.log(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
}
process.exit(0); // a build may have left something running
