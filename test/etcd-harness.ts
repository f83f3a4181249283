/** Real etcds on the loopback address, for tests: Debian's etcd-server. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

/** Ends when `check` answers something; fails after so many milliseconds. */
export async function until<T>(
  what: string,
  limit: number,
  check: () => T,
): Promise<NonNullable<Awaited<T>>> {
  const deadline = Date.now() + limit;
  for (;;) {
    const got = await check();
    if (got) return got;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${limit / 1000} s`);
    await pause(50);
  }
}

export class Etcd {
  readonly directory = mkdtempSync(join(tmpdir(), "stopover-etcd-"));
  #process: ChildProcess | undefined;

  private constructor(
    readonly name: string,
    readonly url: string,
    readonly peer: string,
    readonly flags: readonly string[],
  ) {}

  static async start(...flags: string[]): Promise<Etcd> {
    return (await upTogether(1, flags))[0]!;
  }

  /** So many members of one cluster. */
  static async cluster(members: number): Promise<Etcd[]> {
    return upTogether(members, []);
  }

  static async make(name: string, flags: readonly string[]): Promise<Etcd> {
    const [url, peer] = [await freePort(), await freePort()].map(
      (port) => `http://127.0.0.1:${port}`,
    );
    return new Etcd(name, url!, peer!, flags);
  }

  /** Ends when it answers. `url`: where it listens; default: where it always does. */
  async up(url = this.url, cluster = clusterOf.get(this)!): Promise<void> {
    const flags = {
      name: this.name,
      "data-dir": this.directory,
      "listen-client-urls": url,
      "advertise-client-urls": url,
      "listen-peer-urls": this.peer,
      "initial-advertise-peer-urls": this.peer,
      "initial-cluster": cluster,
      "log-level": "fatal",
    };
    this.#process = spawn(
      "etcd",
      [...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`), ...this.flags],
      { stdio: "ignore" },
    );
    this.#process.unref(); // a test that failed leaves it running
    started.add(this.#process);
    await until("etcd answers", 20_000, () => {
      if (this.#process!.exitCode !== null) throw new Error("etcd has ended: is its port taken?");
      return fetch(`${url}/health`).then(
        (answer) => answer.ok,
        () => false,
      );
    });
  }

  /** Ends when it has ended, unless it is only stopped or told to go on. */
  async kill(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT" = "SIGKILL"): Promise<void> {
    const child = this.#process!;
    if (signal === "SIGSTOP" || signal === "SIGCONT") return void child.kill(signal);
    child.ref(); // not of one that is only stopped: a test that fails then would never end
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  async end(): Promise<void> {
    if (this.#process?.exitCode === null && this.#process.signalCode === null) await this.kill();
    rmSync(this.directory, { recursive: true });
  }
}

/** What a test that failed has left running ends with the tests. */
const started = new Set<ChildProcess>();
process.once("exit", () => started.forEach((child) => child.kill("SIGKILL")));

const clusterOf = new WeakMap<Etcd, string>();

/** Others may take a free port before etcd does: then on other ports. */
async function upTogether(count: number, flags: readonly string[], tries = 3): Promise<Etcd[]> {
  const etcds = await made(count, flags);
  try {
    await Promise.all(etcds.map((etcd) => etcd.up()));
    return etcds;
  } catch (error) {
    await Promise.all(etcds.map((etcd) => etcd.end()));
    if (tries === 1) throw error;
    return upTogether(count, flags, tries - 1);
  }
}

async function made(count: number, flags: readonly string[]): Promise<Etcd[]> {
  const etcds: Etcd[] = [];
  for (let i = 0; i < count; i++) etcds.push(await Etcd.make(`member-${i}`, flags));
  const cluster = etcds.map(({ name, peer }) => `${name}=${peer}`).join(",");
  for (const etcd of etcds) clusterOf.set(etcd, cluster);
  return etcds;
}
