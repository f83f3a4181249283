// The HTTP door itself: paths, codes, watches, and everything a stranger may send.
import { connect, type Socket } from "node:net";
import { request } from "node:http";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { serve, type Serving } from "stopover/internal/doors/serve/http";
import { humanDuration } from "stopover/internal/doors/serve/cells";
import { Random } from "stopover/internal/machinery/random";
import { RealClock } from "stopover/internal/machinery/real-clock";
import type { KubeObject, Pod, Service } from "stopover/internal/objects/types";
import { deployment, pod, refusal, service } from "./apiserver-harness.js";

const test = suite("HTTP");
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
let apiserver: ApiServer;
let serving: Serving;

test.before.each(async () => {
  apiserver = new ApiServer({
    clock: new RealClock(),
    random: new Random(1).next,
    watchWindow: 50,
  });
  serving = await serve({ apiserver, port: 0 });
});
test.after.each(() => serving.close());

interface Reply {
  code: number;
  body: Record<string, unknown> & { message: string; reason: string; items: Service[] };
  headers: Headers;
}
async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(serving.url + path, {
    method,
    headers: { ...(text !== undefined && { "Content-Type": "application/json" }), ...headers },
    ...(text !== undefined && { body: text }),
  });
  return {
    code: answer.status,
    body: (await answer.json()) as Reply["body"],
    headers: answer.headers,
  };
}

/** fetch sets Host and Origin itself. */
const raw = (headers: Record<string, string>) =>
  new Promise<number>((resolve, reject) => {
    request(`${serving.url}/api/v1/services`, { headers }, (answer) =>
      resolve(answer.resume().statusCode!),
    )
      .on("error", reject)
      .end();
  });

/** Reads a watch until it ended, or for `milliseconds`. */
async function watched(
  path: string,
  milliseconds = 200,
  headers: Record<string, string> = {},
): Promise<
  {
    type: string;
    object: Service & {
      message?: string;
      rows?: { cells: unknown[] }[];
      columnDefinitions?: unknown[] | null;
    };
  }[]
> {
  const stop = AbortSignal.timeout(milliseconds);
  let text = "";
  try {
    const answer = await fetch(serving.url + path, { signal: stop, headers });
    for await (const chunk of answer.body!) text += Buffer.from(chunk).toString();
  } catch (error) {
    if (!stop.aborted) throw error;
  }
  return text
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as never);
}

const services = "/api/v1/namespaces/default/services";

test("create, read, replace, patch, delete", async () => {
  const made = await call("POST", services, {
    metadata: { name: "nginx" },
    spec: { ports: [{ port: 80 }] },
  });
  assert.equal([made.code, made.body["kind"], made.body["apiVersion"]], [201, "Service", "v1"]);
  assert.equal((await call("GET", `${services}/nginx`)).body, made.body);
  const replaced = await call("PUT", `${services}/nginx`, {
    ...made.body,
    metadata: { ...(made.body["metadata"] as object), labels: { a: "b" } },
  });
  assert.equal(
    [replaced.code, (replaced.body as unknown as Service).metadata.labels],
    [200, { a: "b" }],
  );
  assert.is((await call("PUT", `${services}/nginx`, made.body)).code, 409);
  const patched = await call(
    "PATCH",
    `${services}/nginx`,
    { metadata: { labels: { a: null } } },
    { "Content-Type": "application/merge-patch+json" },
  );
  assert.is(
    (patched.body as unknown as Service).metadata.labels,
    undefined,
    "the last label gone, so is the field",
  );
  const { body } = await call("DELETE", `${services}/nginx`);
  assert.is(body["kind"], "Service", "its last state");
  assert.equal((await call("GET", `${services}/nginx`)).code, 404);
});

