// The thread beside a page: it runs the chapter's cells, and answers the questions of the page
// "Your cluster". A cell that never ends is ended with its thread.

import { Kernel } from "./kernel.mjs";
import { usersOf } from "./names.mjs";
import { shells } from "stopover/internal/shells";
import { carry } from "./machine.mjs";
import * as diagrams from "@stopover/diagrams";
import { clusterOf, dataOf, load } from "./modules.mjs";
import { answerTo, journeyOf } from "./question.mjs";

/** @typedef {import("./question.mjs").Question} Question */

/**
 * What a page asks of its thread: to keep files that cells read, to run a cell, to say which cells
 * use what another makes, to answer a question (`whole`: with all that a page shows; else the
 * journey).
 * @typedef {{ files: Record<string, string> } | { id: number, source: string }
 *   | { id: number, maker: string, cells: string[] }
 *   | { id: number, question: Question, whole: boolean }
 *   | { part: string, script: string | undefined }
 *   | { shell: number, ask: import("./terminals.mjs").Ask }} Order `part` answers `wants`; without
 *   a script where the book has none
 */
/**
 * What the thread says: an output of a cell, how the cell ended, or an answer.
 * @typedef {{ id: number, output: import("./kernel.mjs").Output }
 *   | { id: number, ended: Awaited<ReturnType<Kernel["run"]>>, seconds: number }
 *   | { id: number, answer: unknown } | { id: number, refused: string } | { ready: true }
 *   | { shell: number, says: import("./terminals.mjs").Says }
 *   | { wants: string }} Report `wants` names a part that a page loads when it is asked for
 */

const kernel = new Kernel(load);
// the checks of the exercises print by the global one
Object.assign(console, { log: kernel.console.log, error: kernel.console.error });

/** @param {Report} report */
const say = (report) => postMessage(report);

let last = Promise.resolve(); // cells run one after the other
addEventListener("message", (/** @type {MessageEvent<Order>} */ { data }) => {
  if ("files" in data) carry(data.files);
  else if ("part" in data) take(data.part, data.script);
  else if ("shell" in data) askShell(data.shell, data.ask);
  else if ("question" in data) answer(data.id, data.question, data.whole);
  else if ("maker" in data) say({ id: data.id, answer: usersOf(data.maker, data.cells) });
  else last = last.then(() => runCell(data.id, data.source));
});
say({ ready: true });

/** @type {Promise<any> | undefined} */
let shell;
/** Who waits for it. @type {{ done: (part: unknown) => void, fail: (error: Error) => void }} */
let waiting;
shells.load = () =>
  (shell ??= new Promise((done, fail) => {
    waiting = { done, fail };
    say({ wants: "shell" });
  }));

/** A part comes. @param {string} name @param {string | undefined} script */
function take(name, script) {
  if (script === undefined) {
    shell = undefined;
    return waiting.fail(new Error(`this copy of the book has no ${name}`));
  }
  (0, eval)(script);
  waiting.done(/** @type {any} */ (globalThis).stopoverParts[name]);
}

/** What its shells have of a thread. @type {import("./terminals.mjs").Tools} */
const tools = {
  say: (shell, says) => say({ shell, says }),
  cluster: clusterOf,
  way: (journey, cluster) => dataOf(diagrams.player(/** @type {any} */ (journey), cluster)),
};

/** @param {number} id @param {import("./terminals.mjs").Ask} ask */
function askShell(id, ask) {
  const refuse = (/** @type {Error} */ { message }) => tools.say(id, { refused: message });
  void shells.load().then((part) => /** @type {any} */ (part).order(id, ask, tools), refuse);
}

/** @param {number} id @param {string} source */
async function runCell(id, source) {
  const started = performance.now();
  const ended = await kernel.run(source, (output) => say({ id, output }));
  say({ id, ended, seconds: (performance.now() - started) / 1000 });
  /** @type {any} */ (globalThis).stopoverParts?.shell?.wake();
}

/** @param {number} id @param {Question} question @param {boolean} whole */
function answer(id, question, whole) {
  try {
    const draw = (/** @type {diagrams.Showable} */ what) => dataOf(diagrams.toPicture(what));
    const told = whole ? answerTo(question, draw) : journeyOf(question);
    say({ id, answer: JSON.parse(JSON.stringify(told)) });
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    say({ id, refused: message.replace(/\s*\n\s*/g, "; ") }); // as the command tells it
  }
}
