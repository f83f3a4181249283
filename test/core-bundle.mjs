// The library's core for browsers: its first chunk as one classic script, and all of it in chunks.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { leanYaml } from "../notebooks/kit/book/live/lean-yaml.mjs";
import { notebooksFolder, root } from "../notebooks/kit/project.mjs";

/** @type {import("esbuild").BuildOptions} */
const forBrowsers = {
  bundle: true,
  platform: "browser",
  target: "es2022",
  minify: true,
  legalComments: "none",
  logLevel: "error",
  plugins: [leanYaml],
};

/** The first chunk as a script: run, it leaves a global `stopover`. */
export async function firstChunk() {
  const { outputFiles } = await build({
    ...forBrowsers,
    entryPoints: [join(root, "lib/dist/live.js")],
    format: "iife",
    globalName: "stopover",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

/**
 * Writes modules into a folder: live.js, which a page loads at once, given.js, which it loads when
 * somebody brings a dump or rules, and what the two share.
 * @param {string} folder
 */
export async function writeChunks(folder) {
  await build({
    ...forBrowsers,
    entryPoints: [join(root, "lib/dist/live.js"), join(root, "lib/dist/given.js")],
    format: "esm",
    splitting: true,
    outdir: folder,
  });
}

/** What the page carries: the article's manifests, by the paths that cells read. */
export const carried = Object.fromEntries(
  ["manifests/deployment.yaml", "manifests/service.yaml"].map((name) => [
    name,
    readFileSync(join(notebooksFolder, name), "utf8"),
  ]),
);

/**
 * The article's request, as JSON: the same text wherever it runs. Handed to a page as its source.
 * @param {any} stopover
 * @param {string} folder
 */
export function articleJourney(stopover, folder) {
  const cluster = stopover.createCluster({ nodes: 3, cloud: stopover.aws(), seed: 1 });
  cluster.apply(stopover.read(`${folder}/deployment.yaml`));
  cluster.apply(stopover.read(`${folder}/service.yaml`));
  cluster.settle();
  return JSON.stringify({
    one: cluster.request("http://mynginx-app.com:8080/"),
    shares: cluster.shares("http://mynginx-app.com:8080/"),
    rules: cluster.node("node-a").rules.restoreText(),
  });
}
