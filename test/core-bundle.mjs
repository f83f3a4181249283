// The library's core as one classic script for browsers, and what both tests of it ask of it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { notebooksFolder, root } from "../notebooks/kit/project.mjs";

/** The script: run, it leaves a global `stopover`. */
export async function bundleCore() {
  const { outputFiles } = await build({
    entryPoints: [join(root, "lib/dist/index.js")],
    bundle: true,
    format: "iife",
    globalName: "stopover",
    platform: "browser",
    target: "es2022",
    minify: true,
    write: false,
    logLevel: "error",
  });
  return outputFiles[0]?.text ?? "";
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
