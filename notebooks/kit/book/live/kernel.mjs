// What runs a chapter's cells: one kernel holds one chapter's names. It knows nothing of pages or
// workers; the modules that cells may import are handed to it.

import { printed } from "@stopover/diagrams/internal/print";
import { compile } from "./cell.mjs";

/**
 * What a cell leaves below itself, as a notebook keeps it. `recorded` names the file that stood in
 * for the machine.
 * @typedef {{ stream: "stdout" | "stderr", text: string }
 *   | { data: Record<string, unknown> }
 *   | { error: { name: string, message: string, stack: string } }
 *   | { recorded: string }} Output
 */
/** @typedef {(output: Output) => void} Tell */

/** A module that only a machine has: what needs it shows its recording. */
export class NeedsMachine extends Error {
  name = "NeedsMachine";
}

const AsyncFunction = /** @type {FunctionConstructor} */ (
  Object.getPrototypeOf(async () => {}).constructor
);

export class Kernel {
  /** @type {Record<string, unknown>} */
  #scope = Object.create(null);
  /** What a cell would have declared that needed the machine. @type {Set<string | symbol>} */
  #absent = new Set();
  /** @type {Tell} */
  #tell = () => {};

  /**
   * @param {(name: string, kernel: Kernel) => unknown} load answers a module, or throws
   *   NeedsMachine
   */
  constructor(load) {
    this.load = (/** @type {string} */ name) => load(name, this);
    const print =
      (/** @type {"stdout" | "stderr"} */ stream) =>
      (/** @type {unknown[]} */ ...all) =>
        this.#tell({ stream, text: `${printed(...all)}\n` });
    const [log, error] = [print("stdout"), print("stderr")];
    this.console = { ...console, log, info: log, debug: log, error, warn: error };
    this.#scope.console = this.console;
    this.world = new Proxy(this.#scope, {
      has: (scope, key) => key in scope || this.#absent.has(key),
      get: (scope, key) => {
        if (this.#absent.has(key)) throw new NeedsMachine(String(key));
        return key === Symbol.unscopables ? undefined : scope[String(key)];
      },
    });
  }

  /** Shows a bundle (MIME type -> content) below the cell that runs. @param {Output} output */
  show(output) {
    this.#tell(output);
  }

  /**
   * Runs one cell. Never rejects: what went wrong is told.
   * @param {string} source
   * @param {Tell} tell
   * @returns {Promise<"good" | "failed" | "needs the machine">}
   */
  async run(source, tell) {
    this.#tell = tell;
    /** @type {string[]} */
    let declares = [];
    try {
      const cell = compile(source);
      declares = cell.declares;
      for (const name of declares) {
        this.#absent.delete(name);
        this.#scope[name] ??= undefined; // so that what assigns it finds it here
      }
      const body = `with (world) { return await (async () => { ${cell.code}\n})(); }`;
      const run = AsyncFunction("world", "__scope", "__load", "__print", body);
      const print = (/** @type {unknown} */ value) => {
        if (value !== undefined && value !== null) this.console.log(value);
      };
      await run(this.world, this.#scope, this.load, print);
      await new Promise((done) => setTimeout(done)); // a turn for what it left behind
      return "good";
    } catch (error) {
      if (error instanceof NeedsMachine) {
        declares.forEach((name) => this.#absent.add(name));
        return "needs the machine";
      }
      tell({ error: told(error) });
      return "failed";
    }
  }
}

/** @param {unknown} error */
function told(error) {
  if (!(error instanceof Error)) {
    return { name: "Error", message: `the cell threw ${printed(error)}`, stack: "" };
  }
  const { name, message, stack = "" } = error;
  return { name, message, stack: stack.replace(`${name}: ${message}`, "").trim() };
}
