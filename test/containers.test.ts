/** A cluster whose containers' commands are run: what they print, how they end, what they share. */
import { createCluster, parse, type Cluster } from "stopover";
import { logsOf, runsCommands } from "stopover/internal/shell-parts";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("containers that run their commands");

const pods = `
apiVersion: v1
kind: Pod
metadata: { name: batch }
spec:
  restartPolicy: Never
  volumes: [{ name: shared, emptyDir: {} }]
  initContainers:
    - name: first
      image: busybox
      command: [sh, -c, "sleep 3; echo from init > /v/x"]
      volumeMounts: [{ name: shared, mountPath: /v }]
  containers:
    - name: main
      image: busybox
      command: [sh, -c]
      args: ["cat /v/x; for i in 1 2 3; do echo $$i $(WHO); sleep 10; done; echo wrong >&2; exit 7"]
      env: [{ name: WHO, value: me }]
      volumeMounts: [{ name: shared, mountPath: /v }]
    - name: files
      image: registry.k8s.io/e2e-test-images/agnhost:2.53
      args: [test-webserver, --port=8080]
      ports: [{ containerPort: 8080 }]
      volumeMounts: [{ name: shared, mountPath: /v }]
---
apiVersion: v1
kind: Pod
metadata: { name: failing }
spec: { containers: [{ name: main, image: busybox, command: [sh, -c, "echo tried; exit 3"] }] }
---
apiVersion: v1
kind: Pod
metadata: { name: listener }
spec:
  containers:
    - name: main
      image: busybox
      command: [sh, -c, "while true; do echo hello | nc -l -p 9000; done"]
---
apiVersion: v1
kind: Pod
metadata: { name: client }
spec: { containers: [{ name: main, image: busybox, command: [sleep, infinity] }] }
`;

function made(): Cluster {
  const cluster = createCluster({ nodes: 1, seed: 1, runtime: runsCommands });
  cluster.apply(parse(pods));
  cluster.settle();
  return cluster;
}

const printed = (cluster: Cluster, pod: string, container = "main"): string[] =>
  logsOf(cluster.pod(pod).sandbox, container).map(({ entries }) =>
    entries.map(({ stream, bytes }) => `${stream === "stderr" ? "!" : ""}${bytes}`).join(""),
  );

const stateOf = (cluster: Cluster, pod: string, container = "main") =>
  cluster.get("Pod", pod).status?.containerStatuses?.find(({ name }) => name === container);

test("an init container is waited for; its volume is the others', too", () => {
  const cluster = made();
  assert.is(stateOf(cluster, "batch")?.ready, true);
  cluster.advance("5s");
  assert.equal(printed(cluster, "batch"), ["from init\n1 me\n"]);
  cluster.advance("30s");
  assert.equal(printed(cluster, "batch"), ["from init\n1 me\n2 me\n3 me\n!wrong\n"]);
  const { exitCode, reason } = stateOf(cluster, "batch")!.state!.terminated!;
  assert.equal({ exitCode, reason }, { exitCode: 7, reason: "Error" });
});

test("one that fails is begun again, later and later, and its last two logs are kept", () => {
  const cluster = made();
  cluster.advance("60s");
  const { restartCount, lastState } = stateOf(cluster, "failing")!;
  assert.ok(restartCount >= 3);
  assert.is(lastState!.terminated!.exitCode, 3);
  assert.equal(printed(cluster, "failing"), ["tried\n", "tried\n"]);
});

test("a loop in a container serves, a webserver shows its files, and ps shows process 1", async () => {
  const cluster = made();
  const ip = (pod: string): string => cluster.pod(pod).sandbox.ips[0]!;
  const { stdout } = await cluster
    .pod("client")
    .sh(
      `nc ${ip("listener")} 9000; sleep 1; nc ${ip("listener")} 9000; curl -s ${ip("batch")}:8080/v/x; ps | head -n 2`,
    );
  assert.is(
    stdout,
    "hello\nhello\nfrom init\n    PID TTY          TIME CMD\n      1 ?        00:00:00 sleep\n",
  );
});

test("what nobody knows is taken to run for ever, and before others to end well", () => {
  const cluster = createCluster({ nodes: 1, seed: 1, runtime: runsCommands });
  cluster.apply(
    parse(`
apiVersion: v1
kind: Pod
metadata: { name: web }
spec:
  initContainers: [{ name: migrate, image: example/migrate, args: [up] }]
  containers:
    - { name: main, image: example/web, command: [sh, -c, "echo begins; web; exit 3"], ports: [{ containerPort: 9000 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: typo }
spec:
  restartPolicy: Never
  containers: [{ name: main, image: busybox, command: [sh, -c, "false && exit 3; eccho; exit 4"] }]
`),
  );
  cluster.advance("20s");
  assert.is(stateOf(cluster, "web")?.ready, true);
  assert.match(printed(cluster, "web")[0]!, /^begins\n!stopover: web is not run here: it is taken/);
  assert.match(printed(cluster, "web", "migrate")[0]!, /^!stopover: up is not run .* end well/);
  assert.ok(cluster.pod("web").sandbox.listens("TCP", 9000), "as its spec says");
  assert.is(
    stateOf(cluster, "typo")!.state!.terminated!.exitCode,
    4,
    "busybox has no such program",
  );
});

test("a container's environment tells of its Pod, where it asks for that", () => {
  const cluster = createCluster({ nodes: 1, seed: 1, runtime: runsCommands });
  const fields = [
    "metadata.name",
    "metadata.namespace",
    "metadata.labels['app']",
    "spec.nodeName",
    "status.podIP",
    "status.hostIP",
  ];
  const env = fields.map((fieldPath, i) => ({
    name: `F${i}`,
    valueFrom: { fieldRef: { fieldPath } },
  }));
  const command = ["sh", "-c", "echo $F0 $F1 $F2 $F3 $F4 $F5"];
  const pod = {
    ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "told", labels: { app: "web" } } },
    spec: { containers: [{ name: "main", image: "busybox", command, env }] },
  };
  cluster.apply(parse(JSON.stringify(pod)));
  cluster.advance("5s");
  const { sandbox, machine } = cluster.pod("told");
  assert.is(
    printed(cluster, "told")[0],
    `told default web node-a ${sandbox.ips[0]} ${machine.addresses[0]}\n`,
  );
});

test("what ends a Pod ends its processes", async () => {
  const cluster = made();
  const { processes } = (await import("stopover/internal/shell-parts"))
    .placesOf(cluster.shellWorld)
    .pod("default/listener");
  assert.ok(processes.count > 0);
  cluster.delete("Pod", "listener");
  cluster.advance("60s");
  assert.is(processes.count, 0);
});

test.run();
