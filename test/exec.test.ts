// `kubectl exec`: a WebSocket to `stopover serve`, by a client of the test's own, and by the real
// kubectl where one is here that speaks WebSocket.
import { execFile } from "node:child_process";
import { request } from "node:http";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { talk, tooOld, type Asked, type Ended } from "./channel-client.js";
import { until } from "./etcd-harness.js";
import { lacking, needs } from "./needs.js";
import { Served } from "./serve-harness.js";

const test = suite("exec");
let served: Served;
let pod = "";

test.before(async () => {
  served = await Served.start();
  pod = await runningPod(served);
  await until("its Service answers", 60_000, async () => {
    const { stdout } = await exec(["curl", "-s", "http://nginx:8080"]);
    return stdout.includes("nginx");
  });
});
test.after(() => void served.process.kill());

/** The name of one, as soon as there is one. */
const runningPod = (server: Served): Promise<string> =>
  until("a Pod runs", 60_000, async () => {
    const { body } = await server.ask("GET", "/api/v1/namespaces/default/pods");
    const items = body["items"] as { metadata: { name: string }; status: { phase: string } }[];
    return items.find(({ status }) => status.phase === "Running")?.metadata.name;
  });

/** Runs a command in the Pod; rejects where no WebSocket is opened. */
function exec(command: string[], { query = "", ...asked }: Asked & { query?: string } = {}) {
  const words = command.map((word) => `command=${encodeURIComponent(word)}`).join("&");
  const { stdin, heard, tty = false } = asked;
  const streams = `stdout=true&stderr=true&stdin=${Boolean(stdin ?? heard)}&tty=${tty}`;
  const path = `/api/v1/namespaces/default/pods/${pod}/exec?${words}&${streams}${query}`;
  return talk(served.url + path, asked);
}

test("a command's outputs have a channel each, and its end is a Status", async () => {
  const { stdout, stderr, status, protocol } = await exec(["sh", "-c", "echo out; echo err >&2"]);
  assert.equal([stdout, stderr, protocol], ["out\n", "err\n", "v5.channel.k8s.io"]);
  assert.is(status?.status, "Success");
});

test("an exit code comes as a cause", async () => {
  const { status } = await exec(["sh", "-c", "exit 3"]);
  assert.equal(
    [status?.status, status?.reason, status?.details?.causes],
    ["Failure", "NonZeroExitCode", [{ reason: "ExitCode", message: "3" }]],
  );
});

test("what is typed reaches it; in v5 the client can say that this was all", async () => {
  const { stdout } = await exec(["cat"], {
    stdin: (send) => {
      send(0, "grüße\n");
      send(255, [0]);
    },
  });
  assert.is(stdout, "grüße\n");
});

test("v4 is spoken as well, and no other", async () => {
  assert.is(
    (await exec(["true"], { protocols: ["v4.channel.k8s.io"] })).protocol,
    "v4.channel.k8s.io",
  );
  try {
    await exec(["true"], { protocols: ["v3.channel.k8s.io"] });
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /^400 unable to upgrade: the client speaks v3/);
  }
});

