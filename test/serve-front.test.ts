// The front of `stopover serve`, whatever the API server's thread behind it does.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { listen, type Serving } from "stopover/internal/doors/serve/http";
import { StoreHealth } from "stopover/internal/doors/serve/store-health";
import { ThreadBackend } from "stopover/internal/doors/serve/thread-backend";
import { Tickets } from "stopover/internal/doors/serve/tickets";
import { MemoryStore } from "stopover/internal/store/memory";
import { serviceUnavailable } from "stopover/internal/api/errors";
import { Etcd, pause, until } from "./etcd-harness.js";
import { lacking, needs } from "./needs.js";
import { Served } from "./serve-harness.js";

const test = suite("front");
// Milliseconds: what clients are promised, and what a busy machine adds.
const SOON = 2500;

const oddThread = new URL("./serve-odd-thread.js", import.meta.url);
const options = { documents: { manifests: [] } };

/** A front before a thread that does as it is told by the path of a request. */
class Odd {
  private constructor(
    readonly backend: ThreadBackend,
    readonly serving: Serving,
  ) {}

  static async start(more: { etcd?: { urls: string[] } } = {}): Promise<Odd> {
    const backend = new ThreadBackend({ ...options, ...more }, oddThread);
    const serving = await listen(backend, { port: 0 });
    await backend.start();
    return new Odd(backend, serving);
  }

  async ask(path: string, method = "GET") {
    const started = performance.now();
    const answer = await fetch(this.serving.url + path, { method });
    const text = await answer.text();
    return {
      code: answer.status,
      retryAfter: answer.headers.get("retry-after"),
      text,
      took: performance.now() - started,
    };
  }

  async end(): Promise<void> {
    await this.serving.close();
    await this.backend.stop();
  }
}

test("a thread that waits for its store: 503 soon, to those who were begun and to those who were not", async () => {
  const odd = await Odd.start();
  const begun = odd.ask("/store/4000", "POST");
  await pause(100);
  const [read, write] = [odd.ask("/late-read"), odd.ask("/late-write", "POST")];
  await pause(700);
  const [live, ready, version] = await Promise.all(
    ["/livez", "/readyz", "/version"].map((path) => odd.ask(path)),
  );
  assert.equal([live!.code, version!.code, ready!.code], [200, 200, 503]);
  assert.match(ready!.text, /\[-\]etcd failed: the store has been silent for \d/);
  assert.ok(live!.took < 500 && ready!.took < 500);
  for (const answer of await Promise.all([begun, read, write])) {
    assert.is(answer.code, 503);
    assert.ok(answer.took < SOON, `answered after ${answer.took} ms`);
    assert.match(answer.text, /"reason":"ServiceUnavailable"/);
  }
  assert.is(
    (await begun).retryAfter,
    null,
    "it may have been done: nobody should repeat it blindly",
  );
  assert.match((await begun).text, /may have been done all the same/);
  assert.equal([(await read).retryAfter, (await write).retryAfter], ["1", "1"]);
  await until("the store is back", 5000, async () => (await odd.ask("/readyz")).code === 200);
  const done = (await odd.ask("/begun")).text;
  assert.match(done, /store 4000/);
  assert.not.match(done, /late/, "what was refused is never done afterwards");
  await odd.end();
});

test("a thread that is only busy: its answer is waited for", async () => {
  const odd = await Odd.start();
  const answers = [odd.ask("/busy/2500"), odd.ask("/quick")];
  await pause(1000);
  assert.is((await odd.ask("/readyz")).code, 200);
  assert.equal(
    (await Promise.all(answers)).map(({ code }) => code),
    [200, 200],
  );
  await odd.end();
});

test("with several members a call may take as long as an election", async () => {
  const odd = await Odd.start({ etcd: { urls: ["http://127.0.0.1:1", "http://127.0.0.1:2"] } });
  assert.is((await odd.ask("/store/2500")).code, 200);
  await odd.end();
});