test("an eviction asks the Pod's disruption budget", async () => {
  const client = apiserver.client("test");
  const ready: NonNullable<Pod["status"]> = {
    phase: "Running",
    qosClass: "BestEffort",
    conditions: [{ type: "Ready", status: "True" }],
  };
  for (const name of ["a", "b"]) {
    const spec = { containers: [{ name: "c", image: "nginx" }] };
    const metadata = { name, namespace: "default", labels: { app: "web" } };
    const made = client.create<Pod>({ apiVersion: "v1", kind: "Pod", metadata, spec });
    client.updateStatus<Pod>({ ...made, status: ready });
  }
  const budget = { minAvailable: 2, selector: { matchLabels: { app: "web" } } };
  const budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
  await call("POST", budgets, { metadata: { name: "two" }, spec: budget });
  const evict = () =>
    call("POST", "/api/v1/namespaces/default/pods/a/eviction", { metadata: { name: "a" } });
  const why = async () => {
    const refused = await evict();
    assert.is(refused.code, 429);
    return (refused.body["details"] as { causes: { message: string }[] }).causes[0]!.message;
  };
  assert.is(await why(), "The disruption budget two is still being processed by the server.");
  const counted = { observedGeneration: 1, desiredHealthy: 2, currentHealthy: 2, expectedPods: 2 };
  const made = client.get("PodDisruptionBudget" as never, "two", "default") as KubeObject;
  client.updateStatus({ ...made, status: { ...counted, disruptionsAllowed: 0 } } as KubeObject);
  assert.is(await why(), "The disruption budget two needs 2 healthy pods and has 2 currently");
  client.delete("PodDisruptionBudget" as never, "two", "default");
  assert.is((await evict()).code, 201);
});

test("status, scale and binding are doors of their own", async () => {
  const client = apiserver.client("test");
  client.create(deployment("web"));
  const scale = "/apis/apps/v1/namespaces/default/deployments/web/scale";
  const got = await call("GET", scale);
  assert.equal([got.body["kind"], got.body["spec"], got.body["status"]], [
    "Scale",
    { replicas: 1 },
    { replicas: 0, selector: "app=web" },
  ] as never);
  assert.equal((await call("PUT", scale, { ...got.body, spec: { replicas: 4 } })).body["spec"], {
    replicas: 4,
  });
  assert.equal(
    (
      await call(
        "PATCH",
        scale,
        { spec: { replicas: 5 } },
        { "Content-Type": "application/merge-patch+json" },
      )
    ).body["spec"],
    { replicas: 5 },
  );
  assert.is(client.get("Deployment", "web").spec.replicas, 5);
  client.create(pod("p"));
  assert.is(
    (
      await call("POST", "/api/v1/namespaces/default/pods/p/binding", {
        target: { name: "node-a" },
      })
    ).code,
    201,
  );
  assert.is(client.get("Pod", "p").spec.nodeName, "node-a");
  await call("PUT", "/api/v1/namespaces/default/pods/p/status", {
    ...client.get("Pod", "p"),
    status: { phase: "Running" },
  });
  assert.is(client.get("Pod", "p").status!.phase, "Running");
});

test("lists come in pages and as tables", async () => {
  for (let i = 0; i < 5; i++) apiserver.client("test").create(service(`s${i}`));
  const first = await call("GET", `${services}?limit=2`);
  const { continue: token, remainingItemCount } = first.body["metadata"] as {
    continue: string;
    remainingItemCount: number;
  };
  assert.equal(
    [first.body.items.map(({ metadata }) => metadata.name), remainingItemCount],
    [["s0", "s1"], 3],
  );
  assert.equal(
    (await call("GET", `${services}?limit=9&continue=${token}`)).body.items.map(
      ({ metadata }) => metadata.name,
    ),
    ["s2", "s3", "s4"],
  );
  const table = (
    await call("GET", `${services}?labelSelector=!x`, undefined, {
      Accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    })
  ).body as unknown as {
    kind: string;
    columnDefinitions: { name: string }[];
    rows: { cells: unknown[]; object: { kind: string } }[];
  };
  assert.equal(
    [table.kind, table.columnDefinitions.map(({ name }) => name), table.rows[0]!.object.kind],
    [
      "Table",
      ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector"],
      "PartialObjectMetadata",
    ],
  );
  assert.equal(
    [table.rows[0]!.cells[1], table.rows[0]!.cells[3], table.rows[0]!.cells[4]],
    ["ClusterIP", "<none>", "80/TCP"],
  );
});

