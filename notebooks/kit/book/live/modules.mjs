// What a cell may import in a page of the book.

import * as diagrams from "@stopover/diagrams";
import { sortable } from "@stopover/diagrams/internal/player/script";
import * as exercises from "@stopover/exercises";
import * as stopover from "stopover";
import { portable as sha256 } from "stopover/internal/machinery/sha256";
import { NeedsMachine } from "./kernel.mjs";
import { readFileSync } from "./machine.mjs";

/** @typedef {import("./kernel.mjs").Kernel} Kernel */

/**
 * A module by the name that a cell gives it.
 * @param {string} name
 * @param {Kernel} kernel whose cell asks
 * @returns {unknown}
 */
export function load(name, kernel) {
  const module = Object.hasOwn(modules, name) ? modules[name] : undefined;
  if (module) return module(kernel);
  if (/^node:|^stopover\/|^(fs|http|child_process|os|net)$/.test(name)) {
    throw new NeedsMachine(name);
  }
  throw new Error(
    `there is no package "${name}" in a page of the book; there are ${Object.keys(modules).join(", ")}`,
  );
}

/** @type {Record<string, (kernel: Kernel) => unknown>} */
const modules = {
  stopover: () => stopover,
  "@stopover/diagrams": (kernel) => ({
    ...diagrams,
    show: showIn(kernel),
    map: noting(diagrams.map, 0),
    player: noting(diagrams.player, 1),
  }),
  "@stopover/exercises": () => exercises,
  "stopover/clouds": () => part("clouds"),
  "stopover/nftables": () => part("nftables"),
  "stopover/lab": (kernel) => ({ ...part("lab"), observeOrRecall: recallIn(kernel) }),
  "node:fs": () => ({ readFileSync }),
  "node:crypto": () => ({ createHash }),
};

/**
 * What came with this page because its chapter imports it: bundle.mjs, parts.
 * @param {string} name
 * @returns {any}
 */
function part(name) {
  const { stopoverParts } = /** @type {{ stopoverParts?: Record<string, unknown> }} */ (globalThis);
  const found = stopoverParts?.[name];
  if (found) return found;
  throw new Error(`"stopover/${name}" comes with the pages of the chapters that import it alone`);
}

/** @param {Kernel} kernel @returns {typeof diagrams.show} */
const showIn =
  (kernel) =>
  (what, options = {}) => {
    const data = dataOf(diagrams.toPicture(what, options));
    const cluster = clusters.findIndex(({ picture }) => picture === what);
    const places = [
      ...String(data["text/html"]).matchAll(/data-is=\\?"(client|(?:node|pod) [^"\\]+)/g),
    ];
    const names = [...new Set(places.map(([, name]) => name))];
    kernel.show({ data: cluster < 0 ? data : { ...data, "stopover/places": { cluster, names } } });
  };

/**
 * The pictures of living clusters that were drawn, and whose they are: for shells at their places.
 * @type {{ picture?: object, cluster?: any }[]}
 */
const clusters = [];
/** So many are kept: a slider draws many. */
const mostClusters = 50;

/** The cluster of a picture. @param {number} id */
export function clusterOf(id) {
  const found = clusters[id]?.cluster;
  if (found) return found;
  throw new Error("this picture is an old one: run its cell again");
}

/**
 * Draws, and notes whose picture it is.
 * @template {(...all: any[]) => object} D
 * @param {D} draw
 * @param {number} at which of its arguments is the cluster
 * @returns {D}
 */
const noting = (draw, at) =>
  /** @type {D} */ (
    (...all) => {
      const [picture, cluster] = [draw(...all), all[at]];
      if (cluster?.shellWorld) clusters.push({ picture, cluster });
      if (clusters.length > mostClusters) clusters[clusters.length - mostClusters - 1] = {};
      return picture;
    }
  );

/**
 * A picture in the forms that a page draws, by MIME type as in a notebook.
 * @param {import("@stopover/diagrams").Picture} picture
 * @returns {Record<string, unknown>}
 */
export function dataOf(picture) {
  const text = { "text/plain": diagrams.textOf(picture) };
  switch (picture.kind) {
    case "table":
      return { "text/html": sortable(picture), ...text };
    case "html":
      return { "text/html": picture.html, ...text };
    case "svg":
      return { "text/html": diagrams.inline(picture), ...text };
    case "mermaid":
      return { "text/vnd.mermaid": picture.source, ...text };
    case "vega-lite":
      return { "application/vnd.vegalite.v5+json": picture.spec, ...text };
  }
}

/**
 * A real kernel's answer, out of the file in which it is kept.
 * @param {Kernel} kernel
 * @returns {typeof import("stopover/lab").observeOrRecall}
 */
const recallIn = (kernel) => (file, plan) => {
  kernel.show({ recorded: file });
  return part("lab").observeOrRecall(file, plan);
};

/** As much of node:crypto as a lesson on names of chains needs. @param {string} algorithm */
function createHash(algorithm) {
  if (algorithm !== "sha256") {
    throw new Error(`a page of the book computes no "${algorithm}"; it has sha256`);
  }
  /** @type {number[]} */
  const bytes = [];
  const encoder = new TextEncoder();
  const self = {
    update(/** @type {string | Uint8Array} */ part) {
      for (const byte of typeof part === "string" ? encoder.encode(part) : part) bytes.push(byte);
      return self;
    },
    digest(/** @type {string | undefined} */ encoding) {
      const digest = sha256(Uint8Array.from(bytes));
      if (encoding === undefined) return digest;
      if (encoding !== "hex") throw new Error(`the digest is told in bytes or in hex`);
      return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    },
  };
  return self;
}
