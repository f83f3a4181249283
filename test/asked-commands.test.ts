/** Exec probes and hooks where containers' commands are run: a kubelet's thresholds and events. */
import { createCluster, parse, type Cluster } from "stopover";
import { runsCommands } from "stopover/internal/shell-parts";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("probes and hooks that run commands");

function made(container: object, spec: object = {}): Cluster {
  const cluster = createCluster({ nodes: 1, runtime: runsCommands });
  const main = { name: "main", image: "busybox", command: ["sleep", "infinity"], ...container };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" } };
  cluster.apply(parse(JSON.stringify({ ...pod, spec: { containers: [main], ...spec } })));
  return cluster;
}

const statusOf = (cluster: Cluster) => cluster.get("Pod", "p").status!.containerStatuses![0]!;
const events = (cluster: Cluster): string[] =>
  cluster
    .list("Event")
    .filter(({ involvedObject }) => involvedObject.kind === "Pod")
    .map(({ reason, message, count }) => `${reason} x${count ?? 1}: ${message}`)
    .filter((text) => !/^(Scheduled|Pull|Created|Started)/.test(text));
const exec = (script: string, more: object = {}) => ({
  exec: { command: ["sh", "-c", script] },
  ...more,
});

// kubernetes.io/docs: "Define a liveness command"
test("a liveness command that begins to fail restarts the container at its third failure", () => {
  const cluster = made({
    command: ["sh", "-c", "touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600"],
    livenessProbe: {
      exec: { command: ["cat", "/tmp/healthy"] },
      ...{ initialDelaySeconds: 5, periodSeconds: 5 },
    },
  });
  cluster.advance("35s");
  assert.is(statusOf(cluster).restartCount, 0);
  assert.equal(
    events(cluster).filter((text) => text.startsWith("Killing")),
    [],
  );
  cluster.advance("13s");
  assert.is(statusOf(cluster).restartCount, 1);
  assert.equal(events(cluster), [
    "Unhealthy x3: Liveness probe failed: cat: /tmp/healthy: No such file or directory\n",
    "Killing x1: Container main failed liveness probe, will be restarted",
  ]);
  assert.is(statusOf(cluster).lastState!.terminated!.exitCode, 137);
});

test("a readiness command makes ready and unready", async () => {
  const cluster = made({
    readinessProbe: exec("test -e /tmp/ready", { periodSeconds: 2, failureThreshold: 2 }),
  });
  cluster.advance("10s");
  assert.is(statusOf(cluster).ready, false);
  await cluster.pod("p").sh("touch /tmp/ready");
  cluster.advance("3s");
  assert.is(statusOf(cluster).ready, true);
  await cluster.pod("p").sh("rm /tmp/ready");
  cluster.advance("1s");
  assert.is(statusOf(cluster).ready, true, "one failure is not enough");
  cluster.advance("4s");
  assert.is(statusOf(cluster).ready, false);
});

test("what is run is not taken for granted", () => {
  const probes = (image: string): unknown[] => {
    const cluster = made({ image, readinessProbe: exec("true") });
    cluster.advance("10s");
    return cluster.pod("p").sandbox.started!();
  };
  assert.equal(probes("busybox"), []);
  assert.is(probes("example/app").length, 1);
  const hooked = made({ lifecycle: { postStart: exec("true") } });
  hooked.advance("10s");
  assert.equal(hooked.pod("p").sandbox.started!(), []);
});

test("a command that takes too long has failed, and is ended", async () => {
  const cluster = made({ readinessProbe: exec("sleep 50", { timeoutSeconds: 2 }) });
  cluster.advance("5s");
  assert.equal(events(cluster), [
    'Unhealthy x1: Readiness probe failed: command timed out: "sh -c sleep 50" timed out after 2s',
  ]);
  const { stdout } = await cluster.pod("p").sh("ps -e | grep -c 'sleep'");
  assert.is(stdout, "1\n", "the container's own");
});

test("of what a command prints, 10 KiB are kept", () => {
  const script = "for i in {1..30}; do printf '%01024d' 7; done; exit 1";
  const cluster = made({ readinessProbe: exec(script) });
  cluster.advance("5s");
  const [told = ""] = events(cluster);
  const start = "Readiness probe failed: ";
  const text = told.slice(told.indexOf(start) + start.length);
  assert.is(text.length, 10 * 1024);
});

test("a command that is not there could not be asked, which counts for nothing", () => {
  const cluster = made({
    livenessProbe: { exec: { command: ["no-such"] }, periodSeconds: 1, failureThreshold: 1 },
  });
  cluster.advance("20s");
  assert.is(statusOf(cluster).restartCount, 0);
  assert.match(
    events(cluster).join(),
    /^Unhealthy x\d+: Liveness probe errored and resulted in unknown state: rpc error.*no-such.*not found/,
  );
});

test("what a program that is not known would do is taken to be well, as before", () => {
  for (const probe of [
    { exec: { command: ["/app/health"] } },
    exec("/app/health && test -e /tmp/x"),
  ]) {
    const cluster = made({ image: "example/app", command: ["/app/run"], readinessProbe: probe });
    cluster.advance("30s");
    assert.is(statusOf(cluster).ready, true);
  }
  const cluster = made({ image: "postgres:17", readinessProbe: exec("pg_isready -U postgres") });
  cluster.advance("30s");
  assert.is(statusOf(cluster).ready, true);
});

test("a container is none that runs before its postStart hook is over", async () => {
  const cluster = made({ lifecycle: { postStart: exec("sleep 5; echo began > /tmp/hook") } });
  cluster.advance("4s");
  assert.is(statusOf(cluster).state!.running, undefined);
  cluster.advance("4s");
  assert.ok(statusOf(cluster).state!.running);
  assert.is((await cluster.pod("p").sh("cat /tmp/hook")).stdout, "began\n");
});

test("a postStart hook that fails ends the container, which is begun again", () => {
  const cluster = made({ lifecycle: { postStart: exec("exit 3") } });
  cluster.advance("5s");
  assert.ok(statusOf(cluster).restartCount >= 1);
  assert.match(events(cluster).join("; "), /FailedPostStartHook x\d: PostStartHook failed/);
});

test("a container whose postStart hook fails again ran since it was begun again", () => {
  const cluster = made({ lifecycle: { postStart: exec("sleep 2; exit 3") } });
  cluster.advance("8s");
  const { restartCount, lastState } = statusOf(cluster);
  assert.is(restartCount, 1);
  const { startedAt, finishedAt } = lastState!.terminated!;
  assert.is(Date.parse(finishedAt!) - Date.parse(startedAt!), 2000);
});

test("a preStop hook runs before the end; one that fails is told of", async () => {
  const cluster = made(
    {
      lifecycle: { preStop: exec("echo bye > /v/f; exit 1") },
      volumeMounts: [{ name: "v", mountPath: "/v" }],
    },
    { volumes: [{ name: "v", hostPath: { path: "/opt/v" } }] },
  );
  cluster.advance("5s");
  cluster.delete("Pod", "p");
  cluster.advance("40s");
  assert.is((await cluster.node("node-a").sh("cat /opt/v/f")).output, "bye\n");
  assert.match(events(cluster).join("; "), /FailedPreStopHook x1: PreStopHook failed/);
});

test.run();
