// Jupyter for this project: finds one on the machine or installs one into .venv, gives it the
// kernel and quiet settings, and runs it. All that is ours lies in .jupyter/ and .venv/ inside the
// project; nothing is written into the reader's home.

import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMain, notebooksFolder, root, say } from "./project.mjs";

/**
 * A Jupyter that answered when asked for its version: how it is started.
 * @typedef {{ command: string, args: string[], kind: "lab" | "notebook", version: string }} Jupyter
 */

const home = join(root, ".jupyter");
const venv = join(root, ".venv");
export const jupyterLog = join(home, "jupyter.log");
const keeperFile = fileURLToPath(new URL("keeper.mjs", import.meta.url));
const windows = process.platform === "win32";
const venvBin = join(venv, windows ? "Scripts" : "bin");
const site = join(venv, "site"); // where pip --target puts packages, on a Python without venv

/** JupyterLab 4.1 is the first that draws mermaid itself. */
const wanted = "jupyterlab>=4.1,<5";

/**
 * Makes a folder that nobody but its owner can look into: Jupyter's token, which lets its holder
 * run code as the reader, stands in several files there.
 * @param {string} folder
 */
export function secretFolder(folder) {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700); // also where it is there already, made by an older start
  return folder;
}

/** @param {string} file @param {unknown} value */
function writeJson(file, value) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(value, null, 2) + "\n");
}

/**
 * Lays the engine of the pages that move (players, films, tables) where JupyterLab serves its
 * extensions from: outputs hold data alone, and ask for it there.
 * @param {string} prefix a folder with share/jupyter below it
 */
export async function writeEngine(prefix = home) {
  // there is none before the first build
  const { engineInLab } = await import("@stopover/diagrams/internal/player/script");
  const { engineScript } = await import("@stopover/diagrams/internal/player/engine-script");
  const file = join(prefix, "share/jupyter/labextensions", engineInLab);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, engineScript);
}

/**
 * Writes the kernel spec, so that Jupyter starts this project's tslab with this very Node. No
 * Python is needed for it.
 * @param {string} prefix a folder with share/jupyter below it: the project's own, or a Python's
 *   prefix on Binder
 */
export function writeKernelSpec(prefix = home) {
  writeJson(join(prefix, "share/jupyter/kernels/tslab/kernel.json"), {
    argv: [
      process.execPath,
      fileURLToPath(new URL("kernel.mjs", import.meta.url)),
      "kernel",
      "--config-path={connection_file}",
    ],
    display_name: "TypeScript",
    language: "typescript",
    env: { NO_COLOR: "1" }, // the outputs stay plain text, as in the committed ones
  });
}

/**
 * What an export to HTML shows of an output: the picture rather than mermaid's source, which a page
 * can only draw with scripts from the network.
 */
const exportOrder = {
  display_data_priority: ["text/html", "image/png", "image/svg+xml", "text/markdown", "text/plain"],
};

/**
 * Settings under which Jupyter asks nobody on the network for news, updates or extensions, and
 * offers no kernel but ours. What the reader changed in JupyterLab stays.
 */
export function writeSettings() {
  writeJson(join(home, "config/jupyter_server_config.json"), {
    LabApp: {
      check_for_updates_class: "jupyterlab.NeverCheckForUpdate",
      news_url: null,
      extension_manager: "readonly",
    },
    KernelSpecManager: { allowed_kernelspecs: ["tslab"], ensure_native_kernel: false },
    NbConvertBase: exportOrder,
  });
  writeJson(join(home, "config/jupyter_nbconvert_config.json"), { NbConvertBase: exportOrder });
  writeJson(join(home, "config/labconfig/page_config.json"), {
    buildAvailable: false,
    buildCheck: false,
  });
  const news = join(
    home,
    "config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings",
  );
  if (!existsSync(news)) writeJson(news, { checkForUpdates: false, fetchNews: "false" });
}

/**
 * The environment in which this project's Jupyter runs; its commands are on the path, after the
 * machine's.
 * @returns {NodeJS.ProcessEnv}
 */
