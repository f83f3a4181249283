// node notebooks/kit/keeper.mjs COMMAND ARGS…: runs a server and lives as long as it. When its own
// standard input ends, it ends the server: whoever holds the other end of that pipe may ask for it
// by closing it, and where he is killed without a chance to ask, the system closes it for him.

import { spawn } from "node:child_process";

const [command = "", ...args] = process.argv.slice(2);
const server = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
server.on("error", () => process.exit(1));
server.on("exit", (code) => process.exit(code ?? 1));
process.stdin.on("close", end).on("error", end).resume();

/** Asks the server to end; whatever of our process group is left after ten seconds is killed. */
function end() {
  server.kill("SIGTERM");
  setTimeout(() => {
    if (process.platform === "win32") server.kill("SIGKILL");
    else process.kill(-process.pid, "SIGKILL");
  }, 10_000);
}
