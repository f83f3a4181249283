// The thread beside a page: it runs the chapter's cells, and answers the questions of the page
// "Your cluster". A cell that never ends is ended with its thread.

import { Kernel } from "./kernel.mjs";
import { carry } from "./machine.mjs";
import { load } from "./modules.mjs";

/**
 * What a page asks of its thread. The first message brings the files that cells read.
 * @typedef {{ files: Record<string, string> } | { id: number, source: string }} Order
 */
/**
 * What the thread says: an output of a cell, or how the cell ended.
 * @typedef {{ id: number, output: import("./kernel.mjs").Output }
 *   | { id: number, ended: Awaited<ReturnType<Kernel["run"]>>, seconds: number }
 *   | { ready: true }} Report
 */

const kernel = new Kernel(load);
// the checks of the exercises print by the global one
Object.assign(console, { log: kernel.console.log, error: kernel.console.error });

/** @param {Report} report */
const say = (report) => postMessage(report);

let last = Promise.resolve(); // cells run one after the other
addEventListener("message", (/** @type {MessageEvent<Order>} */ { data }) => {
  if ("files" in data) carry(data.files);
  else last = last.then(() => runCell(data.id, data.source));
});
say({ ready: true });

/** @param {number} id @param {string} source */
async function runCell(id, source) {
  const started = performance.now();
  const ended = await kernel.run(source, (output) => say({ id, output }));
  say({ id, ended, seconds: (performance.now() - started) / 1000 });
}
