// npm start [-- --no-browser] [-- --port N]: from a fresh clone to the chapters in JupyterLab. A
// second start takes seconds.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { notebookName } from "./execute.mjs";
import { chapters } from "./ipynb.mjs";
import {
  ensureJupyter,
  findJupyter,
  jupyterLog,
  startJupyter,
  writeEngine,
  writeKernelSpec,
  writeSettings,
} from "./jupyter.mjs";
import { giveUp, root, say } from "./project.mjs";
import { ready } from "./setup.mjs";

/**
 * What serves the chapters: `url` is undefined where it ended before it was up.
 * @typedef {{ url: Promise<string | undefined>, ended: Promise<void>, stop: () => void }} Server
 */

const usage =
  "usage: npm start [-- --no-browser] [-- --port N] (N from 0 to 65535; 0 takes any free port)";

const { browser, ...wished } = options();
// asked first: a taken port should not be found out after minutes of set-up
const port = await choosePort(wished.port);
ready();
tellTheJourney();
await open();

/**
 * Opens the chapters: in the machine's Jupyter, else in one of our own, else as the book, whose
 * cells run in the browser.
 */
async function open() {
  writeKernelSpec();
  writeSettings();
  await writeEngine();
  const problem = ensureJupyter();
  const jupyter = findJupyter();
  if (problem || !jupyter) return openPages(problem ?? "");
  say(
    `starting ${jupyter.kind === "lab" ? "JupyterLab" : "Jupyter Notebook"} ${jupyter.version} (${jupyter.command}; its log is .jupyter/jupyter.log)`,
  );
  nameTheBook();
  await serve(startJupyter(jupyter, { port, browser, first: notebookName(chapters()[0] ?? "") }));
  await openPages(
    `Jupyter did not come up. The end of its log:\n${readFileSync(jupyterLog, "utf8").trimEnd().split("\n").slice(-15).join("\n")}`,
  );
}

/** The main job without Jupyter. @param {string} problem */
async function openPages(problem) {
  say(problem);
  say("until then: the book, the same chapters with cells that run in your browser");
  const { buildBook, servePages } = await import("./book.mjs");
  const server = servePages(await buildBook(), port);
  if (browser) void server.url.then((url) => url && openBrowser(url));
  await serve(server);
  giveUp(`port ${port} was taken meanwhile; run npm start again`);
}

/**
 * Names the pages that need no Jupyter; where they are missing, they are made meanwhile.
 */
function nameTheBook() {
  const index = join(root, "book/index.html");
  const name = () =>
    say(`the same chapters as pages that run by themselves: ${pathToFileURL(index).href}`);
  if (existsSync(index)) return name();
  const making = spawn(process.execPath, [join(root, "notebooks/kit/book.mjs")], {
    cwd: root,
    stdio: "ignore",
  });
  process.on("exit", () => making.kill());
  making.on("exit", (code) => {
    if (code === 0) name();
    else say("the book could not be made; npm run book says why");
  });
  making.unref();
}

/**
 * Says where the chapters are, and ends the process after Ctrl-C; returns only where the server did
 * not come up.
 * @param {Server} server
 */
async function serve({ url, ended, stop }) {
  let asked = false;
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]))
    process.on(signal, () => {
      asked = true;
      stop();
    });
  process.stdout.on("error", () => {}); // the terminal may be gone before the server is
  stopWithNpm(stop);
  const address = await url;
  if (address) say(`the chapters are at\n\n    ${address}\n\nstopover: Ctrl-C ends it`);
  await ended;
  if (!address && !asked) return;
  say("ended");
  process.exit(0);
}

/**
 * Stops where the `npm start` that began us is no more: killed, it cannot hand the signal on.
 * @param {() => void} stop
 */
function stopWithNpm(stop) {
  if (process.env.npm_lifecycle_event !== "start") return;
  const before = ancestors();
  setInterval(() => ancestors() !== before && stop(), 1000).unref();
}

/** The parent, and on Linux its parent: npm starts a shell, and the shell us. */
function ancestors() {
  try {
    const [, fields = ""] = readFileSync(`/proc/${process.ppid}/stat`, "utf8").split(") ");
    return `${process.ppid} ${fields.split(" ")[1]}`;
  } catch {
    return `${process.ppid}`;
  }
}

/**
 * The article's request, followed in the terminal: the main job is seen also where no browser is.
 */
function tellTheJourney() {
  say("the journey of the article's request (npx stopover journey):\n");
  spawnSync(process.execPath, [join(root, "lib/cli.mjs"), "journey"], {
    cwd: root,
    stdio: "inherit",
  });
  console.log();
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        "no-browser": { type: "boolean" },
        port: { type: "string" },
        help: { type: "boolean" },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    if (values.port !== undefined && !(/^\d+$/.test(values.port) && Number(values.port) <= 65535))
      throw new Error(`--port ${values.port} is no port`);
    return {
      browser: !values["no-browser"] && hasDisplay(),
      port: values.port === undefined ? undefined : Number(values.port),
    };
  } catch (error) {
    giveUp(`${/** @type {Error} */ (error).message}\n${usage}`, 2);
  }
}

/** Where there is no display, Python's webbrowser module would start a browser in this terminal. */
function hasDisplay() {
  return (
    process.platform !== "linux" || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)
  );
}

/**
 * The port asked for, where it is free; without a wish Jupyter's usual 8888 or one of the next.
 * @param {number} [wish]
 */
async function choosePort(wish) {
  if (wish)
    return (
      (await freePort(wish)) ??
      giveUp(
        `port ${wish} is taken or not allowed; choose another (--port 0 takes any that is free)`,
      )
    );
  for (let port = 8888; wish === undefined && port < 8900; port++)
    if (await freePort(port)) return port;
  return (await freePort(0)) ?? giveUp("no port is free on 127.0.0.1");
}

/** @param {number} port @returns {Promise<number | undefined>} */
function freePort(port) {
  return new Promise((done) => {
    const probe = createServer()
      .on("error", () => done(undefined))
      .listen(port, "127.0.0.1", () => {
        const address = probe.address();
        probe.close(() => done(typeof address === "object" ? address?.port : undefined));
      });
  });
}

/** @param {string} url */
function openBrowser(url) {
  const [command = "", ...args] =
    process.platform === "darwin"
      ? ["open"]
      : process.platform === "win32"
        ? ["cmd", "/c", "start"]
        : ["xdg-open"];
  spawnSync(command, [...args, url], { stdio: "ignore" });
}
