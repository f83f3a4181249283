// A chapter's thread, as its page sees it: runs cells one after the other, ends one that does not
// end by itself, and begins anew.

import { loadScripts } from "./page.mjs";

/** @typedef {import("./worker.mjs").Report} Report */
/** @typedef {import("./worker.mjs").Order} Order */
/** @typedef {import("./terminals.mjs").Ask} Ask */
/** @typedef {import("./terminals.mjs").Says} Says */
/**
 * How a cell ended: by itself, or because somebody stopped it and all that was made before with it.
 * @typedef {{ ended: "good" | "failed" | "needs the machine" | "stopped", seconds: number }} End
 */
/** @typedef {import("./kernel.mjs").Output} Output */
/** @typedef {{ tell: (output: Output) => void, done: (end: End) => void }} Waiting */

/** @typedef {{ done: (answer: any) => void, fail: (error: Error) => void }} Asking */

export class Session {
  /** @type {Worker | undefined} */
  #worker;
  /** The questions that wait. @type {Map<number, Asking>} */
  #asking = new Map();
  /** The cells that run or wait, by the numbers of their orders. @type {Map<number, Waiting>} */
  #waiting = new Map();
  #orders = 0;
  /** Who hears what the thread's shells say. @type {Map<number, (says?: Says) => void>} */
  #shells = new Map();

  /**
   * @param {string} script what the thread runs
   * @param {Record<string, string>} files what its cells read
   */
  constructor(script, files) {
    this.script = new Blob([script], { type: "text/javascript" });
    this.files = files;
  }

  /** Begins the thread, which takes a moment; a first cell need not wait for it then. */
  start() {
    if (this.#worker) return this.#worker;
    const url = URL.createObjectURL(this.script);
    const worker = new Worker(url);
    worker.addEventListener("message", ({ data }) => {
      URL.revokeObjectURL(url); // it has been read
      this.#hear(data);
    });
    worker.addEventListener("error", (event) => this.#fail(event));
    worker.postMessage(/** @satisfies {Order} */ ({ files: this.files }));
    this.#worker = worker;
    return worker;
  }

  /**
   * Runs a cell; `tell` gets its outputs as they come.
   * @param {string} source
   * @param {Waiting["tell"]} tell
   * @returns {Promise<End>}
   */
  run(source, tell) {
    const id = ++this.#orders;
    const worker = this.start();
    return new Promise((done) => {
      this.#waiting.set(id, { tell, done });
      worker.postMessage(/** @satisfies {Order} */ ({ id, source }));
    });
  }

  /**
   * Asks a question; rejects with the sentence that says what is wrong with it.
   * @param {import("./question.mjs").Question} question
   * @param {boolean} whole with all that a page shows, or the journey alone
   * @returns {Promise<any>}
   */
  ask(question, whole) {
    return this.#order((id) => ({ id, question, whole }));
  }

  /**
   * Which of some cells use what a cell makes: their places in the list.
   * @param {string} maker
   * @param {string[]} cells
   * @returns {Promise<number[]>}
   */
  users(maker, cells) {
    return this.#order((id) => ({ id, maker, cells }));
  }

  /**
   * Opens a shell in the thread. `hear` gets what it says; undefined: it is gone with its thread.
   * Answers how it is asked for something.
   * @param {(says: Says | undefined) => void} hear
   * @returns {(ask: Ask) => void}
   */
  shell(hear) {
    const shell = ++this.#orders;
    const worker = this.start();
    this.#shells.set(shell, hear);
    return (ask) => {
      if (this.#shells.has(shell)) worker.postMessage(/** @satisfies {Order} */ ({ shell, ask }));
      if ("close" in ask) this.#shells.delete(shell);
    };
  }

  /** @param {(id: number) => Order} order @returns {Promise<any>} */
  #order(order) {
    const id = ++this.#orders;
    const worker = this.start();
    return new Promise((done, fail) => {
      this.#asking.set(id, { done, fail });
      worker.postMessage(order(id));
    });
  }

  /** Ends the thread with all that its cells made. */
  stop() {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { done } of this.#waiting.values()) done({ ended: "stopped", seconds: 0 });
    this.#waiting.clear();
    for (const { fail } of this.#asking.values()) fail(new Error("it was stopped"));
    this.#asking.clear();
    for (const hear of this.#shells.values()) hear();
    this.#shells.clear();
  }

  /** @param {Report} report */
  #hear(report) {
    if ("ready" in report) return;
    if ("wants" in report) return void this.#bring(report.wants);
    if ("shell" in report) return this.#shells.get(report.shell)?.(report.says);
    if ("answer" in report) return this.#asking.get(report.id)?.done(report.answer);
    if ("refused" in report) return this.#asking.get(report.id)?.fail(new Error(report.refused));
    const waiting = this.#waiting.get(report.id);
    if ("output" in report) return waiting?.tell(report.output);
    this.#waiting.delete(report.id);
    waiting?.done(report);
  }

  /** Loads a part that the thread asks for. @param {string} part */
  async #bring(part) {
    const worker = this.#worker;
    await loadScripts(`later/${part}.js`).catch(() => {}); // it says so itself
    const { stopoverLater } = /** @type {{ stopoverLater?: Record<string, string> }} */ (
      globalThis
    );
    worker?.postMessage(/** @satisfies {Order} */ ({ part, script: stopoverLater?.[part] }));
  }

  /** What a cell left behind (a timer, a promise) may fail after it; the oldest one hears of it. */
  #fail(/** @type {ErrorEvent} */ { message }) {
    const [first] = this.#waiting.values();
    first?.tell({ error: { name: "Error", message, stack: "" } });
  }
}
