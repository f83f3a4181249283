/**
 * What a test needs of the machine besides Node, asked in one way.
 *
 *     const test = suite("kubectl");
 *     if (needs(test, "kubectl", lacking("kubectl"))) {
 *       test("get services", …);
 *     }
 *     test.run();
 *
 * Where something is missing, the suite is one skipped test with the reason beside it; in CI, which
 * installs everything (`.ci/run`), it is one failed test.
 */
import { accessSync, constants } from "node:fs";
import { basename, delimiter, join } from "node:path";
import type { Test } from "uvu";
import * as assert from "uvu/assert";

/** Program -> the Debian package that holds it, as `.ci/run` installs it. */
export const packages: Readonly<Record<string, string>> = {
  chromium: "chromium",
  etcd: "etcd-server",
  etcdctl: "etcd-client",
  "firefox-esr": "firefox-esr",
  kubectl: "kubernetes-client",
};

/** One reason for each program that is not on the PATH; a program may be given by its path. */
export const lacking = (...programs: string[]): string[] =>
  programs
    .filter((program) => !isThere(program))
    .map((program) => {
      const pack = packages[basename(program)];
      return `${program} is not here${pack === undefined ? "" : ` (Debian: apt install ${pack})`}`;
    });

const folders = (process.env["PATH"] ?? "").split(delimiter);
const endings = process.platform === "win32" ? [".exe", ".cmd"] : [""];

function isThere(program: string): boolean {
  const places = program === basename(program) ? folders.map((at) => join(at, program)) : [program];
  return places.some((place) => endings.some((ending) => isExecutable(place + ending)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether a suite, or the one test of it that `name` names, can run; `reasons` say why not. Where
 * it cannot, it is queued as skipped, or in CI as failed.
 */
export function needs(test: Test, name: string, reasons: readonly string[]): boolean {
  if (reasons.length === 0) return true;
  const reason = reasons.join("; ");
  if (process.env["CI"]) test(name, () => assert.unreachable(`CI must have this: ${reason}`));
  else skipped(test, name, reason);
  return false;
}

/** Queues a skipped test; test/run.mjs takes a skip without such a line for a failure. */
export function skipped(test: Test, name: string, reason: string): void {
  console.log(`skip: ${name}: ${reason}`);
  test.skip(name, () => {});
}
