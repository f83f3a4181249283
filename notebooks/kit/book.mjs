// npm run book [-- FOLDER] [--without-solutions]: the chapters as a static site in FOLDER (default:
// book/), whose cells run in the reader's browser. It needs no server and no network: open
// index.html. `npm start` serves the same pages.
//
// A notebook becomes a page: markdown by markdown-it, code coloured by highlight.js, pictures as
// files beside it, a search index by minisearch. What a page looks like and does is in book/:
// page.mjs, book.css, book.js; what makes its cells live in book/live/. The library's API comes
// from api.mjs.

import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { execute, notebookName, pool } from "./execute.mjs";
import { chapters, formatNotebook, readNotebook } from "./ipynb.mjs";
import { isMain, notebooksFolder, root, say, workspaces } from "./project.mjs";
import { ready } from "./setup.mjs";
import { solutionsOf, solved } from "./solutions.mjs";
import { solutionsScript } from "./book/solutions.mjs";

/** @typedef {import("./ipynb.mjs").Notebook} Notebook */
/** @typedef {import("./book/page.mjs").Chapter} Chapter */

/**
 * Writes the site: from the notebooks' own outputs, and where there are none, from a run's.
 * `api: false` leaves out the pages of the library's API, which take the longest; `solutions:
 * false` those with the answers of the exercises.
 * @returns {Promise<string>} the site's folder
 */
export async function buildBook(
  folder = join(root, "book"),
  { api = true, solutions = true } = {},
) {
  const { chapterOf, layout, solutionCell } = await import("./book/page.mjs"); // needs packages
  const world = fingerprint();
  const notebooks = await pool(chapters(), async (file) => ({
    name: notebookName(file),
    book: await executed(file, world),
  }));
  rmSync(folder, { recursive: true, force: true });
  const assets = join(folder, "assets");
  mkdirSync(assets, { recursive: true });
  const { yourCluster } = await import("./book/your-cluster.mjs");
  const all = notebooks.map(({ name, book }) => {
    const files = { picture: pictureInto(assets), link: linkFrom(name, folder) };
    const chapter = chapterOf(name, book, files);
    const number = basename(name, ".ipynb");
    if (!solutions || !solved().includes(number)) return chapter;
    const script = `solutions/${number}.js`;
    const html = solutionCell(files);
    write(join(assets, script), solutionsScript(solutionsOf(number).cells, html));
    return { ...chapter, solutions: script };
  });
  all.push(yourCluster);
  for (const chapter of all) write(join(folder, chapter.page), layout(chapter, all));
  if (!all.some(({ page }) => page === "index.html"))
    write(
      join(folder, "index.html"),
      `<meta http-equiv="refresh" content="0; url=${all[0]?.page}">`,
    );
  const require = createRequire(import.meta.url);
  copyFileSync(
    require.resolve("minisearch").replace(/dist.*/, "dist/umd/index.js"),
    join(assets, "minisearch.js"),
  );
  for (const file of ["book.css", "book.js"])
    copyFileSync(fileURLToPath(new URL(`book/${file}`, import.meta.url)), join(assets, file));
  const { engineInBook } = await import("@stopover/diagrams/internal/player/script");
  const { engineScript } = await import("@stopover/diagrams/internal/player/engine-script");
  write(join(folder, engineInBook), engineScript);
  await writeLive(assets);
  if (api) cpSync(await apiPages(world), join(folder, "api"), { recursive: true });
  write(
    join(assets, "index.js"),
    `window.sections = ${JSON.stringify(all.flatMap(({ sections }) => sections))};\n`,
  );
  return folder;
}

/**
 * The notebook with its outputs. They are its own, which the tests hold against a run's; a notebook
 * that was cleared gets those of a run, or of an earlier run's where nothing that it depends on has
 * changed.
 * @param {string} file
 * @param {string} world
 * @returns {Promise<Notebook>}
 */