test("a list as of an earlier revision; a watch from a revision that is still to come", async () => {
  const client = apiserver.client("test");
  const { resourceVersion } = client.create(service("a")).metadata;
  client.create(service("b"));
  assert.is(
    (await call("GET", `${services}?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`))
      .body.items.length,
    1,
  );
  assert.is(
    (await call("GET", `${services}?resourceVersion=9999&resourceVersionMatch=Exact`)).code,
    504,
  );
  const [event] = await watched("/api/v1/services?watch=true&resourceVersion=9999", 2000);
  assert.match(event!.object.message!, /Too large resource version: 9999, current: 7/);
});

test("watches: from a revision, from the beginning, of one object, as a table, with bookmarks", async () => {
  const client = apiserver.client("test");
  client.create(service("a"));
  const { resourceVersion } = client.list("Service");
  client.create(service("b"));
  const names = (events: Awaited<ReturnType<typeof watched>>) =>
    events.map(({ type, object }) => `${type} ${object.metadata.name}`);
  assert.equal(
    names(await watched(`/api/v1/services?watch=true&resourceVersion=${resourceVersion}`)),
    ["ADDED b"],
  );
  assert.equal(
    names(
      await watched("/api/v1/services?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Da"),
    ),
    ["ADDED a"],
  );
  const table = await watched("/api/v1/services?watch=true&resourceVersion=0", 200, {
    Accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
  });
  assert.equal(
    table.map(({ object }) => [object.rows![0]!.cells[0], Array.isArray(object.columnDefinitions)]),
    [
      ["a", true],
      ["b", false],
    ],
  );
  const initial = await watched(
    "/api/v1/services?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan",
  );
  assert.equal(
    initial.map(({ type }) => type),
    ["ADDED", "ADDED", "BOOKMARK"],
  );
  assert.equal(initial[2]!.object.metadata.annotations, { "k8s.io/initial-events-end": "true" });
});

test("a body may be YAML, as kube-apiserver takes it", async () => {
  const yaml = { "Content-Type": "application/yaml" };
  const made = await call(
    "POST",
    services,
    "kind: Service\nmetadata: {name: yam}\nspec:\n  ports:\n    - port: 80 # http\n",
    yaml,
  );
  assert.equal([made.code, made.body["kind"]], [201, "Service"]);
  const body = "gracePeriodSeconds: 0\npropagationPolicy: Background\n";
  assert.is((await call("DELETE", `${services}/yam`, body, yaml)).code, 200);
});

test("a watch on a revision that is gone: 410 in the stream, then the end", async () => {
  const client = apiserver.client("test");
  for (let i = 0; i < 120; i++) client.create(service(`s${i}`));
  await pause(20);
  const [event] = await watched("/api/v1/services?watch=true&resourceVersion=1", 2000);
  assert.equal(
    [
      event!.type,
      (event!.object as unknown as { code: number; reason: string }).code,
      (event!.object as unknown as { reason: string }).reason,
    ],
    ["ERROR", 410, "Expired"],
  );
  assert.match(event!.object.message!, /too old resource version: 1 \(\d+\)/);
});

test("a watch ends after its timeoutSeconds", async () => {
  const started = Date.now();
  assert.equal(await watched("/api/v1/services?watch=true&timeoutSeconds=1", 5000), []);
  assert.ok(Date.now() - started < 3000);
});

test("1,000 watchers at once each hear of everything; an event is encoded once", async () => {
  const streams = await Promise.all(
    Array.from(
      { length: 1000 },
      () =>
        new Promise<{ text: () => string; end: () => void }>((resolve, reject) => {
          let text = "";
          const sent = request(
            `${serving.url}/api/v1/services?watch=true`,
            { agent: false },
            (answer) => {
              answer
                .on("data", (chunk: Buffer) => (text += chunk.toString()))
                .on("error", () => {});
              resolve({ text: () => text, end: () => sent.destroy() });
            },
          ).on("error", reject);
          sent.end();
        }),
    ),
  );
  for (let i = 0; i < 20; i++) apiserver.client("test").create(service(`s${i}`));
  for (let i = 0; i < 100 && streams.some(({ text }) => text().split("\n").length < 21); i++)
    await pause(50);
  assert.ok(streams.every(({ text }) => text().split("\n").length === 21));
  streams.forEach(({ end }) => end());
  assert.is((await call("GET", "/api/v1/services")).body.items.length, 20);
});

