// npm run judge:jupyterhub [-- CHAPTER]: a class on one server, tried with a real JupyterHub. Two
// users at once, each with a server and a kernel of their own, run a chapter (06 if none is named)
// and get what is committed; neither may enter the other's server, and neither finds solutions.
//
// It installs JupyterHub (PyPI) and its proxy (npm) into .cache/jupyterhub once, listens on the
// loopback address alone, and leaves nothing that runs.

import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { notebookName } from "../../notebooks/kit/execute.mjs";
import { chapters } from "../../notebooks/kit/ipynb.mjs";
import { giveUp, root, say } from "../../notebooks/kit/project.mjs";
import { ready } from "../../notebooks/kit/setup.mjs";
import { committed } from "../committed.mjs";
import { freePorts } from "../free-ports.mjs";
import { runInKernel } from "./kernel.mjs";

const users = ["ada", "grace"];
const wanted = process.argv[2] ?? "06-";
const file = chapters().find((file) => notebookName(file).startsWith(wanted));
if (!file) giveUp(`no chapter's name begins with ${wanted}`, 2);

const kept = join(root, ".cache/jupyterhub");
const bin = join(kept, "venv/bin");
ready();
install();
const folder = mkdtempSync(join(kept, "class-"));
const token = randomBytes(24).toString("hex");
const ports = await freePorts(3);
const origin = `http://127.0.0.1:${ports[0]}`;
const hub = start();
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"]))
  process.on(signal, () => void stop().then(() => process.exit(1)));
/** @type {Held[]} */
let held = [];
try {
  await until("the hub answers", () =>
    ask("/hub/api/").then(
      () => true,
      () => false,
    ),
  );
  held = await Promise.all(users.map(runChapter));
  await keepApart(held);
  for (const { user, cells, kernel, process } of held)
    say(`${user}: ${cells} cells as committed, by kernel ${kernel} (process ${process})`);
  say(`two users at once on ${origin}: each has their own server and kernel, and no solutions`);
} catch (error) {
  console.error(readFileSync(join(folder, "log"), "utf8").split("\n").slice(-30).join("\n"));
  console.error(error);
  process.exitCode = 1;
} finally {
  await stop();
  endKernels(held);
}

/** @typedef {{ user: string, own: string, cells: number, kernel: string, process: string }} Held */

/** @param {string} user @returns {Promise<Held>} */
async function runChapter(user) {
  await ask(`/hub/api/users/${user}`, "POST");
  await ask(`/hub/api/users/${user}/server`, "POST");
  await until(`${user}'s server is ready`, async () => {
    const { servers } = await ask(`/hub/api/users/${user}`);
    return servers[""]?.ready === true;
  });
  const { token: own } = await ask(`/hub/api/users/${user}/tokens`, "POST", {});
  const name = notebookName(file ?? "");
  const lies = await ask(`/user/${user}/api/contents/`, "GET", undefined, own);
  const names = lies.content.map((/** @type {{ name: string }} */ { name }) => name);
  expect(names.includes(name), `${user} finds ${name}, not only ${names}`);
  for (const hidden of ["05-how-they-connect.solutions.ipynb", "exercises", "kit"])
    expect(!names.includes(hidden), `${user} finds no ${hidden} among ${names}`);
  const path = `/user/${user}/api/contents/${name}`;
  const { content } = await ask(path, "GET", undefined, own);
  const session = { path: name, name, type: "notebook", kernel: { name: "tslab" } };
  const { kernel } = await ask(`/user/${user}/api/sessions`, "POST", session, own);
  const code = content.cells
    .filter((/** @type {any} */ { cell_type }) => cell_type === "code")
    .map((/** @type {any} */ { source }) => source);
  const address = `${origin.replace("http", "ws")}/user/${user}/api/kernels/${kernel.id}/channels`;
  const texts = await runInKernel(`${address}?token=${own}`, [...code, "process.pid"]);
  const process = texts.pop() ?? "";
  committed(file ?? "").forEach(({ text }, cell) =>
    expect(texts[cell] === text, `${user}, cell ${cell}:\n${texts[cell]}\nand not\n${text}`),
  );
  return { user, own, cells: texts.length, kernel: kernel.id, process };
}

