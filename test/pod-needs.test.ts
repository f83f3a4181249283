/** What keeps a Pod from starting: ConfigMaps and Secrets that are not there, init containers. */
import { createCluster, type Cluster } from "stopover";
import { inertNotice } from "stopover/internal/inert";
import "stopover/internal/apiserver/class-admission";
import { allKinds, kindInfo } from "stopover/internal/objects/kinds";
import { table } from "stopover/internal/doors/serve/tables";
import type { Kind } from "stopover/internal/objects/types";
import { test } from "uvu";
import * as assert from "uvu/assert";

const container = (more: object = {}) => ({ name: "c", image: "nginx", ...more });
const init = (name: string, more: object = {}) => ({ name, image: "busybox", ...more });
const shell = (script: string) => ({ command: ["sh", "-c", script] });

function clusterWith(spec: object): Cluster {
  const cluster = createCluster({ seed: 1, nodes: 1, systemObjects: true });
  cluster.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [container()], ...spec },
  } as never);
  cluster.settle();
  return cluster;
}

/** READY, STATUS and RESTARTS, as kubectl prints them. */
const row = (cluster: Cluster): string =>
  table(kindInfo("Pod")!, [cluster.get("Pod", "web")], cluster.now.getTime())
    .rows[0]!.cells.slice(1, 4)
    .join(" ");
const waiting = (cluster: Cluster): string | undefined =>
  cluster.get("Pod", "web").status!.containerStatuses![0]!.state!.waiting?.reason;
const events = (cluster: Cluster): string[] =>
  cluster.list("Event").map(({ reason, message }) => `${reason} ${message}`);
const give = (cluster: Cluster, kind: Kind, name: string, data: object = { key: "dg==" }): void => {
  cluster.apply({ apiVersion: "v1", kind, metadata: { name }, data } as never);
};
// stored kinds, which the table of types does not name
const [ConfigMap, Secret] = ["ConfigMap" as Kind, "Secret" as Kind];

const one = { name: "app", key: "key" };
for (const [sentence, environment, kind, why] of [
  [
    "env of a ConfigMap",
    { env: [{ name: "A", valueFrom: { configMapKeyRef: one } }] },
    ConfigMap,
    'configmap "app" not found',
  ],
  [
    "env of a Secret",
    { env: [{ name: "A", valueFrom: { secretKeyRef: one } }] },
    Secret,
    'secret "app" not found',
  ],
  [
    "envFrom of a ConfigMap",
    { envFrom: [{ configMapRef: { name: "app" } }] },
    ConfigMap,
    'configmap "app" not found',
  ],
  [
    "envFrom of a Secret",
    { envFrom: [{ secretRef: { name: "app" } }] },
    Secret,
    'secret "app" not found',
  ],
] as const)
  test(`${sentence} that is not there: CreateContainerConfigError, until it comes`, () => {
    const cluster = clusterWith({ containers: [container(environment)] });
    assert.is(row(cluster), "0/1 CreateContainerConfigError 0");
    assert.ok(events(cluster).includes(`Failed Error: ${why}`), events(cluster).join("\n"));
    give(cluster, kind, "app");
    cluster.advance("11s");
    assert.is(row(cluster), "1/1 Running 0");
  });

test("a key that is not in it", () => {
  const env = [{ name: "A", valueFrom: { configMapKeyRef: one } }];
  const cluster = clusterWith({ containers: [container({ env })] });
  give(cluster, ConfigMap, "app", { other: "1" });
  cluster.advance("11s");
  const why = "Error: couldn't find key key in ConfigMap default/app";
  assert.ok(events(cluster).includes(`Failed ${why}`));
});

for (const [sentence, volume, kind, why] of [
  ["a ConfigMap", { configMap: { name: "app" } }, ConfigMap, 'configmap "app" not found'],
  ["a Secret", { secret: { secretName: "app" } }, Secret, 'secret "app" not found'],
  [
    "a projected ConfigMap",
    { projected: { sources: [{ configMap: { name: "app" } }] } },
    ConfigMap,
    'configmap "app" not found',
  ],
] as const)
  test(`a volume of ${sentence} that is not there: FailedMount, until it comes`, () => {
    const cluster = clusterWith({ volumes: [{ name: "v", ...volume }] });
    assert.is(row(cluster), "0/1 ContainerCreating 0");
    const message = `FailedMount MountVolume.SetUp failed for volume "v" : ${why}`;
    assert.ok(events(cluster).includes(message), events(cluster).join("\n"));
    give(cluster, kind, "app");
    cluster.advance("3m");
    assert.is(row(cluster), "1/1 Running 0");
  });

test("a volume that wants a key which is not in it", () => {
  const configMap = { name: "app", items: [{ key: "a", path: "a" }] };
  const cluster = clusterWith({ volumes: [{ name: "v", configMap }] });
  give(cluster, ConfigMap, "app");
  cluster.advance("3m");
  assert.ok(events(cluster).some((each) => each.endsWith("references non-existent config key: a")));
});

test("what is optional keeps nobody waiting", () => {
  const cluster = clusterWith({
    volumes: [{ name: "v", configMap: { name: "app", optional: true } }],
    containers: [
      container({
        env: [{ name: "A", valueFrom: { secretKeyRef: { ...one, optional: true } } }],
        envFrom: [{ configMapRef: { name: "app", optional: true } }],
      }),
    ],
  });
  assert.is(row(cluster), "1/1 Running 0");
});