test("a watcher that does not read is cut off; memory stays bounded and the server up", async () => {
  const { port } = new URL(serving.url);
  const socket = connect(Number(port), "127.0.0.1").pause();
  let ended = false;
  socket.on("close", () => (ended = true)).on("error", () => {});
  socket.write("GET /api/v1/services?watch=true HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await pause(50);
  const client = apiserver.client("test");
  client.create(service("large", undefined, { annotations: { a: "x".repeat(200_000) } }));
  for (let i = 0; i < 150 && !ended; i++) {
    client.patch("Service", "large", undefined, {
      type: "merge",
      body: { metadata: { labels: { i: String(i) } } },
    });
    await pause(1);
  }
  socket.resume();
  await pause(100);
  assert.ok(ended, "30 MB unread, and the connection still stands");
  assert.is((await call("GET", "/version")).code, 200);
});

/**
 * A watcher that reads no more than the answer's beginning; `ended` once the server has given it
 * up.
 */
async function unreadWatch(path: string): Promise<{ socket: Socket; ended: () => boolean }> {
  const socket = connect(Number(new URL(serving.url).port), "127.0.0.1");
  let ended = false;
  socket.on("close", () => (ended = true)).on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await new Promise((resolve) => socket.once("data", resolve));
  socket.pause();
  return { socket, ended: () => ended };
}
const large = (name: string) =>
  service(name, undefined, { annotations: { a: "x".repeat(200_000) } });

test("a watcher whose time is over while its socket is full: events go on, and the server too", async () => {
  const { socket, ended } = await unreadWatch("/api/v1/services?watch=true&timeoutSeconds=1");
  const client = apiserver.client("test");
  for (let i = 0; i < 35; i++) client.create(large(`s${i}`));
  await pause(1200);
  client.create(service("late"));
  await pause(50);
  assert.is((await call("GET", "/version")).code, 200);
  socket.resume();
  for (let i = 0; i < 100 && !ended(); i++) await pause(20);
  assert.ok(ended());
});

test("a watcher that vanishes in the middle of an event", async () => {
  const { socket } = await unreadWatch("/api/v1/services?watch=true");
  const client = apiserver.client("test");
  for (let i = 0; i < 20; i++) client.create(large(`s${i}`));
  await pause(20);
  socket.resetAndDestroy();
  for (let i = 20; i < 40; i++) client.create(large(`s${i}`));
  await pause(50);
  assert.is((await call("GET", "/version")).code, 200);
});

test("40 watchers that do not read hold each event once, and are given up", async () => {
  const client = apiserver.client("test");
  client.create(large("large"));
  const before = process.memoryUsage().rss;
  const watchers = await Promise.all(
    Array.from({ length: 40 }, () => unreadWatch("/api/v1/services?watch=true&resourceVersion=0")),
  );
  for (let i = 0; i < 90; i++) {
    const body = { metadata: { labels: { i: String(i) } } };
    client.patch("Service", "large", undefined, { type: "merge", body });
    await pause(1);
  }
  const grown = (process.memoryUsage().rss - before) / 1e6;
  assert.ok(grown < 200, `${grown.toFixed(0)} MB more for 40 watchers of 18 MB`);
  for (const { socket } of watchers) socket.resume();
  for (let i = 0; i < 500 && !watchers.every(({ ended }) => ended()); i++) await pause(20);
  assert.is(watchers.filter(({ ended }) => ended()).length, 40);
  assert.is((await call("GET", "/version")).code, 200);
});

test("more than a connection holds: a client that reads gets all of it", async () => {
  const client = apiserver.client("test");
  for (let i = 0; i < 60; i++) client.create(large(`s${i}`));
  const events = await watched("/api/v1/services?watch=true&resourceVersion=0", 3000);
  assert.is(new Set(events.map(({ object }) => object.metadata.name)).size, 60);
});

/** Ten times ten times ten …: little text, many values. */
const laughs = [..."bcdefghij"].reduce(
  (text, name, i) => `${text}\n${name}: &${name} [${`*${"abcdefghi"[i]},`.repeat(10)}]`,
  "a: &a [x]",
);

const bad: Record<
  string,
  [
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
    code: number,
    message: RegExp,
  ]
> = {
  "no JSON": ["POST", services, "{a", {}, 400, /json parse error: invalid character/],
  "a list": ["POST", services, "[]", {}, 400, /json: cannot unmarshal array into Go value/],
  "too large": [
    "POST",
    services,
    `"${"x".repeat(3_200_000)}"`,
    {},
    413,
    /Request entity too large: limit is 3145728/,
  ],
  "too deep": [
    "POST",
    services,
    "[".repeat(10_000) + "]".repeat(10_000),
    {},
    400,
    /nests more than 100 levels deep/,
  ],
  "of another kind": [
    "POST",
    services,
    pod("p"),
    {},
    400,
    /Pod in version "v1" cannot be handled as a Service/,
  ],
  "of another namespace": [
    "POST",
    services,
    service("s", undefined, { namespace: "other" }),
    {},
    400,
    /namespace of the provided object does not match the namespace sent/,
  ],
  "of another name": [
    "PUT",
    `${services}/a`,
    service("b"),
    {},
    400,
    /name of the object \(b\) does not match the name on the URL \(a\)/,
  ],
  "metadata that is no object": [
    "POST",
    services,
    { metadata: "x" },
    {},
    400,
    / of type v1\.ObjectMeta/,
  ],
  "a spec that is no object": [
    "POST",
    services,
    { metadata: { name: "x" }, spec: 1 },
    {},
    400,
    /cannot unmarshal number into Go struct field Service\.spec of type v1\.ServiceSpec/,
  ],
  "ports that are no list": [
    "POST",
    services,
    { metadata: { name: "x" }, spec: { ports: {} } },
    {},
    400,
    /cannot unmarshal object into Go struct field ServiceSpec\.spec\.ports of type \[\]v1\.ServicePort/,
  ],
  "another content type": [
    "POST",
    services,
    "a=b",
    { "Content-Type": "application/x-www-form-urlencoded" },
    415,
    /the body of the request was in an unknown format/,
  ],
  "server-side apply": [
    "PATCH",
    `${services}/a`,
    "a: b",
    { "Content-Type": "application/apply-patch+yaml" },
    422,
    /fieldManager: Required value: is required for apply patch/,
  ],
  "a name with a slash": [
    "GET",
    `${services}/a%2Fb`,
    undefined,
    {},
    404,
    /could not find the requested resource/,
  ],
  "broken percent-encoding": [
    "GET",
    `${services}/%zz`,
    undefined,
    {},
    400,
    /no valid percent-encoding/,
  ],
  "an unknown path": [
    "GET",
    "/api/v2",
    undefined,
    {},
    404,
    /could not find the requested resource/,
  ],
  "an unknown resource": [
    "GET",
    "/api/v1/widgets",
    undefined,
    {},
    404,
    /could not find the requested resource/,
  ],
  "a missing object": ["GET", `${services}/nope`, undefined, {}, 404, /services "nope" not found/],
  "a wrong method": ["PUT", services, {}, {}, 405, /does not allow this method/],
  "the deletion of a status": [
    "DELETE",
    "/api/v1/namespaces/default/pods/p/status",
    undefined,
    {},
    405,
    /does not allow this method/,
  ],
  "a patch of a binding": [
    "PATCH",
    "/api/v1/namespaces/default/pods/p/binding",
    {},
    { "Content-Type": "application/merge-patch+json" },
    405,
    /does not allow this method/,
  ],
  "a method that nobody knows": [
    "PROPFIND",
    services,
    undefined,
    {},
    405,
    /does not allow this method/,
  ],
  "a stranger's media type": [
    "GET",
    services,
    undefined,
    { Accept: "application/vnd.kubernetes.protobuf" },
    406,
    /406: Not Acceptable/,
  ],
  "a bad selector": [
    "GET",
    `${services}?labelSelector=a%3Db%3Dc`,
    undefined,
    {},
    400,
    /found '=', expected: ',' or 'end of string'/,
  ],
  "a bad limit": [
    "GET",
    `${services}?limit=x`,
    undefined,
    {},
    400,
    /strconv\.ParseInt: parsing "x": invalid syntax/,
  ],
  "a limit that is no digits": [
    "GET",
    `${services}?limit=0x10`,
    undefined,
    {},
    400,
    /parsing "0x10"/,
  ],
  "YAML that is none": [
    "POST",
    services,
    "a: [",
    { "Content-Type": "application/yaml" },
    400,
    /the body: this cannot be read as YAML: line 1/,
  ],
  "YAML of a thousand million values": [
    "POST",
    services,
    laughs,
    { "Content-Type": "application/yaml" },
    400,
    /more than \d+ values once its aliases are written out/,
  ],
  "YAML of two documents, of which the first one counts": [
    "POST",
    services,
    "kind: Service\n---\nc: d",
    { "Content-Type": "application/yaml" },
    422,
    /name or generateName is required/,
  ],
  "YAML that is a text": [
    "POST",
    services,
    "text",
    { "Content-Type": "application/yaml" },
    400,
    /cannot unmarshal string into Go value/,
  ],
  "a bad continue": [
    "GET",
    `${services}?continue=x`,
    undefined,
    {},
    400,
    /continue key is not valid/,
  ],
  "a bad resourceVersion": [
    "GET",
    `${services}?watch=true&resourceVersion=x`,
    undefined,
    {},
    500,
    /resourceVersion: Invalid value: "x"/,
  ],
  logs: ["GET", "/api/v1/namespaces/default/pods/p/log", undefined, {}, 404, /pods "p" not found/],
  exec: [
    "POST",
    "/api/v1/namespaces/default/pods/p/exec?command=sh",
    undefined,
    {},
    404,
    /pods "p" not found/,
  ],
  "a subresource called constructor": [
    "GET",
    "/api/v1/namespaces/default/pods/p/constructor",
    undefined,
    {},
    404,
    /could not find the requested resource/,
  ],
  "a subresource called __proto__": [
    "POST",
    "/api/v1/namespaces/default/pods/p/__proto__",
    {},
    {},
    404,
    /could not find the requested resource/,
  ],
  "a resource called constructor": [
    "GET",
    "/api/v1/constructor",
    undefined,
    {},
    404,
    /could not find the requested resource/,
  ],
  "a patch of type constructor": [
    "PATCH",
    `${services}/a`,
    {},
    { "Content-Type": "constructor" },
    415,
    /415: Unsupported Media Type/,
  ],
  "a patch of type __proto__": [
    "PATCH",
    `${services}/a`,
    {},
    { "Content-Type": "__proto__" },
    415,
    /415: Unsupported Media Type/,
  ],
  "a kind that cannot be written as a text": [
    "POST",
    services,
    { kind: { toString: 1, valueOf: 2 } },
    {},
    400,
    /cannot be handled as a Service/,
  ],
  "a name that cannot be written as a text": [
    "PUT",
    `${services}/a`,
    { metadata: { name: { toString: 1 } } },
    {},
    400,
    /does not match the name on the URL/,
  ],
  "a half-hearted dry run": [
    "POST",
    `${services}?dryRun=Some`,
    service("x"),
    {},
    422,
    /dryRun: Unsupported value: \["Some"\]/,
  ],
  "delete options of a wrong type": [
    "DELETE",
    `${services}/a`,
    { dryRun: 5 },
    {},
    400,
    /cannot unmarshal number into Go struct field DeleteOptions\.dryRun of type \[\]string/,
  ],
  "a scale of words": [
    "PUT",
    "/apis/apps/v1/namespaces/default/deployments/none/scale",
    { spec: { replicas: "many" } },
    {},
    400,
    /cannot unmarshal string into Go struct field ScaleSpec/,
  ],
  "protobuf that is none": [
    "POST",
    services,
    "hello",
    { "Content-Type": "application/vnd.kubernetes.protobuf" },
    400,
    /does not begin with k8s/,
  ],
  "protobuf cut short": [
    "POST",
    services,
    "k8s\0\n\x7f",
    { "Content-Type": "application/vnd.kubernetes.protobuf" },
    400,
    /ends in the middle of a field/,
  ],
  "a grace period of words": [
    "DELETE",
    "/api/v1/namespaces/default/pods/p?gracePeriodSeconds=soon",
    undefined,
    {},
    400,
    /strconv\.ParseInt: parsing/,
  ],
};
for (const [what, [method, path, body, headers, code, message]] of Object.entries(bad)) {
  test(`bad input: ${what}`, async () => {
    const answer = await call(method, path, body, headers);
    assert.is(answer.code, code, JSON.stringify(answer.body));
    if (code !== 200)
      assert.equal([answer.body["kind"], answer.body["status"], answer.body["code"]], [
        "Status",
        "Failure",
        code,
      ] as never);
    assert.match(JSON.stringify(answer.body).replaceAll('\\"', '"'), message);
    assert.is((await call("GET", "/version")).code, 200, "the server is up");
  });
}

/** What a socket hears that says this; requests that no HTTP client would send. */
function said(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = "";
    const socket = connect(Number(new URL(serving.url).port), "127.0.0.1");
    socket.on("data", (chunk: Buffer) => (heard += chunk.toString("latin1")));
    socket.on("close", () => resolve(heard)).on("error", reject);
    socket.write(text);
  });
}