/** @param {Held[]} held */
async function keepApart(held) {
  const processes = new Set(held.map(({ process }) => process));
  expect(processes.size === held.length, `each kernel is a process: ${[...processes]}`);
  for (const { user, own } of held)
    for (const other of users.filter((other) => other !== user)) {
      const entered = await fetch(`${origin}/user/${other}/api/contents/`, {
        headers: { authorization: `token ${own}` },
      });
      expect(entered.status === 403, `${user} gets ${entered.status} at ${other}'s server`);
    }
}

/** @param {boolean} holds @param {string} sentence */
function expect(holds, sentence) {
  if (!holds) throw new Error(sentence);
}

/**
 * Asks the hub, or a user's server, in its REST API.
 * @param {string} path
 * @param {string} [method]
 * @param {object} [body]
 * @param {string} [by] whose token
 */
async function ask(path, method = "GET", body = undefined, by = token) {
  const reply = await fetch(origin + path, {
    method,
    headers: { authorization: `token ${by}` },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
  const text = await reply.text();
  return text ? JSON.parse(text) : undefined;
}

/** @param {string} what @param {() => Promise<boolean>} holds */
async function until(what, holds) {
  for (let waited = 0; waited < 180_000; waited += 500) {
    if (await holds()) return;
    if (hub.exitCode !== null) throw new Error(`the hub ended before ${what}`);
    await new Promise((next) => setTimeout(next, 500));
  }
  throw new Error(`after 3 minutes it is not so that ${what}`);
}

function start() {
  const config = fileURLToPath(new URL("config.py", import.meta.url));
  const script = `exec jupyterhub -f "$0" >"$1" 2>&1`;
  return spawn("sh", ["-c", script, config, join(folder, "log")], {
    cwd: folder,
    detached: true, // a group of its own, so that all of it can be ended
    stdio: "ignore",
    env: {
      ...process.env,
      PATH: [bin, join(kept, "node_modules/.bin"), process.env.PATH].join(delimiter),
      JUDGE_FOLDER: folder,
      JUDGE_PROJECT: root,
      JUDGE_PORTS: ports.join(),
      JUDGE_TOKEN: token,
    },
  });
}

/** Ends the users' servers with their kernels, the hub with its proxy; then the files go. */
async function stop() {
  const ended = new Promise((done) => hub.on("exit", done));
  if (hub.exitCode === null) {
    await Promise.all(users.map(stopServer)).catch(console.error);
    signal("SIGTERM");
    await Promise.race([ended, new Promise((next) => setTimeout(next, 20_000))]);
  }
  signal("SIGKILL");
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** @param {string} user */
async function stopServer(user) {
  const { servers } = await ask(`/hub/api/users/${user}`);
  if (!servers[""]) return;
  await ask(`/hub/api/users/${user}/server`, "DELETE");
  await until(`${user}'s server has ended`, async () => {
    const { servers } = await ask(`/hub/api/users/${user}`);
    return !servers[""];
  });
}

/** What still runs of the kernels is ended, and told. @param {Held[]} held */
function endKernels(held) {
  for (const { user, process: id } of held) {
    try {
      process.kill(Number(id), "SIGKILL");
    } catch {
      continue; // it has ended, as it should
    }
    console.error(`${user}'s kernel, process ${id}, had not ended with its server`);
    process.exitCode = 1;
  }
}

/** @param {NodeJS.Signals} name */
function signal(name) {
  try {
    process.kill(-(hub.pid ?? 0), name);
  } catch {
    // all of the group has ended
  }
}

function install() {
  mkdirSync(kept, { recursive: true });
  const needed = [
    { file: join(bin, "python"), command: ["python3", "-m", "venv", join(kept, "venv")] },
    {
      file: join(bin, "jupyterhub"),
      command: [join(bin, "python"), "-m", "pip", "install", "--quiet", "jupyterhub", "jupyterlab"],
    },
    {
      file: join(kept, "node_modules/.bin/configurable-http-proxy"),
      command: [
        "npm",
        "install",
        "--prefix",
        kept,
        "--no-audit",
        "--no-fund",
        "configurable-http-proxy",
      ],
    },
  ];
  for (const { file, command } of needed) {
    if (existsSync(file)) continue;
    say(command.slice(-3).join(" "));
    const [program = "", ...args] = command;
    const { status } = spawnSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
    if (status !== 0) giveUp(`${program} failed; its message is above`);
  }
}
