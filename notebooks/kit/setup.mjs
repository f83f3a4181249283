// What every entry does first, in seconds if nothing is to be done: packages as the lock file has
// them, and a build. Plain Node without any package, for it runs before there are any. By itself
// (npm run build) it does just that.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { giveUp, isMain, root, say, workspaces } from "./project.mjs";

/** Reads a JSON file of the project. @param {string} path */
const json = (path) => JSON.parse(readFileSync(join(root, path), "utf8"));

/** Installs and builds what is missing or old; ends the process where that fails. */
export function ready() {
  packages();
  if (!existsSync(join(root, "lib/dist/index.js"))) say("building the library");
  if (!tsc("-b", ...workspaces)) giveUp("the build failed: the type errors above say where");
}

/** Makes node_modules what package-lock.json says, unless it is already. */
export function packages() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    giveUp(
      `Node ${process.versions.node} is too old: install Node 20.19 or newer (https://nodejs.org)`,
    );
  if (packagesAreThere()) return;
  say("installing the npm packages (npm ci; once, about a minute)");
  if (!npm(["ci"]))
    giveUp("npm ci failed (its message is above). Is the npm registry within reach? Try: npm ci");
}

/**
 * Whether node_modules holds every package in the version that package-lock.json names: npm keeps a
 * list of what it installed.
 */
function packagesAreThere() {
  if (!existsSync(join(root, "node_modules/.package-lock.json"))) return false;
  const installed = json("node_modules/.package-lock.json").packages;
  return Object.entries(json("package-lock.json").packages).every(
    ([path, { version, link, optional }]) =>
      !path.startsWith("node_modules/") ||
      optional ||
      (link ? installed[path]?.link : installed[path]?.version === version),
  );
}

/**
 * Runs the project's own TypeScript compiler; a build costs little where nothing changed. `npx tsc`
 * would be another one: tslab brings TypeScript 5.0 under the same command name.
 * @param {string[]} args
 * @returns {boolean} whether there was no error
 */
export const tsc = (...args) =>
  run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...args]);

/**
 * @param {string[]} args
 * @param {string} [folder]
 * @returns {boolean} whether it succeeded
 */
export function npm(args, folder) {
  // set where npm itself started us; `npm` is a .cmd file on Windows and needs a shell
  const started = process.env.npm_execpath;
  if (started) return run(process.execPath, [started, ...args], { cwd: folder });
  return run("npm", args, { cwd: folder, shell: process.platform === "win32" });
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string | undefined, shell?: boolean }} [options]
 */
const run = (command, args, { cwd = root, shell = false } = {}) =>
  spawnSync(command, args, { cwd, stdio: "inherit", shell }).status === 0;

if (isMain(import.meta.url)) ready();