const requestLines: Record<string, [head: string, code: number]> = {
  "the name of this machine in capitals": ["GET /version HTTP/1.1\r\nHost: LOCALHOST\r\n", 200],
  "two Host headers": ["GET /version HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n", 400],
  "two Host headers, the second a stranger": [
    "GET /version HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
    400,
  ],
  "no Host header": ["GET /version HTTP/1.1\r\n", 400],
  "a whole URL": ["GET http://localhost/version HTTP/1.1\r\nHost: localhost\r\n", 200],
  "a stranger's whole URL": [
    "GET http://evil.example/version HTTP/1.1\r\nHost: localhost\r\n",
    403,
  ],
  "a path that begins with a host": [
    "GET //evil.example/version HTTP/1.1\r\nHost: localhost\r\n",
    404,
  ],
};
for (const [what, [head, code]] of Object.entries(requestLines)) {
  test(`a request with ${what} is answered ${code}`, async () => {
    assert.match(await said(`${head}Connection: close\r\n\r\n`), new RegExp(`^HTTP/1.1 ${code} `));
  });
}

test("Host and Origin: this machine only", async () => {
  const own = new URL(serving.url).host;
  const codes = await Promise.all(
    [
      { Host: own },
      { Host: "localhost:8001" },
      { Host: "evil.example" },
      { Host: "127.0.0.1.evil.example" },
      { Host: own, Origin: "http://evil.example" },
      { Host: own, Origin: `http://${own}` },
      { Host: own, Origin: "null" },
    ].map((headers) => raw(headers as Record<string, string>)),
  );
  assert.equal(codes, [200, 200, 403, 403, 403, 200, 403]);
});

