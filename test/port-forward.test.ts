// `kubectl port-forward`: SPDY's frames as kubectl sends them, and connections by the real kubectl.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { PassThrough } from "node:stream";
import { KubeConfig, PortForward } from "@kubernetes/client-node";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { SpdySession } from "stopover/internal/doors/serve/spdy";
import { tooOld } from "./channel-client.js";
import { until } from "./etcd-harness.js";
import { lacking, needs } from "./needs.js";
import { Served } from "./serve-harness.js";

const test = suite("port-forward");

/** What kubectl 1.33.1 sent for a connection to port 80: two streams by one compressor. */
const kubectlSaid = [
  "8003000100000049" +
    "00000001000000000000" +
    "78f9e3c6a7c202253a48f95b044aab4c16060c0c0c9c4590d8ca04a5624603703a2c294a4dcc851635aca9a08800000000ffff",
  "800300010000001a" + "00000003000000000000" + "826a459502954289840c04000000ffff",
];

interface Heard {
  session: SpdySession;
  sent: string[];
  told: unknown[];
}

function session(welcome = true): Heard {
  const [sent, told]: [string[], unknown[]] = [[], []];
  const made = new SpdySession((frame) => sent.push(frame.toString("hex")), {
    begins: (id, headers) => {
      told.push([id, Object.fromEntries(headers)]);
      return welcome;
    },
    data: (id, bytes) => told.push([id, bytes.toString()]),
    ends: (id) => told.push([id, "ends"]),
    breaks: (id) => told.push([id, "breaks"]),
  });
  return { session: made, sent, told };
}

const bytes = (hex: string): Buffer => {
  const all = Buffer.from(hex, "hex");
  if (hex.startsWith("80")) all.writeUIntBE(all.length - 8, 5, 3);
  return all;
};

test("streams begin with headers, which one compressor has written", () => {
  const { session: server, sent, told } = session();
  for (const frame of kubectlSaid) server.hear(bytes(frame));
  assert.equal(told, [
    [1, { streamtype: "error", port: "80", requestid: "0" }],
    [3, { streamtype: "data", port: "80", requestid: "0" }],
  ]);
  const block = "000400fbff00000000" + "000000ffff";
  assert.equal(sent, [
    `800300020000001800000001${"78bbe3c6a7c2"}${block}`,
    `800300020000001200000003${block}`,
  ]);
});

test("frames may come byte by byte", () => {
  const { session: server, told } = session();
  for (const byte of bytes(kubectlSaid[0]!)) server.hear(Buffer.from([byte]));
  assert.is(told.length, 1);
});

test("data, ends, breaks and pings", () => {
  const { session: server, sent, told } = session();
  server.hear(Buffer.from("00000003000000026869" + "0000000301000000", "hex"));
  server.hear(Buffer.from("80030003000000080000000300000005", "hex"));
  assert.equal(told, [
    [3, "hi"],
    [3, "ends"],
    [3, "breaks"],
  ]);
  server.hear(Buffer.from("800300060000000400000007", "hex"));
  server.data(3, Buffer.from("ho"));
  server.end(3);
  assert.equal(sent, ["800300060000000400000007", "0000000300000002686f", "0000000301000000"]);
});

test("who is not welcome is told so, and the next is read all the same", () => {
  const { session: server, sent, told } = session(false);
  for (const frame of kubectlSaid) server.hear(bytes(frame));
  assert.is(told.length, 2);
  assert.is(sent[0], "80030003000000080000000100000001");
});

for (const [says, hex] of [
  ["a frame of 16 MB", "0000000100ffffff"],
  ["headers that are none", "800300010000001000000001000000000000deadbeefdead"],
] as const)
  test(`refused: ${says}`, () => {
    assert.throws(() => session().session.hear(Buffer.from(hex, "hex")));
  });

/** What a client hears of its channels until the server ends, and after what it said. */
async function channels(url: string, said: readonly Uint8Array[]): Promise<Map<number, string>> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), ["v4.channel.k8s.io"]);
  const heard = new Map<number, string>();
  socket.on("message", (data: Buffer) => {
    const [channel = 255] = data;
    heard.set(channel, (heard.get(channel) ?? "") + data.subarray(1).toString("latin1"));
  });
  await once(socket, "open");
  for (const each of said) socket.send(each);
  await once(socket, "close", { signal: AbortSignal.timeout(60_000) });
  return heard;
}

