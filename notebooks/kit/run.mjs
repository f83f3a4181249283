// The embedded runner: executes one notebook without Jupyter, Python or ZeroMQ.
//
//     node notebooks/kit/run.mjs IN.ipynb OUT.ipynb [FOLDER]
//
// It runs every cell from FOLDER, which is the notebook's own unless it is said, and writes the
// result.
// It drives tslab's own converter and executor, so a cell is compiled, checked and run exactly as
// the stock kernel does it. One process runs one notebook, for the executor keeps its state in
// globals. The outputs are the same on every machine: no timings, no colours, no absolute paths, no
// stack frames. Exit code 1, with the cell and its error on standard error, if a cell fails that is
// not tagged `raises-exception`; OUT.ipynb is written all the same, as far as the run came.

import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { readNotebook, writeNotebook } from "./ipynb.mjs";
import { isMain, root } from "./project.mjs";

/** @typedef {import("./ipynb.mjs").Output} Output */
/** @typedef {import("./ipynb.mjs").Notebook} Notebook */

const require = createRequire(import.meta.url);

/**
 * Runs the cells of a notebook in order and puts their outputs into it.
 * @param {Notebook} book
 * @param {string} folder the working directory: imports and file names in the cells start here
 * @returns {Promise<string | undefined>} what went wrong in the first cell that failed
 */
export async function runNotebook(book, folder) {
  process.chdir(folder); // before tslab loads: it resolves everything from here
  process.env.NO_COLOR = "1";
  const executor = loadTslab(folder);
  const outputs = captureOutputs();
  let count = 0;
  try {
    for (const cell of book.cells) {
      if (cell.cell_type !== "code") continue;
      cell.outputs = outputs.into([]);
      cell.execution_count = ++count;
      const good = await outputs.settled(executor.execute(cell.source));
      cell.outputs.forEach(sanitise);
      if (!good && !cell.metadata.tags?.includes("raises-exception"))
        return `cell ${count} failed:\n${indented(cell.source)}\n${errorText(cell.outputs)}`;
    }
  } finally {
    outputs.restore();
    executor.close();
  }
}

/**
 * tslab's executor as its kernel makes it, without file watchers: a run needs none, and their
 * timers outlive it.
 * @param {string} folder
 */
function loadTslab(folder) {
  const { sys } = require("@tslab/typescript-for-tslab");
  sys.watchFile = sys.watchDirectory = () => ({ close() {} });
  const node = require("tslab/dist/converter.js").createConverter({
    isJS: false,
    isBrowser: false,
  });
  return require("tslab/dist/executor.js").createExecutor(
    folder,
    { node, browser: node, close: () => node.close() },
    console,
  );
}

/**
 * Sends what cells print and display into the outputs of the cell that runs, as the kernel's
 * messages would be stored.
 */
function captureOutputs() {
  // display() writes through jupyter.lastWriteDisplayData
  const jupyter = require("tslab/dist/jupyter.js");
  const { stdout, stderr } = process;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- they are put back
  const original = { stdout: stdout.write, stderr: stderr.write };
  const displays = new Map();
  /** @type {Output[]} */
  let outputs = [];
  /** @type {(reason: unknown) => void} */
  let failed = () => {};
  const onError = (/** @type {unknown} */ error) => failed(error);
  process.on("uncaughtException", onError).on("unhandledRejection", onError);

  const stream = (/** @type {string} */ name) => (/** @type {string | Uint8Array} */ chunk) => {
    const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
    const last = outputs.at(-1);
    if (last?.name === name) last.text += text;
    else outputs.push({ output_type: "stream", name, text });
    return true;
  };
  stdout.write = stream("stdout");
  stderr.write = stream("stderr");
  jupyter.lastWriteDisplayData = (
    /** @type {any} */ { data, metadata = {}, transient },
    /** @type {boolean} */ update,
  ) => {
    const id = transient?.display_id;
    if (update && displays.has(id)) return void Object.assign(displays.get(id), { data, metadata });
    const output = { output_type: "display_data", data, metadata };
    outputs.push(output);
    if (id) displays.set(id, output);
  };

  return {
    /** @param {Output[]} list */
    into: (list) => (outputs = list),
    /**
     * Waits for a cell, and a turn longer for what it left behind; an error thrown outside of it
     * fails it too.
     * @param {Promise<boolean>} cell
     */
    settled: (cell) =>
      new Promise((done) => {
        failed = (error) => {
          console.error(error);
          done(false);
        };
        cell.then((good) => setImmediate(() => done(good)), failed);
      }),
    restore() {
      stdout.write = original.stdout;
      stderr.write = original.stderr;
      process.off("uncaughtException", onError).off("unhandledRejection", onError);
    },
  };
}

/** Takes out of an output what differs from machine to machine. @param {Output} output */
export function sanitise(output) {
  if (output.text !== undefined) output.text = portable(output.text.replace(stackFrames, ""));
  for (const [type, value] of Object.entries(output.data ?? {})) {
    if (type.startsWith("text/") && typeof value === "string")
      /** @type {any} */ (output.data)[type] = portable(value);
  }
}

/**
 * They carry line numbers of compiled files. What is printed may hold some; what is shown holds
 * none, and a script in it may well have a line that begins so.
 */
const stackFrames = /^ +at .*(\n|$)/gm;

/** The folder of the project is nobody's business. @param {string} text */
const portable = (text) => text.replaceAll(`file://${root}`, "").replaceAll(root, "");

/** @param {Output[]} outputs */
const errorText = (outputs) =>
  indented(
    outputs
      .filter((output) => output.name === "stderr")
      .map((output) => output.text)
      .join("") || "(no message)",
  );

/** @param {string} text */
const indented = (text) => text.trimEnd().replace(/^/gm, "    ");

if (isMain(import.meta.url)) {
  const [input, output, folder] = process.argv.slice(2).map((file) => resolve(file));
  if (!input || !output) {
    console.error("usage: node notebooks/kit/run.mjs IN.ipynb OUT.ipynb [FOLDER]");
    process.exit(2);
  }
  const book = readNotebook(input);
  const problem = await runNotebook(book, folder ?? dirname(input));
  writeNotebook(output, book);
  if (problem) console.error(problem);
  process.exit(problem ? 1 : 0); // a cell may have left timers behind
}