test("it listens on a loopback address or not at all", async () => {
  try {
    await serve({ apiserver, port: 0, host: "0.0.0.0" });
    assert.unreachable();
  } catch (error) {
    assert.match(
      (error as Error).message,
      /host: got "0\.0\.0\.0"; the API has no authentication, so it listens on a loopback address only/,
    );
  }
});

test("unknown fields: refused, dropped with a warning, or dropped", async () => {
  const odd = (name: string) => ({
    metadata: { name },
    spec: { ports: [{ port: 80 }], colour: "red" },
  });
  assert.match(
    (await call("POST", `${services}?fieldValidation=Strict`, odd("a"))).body.message,
    /strict decoding error: unknown field "spec\.colour"/,
  );
  assert.is(
    (await call("POST", services, odd("b"))).headers.get("warning"),
    '299 - "unknown field \\"spec.colour\\""',
  );
  const { headers, body } = await call("POST", `${services}?fieldValidation=Ignore`, odd("c"));
  assert.equal([headers.get("warning"), "colour" in (body["spec"] as object)], [null, false]);
});

/** Node gives a header's bytes one by one; kubectl reads them as UTF-8. */
const warningOf = (headers: Headers): string =>
  Buffer.from(headers.get("warning") ?? "", "latin1").toString("utf8");

