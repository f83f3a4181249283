/** redis in a cluster: redis-cli beside what the real one prints, over the network, by password. */
import { readFileSync } from "node:fs";
import { createCluster, parse, type Cluster } from "stopover";
import { runsCommands } from "stopover/internal/shell-parts";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("redis");

interface Recorded {
  commands: { args: string[]; input?: string; output: string; error: string; status: number }[];
}
const file = new URL("../recorded-tools/redis.json", import.meta.url);
const { commands } = JSON.parse(readFileSync(file, "utf8")) as Recorded;

const manifests = `
apiVersion: v1
kind: Pod
metadata: { name: redis, labels: { app: redis } }
spec: { containers: [{ name: redis, image: "redis:7", ports: [{ containerPort: 6379 }] }] }
---
apiVersion: v1
kind: Pod
metadata: { name: secret }
spec:
  containers:
    - name: redis
      image: redis:7
      args: [redis-server, --requirepass, $(WORD)]
      env: [{ name: WORD, value: hush }]
---
apiVersion: v1
kind: Pod
metadata: { name: db }
spec: { containers: [{ name: db, image: "docker.io/library/postgres:17" }] }
---
apiVersion: v1
kind: Service
metadata: { name: redis }
spec: { selector: { app: redis }, ports: [{ port: 6379 }] }
`;

function made(options = {}): Cluster {
  const cluster = createCluster({ nodes: 2, ...options });
  cluster.apply(parse(manifests));
  cluster.settle();
  return cluster;
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
const bytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

test("redis-cli prints what the real one does beside a real server", async () => {
  const pod = made().pod("redis");
  for (const { args, input = "", output, error, status } of commands) {
    const line = ["redis-cli", ...args.map(quoted)].join(" ");
    const { stdout, stderr, exitCode } = await pod.sh(line, { input });
    assert.equal([bytes(stdout), bytes(stderr), exitCode], [output, error, status], line);
  }
});

test("another Pod's is reached by its Service, and what it holds expires", async () => {
  const cluster = made();
  const sh = async (line: string) => (await cluster.pod("secret").sh(line)).output;
  assert.is(await sh("redis-cli -h redis set k v EX 10; redis-cli -h redis get k"), "OK\nv\n");
  assert.is(await sh("sleep 11; redis-cli -h redis --no-raw get k"), "(nil)\n");
  cluster.pod("redis").crash();
  cluster.advance("1ms");
  assert.match(await sh("redis-cli -h redis ping"), /^Could not connect to Redis at redis:6379: /);
});

test("what it holds is gone with its process", async () => {
  const cluster = made({ runtime: runsCommands });
  const sh = async (line: string) => (await cluster.pod("redis").sh(line)).output;
  assert.is(await sh("redis-cli set k v"), "OK\n");
  cluster.pod("redis").crash();
  cluster.advance("30s");
  assert.is(await sh("redis-cli dbsize"), "0\n");
});

test("how long a key stays: told in whole seconds, changed by EXPIRE, kept by INCR", async () => {
  const sh = async (line: string) => (await made().pod("redis").sh(line)).output;
  const asked = (...lines: string[]) => sh(lines.map((one) => `redis-cli ${one}`).join("; "));
  assert.is(await asked("set k 1 px 1600", "ttl k"), "OK\n2\n", "the nearest one");
  assert.is(await asked("set k 1", "expire k 100", "ttl k"), "OK\n1\n100\n");
  assert.is(await asked("set k 1 ex 100", "incr k", "ttl k"), "OK\n2\n100\n");
});

test("one with a password asks for it", async () => {
  const pod = made().pod("secret");
  const sh = async (line: string) => (await pod.sh(line)).output;
  assert.is(await sh("redis-cli ping"), "NOAUTH Authentication required.\n\n");
  assert.is(await sh("redis-cli --no-auth-warning -a hush ping"), "PONG\n");
  assert.match(await sh("redis-cli --no-auth-warning -a wrong ping"), /^AUTH failed: WRONGPASS/);
  assert.match(await sh("redis-cli auth somebody hush"), /^WRONGPASS/);
  assert.is(await sh("redis-cli auth default hush"), "OK\n");
});

test("what a real one could do and this one cannot is no unknown command", async () => {
  const { output } = await made().pod("redis").sh("redis-cli lpush l 1");
  assert.is(output, "ERR stopover: the command LPUSH of redis is not modelled here\n\n");
});

for (const [how, options] of Object.entries({
  "": {},
  ", where commands run": { runtime: runsCommands },
}))
  test(`a tool that the image has in life is no missing one${how}`, async () => {
    const pod = made(options).pod("db");
    for (const [line, told] of [
      [
        "psql -U postgres -c 'select 1'",
        /^stopover: the image .*postgres:17 has psql, but it is not mod/,
      ],
      ["/usr/bin/pg_isready", /has pg_isready, but it is not modelled here/],
      ["mysql", /command not found/],
    ] as const)
      assert.match((await pod.sh(line)).output, told);
  });

test.run();