test("without systemObjects what the manifests name is taken to be there", () => {
  const cluster = createCluster({ seed: 1, nodes: 1 });
  const envFrom = [{ configMapRef: { name: "app" } }];
  cluster.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [container({ envFrom })] },
  } as never);
  cluster.settle();
  assert.is(row(cluster), "1/1 Running 0");
});

test("who waits for a ConfigMap serves nobody", () => {
  const cluster = clusterWith({
    containers: [container({ envFrom: [{ configMapRef: { name: "app" } }] })],
  });
  const { podIP } = cluster.get("Pod", "web").status!;
  const trip = cluster.request(`http://${podIP}/`, { from: "node/node-a" });
  assert.is.not(trip.disposition, "delivered");
});

test("init containers run one after the other, then the others", () => {
  const cluster = clusterWith({
    initContainers: [init("a", shell("sleep 5")), init("b", shell("sleep 5"))],
  });
  const pod = cluster.get("Pod", "web");
  const [a, b] = pod.status!.initContainerStatuses!.map(({ state }) => state!.terminated!);
  const main = pod.status!.containerStatuses![0]!.state!.running!;
  assert.ok(a!.finishedAt! <= b!.startedAt!);
  assert.ok(b!.finishedAt! <= main.startedAt!);
  assert.is(row(cluster), "1/1 Running 0");
});

test("while they run: Init:0/2, PodInitializing, not Initialized, and nobody listens", () => {
  const cluster = clusterWith({
    initContainers: [init("a", shell("sleep 3600")), init("b", shell("true"))],
  });
  assert.is(row(cluster), "0/1 Init:0/2 0");
  assert.is(waiting(cluster), "PodInitializing");
  const { status } = cluster.get("Pod", "web");
  assert.is(status!.phase, "Pending");
  const found = status!.conditions!.find(({ type }) => type === "Initialized")!;
  assert.equal(
    [found.status, found.reason, found.message],
    ["False", "ContainersNotInitialized", "containers with incomplete status: [a b]"],
  );
  const trip = cluster.request(`http://${status!.podIP}/`, { from: "node/node-a" });
  assert.is.not(trip.disposition, "delivered");
  cluster.advance("1h5s");
  assert.is(row(cluster), "1/1 Running 0");
});

test("one that fails is run again, later and later: Init:CrashLoopBackOff", () => {
  const cluster = clusterWith({ initContainers: [init("a", shell("exit 1"))] });
  cluster.advance("5s");
  assert.match(row(cluster), /^0\/1 Init:CrashLoopBackOff 1 \(\d+s ago\)$/);
  assert.is(cluster.get("Pod", "web").status!.phase, "Pending");
});

test("one that fails for good, where nothing is run again: Init:Error, and the Pod has failed", () => {
  const cluster = clusterWith({
    restartPolicy: "Never",
    initContainers: [init("a", shell("exit 3"))],
  });
  assert.is(row(cluster), "0/1 Init:Error 0");
  assert.is(cluster.get("Pod", "web").status!.phase, "Failed");
});

test("an image that is nowhere: Init:ImagePullBackOff", () => {
  const cluster = clusterWith({ initContainers: [init("a", { image: "no-such/thing" })] });
  cluster.advance("4s");
  assert.is(row(cluster), "0/1 Init:ImagePullBackOff 0");
});

test("an init container that needs a ConfigMap: Init:CreateContainerConfigError", () => {
  const envFrom = [{ configMapRef: { name: "app" } }];
  const cluster = clusterWith({ initContainers: [init("a", { envFrom })] });
  assert.is(row(cluster), "0/1 Init:CreateContainerConfigError 0");
  give(cluster, ConfigMap, "app");
  cluster.advance("15s");
  assert.is(row(cluster), "1/1 Running 0");
});

test("a command of which nothing is known is taken to end well", () => {
  const script = "until nslookup db; do sleep 2; done";
  assert.is(row(clusterWith({ initContainers: [init("a", shell(script))] })), "1/1 Running 0");
});

test("a sidecar goes on beside the others, counts as ready, and is run again", () => {
  const cluster = clusterWith({
    initContainers: [init("proxy", { restartPolicy: "Always" }), init("a", shell("true"))],
  });
  assert.is(row(cluster), "2/2 Running 0");
  const [proxy] = cluster.get("Pod", "web").status!.initContainerStatuses!;
  assert.ok(proxy!.state!.running && proxy!.started && proxy!.ready);
});

test("a Job's Pod ends though its sidecar would run for ever", () => {
  const cluster = clusterWith({
    restartPolicy: "Never",
    initContainers: [init("proxy", { restartPolicy: "Always" })],
    containers: [container(shell("sleep 2"))],
  });
  cluster.advance("5s");
  assert.is(cluster.get("Pod", "web").status!.phase, "Succeeded");
});

test("a Pod that is deleted while it is initialized goes", () => {
  const cluster = clusterWith({ initContainers: [init("a", shell("sleep 3600"))] });
  cluster.delete("Pod", "web");
  cluster.settle();
  assert.is(cluster.list("Pod").length, 0);
});

test("only of what nobody reads it is said that nobody acts on it", () => {
  const told = new Set(
    [...allKinds()].flatMap(({ kind, apiVersion, key }) =>
      inertNotice({ kind, apiVersion, metadata: { name: "x" } }) ? [String(key)] : [],
    ),
  );
  const read = "ConfigMap Secret IngressClass StorageClass RuntimeClass CustomResourceDefinition";
  for (const one of read.split(" ")) assert.not.ok(told.has(one), one);
  for (const one of ["ClusterRole", "Ingress", "APIService"]) assert.ok(told.has(one), one);
});

test.run();