test("channels: each begins with its port, and who is refused is told", async () => {
  const served = await Served.start("--nodes", "1");
  try {
    const name = await until("a Pod runs", 60_000, async () => {
      const { body } = await served.ask("GET", "/api/v1/namespaces/default/pods");
      const items = body["items"] as { metadata: { name: string }; status: { phase: string } }[];
      return items.find(({ status }) => status.phase === "Running")?.metadata.name;
    });
    const path = `${served.url}/api/v1/namespaces/default/pods/${name}/portforward`;
    const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const heard = await channels(`${path}?ports=80&ports=9`, [Buffer.from(`\0${request}`)]);
    assert.equal([...heard.keys()].sort(), [0, 1, 2, 3]);
    assert.match(heard.get(0)!, /^P\0HTTP\/1\.1 200 OK\r\n[^]*Welcome to nginx!/);
    assert.is(heard.get(1), "P\0");
    assert.is(heard.get(2), "\t\0");
    assert.match(heard.get(3)!, /^\t\0error forwarding port 9 .*connection refused/);
    for (const [query, why] of [
      ["", /^400 query parameter "port" is required/],
      ["?ports=0", /^400 port "0" must be > 0/],
      ["?ports=80,x", /^400 unable to parse "x" as a port/],
    ] as const)
      assert.match(await refusal(path + query), why);
    // the official client, as its example has it
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: "s", server: served.url, skipTLSVerify: true },
      { name: "reader" },
    );
    const [output, input] = [new PassThrough(), new PassThrough()];
    const errors = new PassThrough();
    await new PortForward(config).portForward("default", name, [80], output, errors, input);
    input.write(request);
    let text = "";
    setTimeout(() => output.destroy(new Error(`heard only: ${text}`)), 60_000).unref();
    for await (const chunk of output) if ((text += String(chunk)).includes("</html>")) break;
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  } finally {
    served.process.kill();
  }
});

/** "400 query parameter …": what is said instead of opening a WebSocket. */
async function refusal(url: string): Promise<string> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), ["v4.channel.k8s.io"]);
  socket.on("error", () => {});
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const { message } = JSON.parse(Buffer.concat(chunks).toString()) as { message: string };
  return `${response.statusCode} ${message}`;
}

const kubectl = process.env["KUBECTL"] ?? "kubectl";
if (needs(test, "kubectl port-forward", [...lacking(kubectl), ...tooOld(kubectl)])) {
  test("connections go to the Pod's port, and one that nobody takes is refused", async () => {
    const served = await Served.start("--nodes", "1");
    const child = await until("a Pod is ready", 60_000, async () => {
      const { body } = await served.ask("GET", "/api/v1/namespaces/default/pods");
      const [pod] = body["items"] as { metadata: { name: string }; status: { phase: string } }[];
      if (pod?.status.phase !== "Running") return undefined;
      const args = ["--server", served.url, "port-forward", `pod/${pod.metadata.name}`];
      return spawn(kubectl, [...args, ":80", ":9"]);
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => (said += String(chunk)));
    try {
      const port = (to: number): Promise<number> =>
        until(`${to} is forwarded`, 20_000, () => {
          const found = new RegExp(`127\\.0\\.0\\.1:(\\d+) -> ${to}\n`).exec(said);
          return found ? Number(found[1]) : undefined;
        });
      const url = `http://127.0.0.1:${await port(80)}/`;
      const answers = await Promise.all(
        Array.from({ length: 20 }, async () => (await fetch(url)).text()),
      );
      assert.equal(new Set(answers).size, 1);
      assert.match(answers[0]!, /Welcome to nginx!/);
      connect(await port(9), "127.0.0.1").on("error", () => {});
      const why =
        /forwarding \d+ -> 9: error forwarding port 9 to pod .* dial tcp4 127.0.0.1:9: connect: connection refused/;
      await until("it is told", 10_000, () => why.test(said));
    } finally {
      child.kill();
      served.process.kill();
    }
  });
}
test.run();
