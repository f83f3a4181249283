// `serve --expose`: a real client of this machine reaches the simulated application.
import { request, Agent } from "node:http";
import { connect } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Exposed } from "stopover/internal/doors/serve/exposed";
import { startServing } from "stopover/internal/doors/serve/serve";
import { gcp, parse } from "stopover";
import { until } from "./etcd-harness.js";

const test = suite("exposed");

const application = parse(`
{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, spec: {containers: [{name: web, image: nginx}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: nobody}, spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 81}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: closed}, spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 82}], loadBalancerSourceRanges: [198.51.100.0/24]}}
`);

const lines: string[] = [];
let started: Awaited<ReturnType<typeof startServing>>;
let exposed: Exposed;
const doorOf = (service: string) =>
  until(`${service} is exposed`, 30_000, () => {
    const line = lines.find((one) => one.includes(`leads to Service default/${service},`));
    return Number(/127\.0\.0\.1:(\d+)/.exec(line ?? "")?.[1]);
  });

test.before(async () => {
  started = await startServing({ cloud: gcp(), nodes: 2, documents: application, port: 0 });
  exposed = new Exposed(started.cluster, (line) => lines.push(line));
  const { cluster } = started;
  await until("the Pod is ready", 60_000, () =>
    cluster.list("Pod").some(({ status }) => status?.phase === "Running"),
  );
});
test.after(async () => {
  exposed.stop();
  await started.serving.close();
  for (const manager of started.cluster.managers) manager.stop();
});

const get = (port: number, path: string, agent?: Agent) =>
  new Promise<{ code: number; text: string }>((resolve, reject) => {
    const asked = request({ port, path, host: "127.0.0.1", ...(agent && { agent }) }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk) => (text += String(chunk)));
      answer.on("end", () => resolve({ code: answer.statusCode!, text }));
    });
    asked.on("error", reject).end();
  });

test("a client's request is answered by the Pod, and its way is told", async () => {
  const port = await doorOf("web");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    // the load balancer takes a while to find its targets healthy
    const { text } = await until("it is answered", 60_000, () =>
      get(port, "/", agent).catch(() => undefined),
    );
    assert.match(text, /Welcome to nginx/);
    assert.is((await get(port, "/none", agent)).code, 404);
    const told = lines.filter((line) => line.startsWith("GET "));
    const way = /default\/web, by way of [\da-f]+ -> node-[ab] -> .*default\/web$/;
    assert.match(
      told.find((line) => line.startsWith("GET /:"))!,
      way,
    );
    assert.match(told.at(-1)!, /^GET \/none \(on a connection that was open\): default\/web, by/);
  } finally {
    agent.destroy();
  }
});

test("where nobody answers, the client is told no, and the reader why", async () => {
  const port = await doorOf("nobody");
  const code = await get(port, "/").then(
    () => "answered",
    (error: NodeJS.ErrnoException) => error.code,
  );
  assert.is(code, "ECONNRESET");
  assert.ok(
    lines.some((line) => /^(GET \/|a connection) to \S+:81: /.test(line)),
    lines.join("\n"),
  );
});

test("whoever gets no answer waits, and the reader is told why at once", async () => {
  const port = await doorOf("closed");
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  socket.write("GET / HTTP/1.1\r\nHost: closed\r\n\r\n");
  const told = (): string[] => lines.filter((line) => /to \S+:82 waits/.test(line));
  try {
    const isTold = (): boolean => told().some((line) => line.includes("lets in 198.51.100.0/24"));
    await until("it is told", 20_000, isTold);
    await new Promise((done) => setTimeout(done, 1_500)); // the next try is after a second
  } finally {
    socket.destroy();
  }
  assert.is(told().length, 1, told().join("\n"));
});

test("a Service that is gone lets nobody in any more", async () => {
  const port = await doorOf("nobody");
  started.cluster.apiserver.client("me").delete("Service", "nobody", "default");
  await until("the port is closed", 10_000, () =>
    lines.some((line) => line.includes("default/nobody 81 is exposed no more")),
  );
  const refused = await new Promise((resolve) => {
    connect(port, "127.0.0.1")
      .on("connect", () => resolve("open"))
      .on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  assert.is(refused, "ECONNREFUSED");
});

test.run();
