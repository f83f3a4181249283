/**
 * A real kube-proxy in this process's network namespace, and what it gave nft, or iptables-restore:
 * in front of these on its PATH stands a script that keeps each transaction.
 *
 *     const real = new RealKubeProxy(binary, { server, node: "node-a", configuration });
 *     await real.synced();                  // until both families have been written
 *     real.transactions                     // in the order in which nft ended them
 *     await real.end();
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./etcd-harness.js";

export interface Written {
  family: "ip" | "ip6";
  text: string;
}

const patience = 60_000;

/** What it gives texts to, by family; nft's say which family they are for. */
const programs = {
  nft: undefined,
  "iptables-restore": "ip",
  "ip6tables-restore": "ip6",
} as const;

export class RealKubeProxy {
  readonly #folder = mkdtempSync(join(tmpdir(), "stopover-kube-proxy-"));
  readonly #process: ChildProcess;
  readonly #isNft: boolean;
  #said = "";

  constructor(
    binary: string,
    { server, configuration }: { server: string; configuration: Record<string, unknown> },
  ) {
    this.#isNft = configuration["mode"] === "nftables";
    const [config, kubeconfig] = ["config.json", "kubeconfig.json"].map((name) =>
      join(this.#folder, name),
    ) as [string, string];
    writeFileSync(kubeconfig, JSON.stringify(kubeconfigOf(server)));
    const own = { ...configuration, ...surroundings, clientConnection: { kubeconfig } };
    writeFileSync(config, JSON.stringify(own));
    mkdirSync(join(this.#folder, "bin"));
    mkdirSync(join(this.#folder, "sent"));
    for (const name of Object.keys(programs)) {
      const real = execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
      writeFileSync(join(this.#folder, "bin", name), keeper(name, real), { mode: 0o755 });
    }
    const PATH = `${join(this.#folder, "bin")}:${process.env["PATH"] ?? ""}`;
    this.#process = spawn(binary, ["--config", config, "--v=2"], {
      env: { ...process.env, PATH, SENT: join(this.#folder, "sent") },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process.stderr!.setEncoding("utf8").on("data", (text: string) => (this.#said += text));
  }

  /** Until each family has been written so many times. */
  async synced(
    times: Partial<Record<Written["family"], number>> = { ip: 1, ip6: 1 },
  ): Promise<void> {
    const isThere = (): boolean => {
      if (this.#process.exitCode !== null) throw new Error(`kube-proxy ended: ${this.told}`);
      return Object.entries(times).every(
        ([family, count]) => this.of(family as Written["family"]).length >= count,
      );
    };
    await until(`kube-proxy writes`, patience, isThere).catch((error: Error) => {
      throw new Error(`${error.message}; it said: ${this.told}`);
    });
  }

  /** All that its mode's program was given, and took; what it takes away of another mode is not. */
  get transactions(): Written[] {
    return readdirSync(join(this.#folder, "sent"))
      .filter((name) => name.endsWith(".0") && name.includes(".nft.") === this.#isNft)
      .sort()
      .map((name) => {
        const text = readFileSync(join(this.#folder, "sent", name), "utf8");
        const told = programs[name.split(".")[1] as keyof typeof programs];
        return { text, family: told ?? (/ ip6 kube-proxy/.test(text) ? "ip6" : "ip") };
      });
  }

  of(family: Written["family"]): string[] {
    return this.transactions.flatMap((each) =>
      each.family === family && !/^check|^destroy/m.test(each.text) ? [each.text] : [],
    );
  }

  /** Its last words. */
  get told(): string {
    return this.#said.trim().split("\n").slice(-5).join("\n");
  }

  async end(): Promise<void> {
    if (this.#process.exitCode === null) {
      const ended = new Promise((resolve) => this.#process.once("exit", resolve));
      this.#process.kill("SIGKILL");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The namespace may not change what all of the machine share. */
const surroundings = {
  hostnameOverride: "node-a",
  conntrack: {
    maxPerCore: 0,
    min: 0,
    tcpEstablishedTimeout: "0s",
    tcpCloseWaitTimeout: "0s",
  },
};

const kubeconfigOf = (server: string): object => ({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "judge", cluster: { server } }],
  contexts: [{ name: "judge", context: { cluster: "judge", user: "judge" } }],
  users: [{ name: "judge", user: {} }],
  "current-context": "judge",
});

/** A program, and a copy of what it is given on its standard input; "….0": it took it. */
const keeper = (name: string, real: string): string => `#!/bin/sh
case "$*" in
  *--check*) ;;
  *-f*|*--noflush*)
    file="$SENT/$(date +%s%N).${name}"
    cat > "$file"
    ${real} "$@" < "$file"
    code=$?
    mv "$file" "$file.$code"
    exit $code ;;
esac
exec ${real} "$@"
`;