test("a client that goes away before it is its turn is not served", async () => {
  const odd = await Odd.start();
  const busy = odd.ask("/busy/500");
  await pause(50);
  const impatient = AbortSignal.timeout(100);
  await fetch(`${odd.serving.url}/gone`, { signal: impatient }).catch(() => {});
  await busy;
  assert.not.match((await odd.ask("/begun")).text, /gone/);
  await odd.end();
});

test("a thread that dies with its store in memory: those who wait hear 503, streams end, and all is over", async () => {
  const odd = await Odd.start();
  const watching = await fetch(`${odd.serving.url}/watch`);
  const reader = watching.body!.getReader();
  assert.is(Buffer.from((await reader.read()).value).toString(), "first\n");
  const broken = reader.read().then(
    () => "end",
    () => "broken off",
  );
  const { code, text } = await odd.ask("/die", "POST");
  assert.is(code, 503);
  assert.match(text, /the API server ended; the request may have been done all the same/);
  assert.is(await broken, "broken off");
  await odd.backend.over;
  assert.equal(
    [(await odd.ask("/livez")).code, (await odd.ask("/readyz")).code, (await odd.ask("/x")).code],
    [200, 503, 503],
  );
  await odd.end();
});

test("a thread that dies with its store in etcd is started again", async () => {
  const odd = await Odd.start({ etcd: { urls: ["http://127.0.0.1:1"] } });
  assert.is((await odd.ask("/die")).code, 503);
  const { code, retryAfter } = await odd.ask("/x");
  assert.equal([code, retryAfter], [503, "1"]);
  await until("it is started again", 5000, async () => (await odd.ask("/x")).code === 200);
  await odd.end();
});

test("a cluster that cannot be started says why", async () => {
  const backend = new ThreadBackend({ ...options, seed: "cannot start" }, oddThread);
  const reason = await backend.start().then(
    () => "it started",
    (error: Error) => error.message,
  );
  assert.is(reason, "it cannot start");
});

test("tickets: what is withdrawn is never begun, and what is begun cannot be withdrawn", () => {
  const front = new Tickets();
  const thread = new Tickets(front.memory);
  for (const id of [1, 2]) front.offer(id);
  assert.equal([thread.begin(1), front.withdraw(1)], [true, false]);
  assert.equal([front.withdraw(2), thread.begin(2)], [true, false]);
});

test("a store's health: silent, away, and back", () => {
  let fails: Error | undefined;
  const seen: number[] = [];
  const health = new StoreHealth();
  const other = new StoreHealth(health.memory);
  class Store extends MemoryStore {
    override get(): undefined {
      seen.push(other.waiting);
      if (fails) throw fails;
    }
  }
  const store = health.observe(new Store());
  store.get("a");
  assert.ok(seen[0]! > 0);
  assert.equal([other.waiting, other.away, store.revision], [0, 0, 1]);
  fails = serviceUnavailable("away");
  assert.throws(() => store.get("a"));
  assert.ok(other.away > 0);
  fails = new RangeError("the future");
  assert.throws(() => store.get("a"));
  assert.is(other.away, 0, "a refusal is an answer");
});

