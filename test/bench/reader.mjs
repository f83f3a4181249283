// npm run bench:reader [-- NAME ...]: what a reader waits for and loads, each figure beside its
// goal: the book's pages in Chromium, a kernel in Jupyter, the weights of files. NAME is one of
// weights, pages and jupyter. Wall time, once: on a machine with other work it tells of that. So
// the load stands in the first line, and behind a time the CPU that was used in it.

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { buildBook } from "../../notebooks/kit/book.mjs";
import { bundled, quoted, workerScript } from "../../notebooks/kit/book/live/bundle.mjs";
import { notebookName } from "../../notebooks/kit/execute.mjs";
import { chapters, readNotebook } from "../../notebooks/kit/ipynb.mjs";
import {
  ensureJupyter,
  findJupyter,
  startJupyter,
  writeKernelSpec,
} from "../../notebooks/kit/jupyter.mjs";
import { notebooksFolder, root } from "../../notebooks/kit/project.mjs";
import { launch, open } from "../chromium.mjs";
import { firstChunk } from "../core-bundle.mjs";
import { freePorts } from "../free-ports.mjs";
import { runInKernel } from "../jupyterhub/kernel.mjs";
import { cpuOfAll } from "./cpu.mjs";

/**
 * A figure, measured: what it is of (a chapter, say) stands in `note`; `cpu` is in seconds.
 * @typedef {{ name: string, value: number, unit: "ms" | "s" | "kB" | "MB", most: number, note?:
 *   string, cpu?: number | undefined }} Figure
 */
/** @typedef {{ seconds: number, cpu: number | undefined }} Took */

/** @param {() => Promise<unknown>} work @returns {Promise<Took>} */
async function took(work) {
  const [from, before] = [performance.now(), cpuOfAll()];
  await work();
  const [to, after] = [performance.now(), cpuOfAll()];
  const cpu = before === undefined || after === undefined ? undefined : after - before;
  return { seconds: (to - from) / 1000, cpu };
}

