// What containers print: how it is kept, and `kubectl logs` of a server whose containers run.
import { execFile, execFileSync } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { Log, read, type LogOptions } from "stopover/internal/programs/log";
import type { Pod } from "stopover/internal/objects/types";
import { until } from "./etcd-harness.js";
import { lacking, needs } from "./needs.js";
import { Served } from "./serve-harness.js";

const test = suite("logs");

const T = Date.parse("2026-01-01T00:00:00Z");

/** Three lines, a second each; one to standard error; the last without an end. */
function three(): Log {
  const log = new Log();
  log.add(T, "stdout", "one\n");
  log.add(T + 1_000, "stderr", "two\n");
  log.add(T + 2_000, "stdout", "thr");
  log.add(T + 3_000, "stdout", "ee");
  log.end(T + 3_000);
  return log;
}

const all = (log: Log, options: LogOptions): string => [...read(log, options)].join("");

for (const [says, options, text] of [
  ["all of it", {}, "one\ntwo\nthree"],
  ["the last line, whose end never came", { tailLines: 1 }, "three"],
  ["the last two", { tailLines: 2 }, "two\nthree"],
  ["more than there are", { tailLines: 9 }, "one\ntwo\nthree"],
  ["none", { tailLines: 0 }, ""],
  ["since a time", { since: T + 1_000 }, "two\nthree"],
  ["of the last two those since a time", { tailLines: 2, since: T + 3_000 }, "three"],
  ["so many bytes", { limitBytes: 5 }, "one\nt"],
  [
    "with the time of each, which counts among the bytes",
    { timestamps: true, limitBytes: 70 },
    "2026-01-01T00:00:00.000000000Z one\n2026-01-01T00:00:01.000000000Z two\n",
  ],
] as const)
  test(`kept: ${says}`, () => assert.is(all(three(), options), text));

test("several lines that were written at once are lines", () => {
  const log = new Log();
  log.add(T, "stdout", "a\nb\nc\nd\n");
  log.end(T);
  assert.is(all(log, { tailLines: 2 }), "c\nd\n");
  assert.match(all(log, { timestamps: true, tailLines: 2 }), /^2026\S+Z c\n2026\S+Z d\n$/);
});

test("ten MiB are kept, however much is printed, and who follows goes on with what is left", () => {
  const log = new Log();
  const following = read(log, { follow: true });
  log.add(T, "stdout", "first\n");
  assert.is(following.next().value, "first\n");
  assert.is(following.next().value, undefined);
  const line = `${"x".repeat(99)}\n`;
  for (let i = 0; i < 300_000; i++) log.add(T, "stdout", line);
  const kept = all(log, {}).length;
  assert.ok(log.size <= 10 * 1024 * 1024 && kept > 4_000_000, `${log.size} ${kept}`);
  log.end(T);
  let heard = 0;
  for (const chunk of following) heard += chunk?.length ?? 0;
  assert.is(heard, kept);
});

test("an endless line is bounded, too", () => {
  const log = new Log();
  for (let i = 0; i < 30_000; i++) log.add(T, "stdout", "x".repeat(1_000));
  assert.ok(log.size <= 10 * 1024 * 1024, `${log.size}`);
});

test.run();

const live = suite("logs of a server");
let served: Served;

type Status = NonNullable<Pod["status"]>;

const pod = (name: string, script: string, more: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "main", image: "busybox", command: ["sh", "-c", script] }],
    ...more,
  },
});

const create = async (object: object): Promise<void> => {
  const { code, text } = await served.ask("POST", "/api/v1/namespaces/default/pods", object);
  assert.is(code, 201, text);
};

const statusOf = async (name: string): Promise<Status> =>
  (await served.ask("GET", `/api/v1/namespaces/default/pods/${name}`)).body["status"] as Status;

const ended = (name: string): Promise<Status> =>
  until(`${name} ends`, 20_000, async () => {
    const status = await statusOf(name);
    return ["Succeeded", "Failed"].includes(status.phase!) ? status : undefined;
  });

const log = async (name: string, query = ""): Promise<string> =>
  (await served.ask("GET", `/api/v1/namespaces/default/pods/${name}/log${query}`)).text;

