// `kubectl attach`, `run -it` and `debug -it`: a client at the streams of a container that runs.
import { execFile } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { talk, tooOld, type Asked } from "./channel-client.js";
import { until } from "./etcd-harness.js";
import { lacking, needs } from "./needs.js";
import { Served } from "./serve-harness.js";

const test = suite("attach");
let served: Served;
const pods = "/api/v1/namespaces/default/pods";

/** A Pod of one container that runs. */
async function runs(name: string, container: object): Promise<void> {
  const spec = {
    restartPolicy: "Never",
    containers: [{ name: "main", image: "busybox", ...container }],
  };
  const { code, text } = await served.ask("POST", pods, { metadata: { name }, spec });
  assert.is(code, 201, text);
  await until(`${name} runs`, 20_000, async () => (await phaseOf(name)) === "Running");
}

const phaseOf = async (name: string): Promise<string> => {
  const { body } = await served.ask("GET", `${pods}/${name}`);
  return (body["status"] as { phase: string }).phase;
};

const log = async (name: string): Promise<string> =>
  (await served.ask("GET", `${pods}/${name}/log`)).text;

const attach = (name: string, asked: Asked = {}, query = "stdin=true&stdout=true&stderr=true") =>
  talk(`${served.url}${pods}/${name}/attach?${query}`, asked);

test.before(async () => {
  served = await Served.start("--nodes", "1");
});
test.after(() => void served.process.kill());

test("what is typed reaches the container, and what it prints all who are there, and its log", async () => {
  await runs("echoes", {
    stdin: true,
    stdinOnce: true,
    command: ["sh", "-c", "while read x; do echo got $x; echo err >&2; done; echo end"],
  });
  const listens = attach("echoes", {}, "stdout=true");
  const { stdout, stderr, status, protocol } = await attach("echoes", {
    stdin: (send) => send(0, "one\n"),
    heard: (all, send) => all === "got one\n" && send(255, "\0"),
  });
  assert.equal([stdout, stderr, protocol], ["got one\nend\n", "err\n", "v5.channel.k8s.io"]);
  assert.is(status?.status, "Success");
  assert.is((await listens).stdout, "got one\nend\n");
  assert.is(await log("echoes"), "got one\nerr\nend\n");
});

test("without stdinOnce it goes on when its client has gone", async () => {
  await runs("stays", { stdin: true, command: ["sh", "-c", "while read x; do echo $x; done"] });
  const first = new WebSocket(
    `${served.url.replace("http", "ws")}${pods}/stays/attach?stdin=true&stdout=true`,
    ["v4.channel.k8s.io"],
  );
  first.on("open", () => first.send("\0first\n"));
  await new Promise((resolve) => first.once("message", resolve));
  first.terminate();
  const second = attach("stays", { stdin: (send) => send(0, "second\n") });
  await until("both were heard", 5_000, async () => (await log("stays")) === "first\nsecond\n");
  await served.ask("DELETE", `${pods}/stays?gracePeriodSeconds=0`);
  assert.is((await second).stdout, "second\n");
});

test("a shell at a terminal: it is typed into, and its exit code is its Pod's", async () => {
  await runs("shell", { stdin: true, stdinOnce: true, tty: true });
  let asked = 0;
  const { stdout } = await attach(
    "shell",
    {
      stdin: (send) => {
        send(4, '{"Width":100,"Height":40}');
        send(0, "\r");
      },
      heard: (all, send) => {
        const prompts = all.split(/:\/# (?![^\n]*[\r\n])/).length - 1;
        if (prompts === 0 || !all.endsWith(":/# ") || asked > 1) return;
        send(0, ["hostname\r", "exit 4\r"][asked++]!);
      },
    },
    "stdin=true&stdout=true&tty=true",
  );
  assert.match(stdout, /\r\nshell\r\n/);
  await until("it has ended", 10_000, async () => (await phaseOf("shell")) === "Failed");
});

test("who does not read makes the container wait, as a pipe does, until it goes", async () => {
  await runs("yes", { command: ["yes"] });
  const url = `${served.url.replace("http", "ws")}${pods}/yes/attach?stdout=true`;
  const lazy = new WebSocket(url, ["v5.channel.k8s.io"]);
  await new Promise((resolve) => lazy.once("open", resolve));
  lazy.pause();
  await until("it hears", 5_000, async () => (await served.ask("GET", "/readyz")).code === 200);
  lazy.terminate();
  await served.ask("DELETE", `${pods}/yes?gracePeriodSeconds=0`);
});

for (const [says, name, query, message] of [
  ["no such container", "idle", "container=x&stdout=true", /^400 container x is not valid/],
  ["no stream", "idle", "", /^400 you must specify at least 1 of stdin, stdout, stderr$/],
  [
    "one that has ended",
    "over",
    "stdout=true",
    /^500 Internal error occurred: .* container main not found in pod over_default$/,
  ],
] as const)
  test(`refused: ${says}`, async () => {
    if (name === "over") {
      const spec = {
        restartPolicy: "Never",
        containers: [{ name: "main", image: "busybox", command: ["true"] }],
      };
      await served.ask("POST", pods, { metadata: { name }, spec });
      await until("it has ended", 20_000, async () => (await phaseOf(name)) === "Succeeded");
    } else if ((await served.ask("GET", `${pods}/${name}`)).code === 404)
      await runs(name, { command: ["sleep", "infinity"] });
    try {
      await attach(name, {}, query);
      assert.unreachable();
    } catch (error) {
      assert.match((error as Error).message, message);
    }
  });

const kubectl = process.env["KUBECTL"] ?? "kubectl";
if (needs(test, "kubectl attach", [...lacking(kubectl), ...tooOld(kubectl)])) {
  const run = (args: string[], input?: string): Promise<[unknown, string, string]> =>
    new Promise((resolve) => {
      const child = execFile(
        kubectl,
        ["--server", served.url, ...args],
        { timeout: 30_000 },
        (error, out, err) => resolve([error?.code ?? 0, out, err]),
      );
      if (input !== undefined) child.stdin!.end(input);
    });

  test("kubectl run -i --rm: its input, its output, its exit code", async () => {
    const args = ["run", "up", "-i", "--rm", "--quiet", "--image=busybox", "--restart=Never"];
    const [code, out, err] = await run([...args, "--", "sh", "-c", "tr a-z A-Z; exit 3"], "abc\n");
    assert.equal([code, out], [3, "ABC\n"], err);
    assert.is((await served.ask("GET", `${pods}/up`)).code, 404);
  });

  test("kubectl debug -i: a shell beside a container that has none", async () => {
    await runs("bare", { image: "example/web" });
    const args = ["debug", "bare", "-i", "--quiet", "--image=busybox"];
    const [code, out, err] = await run(
      [...args, "--", "sh", "-c", "read x; echo $x; hostname"],
      "typed\n",
    );
    assert.equal([code, out], [0, "typed\nbare\n"], err);
  });
}
test.run();