const oddFields: Record<string, [field: string, inHeader: string]> = {
  "letters beyond Latin-1": ["selektør→💥", "selektør→💥"],
  "a line break": ["a\r\nSet-Cookie: b", "a\\\\u000d\\\\u000aSet-Cookie: b"],
  "a null byte": ["a\0b", "a\\\\u0000b"],
  "quotes and backslashes": ['a"\\', 'a\\"\\\\'],
  "half a letter": ["\ud83d", "\ufffd"],
};
for (const [what, [field, inHeader]] of Object.entries(oddFields)) {
  test(`an unknown field with ${what}: a warning, and the object is made`, async () => {
    const object = { metadata: { name: "odd" }, spec: { ports: [{ port: 80 }], [field]: 1 } };
    const { code, headers } = await call("POST", services, object);
    assert.is(code, 201);
    assert.is(headers.get("set-cookie"), null);
    assert.is(warningOf(headers), `299 - "unknown field \\"spec.${inHeader}\\""`);
  });
}

test("a thousand unknown fields: no more warnings than a client takes", async () => {
  const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, 1]));
  const { code, headers } = await call("POST", services, {
    metadata: { name: "odd" },
    spec: { ports: [{ port: 80 }], ...fields },
  });
  assert.is(code, 201);
  const length = headers.get("warning")!.length;
  assert.ok(length > 100 && length < 6000, `${length} characters of warnings`);
});