const refused = async (name: string, query = ""): Promise<[number, string]> => {
  const { code, body } = await served.ask(
    "GET",
    `/api/v1/namespaces/default/pods/${name}/log${query}`,
  );
  return [code, String(body["message"])];
};

live.before(async () => {
  served = await Served.start("--nodes", "1");
  await Promise.all([
    create(pod("once", "echo hi; echo wrong >&2; exit 3")),
    create(pod("ticks", "while true; do echo tick; sleep 0.2; done")),
    create(pod("fails", "echo try; exit 1", { restartPolicy: "Always" })),
    create(
      pod("python", "x", {
        containers: [
          { name: "main", image: "python:3", command: ["python3", "-m", "http.server"] },
          { name: "other", image: "example/app", command: ["sh", "-c", "echo begins; exec app"] },
        ],
      }),
    ),
    create(pod("stuck", "true", { containers: [{ name: "main", image: "no-such-image:1" }] })),
    create({
      ...pod("nowhere", "true", { nodeSelector: { no: "such" } }),
    }),
  ]);
});
live.after(() => void served.process.kill());

live(
  "a command that ends: its output, its exit code, and both of them until it is deleted",
  async () => {
    const status = await ended("once");
    assert.is(status.phase, "Failed");
    assert.is(status.containerStatuses![0]!.state?.terminated?.exitCode, 3);
    const { headers, text } = await served.ask("GET", "/api/v1/namespaces/default/pods/once/log");
    assert.equal([text, headers.get("content-type")], ["hi\nwrong\n", "text/plain"]);
    assert.is(await log("once", "?follow=true"), "hi\nwrong\n");
    assert.is(await log("once", "?tailLines=1"), "wrong\n");
    assert.match(await log("once", "?timestamps=true&limitBytes=33"), /^\d{4}-\S+\d{9}Z hi$/);
  },
);

live("who follows hears what comes, and may go", async () => {
  const path = "/api/v1/namespaces/default/pods/ticks/log?follow=true&tailLines=0";
  await until("it runs", 20_000, async () => (await log("ticks")).includes("tick"));
  const gone = new AbortController();
  const answer = await fetch(served.url + path, { signal: gone.signal });
  let heard = "";
  for await (const chunk of answer.body!) {
    heard += Buffer.from(chunk as Uint8Array).toString();
    if (heard.length >= 10) break;
  }
  gone.abort();
  assert.match(heard, /^(tick\n){2,}$/);
});