async function executed(file, world) {
  const source = readNotebook(file);
  const code = source.cells.filter(({ cell_type }) => cell_type === "code");
  if (code.every(({ execution_count }) => execution_count)) return source;
  for (const cell of source.cells)
    if (cell.cell_type === "code") Object.assign(cell, { outputs: [], execution_count: null });
  const kept = join(root, ".cache/book", `${hash(world + formatNotebook(source))}.ipynb`);
  if (existsSync(kept)) return readNotebook(kept);
  const { name, seconds, problem, executed } = await execute(file);
  say(`${problem ? "failed in" : "executed"} ${name} (${seconds.toFixed(1)} s)`);
  if (problem) {
    console.error(problem);
    process.exitCode = 1;
  } else write(kept, formatNotebook(executed ?? source));
  return executed ?? source;
}

/**
 * What makes the pages live, and what their cells read and draw with.
 * @param {string} assets
 */
async function writeLive(assets) {
  const { bundled, later, partScript, parts, quoted, terminalScript, workerScript } =
    await import("./book/live/bundle.mjs"); // needs packages
  for (const name of ["live", "your-cluster"])
    write(join(assets, `${name}.js`), await bundled(`${name}.mjs`));
  const worker = await workerScript();
  write(join(assets, "worker.js"), `globalThis.stopoverWorker = ${quoted(worker)};\n`);
  for (const part of Object.keys(parts)) {
    const script = await partScript(part);
    write(
      join(assets, `${part}.js`),
      `globalThis.stopoverWorker += ${quoted(script)};
`,
    );
  }
  for (const part of Object.keys(later))
    write(
      join(assets, `later/${part}.js`),
      `globalThis.stopoverLater = { ...globalThis.stopoverLater, ${part}: ${quoted(await partScript(part))} };\n`,
    );
  write(join(assets, "terminal.js"), await terminalScript());
  write(join(assets, "files.js"), `globalThis.stopoverFiles = ${JSON.stringify(readByCells())};\n`);
  const require = createRequire(join(root, "diagrams/package.json"));
  const artists = { mermaid: "mermaid", vega: "vega", "vega-lite": "vega-lite" };
  for (const [name, script] of Object.entries(artists)) {
    const folder = require.resolve(name).replace(/(?<=node_modules\/[^/]+\/).*/, "");
    const file = ["dist", "build"]
      .map((at) => join(folder, at, `${script}.min.js`))
      .find(existsSync);
    if (!file) throw new Error(`${name} has no ${script}.min.js for pages`);
    copyFileSync(file, join(assets, `${script}.js`));
  }
}

/** The files that cells read, by their paths under notebooks/. */
function readByCells() {
  const files = ["manifests", "dumps"].flatMap((folder) =>
    readdirSync(join(notebooksFolder, folder), { recursive: true })
      .map((file) => `${folder}/${String(file).replaceAll("\\", "/")}`)
      .filter((file) => statSync(join(notebooksFolder, file)).isFile()),
  );
  return Object.fromEntries(
    files.map((file) => [file, readFileSync(join(notebooksFolder, file), "utf8")]),
  );
}

/**
 * The pages of the library's API, made once for each build.
 * @param {string} world
 * @returns {Promise<string>} their folder
 */
async function apiPages(world) {
  const folder = join(root, ".cache/book", `api-${world}`);
  if (existsSync(folder)) return folder;
  await (await import("./api.mjs")).writeApi(`${folder}.part`);
  renameSync(`${folder}.part`, folder);
  return folder;
}

/** A hash of all that a notebook's outputs depend on besides its own text. */
function fingerprint() {
  const files = [...workspaces.map((folder) => `${folder}/dist`), "notebooks/manifests"].flatMap(
    (folder) =>
      existsSync(join(root, folder))
        ? readdirSync(join(root, folder), { recursive: true }).map((file) =>
            join(root, folder, String(file)),
          )
        : [],
  );
  const texts = [join(root, "package-lock.json"), ...files.sort()]
    .filter((file) => /\.(js|json|ya?ml)$/.test(file) && statSync(file).isFile())
    .map((file) => readFileSync(file));
  return hash(Buffer.concat(texts));
}