if (needs(test, "etcd", lacking("etcd"))) {
  test("etcd stands still, dies and comes back: 503 soon, /livez throughout, and a watch goes on", async () => {
    const etcd = await Etcd.start();
    const served = await Served.start("--store", `etcd=${etcd.url}`, "--nodes", "1");
    const services = "/api/v1/namespaces/default/services";
    const watching = await fetch(`${served.url}/api/v1/services?watch=true&resourceVersion=0`);
    let [heard, isOver] = ["", false];
    const reading = (async () => {
      for await (const chunk of watching.body!) heard += Buffer.from(chunk).toString();
    })()
      .catch(() => {})
      .finally(() => (isOver = true));
    await until("the watch has begun", 40_000, () => heard.includes('"ADDED"'));
    const create = (name: string) =>
      served.ask("POST", services, { metadata: { name }, spec: { ports: [{ port: 80 }] } });
    for (const [round, signal] of (["SIGSTOP", "SIGKILL"] as const).entries()) {
      await etcd.kill(signal);
      for (let i = 0; i < 4; i++) {
        const asked = [served.ask("GET", services), create(`lost-${round}-${i}`)];
        const live = [served.ask("GET", "/livez"), served.ask("GET", "/api")];
        for (const { code, took } of await Promise.all(live)) {
          assert.is(code, 200);
          assert.ok(took < 1000, `/livez after ${took} ms`);
        }
        for (const { code, took, text } of await Promise.all(asked)) {
          assert.is(code, 503, text);
          assert.ok(took < SOON, `answered after ${took} ms`);
        }
        assert.is((await served.ask("GET", "/readyz")).code, 503);
      }
      await (signal === "SIGSTOP" ? etcd.kill("SIGCONT") : etcd.up());
      await until("it is ready again", 40_000, async () => {
        return (await served.ask("GET", "/readyz")).code === 200;
      });
      assert.is((await create(`after-${round}`)).code, 201);
      await until("the watch goes on", 40_000, () => {
        assert.not.ok(isOver, `the watch has ended: ${heard.slice(-1000)} ${served.errors}`);
        return heard.includes(`"after-${round}"`);
      });
    }
    assert.is(served.exited, undefined, served.errors);
    assert.is(await served.end(), 0);
    await reading;
    await etcd.end();
  });

  test("it ends when it is told to, whether etcd is there or not", async () => {
    const etcd = await Etcd.start();
    const served = await Served.start("--store", `etcd=${etcd.url}`, "--nodes", "1");
    await etcd.kill("SIGSTOP");
    await pause(500);
    assert.is(await served.end("SIGINT"), 0);
    await etcd.kill("SIGKILL");
    const reason = await Served.start("--store", `etcd=${etcd.url}`).then(
      () => "it started",
      (error: Error) => error.message,
    );
    assert.match(reason, /^serve ended with 2: stopover: .*cannot be reached.*\n$/);
    await etcd.end();
  });
}

test("a bare API server: nothing but it runs, and its Services' range is the one asked for", async () => {
  const range = "10.99.0.0/24";
  const bare = ["--nodes", "0", "--no-controllers", "--cloud", "none", "--service-cidr", range];
  const served = await Served.start(...bare);
  try {
    const path = "/api/v1/namespaces/default/services";
    const { items } = (await served.ask("GET", path)).body as { items: unknown[] };
    assert.equal(items, []);
    const service = { metadata: { name: "web" }, spec: { ports: [{ port: 80 }] } };
    const { spec } = (await served.ask("POST", path, service)).body as { spec: unknown };
    assert.match((spec as { clusterIP: string }).clusterIP, /^10\.99\.0\./);
    const leases = await served.ask("GET", "/apis/coordination.k8s.io/v1/leases");
    assert.equal(leases.body["items"], [], "nobody leads");
  } finally {
    await served.end();
  }
});

test("a port that is taken is one line and exit code 2", async () => {
  const serving = await listen(new ThreadBackend(options, oddThread), { port: 0 });
  const { port } = new URL(serving.url);
  const reason = await Served.start("--port", port).then(
    () => "it started",
    (error: Error) => error.message,
  );
  assert.match(reason, /^serve ended with 2: stopover: listen EADDRINUSE.*\n$/);
  await serving.close();
});

test("what a CustomResourceDefinition made known is forgotten with it, and known again anew", async () => {
  const served = await Served.start("--nodes", "0", "--no-controllers");
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "gauges.example.com" },
    spec: {
      group: "example.com",
      scope: "Cluster",
      names: { plural: "gauges", singular: "gauge", kind: "Gauge", listKind: "GaugeList" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object" } },
        },
      ],
    },
  };
  try {
    for (let i = 0; i < 2; i++) {
      assert.is((await served.ask("POST", definitions, definition)).code, 201);
      const isTold = async (): Promise<boolean> =>
        (await served.ask("GET", "/apis/example.com/v1")).code === 200;
      await until("it is told of", 5_000, isTold);
      assert.is((await served.ask("DELETE", `${definitions}/gauges.example.com`)).code, 200);
      await until("it is forgotten", 5_000, async () => !(await isTold()));
    }
  } finally {
    await served.end();
  }
});

test.run();