export const jupyterEnv = () => ({
  ...process.env,
  PATH: [process.env.PATH, venvBin, join(site, "bin")].join(delimiter),
  ...(existsSync(site) && { PYTHONPATH: site }),
  JUPYTER_PATH: [join(home, "share/jupyter"), process.env.JUPYTER_PATH]
    .filter(Boolean)
    .join(delimiter),
  JUPYTER_CONFIG_DIR: join(home, "config"),
  JUPYTER_RUNTIME_DIR: join(home, "runtime"),
});

/**
 * The machine's own Jupyter where there is one that works, else the one in .venv.
 * @returns {Jupyter | undefined}
 */
export function findJupyter() {
  const python = findPython();
  /** @type {Omit<Jupyter, "version">[]} */
  const candidates = [
    { command: "jupyter-lab", args: [], kind: "lab" },
    { command: "jupyter-notebook", args: [], kind: "notebook" },
    { command: join(venvBin, "jupyter-lab"), args: [], kind: "lab" },
    ...(python && existsSync(site)
      ? [{ command: python, args: ["-m", "jupyterlab"], kind: /** @type {const} */ ("lab") }]
      : []),
  ];
  for (const candidate of candidates) {
    const version = answer(
      candidate.command,
      [...candidate.args, "--version"],
      jupyterEnv(),
    )?.trim();
    if (version && parseInt(version) >= (candidate.kind === "lab" ? 3 : 6))
      return { ...candidate, version };
  }
}

/**
 * Sees to it that there is a Jupyter.
 * @returns {string | undefined} what to tell the reader where there can be none
 */
export function ensureJupyter() {
  if (findJupyter()) return undefined;
  return (
    installJupyter() ??
    (findJupyter() ? undefined : "JupyterLab was installed into .venv and does not run")
  );
}

/** A Python that runs and is new enough for JupyterLab 4. */
function findPython() {
  const check = "import sys; sys.exit(sys.version_info < (3, 8))";
  return (windows ? ["py", "python"] : ["python3", "python"]).find(
    (command) => answer(command, ["-c", check]) !== undefined,
  );
}

/**
 * What a command prints, or undefined where it is missing or fails.
 * @param {string} command
 * @param {string[]} args
 */
function answer(command, args, env = process.env) {
  const { status, stdout } = spawnSync(command, args, {
    encoding: "utf8",
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout : undefined;
}

/**
 * Installs JupyterLab into .venv in the first way that this machine's Python can: Debian's may lack
 * venv, ensurepip or pip.
 * @returns {string | undefined} what to tell the reader where no way worked
 */
export function installJupyter() {
  const python = findPython();
  const inVenv = join(venvBin, "python");
  const pip = ["-m", "pip", "install", "--retries", "2", wanted];
  /**
   * Each way: the quiet steps that tell whether it can be gone, then the installation.
   * @type {{ name: string, prepare: string[][], install: string[] }[]}
   */
  const ways = [
    {
      name: "uv",
      prepare: [["uv", "venv", "--quiet", venv]],
      install: ["uv", "pip", "install", "--python", inVenv, wanted],
    },
    ...(python
      ? [
          {
            name: "venv and pip",
            prepare: [[python, "-m", "venv", venv]],
            install: [inVenv, ...pip],
          },
          {
            name: "venv, with the machine's pip",
            prepare: [
              [python, "-m", "venv", "--without-pip", venv],
              [python, "-m", "pip", "--python", inVenv, "--version"],
            ],
            install: [python, "-m", "pip", "--python", inVenv, ...pip.slice(2)],
          },
          {
            name: "virtualenv and pip",
            prepare: [[python, "-m", "virtualenv", venv]],
            install: [inVenv, ...pip],
          },
          {
            name: "pip into a folder",
            prepare: [[python, "-m", "pip", "--version"]],
            install: [python, ...pip, "--target", site],
          },
        ]
      : []),
  ];
  for (const {
    name,
    prepare,
    install: [command = "", ...args],
  } of ways) {
    rmSync(venv, { recursive: true, force: true });
    if (!prepare.every(([first = "", ...rest]) => answer(first, rest) !== undefined)) continue;
    say(`installing JupyterLab into .venv (${name}; once, a minute or two)`);
    if (spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] }).status === 0) {
      // Jupyter brings scripts for Node that our own package.json would make ES modules
      writeJson(join(venv, "package.json"), { type: "commonjs" });
      return undefined;
    }
    rmSync(venv, { recursive: true, force: true });
    return "JupyterLab could not be installed (the installer's message is above). With a Python package index within reach, run npm start again";
  }
  if (!python)
    return "there is no Python. Install Python 3.9 or newer (Debian: apt install python3 python3-venv) and run npm start again";
  return `${python} has neither venv nor pip. Install them (Debian: apt install python3-venv) and run npm start again`;
}

