#!/usr/bin/env node
// npm links a workspace's bin before anything is built, so the link needs a file that is always
// there.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
const built = new URL("./dist/doors/cli/cli.js", import.meta.url);
if (existsSync(fileURLToPath(built))) await import(built.href);
else {
  console.error("stopover: the library is not built yet; run: npm run build");
  process.exitCode = 2;
}
