/**
 * What would not end, or never end growing, is bounded (test/shell.test.ts has more of it); the
 * cluster and other places go on.
 */
import { aws } from "stopover";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { helloCluster } from "./shell-harness.js";

const test = suite("what a shell is given to bear");

/** Each ends with this exit code; what it printed is at most so long. */
const bad: readonly [title: string, script: string, exitCode: number][] = [
  ["a fork bomb", ":(){ :|:& };:; sleep 1; :", 137],
  ["a command that is not there", "nosuch --flag", 127],
  ["binary output", "head -c 100000 /dev/urandom", 0],
  ["a host name with escapes", "curl -sS $'http://\\x1b[2J\\x07evil/'", 3],
  ["a host name with escapes, looked up", "nslookup $'\\x1b[2Jevil'", 1],
  [
    "a file that grows for ever",
    "while head -c 1000000 /dev/zero >> /tmp/x; do :; done; echo full",
    0,
  ],
  ["arguments without end", "echo {1..10000000}", 126],
];

for (const [title, script, exitCode] of bad)
  test(title, async () => {
    const cluster = helloCluster({ cloud: aws() });
    const client = cluster.pod("client");
    const began = process.cpuUsage().user;
    const ended = await client.sh(script, { timeout: "1h" });
    const ms = (process.cpuUsage().user - began) / 1_000;
    assert.ok(ended.output.length <= 2 * 1_048_576, `${ended.output.length} bytes`);
    assert.ok(ms < 10_000, `${ms} ms`);
    const isRaw = ["\x1b", "\x07"].some((char) => ended.stderr.includes(char));
    assert.ok(!isRaw, JSON.stringify(ended.stderr));
    if (exitCode !== ended.exitCode)
      assert.unreachable(
        `exit code ${ended.exitCode}: ${ended.output.slice(-200)} ${ended.stopped}`,
      );
    assert.is((await cluster.node("node-a").sh("curl -s 10.2.1.1")).stdout, "hello\n");
  });

test("200 sessions side by side", async () => {
  const cluster = helloCluster({ cloud: aws() });
  const all = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      cluster.pod(i % 2 ? "client" : "web").sh(`sleep ${i % 7}; curl -s web; echo ${i}`),
    ),
  );
  assert.equal(
    all.map(({ stdout }) => stdout),
    all.map((_, i) => `hello\n${i}\n`),
  );
});

test.run();
