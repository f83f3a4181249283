/**
 * npm run judge:apiserver: a real kube-apiserver, with Debian's etcd under it and this kit's
 * controllers in the place of the real ones. They play the scenario whose dumps were recorded with
 * the real controllers, and each object and event is compared.
 *
 * The first time it builds kube-apiserver with Go, which takes some ten minutes of two cores and 2
 * GB; it is kept in the user's cache folder. The scenario takes three minutes. Exit 1 where fewer
 * than LEAST agree. `-- --out FILE` writes the dumps and what differs.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HttpClient } from "stopover/internal/doors/serve/http-client";
import { RealClock } from "stopover/internal/machinery/real-clock";
import { Etcd, freePort, pause } from "./etcd-harness.js";
import { builtByGo, kubernetesVersion } from "./go-built.js";
import { lacking } from "./needs.js";
import { compared } from "./recorded-comparison.js";
import { play, Scenario } from "./recorded-scenario.js";

const LEAST = 0.95; // of all objects and events
const READY_MS = 60_000;

const say = (text: string) => console.log(text);
const running: ChildProcess[] = [];

function giveUp(why: string): never {
  console.error(why);
  process.exit(2);
}

// ---- the real one -------------------------------------------------------------------------------

function built(): string {
  try {
    return builtByGo("kube-apiserver");
  } catch (error) {
    giveUp((error as Error).message);
  }
}

interface Reached {
  url: string;
  token: string;
}

/** As the recording's: without ServiceAccount admission, and everybody may do everything. */
async function start(binary: string, etcd: string, folder: string): Promise<Reached> {
  const [port, token] = [await freePort(), randomBytes(16).toString("hex")];
  const key = join(folder, "sa.key");
  writeFileSync(join(folder, "tokens.csv"), `${token},judge,judge,system:masters\n`);
  const { status } = spawnSync("openssl", ["genrsa", "-out", key, "2048"]);
  if (status !== 0) giveUp("openssl is not here: it makes a key (Debian: apt install openssl)");
  const options = {
    "etcd-servers": etcd,
    "secure-port": port,
    "bind-address": "127.0.0.1",
    "cert-dir": folder,
    "service-cluster-ip-range": "10.96.0.0/12",
    "service-account-issuer": "https://kubernetes.default.svc",
    "service-account-key-file": key,
    "service-account-signing-key-file": key,
    "token-auth-file": join(folder, "tokens.csv"),
    "authorization-mode": "AlwaysAllow",
    "disable-admission-plugins": "ServiceAccount",
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  running.push(spawn(binary, args, { stdio: "ignore" }));
  return { url: `https://127.0.0.1:${port}`, token };
}

const clientOf = ({ url, token }: Reached, who: string) =>
  new HttpClient({ url, token, insecureSkipTLSVerify: true, who, clock: new RealClock() });

async function ready(reached: Reached): Promise<void> {
  const client = clientOf(reached, "judge");
  for (const end = Date.now() + READY_MS; ; await pause(500))
    try {
      client.get("Namespace", "default");
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
}

// ---- the scenario -------------------------------------------------------------------------------

/** This thread waits; the controllers have a process of their own. */
const clock = {
  now: () => Date.now(),
  advance(milliseconds: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
  },
};

async function withControllers({ url, token }: Reached): Promise<void> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("judge-controllers.js", import.meta.url))],
    {
      env: { ...process.env, KUBE_APISERVER: url, TOKEN: token },
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  running.push(child);
  await pause(10_000); // until nodes are ready, as in the recording
}

async function judge(): Promise<number> {
  const missing = lacking("etcd");
  if (missing.length > 0) giveUp(missing.join("; "));
  const binary = built();
  const folder = mkdtempSync(join(tmpdir(), "stopover-judge-"));
  const etcd = await Etcd.start();
  try {
    const reached = await start(binary, etcd.url, folder);
    await ready(reached);
    say(`kube-apiserver ${kubernetesVersion} answers; this kit's controllers begin`);
    await withControllers(reached);
    const scenario = new Scenario(clientOf(reached, "scenario"), clock);
    play(scenario, (namespace, error) => say(`${namespace}: ${String(error).slice(0, 300)}`));
    const { all, found } = compared(scenario.dumps);
    const agree = all - found.length;
    for (const { line } of found) say(`  ${line}`);
    say(`${agree} of ${all} objects and events agree with the real controllers'`);
    const out = process.argv[process.argv.indexOf("--out") + 1];
    if (process.argv.includes("--out") && out)
      writeFileSync(out, JSON.stringify({ dumps: Object.fromEntries(scenario.dumps), found }));
    return agree >= all * LEAST ? 0 : 1;
  } finally {
    for (const child of running) child.kill("SIGKILL");
    await etcd.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exit(await judge());
