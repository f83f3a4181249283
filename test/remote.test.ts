/** What a client of a server elsewhere comes to where that server is away, or odd. */
import { createServer, type AddressInfo } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ApiError } from "stopover/internal/api/errors";
import { HttpClient, type HttpClientOptions } from "stopover/internal/doors/serve/http-client";
import { RealClock } from "stopover/internal/machinery/real-clock";
import { serve } from "stopover/internal/doors/serve/http";
import { newServer, refusal, service } from "./apiserver-harness.js";
import { oddServer, type Behaviour } from "./odd-server.js";

const test = suite("a server elsewhere");
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const clientOf = (url: string, more: Partial<HttpClientOptions> = {}) =>
  new HttpClient({ url, who: "test", clock: new RealClock(), ...more });

/** How a call is refused, and within how many milliseconds. */
function timed(call: () => unknown): { error: ApiError; took: number } {
  const started = performance.now();
  const error = refusal(call);
  return { error, took: performance.now() - started };
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

const away: [string, Behaviour, RegExp][] = [
  ["takes the request and says nothing", "silent", /there was no answer to GET \/api\/v1/],
  ["ends in the middle of its answer", "half", /aborted/],
  ["ends without an answer", "none", /socket hang up/],
];
for (const [what, behaviour, reason] of away)
  test(`who ${what} is unavailable, within two seconds`, async () => {
    const server = await oddServer(behaviour);
    const client = clientOf(server.url);
    const { error, took } = timed(() => client.get("Service", "a"));
    assert.equal([error.code, error.reason], [503, "ServiceUnavailable"]);
    assert.match(error.message, reason);
    assert.ok(error.message.startsWith(`${server.url} cannot be reached: `), error.message);
    assert.ok(took < 2_400, `${took} ms`);
    client.close();
    await server.end();
  });

test("nobody listens: unavailable at once", async () => {
  const client = clientOf(`http://127.0.0.1:${await freePort()}`);
  const { error, took } = timed(() => client.get("Service", "a"));
  assert.is(error.code, 503);
  assert.match(error.message, /cannot be reached: connect ECONNREFUSED/);
  assert.ok(took < 1_000, `${took} ms`);
  client.close();
});

test("only the first caller waits for who is silent, and all are served when it speaks again", async () => {
  const server = await oddServer("silent");
  const client = clientOf(server.url);
  timed(() => client.get("Service", "a"));
  assert.ok(timed(() => client.get("Service", "a")).took < 100);
  assert.ok(timed(() => client.create(service("b"))).took < 100);
  server.behave("well");
  for (let i = 0; i < 60; i++) {
    await pause(100);
    try {
      assert.is(client.get("Service", "a").metadata.name, "a");
      break;
    } catch (error) {
      if (i === 59) throw error;
    }
  }
  client.close();
  await server.end();
});

test("who is slow, but alive, is waited for", async () => {
  const server = await oddServer("slow");
  const client = clientOf(server.url);
  assert.is(client.get("Service", "a").kind, "Service");
  client.close();
  await server.end();
});

test("a write whose answer is lost is not sent again, a read is", async () => {
  const server = await oddServer("none");
  const client = clientOf(server.url);
  const { message } = refusal(() => client.create(service("a")));
  assert.match(message, /it is not known whether it did what it was asked for/);
  refusal(() => client.delete("Service", "a"));
  assert.not.match(refusal(() => client.get("Service", "a")).message, /not known/);
  const path = "/api/v1/namespaces/default/services";
  assert.equal(await server.heard(), [
    `POST ${path}?fieldValidation=Strict`,
    `DELETE ${path}/a`,
    `GET ${path}/a`,
    `GET ${path}/a`,
  ]);
  client.close();
  await server.end();
});

test("who answers something else than an object is said to", async () => {
  const server = await oddServer("proxy");
  const client = clientOf(server.url);
  const error = refusal(() => client.get("Service", "a"));
  assert.is(error.code, 502);
  assert.match(error.message, /the server answered 502 with "<h1>Bad Gateway<\/h1>"/);
  server.behave("text");
  await pause(50);
  assert.equal(refusal(() => client.get("Service", "a")).code, 503);
  client.close();
  await server.end();
});

test("a path in the address is kept, a token is sent, and no error shows it", async () => {
  const server = await oddServer("echo");
  const client = clientOf(`${server.url}/clusters/one/`, { token: "s3cr3t" });
  const seen = client.get("Service", "a") as unknown as {
    url: string;
    headers: Record<string, string>;
  };
  assert.is(seen.url, "/clusters/one/api/v1/namespaces/default/services/a");
  assert.is(seen.headers["authorization"], "Bearer s3cr3t");
  server.behave("none");
  await pause(50);
  assert.not.match(refusal(() => client.get("Service", "a")).message, /s3cr3t/);
  assert.not.match((await import("node:util")).inspect(client, { depth: 9 }), /s3cr3t/);
  client.close();
  const odd = clientOf(server.url, { token: "s3cr3t\n€" });
  assert.not.match(refusal(() => odd.get("Service", "a")).message, /s3cr3t/);
  odd.close();
  assert.throws(
    () => clientOf("http://me:s3cr3t@127.0.0.1:1"),
    (error: Error) => /name and a password/.test(error.message) && !/s3cr3t/.test(error.message),
  );
  await server.end();
});

test("a watch is begun again when its server is back, from where it was", async () => {
  const server = await oddServer("none");
  const client = clientOf(server.url);
  const stop = client.watch("Service", { resourceVersion: "7" }, () => {});
  await pause(1_500);
  stop();
  await pause(1_200);
  const heard = await server.heard();
  assert.is(heard.length, 2);
  assert.ok(
    heard.every((one) => one.includes("watch=true&allowWatchBookmarks=true&resourceVersion=7")),
  );
  client.close();
  await server.end();
});

test("a server in the very thread that would wait for it is said at once", async () => {
  const { server: apiserver } = newServer();
  const { url, close } = await serve({ apiserver, port: 0 });
  for (const address of [url, url.replace("127.0.0.1", "localhost")]) {
    const client = clientOf(address);
    const started = performance.now();
    assert.throws(
      () => client.list("Node"),
      /is served by this very thread, .* use apiserver\.client\(…\), or serve from a thread/,
    );
    assert.ok(performance.now() - started < 500);
    client.close();
  }
  await close();
});

test.run();
