/** `stopover serve` as a user starts it: a process of its own, spoken to over HTTP. */
import { spawn, type ChildProcess } from "node:child_process";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { until } from "./etcd-harness.js";

const cli = fileURLToPath(new URL("../../lib/cli.mjs", import.meta.url));

export interface Answer {
  code: number;
  headers: Headers;
  text: string;
  /** What the text says, where it is JSON. */
  body: Record<string, unknown>;
  /** Milliseconds. */
  took: number;
}

export class Served {
  /** What it wrote to standard error. */
  errors = "";
  /** The exit code or the signal, once it has ended. */
  exited: number | string | undefined;

  private constructor(
    readonly process: ChildProcess,
    readonly url: string,
  ) {}

  /** `stopover serve` on a free port, when it says that it is ready. */
  static async start(...args: string[]): Promise<Served> {
    const child = spawn(process.execPath, [cli, "serve", "--port", "0", ...args]);
    for (const one of [child, child.stdout, child.stderr] as { unref?: () => void }[])
      one.unref?.();
    started.add(child); // a test that failed leaves it running
    let [said, errors] = ["", ""];
    child.stdout.on("data", (chunk) => (said += String(chunk)));
    child.stderr.on("data", (chunk) => (errors += String(chunk)));
    const ended = new Promise((_, reject) =>
      child.once("exit", (code) => reject(new Error(`serve ended with ${code}: ${errors}`))),
    );
    const isOver = () => child.exitCode !== null || child.signalCode !== null;
    const ready = () => isOver() || /http:\/\/[\d.:]+/.exec(said)?.[0];
    const url = until("serve is ready", 60_000, ready);
    const served = new Served(child, (await Promise.race([ended, url])) as string);
    served.errors = errors;
    child.stderr.on("data", (chunk) => (served.errors += String(chunk)));
    child.once("exit", (code, signal) => (served.exited = code ?? signal ?? "?"));
    return served;
  }

  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const started = performance.now();
    const bytes = body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body);
    const answer = await fetch(this.url + path, {
      method,
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      signal: AbortSignal.timeout(30_000),
      ...(bytes !== undefined && { body: bytes as string }),
    });
    const text = await answer.text();
    return {
      code: answer.status,
      headers: answer.headers,
      text,
      body: text.startsWith("{") ? (JSON.parse(text) as Answer["body"]) : {},
      took: performance.now() - started,
    };
  }

  /** A connection that says this, and then nothing. */
  say(text: string): Socket {
    const socket = connect(Number(new URL(this.url).port), "127.0.0.1");
    socket.on("error", () => {}).write(text);
    return socket;
  }

  /** Tells it to end, and answers how it did. */
  async end(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<number | string> {
    this.process.kill(signal);
    await until("serve ends", 10_000, () => this.exited !== undefined);
    return this.exited!;
  }
}

/** What a test that failed has left running ends with the tests. */
const started = new Set<ChildProcess>();
process.once("exit", () => started.forEach((child) => child.kill("SIGKILL")));