test("a terminal: a prompt, an echo, ^C, and the end by ^D", async () => {
  let asked = 0;
  const { stdout, stderr, status } = await exec(["bash"], {
    tty: true,
    heard: (all, send) => {
      const prompts = all.split(/:\/# /).length - 1;
      if (prompts <= asked) {
        // also where sleep has not begun yet
        if (asked === 2 && all.endsWith("sleep 1000\r\n")) send(0, "\x03");
        return;
      }
      asked = prompts;
      send(0, ["echo 'a\rb'\r", "sleep 1000\r", "\x04"][prompts - 1]!);
    },
  });
  assert.is(
    stdout.replaceAll(pod, "POD"),
    "root@POD:/# echo 'a\r\n> b'\r\na\r\nb\r\nroot@POD:/# sleep 1000\r\n^C\r\nroot@POD:/# exit\r\n",
  );
  assert.is(stderr, "", "a terminal shows both as one");
  assert.is(status?.details?.causes?.[0]?.message, "130", "of the last command");
});

test("curl in a Pod reaches a Service by its name", async () => {
  const { stdout } = await exec(["curl", "-s", "http://nginx:8080"]);
  assert.match(stdout, /Welcome to nginx!/);
});

test("a container that kubectl debug has added is one of the Pod's", async () => {
  const path = `/api/v1/namespaces/default/pods/${pod}`;
  const add = { name: "debugger", image: "busybox", stdin: true };
  const { code } = await served.ask(
    "PATCH",
    `${path}/ephemeralcontainers`,
    { spec: { ephemeralContainers: [add] } },
    { "content-type": "application/strategic-merge-patch+json" },
  );
  assert.is(code, 200);
  const { stdout } = await until("it runs", 10_000, () =>
    exec(["hostname"], { query: "&container=debugger" }).catch((error: Error) => {
      assert.match(error.message, /container not found \("debugger"\)/);
      return undefined;
    }),
  );
  assert.is(stdout, `${pod}\n`);
});

for (const [says, command, asked, message] of [
  [
    "no container of that name",
    ["true"],
    { query: "&container=x" },
    /^400 container x is not valid for pod/,
  ],
] as const)
  test(`refused: ${says}`, async () => {
    try {
      await exec([...command], asked);
      assert.unreachable();
    } catch (error) {
      assert.match((error as Error).message, message);
    }
  });

test("refused: no such program, as the runtime says it", async () => {
  const { status } = await exec(["nope"]);
  assert.is(
    status?.message,
    'Internal error occurred: error executing command in container: failed to exec in container: OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in $PATH',
  );
});

test("who asks without a WebSocket is told what to do", async () => {
  const path = `/api/v1/namespaces/default/pods/${pod}/exec?command=true&stdout=true`;
  for (const headers of [{}, { connection: "upgrade", upgrade: "SPDY/3.1" }]) {
    const [code, text] = await new Promise<[number | undefined, string]>((resolve, reject) => {
      const sent = request(served.url + path, { method: "POST", headers }, (answer) => {
        let said = "";
        answer.on("data", (chunk) => (said += String(chunk)));
        answer.on("end", () => resolve([answer.statusCode, said]));
      });
      sent.on("error", reject).end();
    });
    assert.is(code, 400);
    assert.match(text, /Upgrade request required: to a WebSocket, as kubectl 1.31/);
  }
});

test("an endless loop, endless output and a client that vanishes harm nobody", async () => {
  const url = `${served.url.replace("http", "ws")}/api/v1/namespaces/default/pods/${pod}/exec`;
  const vanished = new WebSocket(`${url}?command=yes&stdout=true`, ["v5.channel.k8s.io"]);
  await new Promise((resolve) => vanished.once("message", resolve));
  vanished.terminate();
  const loop = `command=sh&command=-c&command=${encodeURIComponent("while :; do :; done")}`;
  const endless = new WebSocket(`${url}?${loop}&stdout=true`, ["v5.channel.k8s.io"]);
  await new Promise((resolve) => endless.once("open", resolve));
  const { stdout } = await exec(["sh", "-c", "yes | head -c 3000000 | wc -c"]);
  assert.is(stdout.trim(), "3000000");
  endless.terminate();
  // those that were left behind are gone
  const { stdout: left } = await exec(["ps"]);
  assert.not.match(left, /yes/);
});

test("200 sessions, and the next one is told to wait", async () => {
  const done = Array.from({ length: 200 }, () =>
    exec(["sleep", "5"]).catch((error: unknown) => error),
  );
  const refused = await until("one is refused", 5_000, () =>
    exec(["true"]).then(
      () => undefined,
      (error: Error) => error.message,
    ),
  );
  assert.match(refused, /^429 200 commands are running already/);
  const ended = (await Promise.all(done)) as Ended[];
  const ok = ended.filter(({ status }) => status?.status === "Success").length;
  assert.ok(ok > 190, `${ok} of 200 ended well`);
});

test.run();

const real = suite("exec by kubectl");
const kubectl = process.env["KUBECTL"] ?? "kubectl";
if (needs(real, "kubectl", [...lacking(kubectl), ...tooOld(kubectl)])) {
  real("a command, its input, its exit code", async () => {
    const server = await Served.start();
    try {
      const name = await runningPod(server);
      const run = (args: string[], input = ""): Promise<[unknown, string, string]> =>
        new Promise((resolve) => {
          const child = execFile(
            kubectl,
            ["--server", server.url, "exec", ...args],
            (error, out, err) => resolve([error?.code ?? 0, out, err]),
          );
          child.stdin!.end(input);
        });
      assert.equal(await run(["-i", name, "--", "tr", "a-z", "A-Z"], "abc"), [0, "ABC", ""]);
      assert.equal(await run([name, "--", "sh", "-c", "echo no >&2; exit 7"]), [
        7,
        "",
        "no\ncommand terminated with exit code 7\n",
      ]);
    } finally {
      server.process.kill();
    }
  });
}
real.run();
