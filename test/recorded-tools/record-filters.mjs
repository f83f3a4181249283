#!/usr/bin/env node
/**
 * Records what the real sed and awk make of a text: `node test/recorded-tools/record-filters.mjs`,
 * with GNU sed 4.9 and mawk 1.3.4. test/shell-filters.test.ts runs the same at a place.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const here = new URL(".", import.meta.url).pathname;
const { input, scripts } = JSON.parse(readFileSync(`${here}/filters.json`, "utf8"));
const cwd = mkdtempSync(join(tmpdir(), "filters-"));
writeFileSync(join(cwd, "in"), input);
const recorded = Object.keys(scripts).map((script) => {
  const { stdout, status } = spawnSync("bash", ["-c", script], {
    cwd,
    encoding: "utf8",
    env: { PATH: process.env.PATH, LC_ALL: "C" },
  });
  return [script, { stdout, exitCode: status }];
});
writeFileSync(
  `${here}/filters.json`,
  `${JSON.stringify({ input, scripts: Object.fromEntries(recorded) }, undefined, 1)}\n`,
);