const names = process.argv.slice(2);
const isWanted = (/** @type {string} */ group) => !names.length || names.includes(group);
/** @type {Record<string, () => Promise<Figure[]>>} */
const groups = { weights, pages, jupyter };
const [load = 0] = loadavg();
console.log(`load ${load.toFixed(1)} on ${availableParallelism()} cores`);
for (const [group, measure] of Object.entries(groups)) {
  if (!isWanted(group)) continue;
  try {
    for (const figure of await measure()) console.log(line(figure));
  } catch (error) {
    console.log(`${group}: not measured: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
process.exit();

/** @param {Figure} figure */
function line({ name, value, unit, most, note, cpu }) {
  const notes = [
    `goal: under ${most} ${unit}`,
    ...(cpu === undefined ? [] : [`CPU ${cpu.toFixed(2)} s`]),
    ...(note ? [note] : []),
  ];
  const told = `${Number(value.toPrecision(3))} ${unit}`.padStart(9);
  return `${name.padEnd(46)}${told}${value > most ? " !" : "  "} (${notes.join("; ")})`;
}

/** @returns {Promise<Figure[]>} */
async function weights() {
  const zipped = (/** @type {string | Uint8Array} */ text) =>
    gzipSync(text, { level: 9 }).length / 1024;
  const own = ["book.js", "book.css"].map((file) =>
    readFileSync(join(notebooksFolder, "kit/book", file)),
  );
  const scripts = [await bundled("live.mjs"), quoted(await workerScript())];
  const page = [...scripts, ...own].reduce((sum, text) => sum + zipped(text), 0);
  const book = await buildBook(join(root, ".cache/book-whole"));
  const bytes = readdirSync(book, { recursive: true })
    .map((file) => statSync(join(book, String(file))))
    .reduce((sum, { size }) => sum + size, 0);
  return [
    {
      name: "engine's first chunk, zipped",
      value: zipped(await firstChunk()),
      unit: "kB",
      most: 130,
    },
    { name: "a page's own code, zipped", value: page, unit: "kB", most: 500 },
    { name: "the whole book", value: bytes / 1e6, unit: "MB", most: 25 },
  ];
}

/** @returns {Promise<Figure[]>} */
async function pages() {
  const kept = join(root, ".cache/book-whole");
  const book = existsSync(kept) ? kept : await buildBook(kept, { api: false });
  const browser = await launch();
  const { page } = await open(browser);
  const go = (/** @type {string} */ name) => page.goto(pathToFileURL(join(book, name)).href);
  try {
    await go("index.html"); // the browser itself is warm then
    let first = 0;
    const { cpu } = await took(async () => (first = await firstJourney()));
    return [
      { name: "first journey, from the page's load", value: first, unit: "ms", most: 1000, cpu },
      ...(await runAlls()),
    ];
  } finally {
    await browser.close();
  }

  /** From the beginning of the load to the answer, by the page's own clock. */
  async function firstJourney() {
    await go("your-cluster.html");
    return /** @type {Promise<number>} */ (
      page.evaluate(
        async (files) => {
          await /** @type {any} */ (globalThis).book.ask({ files });
          return performance.now();
        },
        ["deployment.yaml", "service.yaml"].map((name) => ({
          name,
          text: readFileSync(join(notebooksFolder, "manifests", name), "utf8"),
        })),
      )
    );
  }

  /** @returns {Promise<Figure[]>} the slowest chapter, and the one in the middle */
  async function runAlls() {
    const all = [];
    for (const file of chapters()) {
      const name = notebookName(file).replace(".ipynb", "");
      await go(`${name}.html`);
      all.push({ name, ...(await took(() => page.evaluate("book.runAll()"))) });
    }
    all.sort((a, b) => b.seconds - a.seconds);
    const [slowest, middle] = [all[0], all[all.length >> 1]];
    return [slowest, middle].flatMap((each, at) =>
      each
        ? {
            name: `Run all, ${at ? "the chapter in the middle" : "the slowest chapter"}`,
            value: each.seconds,
            unit: "s",
            most: 5,
            cpu: each.cpu,
            note: each.name,
          }
        : [],
    );
  }
}

/** @returns {Promise<Figure[]>} */
async function jupyter() {
  const problem = ensureJupyter();
  const found = findJupyter();
  if (problem || !found) throw new Error(problem ?? "there is no Jupyter");
  writeKernelSpec();
  const [port = 0] = await freePorts(1);
  const server = startJupyter(found, { port, browser: false, first: "index.ipynb" });
  try {
    const url = new URL((await server.url) ?? "http://nowhere");
    return await inKernel(url.origin, url.searchParams.get("token") ?? "");
  } finally {
    server.stop();
    await server.ended;
  }
}

/** @param {string} origin @param {string} token @returns {Promise<Figure[]>} */
async function inKernel(origin, token) {
  /** @param {string} id @param {string[]} cells */
  const run = (id, ...cells) =>
    runInKernel(`${origin.replace("http", "ws")}/api/kernels/${id}/channels?token=${token}`, cells);
  const [imports = "", request = "", picture = ""] = readNotebook(
    join(notebooksFolder, "06-the-request.ipynb"),
  ).cells.flatMap(({ cell_type, source }) => (cell_type === "code" ? [source] : []));
  let id = "";
  const first = await took(async () => {
    const reply = await fetch(`${origin}/api/kernels?token=${token}`, {
      method: "POST",
      body: JSON.stringify({ name: "tslab" }),
    });
    ({ id } = await reply.json());
    await run(id, imports, request, picture);
  });
  const map = await took(() => run(id, "show(map(cluster));"));
  const mermaid = await took(() => run(id, "show(sequence(trip));"));
  const again = await took(() => run(id, "show(sequence(trip));"));
  return [
    asFigure("kernel start to the first picture, in Jupyter", first, "s", 8),
    asFigure("a map, in Jupyter", map, "ms", 300),
    asFigure("a mermaid picture, in Jupyter", mermaid, "ms", 1000),
    asFigure("the same source again", again, "ms", 300),
  ];
}

/**
 * @param {string} name
 * @param {Took} took
 * @param {"s" | "ms"} unit
 * @param {number} most
 * @returns {Figure}
 */
function asFigure(name, { seconds, cpu }, unit, most) {
  return { name, value: unit === "s" ? seconds : seconds * 1000, unit, most, cpu };
}
