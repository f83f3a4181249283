#!/usr/bin/env node
/**
 * Records what redis-cli prints beside a redis-server: `node test/recorded-tools/record-redis.mjs`,
 * with Debian's redis-server and redis-tools (7.0). The commands of redis.json are run one after
 * the other; test/redis.test.ts does so in a cluster. `--no-raw` shows what a terminal would show.
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const port = "26379";
const file = new URL("redis.json", import.meta.url);
const { commands } = JSON.parse(readFileSync(file, "utf8"));
const server = spawn("redis-server", ["--port", port, "--save", ""], { stdio: "ignore" });
try {
  spawnSync("sleep", ["2"]);
  const recorded = commands.map((/** @type {{ args: string[], input?: string }} */ each) => {
    const { args, input = "" } = each;
    const options = { input, encoding: /** @type {const} */ ("latin1") };
    const { stdout, stderr, status } = spawnSync("redis-cli", ["-p", port, ...args], options);
    const output = stdout.replaceAll(port, "6379");
    return {
      ...(input && { input }),
      args,
      output,
      error: stderr.replaceAll(port, "6379"),
      status,
    };
  });
  writeFileSync(file, `${JSON.stringify({ commands: recorded }, undefined, 2)}\n`);
} finally {
  server.kill();
}