live("a hundred follow one container; its end is the end of their streams", async () => {
  await create(pod("shared", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; done"));
  await until("it runs", 20_000, async () => (await statusOf("shared")).phase === "Running");
  const heard = await Promise.all(Array.from({ length: 100 }, () => log("shared", "?follow=true")));
  assert.equal([...new Set(heard)], ["1\n2\n3\n4\n5\n6\n"]);
});

live("who does not read is not waited for, and holds little", async () => {
  await create(pod("much", "yes | head -c 12000000; echo; echo end; sleep 3000"));
  const path = "/api/v1/namespaces/default/pods/much/log?follow=true";
  await until("it runs", 20_000, async () => (await statusOf("much")).phase === "Running");
  const lazy = Array.from({ length: 20 }, () =>
    served.say(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).pause(),
  );
  await until(
    "all is printed",
    60_000,
    async () => (await log("much", "?tailLines=1")) === "end\n",
  );
  for (const each of lazy) each.destroy();
});

live("of one that is begun again, the run before", async () => {
  await until("it has failed twice", 30_000, async () => {
    const [one] = (await statusOf("fails")).containerStatuses ?? [];
    return (one?.restartCount ?? 0) >= 1 && one?.lastState?.terminated;
  });
  assert.is(await log("fails", "?previous=true"), "try\n");
  assert.is(await log("fails"), "try\n");
});

live("a program that nobody knows runs on, and the log says so", async () => {
  await until("it runs", 20_000, async () => (await statusOf("python")).phase === "Running");
  assert.is(
    await log("python", "?container=main"),
    "stopover: python3 is not run here: it is taken to run for ever, and what it would print is not known\n",
  );
  assert.match(await log("python", "?container=other"), /^begins\nstopover: app is not run here/);
});

live("a WebSocket is given the bytes, too", async () => {
  const path = "/api/v1/namespaces/default/pods/once/log";
  const socket = new WebSocket(served.url.replace("http", "ws") + path, ["binary.k8s.io"]);
  let heard = "";
  socket.on("message", (data: Buffer) => (heard += data.toString()));
  await new Promise((resolve) => socket.once("close", resolve));
  assert.equal([heard, socket.protocol], ["hi\nwrong\n", "binary.k8s.io"]);
});

for (const [says, name, query, code, message] of [
  ["no such Pod", "absent", "", 404, 'pods "absent" not found'],
  ["no such container", "once", "?container=x", 400, "container x is not valid for pod once"],
  [
    "several containers and none named",
    "python",
    "",
    400,
    "a container name must be specified for pod python, choose one of: [main other]",
  ],
  [
    "no earlier run",
    "once",
    "?previous=true",
    400,
    'previous terminated container "main" in pod "once" not found',
  ],
  [
    "an image that is not to be had",
    "stuck",
    "",
    400,
    /^container "main" in pod "stuck" is waiting to start: (image can't be pulled|trying and failing to pull image)$/,
  ],
  [
    "fewer lines than none",
    "once",
    "?tailLines=-1",
    422,
    'PodLogOptions "once" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    "no bytes",
    "once",
    "?limitBytes=0",
    422,
    'PodLogOptions "once" is invalid: limitBytes: Invalid value: 0: must be greater than 0',
  ],
  [
    "two beginnings",
    "once",
    "?sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z",
    422,
    'PodLogOptions "once" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
  ],
  ["no time", "once", "?sinceTime=yesterday", 400, /^sinceTime: "yesterday" is no time/],
] as const)
  live(`refused: ${says}`, async () => {
    if (name === "stuck")
      await until("its image is missed", 20_000, async () =>
        JSON.stringify(await statusOf("stuck")).match(/ErrImagePull|ImagePullBackOff/),
      );
    if (name === "once") await ended("once");
    const [found, said] = await refused(name, query);
    if (typeof message === "string") assert.equal([found, said], [code, message]);
    else assert.match(said, message);
    assert.is(found, code);
  });

live("of a Pod that is on no node there is nothing to read", async () => {
  const { code, text } = await served.ask("GET", "/api/v1/namespaces/default/pods/nowhere/log");
  assert.equal([code, text], [204, ""]);
});

live("what was printed goes with the Pod", async () => {
  await ended("once");
  await served.ask("DELETE", "/api/v1/namespaces/default/pods/once");
  const gone = await until("it is gone", 10_000, async () => {
    const [code, message] = await refused("once");
    return code === 404 && message;
  });
  assert.is(gone, 'pods "once" not found');
});

const kubectl = process.env["KUBECTL"] ?? "kubectl";
if (needs(live, "kubectl logs", lacking(kubectl))) {
  live("the real kubectl runs a command and reads what it printed", async () => {
    const run = (...args: string[]): Promise<[unknown, string, string]> =>
      new Promise((resolve) => {
        execFile(kubectl, ["--server", served.url, ...args], (error, out, err) =>
          resolve([error?.code ?? 0, out, err]),
        );
      });
    execFileSync(kubectl, [
      ...["--server", served.url, "run", "said", "--image=busybox", "--restart=Never"],
      ...["--", "sh", "-c", "echo hi; sleep 1; echo ho; exit 3"],
    ]);
    await until("it runs", 20_000, async () => (await statusOf("said")).phase === "Running");
    assert.equal(await run("logs", "-f", "said"), [0, "hi\nho\n", ""]);
    await ended("said");
    assert.equal(await run("logs", "said", "--tail=1"), [0, "ho\n", ""]);
    assert.equal(
      (await run("logs", "said", "--previous"))[2].trim(),
      'Error from server (BadRequest): previous terminated container "said" in pod "said" not found',
    );
  });
}
live.run();