test("discovery and OpenAPI come from the same table as validation", async () => {
  const { body } = await call("GET", "/apis/apps/v1");
  const resources = body["resources"] as { name: string; kind: string }[];
  assert.equal(
    resources.map(({ name, kind }) => `${name} ${kind}`).filter((one) => /^(dep|rep)/.test(one)),
    [
      "deployments Deployment",
      "deployments/status Deployment",
      "deployments/scale Scale",
      "replicasets ReplicaSet",
      "replicasets/status ReplicaSet",
      "replicasets/scale Scale",
    ],
  );
  const index = (await call("GET", "/openapi/v3")).body["paths"] as Record<
    string,
    { serverRelativeURL: string }
  >;
  for (const path of ["api/v1", "apis/apps/v1", "apis/discovery.k8s.io/v1", "apis/batch/v1"])
    assert.ok(path in index, path);
  for (const { serverRelativeURL } of Object.values(index)) {
    const text = JSON.stringify((await call("GET", serverRelativeURL)).body);
    const { components } = JSON.parse(text) as { components: { schemas: Record<string, unknown> } };
    for (const [, name] of text.matchAll(/#\/components\/schemas\/([^"]+)"/g))
      assert.ok(name! in components.schemas, `${serverRelativeURL} refers to ${name}`);
  }
});

test("ages are written as kubectl writes them", () => {
  const seconds = [
    0, 1, 119, 120, 125, 600, 10_799, 10_800, 12_000, 28_800, 172_799, 172_800, 180_000, 691_200,
    63_072_000, 70_000_000, 300_000_000,
  ];
  assert.equal(
    seconds.map((one) => humanDuration(one * 1000)),
    [
      "0s",
      "1s",
      "119s",
      "2m",
      "2m5s",
      "10m",
      "179m",
      "3h",
      "3h20m",
      "8h",
      "47h",
      "2d",
      "2d2h",
      "8d",
      "2y",
      "2y80d",
      "9y",
    ],
  );
});

test("a refusal in the process is the same Status as over HTTP", async () => {
  const { status } = refusal(() => apiserver.client("test").get("Service", "nope"));
  assert.equal((await call("GET", `${services}/nope`)).body, status);
});

test.run();
