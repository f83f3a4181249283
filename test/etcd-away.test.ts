/** A real etcd that goes away and comes back, below a store and below a whole `stopover serve`. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EtcdStore } from "stopover/internal/doors/serve/etcd";
import { refusal } from "./apiserver-harness.js";
import { authority } from "./certificates.js";
import { Etcd, freePort, pause, until } from "./etcd-harness.js";
import { lacking, needs } from "./needs.js";
import { thing } from "./store.contract.js";

/** Milliseconds: two seconds, and what a busy machine adds. */
const SOON = 2_500;

/** How a call is refused: its code; fails where that takes long. */
function refusedSoon(call: () => unknown): number {
  const started = performance.now();
  const { code } = refusal(call);
  const took = performance.now() - started;
  assert.ok(took < SOON, `refused after ${took} ms`);
  return code;
}

interface Answer {
  status: number;
  took: number;
  body: string;
}

/** `stopover serve` in a process of its own. */
class Served {
  exited: string | undefined;

  private constructor(
    readonly child: ChildProcess,
    readonly url: string,
  ) {
    child.once("exit", (code, signal) => (this.exited = `${code ?? signal}`));
    process.once("exit", () => child.kill("SIGKILL"));
    child.unref(); // a test that failed leaves it running
  }

  static async start(etcd: string, ...args: string[]): Promise<Served> {
    const cli = fileURLToPath(new URL("../../lib/cli.mjs", import.meta.url));
    const child = spawn(
      process.execPath,
      [cli, "serve", ...args, "--port", "0", "--store", `etcd=${etcd}`],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let line = "";
    for await (const chunk of child.stdout) if ((line += String(chunk)).includes("\n")) break;
    return new Served(child, /http:\/\/[\d.:]+/.exec(line)![0]);
  }

  async ask(path: string, options?: RequestInit): Promise<Answer> {
    const started = performance.now();
    const answer = await fetch(this.url + path, {
      signal: AbortSignal.timeout(20_000),
      ...options,
    });
    const body = await answer.text();
    return { status: answer.status, took: performance.now() - started, body };
  }

  async scale(replicas: number): Promise<void> {
    const { status, body } = await this.ask(
      "/apis/apps/v1/namespaces/default/deployments/nginx/scale",
      {
        method: "PATCH",
        headers: { "Content-Type": "application/merge-patch+json" },
        body: JSON.stringify({ spec: { replicas } }),
      },
    );
    assert.is(status, 200, body);
  }

  /** Ends when so many Pods are ready. */
  async ready(count: number): Promise<void> {
    await until(`${count} Pods are ready`, 30_000, async () => {
      const { status, body } = await this.ask("/api/v1/pods");
      if (status !== 200) return false;
      const { items } = JSON.parse(body) as {
        items: { status: { conditions?: { type: string; status: string }[] } }[];
      };
      return (
        items.filter(({ status }) =>
          status.conditions?.some((one) => one.type === "Ready" && one.status === "True"),
        ).length === count
      );
    });
  }

  async end(): Promise<void> {
    if (this.exited !== undefined) return;
    this.child.ref();
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    await gone;
  }
}

const test = suite("etcd away");
if (needs(test, "etcd away", lacking("etcd"))) {
  test("a store without its etcd is a 503, and is one no more when etcd is back", async () => {
    const etcd = await Etcd.start();
    const store = new EtcdStore(etcd.url);
    store.put("/registry/things/a", thing("a", "1"));
    for (const [away, back] of [
      [() => etcd.kill("SIGTERM"), () => etcd.up()],
      [() => etcd.kill("SIGKILL"), () => etcd.up()],
      [() => etcd.kill("SIGSTOP"), () => etcd.kill("SIGCONT")],
    ] as const) {
      await away();
      for (const call of [
        () => store.get("/registry/things/a"),
        () => store.put("/registry/things/a", thing("a", "2")),
        () => store.delete("/registry/things/a"),
        () => store.range("/registry/"),
        () => store.watch("/registry/", store.revision, () => {}),
        () => store.compact(store.revision),
        () => new EtcdStore(etcd.url),
      ])
        assert.is(refusedSoon(call), 503);
      await back();
      const found = await until("etcd is back", 5_000, () => {
        try {
          return store.get("/registry/things/a");
        } catch {
          return undefined;
        }
      });
      assert.is(found.key, "/registry/things/a");
    }
    store.close();
    await etcd.end();
  });

  test("an etcd that asks for certificates gets them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "stopover-etcd-tls-"));
    const ca = authority("etcd CA");
    const server = ca.issue("localhost", [[127, 0, 0, 1]]);
    const { cert, key } = ca.issue("apiserver");
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const url = `https://127.0.0.1:${await freePort()}`;
    const peer = `http://127.0.0.1:${await freePort()}`;
    const flags = {
      "data-dir": join(folder, "data"),
      "listen-client-urls": url,
      "advertise-client-urls": url,
      "listen-peer-urls": peer,
      "initial-advertise-peer-urls": peer,
      "initial-cluster": `default=${peer}`,
      "cert-file": file("server.crt", server.cert),
      "key-file": file("server.key", server.key),
      "trusted-ca-file": file("ca.crt", ca.cert),
      "client-cert-auth": "true",
    };
    const child = spawn(
      "etcd",
      Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
      { stdio: "ignore" },
    );
    process.once("exit", () => child.kill("SIGKILL"));
    child.unref();
    const store = await until("etcd answers", 20_000, () => {
      try {
        return new EtcdStore({ urls: [url], ca: ca.cert, cert, key });
      } catch {
        return undefined;
      }
    });
    const heard: string[] = [];
    store.watch("/registry/", store.revision, (events) => heard.push(...events.map((e) => e.key)));
    store.put("/registry/things/a", thing("a", ""));
    await until("the watch tells of it", 5_000, () => heard.length > 0);
    assert.is(
      refusedSoon(() => new EtcdStore({ urls: [url] })),
      503,
    );
    assert.is(
      refusedSoon(() => new EtcdStore({ urls: [url], ca: ca.cert })),
      503,
    );
    store.close();
    const certificate = file("client.crt", cert);
    const given = ["--etcd-cacert", file("ca.crt", ca.cert), "--etcd-cert", certificate];
    const served = await Served.start(url, ...given, "--etcd-key", file("client.key", key));
    assert.is((await served.ask("/api/v1/nodes")).status, 200);
    await served.end();
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test("an etcd that is full takes nothing, which is a 503, and is read as before", async () => {
    const etcd = await Etcd.start("--quota-backend-bytes=200000");
    const store = new EtcdStore(etcd.url);
    const big = thing("big", "x".repeat(50_000));
    store.put("/registry/things/first", thing("first", ""));
    const full = () => {
      for (let i = 0; i < 50; i++) store.put(`/registry/things/${i}`, big);
    };
    assert.match(refusal(full).message, /database space exceeded/);
    assert.is(refusedSoon(full), 503);
    assert.is(store.get("/registry/things/first")?.version, 1);
    store.close();
    await etcd.end();
  });

  test("`stopover serve` lives on without its etcd, answers 503 soon, and goes on with it", async () => {
    const etcd = await Etcd.start();
    const served = await Served.start(etcd.url, "notebooks/manifests");
    let replicas = 3;
    await served.ready(replicas);
    for (const [signal, time] of [
      ["SIGTERM", 3_000],
      ["SIGKILL", 10_000],
      ["SIGSTOP", 5_000],
    ] as const) {
      await etcd.kill(signal);
      for (const end = Date.now() + time; Date.now() < end; await pause(100)) {
        const { status, took, body } = await served.ask("/api/v1/services");
        assert.is(status, 503, body);
        assert.is((JSON.parse(body) as { reason: string }).reason, "ServiceUnavailable");
        assert.ok(took < SOON, `answered after ${took} ms`);
      }
      if (signal === "SIGSTOP") await etcd.kill("SIGCONT");
      else await etcd.up();
      await until(
        "serve answers again",
        5_000,
        async () => (await served.ask("/api/v1/services")).status === 200,
      );
      await served.scale(++replicas);
      await served.ready(replicas);
      assert.is(served.exited, undefined, "serve has ended");
    }
    await served.end();
    await etcd.end();
  });

  test("of three members one dies or stands still: no call fails, and the watch misses nothing", async () => {
    const etcds = await Etcd.cluster(3);
    const store = new EtcdStore(etcds.map(({ url }) => url).join(","));
    const [heard, written]: number[][] = [[], []];
    const key = "/registry/things/counter";
    store.watch(key, store.revision, (events) =>
      heard!.push(...events.map(({ revision }) => revision)),
    );
    let count = 0;
    const countFor = async (time: number) => {
      for (const end = Date.now() + time; Date.now() < end; await pause(2)) {
        const started = performance.now();
        const before = store.get(key);
        assert.is(before?.value.metadata.annotations!["note"] ?? "0", String(count));
        const entry = store.put(key, thing("counter", String(++count)), before?.modRevision ?? 0);
        assert.ok(entry, "nobody else writes: a write that is refused was made twice");
        written!.push(entry.modRevision);
        const took = performance.now() - started;
        assert.ok(took < 8_000, `two calls took ${took} ms`);
      }
    };
    const leading = async (etcd: Etcd) => {
      const answer = await fetch(`${etcd.url}/v3/maintenance/status`, {
        method: "POST",
        body: "{}",
      });
      const { header, leader } = (await answer.json()) as {
        header: { member_id: string };
        leader: string;
      };
      return header.member_id === leader;
    };
    for (const [leader, signal] of [
      [true, "SIGKILL"],
      [false, "SIGKILL"],
      [true, "SIGSTOP"],
    ] as const) {
      const leads = await Promise.all(etcds.map(leading));
      const victim = etcds[leads.indexOf(leader)]!;
      setTimeout(() => void victim.kill(signal), 300);
      await countFor(4_000);
      if (signal === "SIGSTOP") await victim.kill("SIGCONT");
      else await victim.up();
      await countFor(1_000);
    }
    await until("the watch has told all", 10_000, () => heard!.length >= written!.length);
    assert.equal(heard, written);

    // two of three away: nobody may decide
    await Promise.all(etcds.slice(1).map((etcd) => etcd.kill()));
    await pause(100);
    assert.is(
      refusedSoon(() => store.put(key, thing("counter", "lost"))),
      503,
    );
    assert.is(
      refusedSoon(() => new EtcdStore(etcds[0]!.url)),
      503,
    );
    await Promise.all(etcds.slice(1).map((etcd) => etcd.up()));
    await until("the majority is back", 5_000, () => {
      try {
        return store.get(key);
      } catch {
        return undefined;
      }
    });
    store.close();
    for (const etcd of etcds) await etcd.end();
  });
}
test.run();