/** @param {string | Buffer} content */
const hash = (content) => createHash("sha256").update(content).digest("hex").slice(0, 16);

/** Stores a picture under its hash, so that the same one is stored once. @param {string} assets */
const pictureInto = (assets) => (/** @type {Buffer} */ bytes, /** @type {string} */ extension) => {
  const name = `${hash(bytes)}.${extension}`;
  writeFileSync(join(assets, name), bytes);
  return `assets/${name}`;
};

/**
 * Where a link in a notebook leads in the book: to another page, or to a copy of the file it
 * names.
 * @param {string} notebook
 * @param {string} folder
 */
const linkFrom = (notebook, folder) => (/** @type {string} */ href) => {
  if (/^([a-z]+:|#|\/)/i.test(href)) return href;
  const [path = "", anchor] = href.split("#");
  const target = join(dirname(notebook), decodeURI(path));
  if (path.endsWith(".ipynb")) return pageOf(target, notebook) + (anchor ? `#${anchor}` : "");
  const file = join(notebooksFolder, target);
  if (target.startsWith("..") || !existsSync(file) || !statSync(file).isFile()) return href;
  mkdirSync(join(folder, dirname(target)), { recursive: true });
  copyFileSync(file, join(folder, target));
  return relative(dirname(notebook), target).replaceAll("\\", "/");
};

/** @param {string} target @param {string} from */
const pageOf = (target, from) =>
  relative(dirname(from), target.replace(/\.ipynb$/, ".html")).replaceAll("\\", "/");

/** @param {string} file @param {string} text */
function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const types = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
};

/**
 * Serves the site on the loopback address.
 * @param {string} folder
 * @param {number} port
 * @returns {import("./start.mjs").Server}
 */
export function servePages(folder, port) {
  const server = createServer(({ method, url = "/" }, response) => {
    const file = method === "GET" || method === "HEAD" ? fileAt(folder, url) : undefined;
    const type =
      types[/** @type {keyof typeof types} */ (extname(file ?? ""))] ?? "text/plain; charset=utf-8";
    response.writeHead(file ? 200 : 404, { "content-type": type, "cache-control": "no-cache" });
    response.end(file ? readFileSync(file) : "there is no such page; the chapters start at /\n");
  });
  /** @type {Promise<void>} */
  const ended = new Promise((done) => server.on("close", done).on("error", () => done()));
  /** @type {Promise<string | undefined>} */
  const url = new Promise((done) =>
    server
      .on("error", () => done(undefined))
      .listen(port, "127.0.0.1", () => done(`http://127.0.0.1:${port}/`)),
  );
  return {
    url,
    ended,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * The file that a URL names, if it lies in the folder: no `..`, however it is written, leads out of
 * it.
 * @param {string} folder
 * @param {string} url
 */
function fileAt(folder, url) {
  try {
    const path = decodeURIComponent(new URL(url, "http://localhost").pathname);
    const file = join(folder, path.endsWith("/") ? `${path}index.html` : path);
    return file.startsWith(folder + sep) && statSync(file).isFile() ? file : undefined;
  } catch {
    return undefined;
  } // a malformed URL, or no such file
}

if (isMain(import.meta.url)) {
  ready();
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { "without-solutions": { type: "boolean" } },
  });
  const folder = await buildBook(positionals[0] && resolve(positionals[0]), {
    solutions: !values["without-solutions"],
  });
  const size = readdirSync(folder, { recursive: true })
    .map((file) => statSync(join(folder, String(file))))
    .reduce((sum, { size }) => sum + size, 0);
  say(`the book is in ${basename(folder)}/index.html (${(size / 1e6).toFixed(1)} MB)`);
}
