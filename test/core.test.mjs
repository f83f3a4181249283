// The core runs where there is no Node.js: bundled for browsers it is small, and tells the same.

import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import * as stopover from "stopover";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { notebooksFolder } from "../notebooks/kit/project.mjs";
import { articleJourney, carried, firstChunk } from "./core-bundle.mjs";

/** What the core uses of what browsers have. */
const browserGlobals = { TextDecoder, TextEncoder, URL, atob, btoa, console, setTimeout };
/** Minified and gzipped, as bundlers count. */
const allowed = 130 * 1024;

const test = suite("the core without Node.js");

test("the first chunk for browsers has at most 130 kB", async () => {
  const size = gzipSync(await firstChunk(), { level: 9 }).length;
  assert.ok(size <= allowed, `${size} bytes`);
});

test("where nothing of Node.js is at hand, it tells the article's journey to the letter", async () => {
  const script = await firstChunk();
  const page = createContext({ ...browserGlobals });
  runInContext(script, page);
  page.carried = carried;
  runInContext("stopover.carryFiles(carried)", page);
  const told = runInContext(`(${articleJourney})(stopover, "manifests")`, page);
  assert.is(told, articleJourney(stopover, join(notebooksFolder, "manifests")));
});

const yaml = String.raw`
apiVersion: v1
kind: Namespace
metadata:
  name: odd
  labels: &same {on: "yes", 'it': !!str 010}
  annotations:
    <<: *same
    escaped: "caf\u00e9\t\x41"
    quoted: 'it''s'
    folded: >-
      one
      two
    kept: |+
      three

`;

test("what a page leaves out of the reader of YAML is nothing that reads", async () => {
  const page = createContext({ ...browserGlobals, yaml });
  runInContext(await firstChunk(), page);
  const told = runInContext("JSON.stringify(stopover.parse(yaml))", page);
  assert.is(told, JSON.stringify(stopover.parse(yaml)));
  assert.match(told, /café\\tA.*it's.*one two.*three\\n/);
});

test("a page without the file says so", async () => {
  const page = createContext({ ...browserGlobals });
  runInContext(await firstChunk(), page);
  assert.throws(
    () => runInContext(`stopover.read("manifests/service.yaml")`, page),
    (/** @type {Error} */ error) => /there is no such file or folder/.test(error.message),
  );
});

test.run();
