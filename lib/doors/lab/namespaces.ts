/**
 * Network namespaces that belong together: made under one prefix, and removed together with every
 * process in them.
 *
 *     const house = Namespaces.open();
 *     try {
 *       house.add("node-a", "pod-1");
 *       // @NAME is the namespace's full name
 *       house.ip(["link add eth0 netns @pod-1 type veth peer name veth1 netns @node-a"]);
 *       house.run("pod-1", "ip", ["route"]);
 *     } finally {
 *       house.close();
 *     }
 *
 * An exception, a signal or a plain exit closes what is still open. What a killed process left
 * behind (kill -9) is removed when the next one opens: the prefix holds the id of the process, and
 * only namespaces whose process is gone are touched.
 */
import { spawn, spawnSync, type ChildProcess, type StdioOptions } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";

/** Where iproute2 keeps named namespaces (ip-netns(8)). */
const home = "/run/netns";
const signals = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
const open = new Set<Namespaces>();
let opened = 0;

export class Namespaces {
  /** "so-4711-1-": "stopover", the process, the number of this set in it. */
  readonly prefix = `so-${process.pid}-${++opened}-`;
  readonly #names = new Set<string>();
  readonly #children = new Set<ChildProcess>();

  static open(): Namespaces {
    sweep();
    const made = new Namespaces();
    if (open.size === 0) listen();
    open.add(made);
    return made;
  }

  /** The full name, as `ip netns list` shows it. */
  nameOf(name: string): string {
    return this.prefix + name;
  }

  add(...names: string[]): void {
    // before they exist: close() also removes what a failure left half made
    for (const name of names) this.#names.add(name);
    this.ip(names.map((name) => `netns add @${name}`));
  }

  /**
   * Runs lines of ip(8) as one batch, in a namespace or outside of all. Throws with the line that
   * failed.
   */
  ip(lines: readonly string[], name?: string): void {
    this.#batch(
      lines.filter((line) => !isIPv6Rule(line)),
      name,
      [],
    );
    this.#batch(lines.filter(isIPv6Rule), name, ["-6"]);
  }

  #batch(lines: readonly string[], name: string | undefined, options: readonly string[]): void {
    if (lines.length === 0) return;
    const full = lines.map((line) => line.replace(/@/g, this.prefix));
    execute(
      "ip",
      [...options, ...(name === undefined ? [] : ["-n", this.nameOf(name)]), "-batch", "-"],
      full.join("\n") + "\n",
      (said) =>
        said.replace(/Command failed -:(\d+)/, (_, number) => `in: ip ${full[Number(number) - 1]}`),
    );
  }

  /**
   * Writes to /proc/sys in a namespace: { "net.ipv4.ip_forward": 1 }. Dots part the name, slashes
   * where a name holds a dot.
   */
  sysctl(name: string, values: Readonly<Record<string, number>>): void {
    const path = (key: string): string => key.replace(/[./]/g, (c) => (c === "." ? "/" : "."));
    this.run(name, "sh", [
      "-ec",
      Object.entries(values)
        .map(([key, value]) => `echo ${value} > /proc/sys/${path(key)}`)
        .join("; "),
    ]);
  }

  /**
   * Runs a program in a namespace to its end and answers what it printed. Throws where it fails.
   */
  run(name: string, program: string, args: readonly string[], input = ""): string {
    return execute("ip", ["netns", "exec", this.nameOf(name), program, ...args], input);
  }

  /** Starts a program in a namespace; it ends with the set at the latest. */
  start(
    name: string,
    program: string,
    args: readonly string[],
    stdio: StdioOptions = ["ignore", "pipe", "pipe"],
  ): ChildProcess {
    // `ip` becomes the program: same process id
    const child = spawn("ip", ["netns", "exec", this.nameOf(name), program, ...args], { stdio });
    this.#children.add(child);
    child.once("error", () => this.#children.delete(child));
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  /** Ends all processes and removes all namespaces. Nothing happens the second time. */
  close(): void {
    if (!open.delete(this)) return;
    for (const child of this.#children) child.kill("SIGKILL");
    remove([...this.#names].map((name) => this.nameOf(name)));
    if (open.size === 0) stopListening();
  }
}

/**
 * `ip` tells the family of routes and addresses by itself; that of rules (ip-rule(8)) it must be
 * told.
 */
const isIPv6Rule = (line: string): boolean => line.startsWith("rule ") && line.includes(":");

function execute(
  program: string,
  args: readonly string[],
  input: string,
  explain = (said: string): string => said,
): string {
  const { status, stdout, stderr, error, signal } = spawnSync(program, args, {
    input,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  // Ctrl-C is meant for all of us
  if (signal === "SIGINT" || signal === "SIGTERM") process.kill(process.pid, signal);
  if (error) throw new Error(`${program} could not be started: ${error.message}`);
  if (status !== 0)
    throw new Error(
      `${[program, ...args].join(" ")} failed (${signal ?? `exit ${status}`}): ${explain(stderr.trim() || stdout.trim() || "it said nothing")}`,
    );
  return stdout;
}

// ---- the end ------------------------------------------------------------------------------------

function remove(fullNames: readonly string[]): void {
  const there = fullNames.filter((name) => existsSync(`${home}/${name}`));
  spawnSync("ip", ["-force", "-batch", "-"], {
    input: there.map((name) => `netns del ${name}\n`).join(""),
    stdio: ["pipe", "ignore", "ignore"],
  });
}

const pidsIn = (fullName: string): number[] =>
  spawnSync("ip", ["netns", "pids", fullName], { encoding: "utf8" })
    .stdout.split("\n")
    .filter(Boolean)
    .map(Number)
    .filter((pid) => pid !== process.pid);

function endQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended by itself in the meantime
  }
}

/**
 * Removes what processes left behind that are gone: their namespaces, and what still runs in them.
 */
function sweep(): void {
  const all = existsSync(home) ? readdirSync(home) : [];
  const stale = all.filter(
    (name) => /^so-\d+-\d+-/.test(name) && !alive(Number(name.split("-")[1])),
  );
  stale.flatMap(pidsIn).forEach(endQuietly);
  remove(stale);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const closeAll = (): void => [...open].forEach((each) => each.close());

/** Ends as the signal would have ended it: exit status 128 + its number. */
function onSignal(signal: keyof typeof signals): void {
  closeAll();
  process.exit(128 + signals[signal]);
}

function listen(): void {
  process.on("exit", closeAll);
  for (const signal of Object.keys(signals)) process.on(signal, onSignal);
}

function stopListening(): void {
  process.off("exit", closeAll);
  for (const signal of Object.keys(signals)) process.off(signal, onSignal);
}