/**
 * Starts Jupyter on the loopback address with a token of its own making, in a process group of its
 * own: Ctrl-C in the terminal reaches only us, and stop() ends the server, which ends its kernels.
 * A keeper between us and it ends it too where we are killed.
 * @param {Jupyter} jupyter
 * @param {{ port: number, browser: boolean, first: string }} options `first` is the notebook to
 *   open
 * @returns {import("./start.mjs").Server}
 */
export function startJupyter(jupyter, { port, browser, first }) {
  // before Jupyter Server there was NotebookApp
  const classic = jupyter.kind === "notebook" && parseInt(jupyter.version) < 7;
  const server = classic ? "NotebookApp" : "ServerApp";
  const app = jupyter.kind === "lab" ? "LabApp" : classic ? "NotebookApp" : "JupyterNotebookApp";
  const page = `${jupyter.kind === "lab" ? "lab/tree" : "notebooks"}/${first}`;
  const flags = [
    `--${server}.ip=127.0.0.1`,
    `--${server}.port=${port}`,
    `--${server}.port_retries=0`,
    `--${server}.open_browser=${browser ? "True" : "False"}`,
    `--${app}.default_url=/${page}`,
    // the file browser lists chapters and what they read; what checks compare with is in these
    ...["kit", "exercises", "__pycache__", "*~"].map(
      (name) => `--ContentsManager.hide_globs=${name}`,
    ),
    ...(process.getuid?.() === 0 ? [`--${server}.allow_root=True`] : []),
  ];
  secretFolder(home);
  const runtime = secretFolder(join(home, "runtime"));
  rmSync(jupyterLog, { force: true }); // an older one may be open to all
  const output = openSync(jupyterLog, "w", 0o600);
  const keeper = spawn(process.execPath, [keeperFile, jupyter.command, ...jupyter.args, ...flags], {
    cwd: notebooksFolder,
    env: jupyterEnv(),
    stdio: ["pipe", output, output],
    detached: !windows,
  });
  closeSync(output);
  const stop = () => keeper.stdin?.end();
  let over = false;
  const ended = new Promise((done) => keeper.on("exit", done).on("error", done)).then(() => {
    over = true;
  });
  const up = async () => {
    for (let waited = 0; waited < 60_000 && !over; waited += 100) {
      const info = serverInfo(runtime, port);
      if (info) {
        hide(runtime);
        return `${info.url}${page}?token=${info.token}`;
      }
      await new Promise((next) => setTimeout(next, 100));
    }
    stop();
    return undefined;
  };
  return { url: up(), ended, stop };
}

/** Jupyter writes pages that hold the token for everybody to read. @param {string} runtime */
function hide(runtime) {
  for (const file of readdirSync(runtime))
    if (statSync(join(runtime, file)).isFile()) chmodSync(join(runtime, file), 0o600);
}

/**
 * What a running Jupyter server notes down about itself.
 * @param {string} runtime
 * @param {number} port
 * @returns {{ url: string, token: string } | undefined}
 */
function serverInfo(runtime, port) {
  return readdirSync(runtime)
    .filter((file) => /^(jp|nb)server-\d+\.json$/.test(file))
    .map((file) => {
      try {
        return JSON.parse(readFileSync(join(runtime, file), "utf8"));
      } catch {
        return undefined;
      } // it may be half written
    })
    .find((info) => info?.port === port && isAlive(info.pid));
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

// node notebooks/kit/jupyter.mjs PREFIX writes the kernel spec and the engine below another prefix:
// an image for JupyterHub or Binder does that.
if (isMain(import.meta.url)) {
  writeKernelSpec(process.argv[2]);
  await writeEngine(process.argv[2]);
  say(
    `wrote the kernel spec and the engine of moving pages below ${process.argv[2] ?? home}/share/jupyter`,
  );
}
