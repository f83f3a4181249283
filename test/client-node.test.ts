// The official Kubernetes client for Node against `stopover serve`'s door, with no allowance made
// for it.
import {
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  DiscoveryV1Api,
  ApiException,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  VersionApi,
  Watch,
  type V1Service,
} from "@kubernetes/client-node";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { serve, type Serving } from "stopover/internal/doors/serve/http";
import { Random } from "stopover/internal/machinery/random";
import { RealClock } from "stopover/internal/machinery/real-clock";
import { deployment, pod, service } from "./apiserver-harness.js";

const test = suite("client-node");
const namespace = "default";
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const config = new KubeConfig();
let apiserver: ApiServer;
let serving: Serving;

test.before.each(async () => {
  apiserver = new ApiServer({
    clock: new RealClock(),
    random: new Random(1).next,
    watchWindow: 50,
  });
  serving = await serve({ apiserver, port: 0 });
  config.loadFromClusterAndUser(
    { name: "stopover", server: serving.url, skipTLSVerify: true },
    { name: "reader" },
  );
});
test.after.each(() => serving.close());

async function refused(
  call: Promise<unknown>,
): Promise<{ code: number; reason: string; message: string }> {
  try {
    await call;
  } catch (error) {
    assert.instance(error, ApiException);
    const { code, body } = error as ApiException<string>;
    return { code, ...(JSON.parse(body) as { reason: string; message: string }) };
  }
  throw new Error("the call was not refused");
}

test("create, read, list, replace, patch, delete", async () => {
  const core = config.makeApiClient(CoreV1Api);
  const made = await core.createNamespacedService({
    namespace,
    body: service("nginx", { type: "NodePort", ports: [{ port: 80 }] }) as unknown as V1Service,
  });
  assert.ok(made.spec!.ports![0]!.nodePort! >= 30000);
  assert.instance(made.metadata!.creationTimestamp, Date);
  assert.equal((await core.readNamespacedService({ namespace, name: "nginx" })).spec, made.spec);
  assert.equal(
    (await core.listNamespacedService({ namespace, labelSelector: "!x" })).items.map(
      ({ metadata }) => metadata!.name,
    ),
    ["nginx"],
  );
  made.metadata!.labels = { a: "b" };
  const replaced = await core.replaceNamespacedService({ namespace, name: "nginx", body: made });
  assert.is(
    (await refused(core.replaceNamespacedService({ namespace, name: "nginx", body: made }))).reason,
    "Conflict",
  );
  assert.equal(replaced.metadata!.labels, { a: "b" });
  const patched = await core.patchNamespacedService(
    { namespace, name: "nginx", body: { metadata: { labels: { c: "d" } } } },
    setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
  );
  assert.equal(patched.metadata!.labels, { a: "b", c: "d" });
  await core.deleteNamespacedService({ namespace, name: "nginx" });
  const gone = await refused(core.readNamespacedService({ namespace, name: "nginx" }));
  assert.equal(
    [gone.code, gone.reason, gone.message],
    [404, "NotFound", 'services "nginx" not found'],
  );
});

test("every kind of the story is served", async () => {
  const [core, apps] = [config.makeApiClient(CoreV1Api), config.makeApiClient(AppsV1Api)];
  apiserver.client("test").create(deployment("web"));
  apiserver.client("test").create(pod("p"));
  const lists = [
    core.listPodForAllNamespaces(),
    core.listNode(),
    core.listNamespace(),
    core.listServiceForAllNamespaces(),
    core.listEndpointsForAllNamespaces(),
    core.listEventForAllNamespaces(),
    apps.listDeploymentForAllNamespaces(),
    apps.listReplicaSetForAllNamespaces(),
    config.makeApiClient(CoordinationV1Api).listLeaseForAllNamespaces(),
    config.makeApiClient(DiscoveryV1Api).listEndpointSliceForAllNamespaces(),
  ];
  assert.equal(
    (await Promise.all(lists)).map(({ items }) => items.length),
    [1, 0, 4, 0, 0, 0, 1, 0, 0, 0],
  );
  assert.is((await config.makeApiClient(VersionApi).getCode()).gitVersion, "v1.35.4+stopover");
});

test("scale and status are subresources", async () => {
  const apps = config.makeApiClient(AppsV1Api);
  apiserver.client("test").create(deployment("web"));
  const scale = await apps.readNamespacedDeploymentScale({ namespace, name: "web" });
  scale.spec!.replicas = 3;
  assert.is(
    (await apps.replaceNamespacedDeploymentScale({ namespace, name: "web", body: scale })).spec!
      .replicas,
    3,
  );
  const read = await apps.readNamespacedDeployment({ namespace, name: "web" });
  read.status = { replicas: 2 };
  assert.is(
    (await apps.replaceNamespacedDeploymentStatus({ namespace, name: "web", body: read })).status!
      .replicas,
    2,
  );
  assert.is((await apps.readNamespacedDeployment({ namespace, name: "web" })).spec!.replicas, 3);
});

test("an invalid object comes back with its causes", async () => {
  const { code, reason, message } = await refused(
    config.makeApiClient(CoreV1Api).createNamespacedService({
      namespace,
      body: service("x", { ports: [{ port: 70000, targetPort: 80 }] }) as unknown as V1Service,
    }),
  );
  assert.equal(
    [code, reason, message],
    [
      422,
      "Invalid",
      'Service "x" is invalid: spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ],
  );
});

test("Watch tells of changes", async () => {
  const seen: string[] = [];
  const stop = await new Watch(config).watch(
    "/api/v1/services",
    { resourceVersion: "0" },
    (type: string, object: V1Service) => seen.push(`${type} ${object.metadata!.name}`),
    () => {},
  );
  apiserver.client("test").create(service("a"));
  apiserver.client("test").delete("Service", "a");
  for (let i = 0; i < 50 && seen.length < 2; i++) await pause(20);
  assert.equal(seen, ["ADDED a", "DELETED a"]);
  stop.abort();
});

test("an informer follows, lists again after 410, and follows on", async () => {
  const core = config.makeApiClient(CoreV1Api);
  const local = apiserver.client("test");
  const informer = makeInformer(config, "/api/v1/namespaces/default/services", () =>
    core.listNamespacedService({ namespace }),
  );
  const names = () =>
    informer
      .list()
      .map(({ metadata }) => metadata!.name!)
      .sort();
  await informer.start();
  local.create(service("a"));
  for (let i = 0; i < 50 && names().length < 1; i++) await pause(20);
  assert.equal(names(), ["a"]);
  await informer.stop();
  for (let i = 0; i < 150; i++) local.create(service(`s${i}`)); // more than the watch window holds
  await informer.start();
  for (let i = 0; i < 100 && names().length < 151; i++) await pause(20);
  assert.is(names().length, 151);
  local.delete("Service", "s7");
  for (let i = 0; i < 50 && names().includes("s7"); i++) await pause(20);
  assert.not.ok(names().includes("s7"));
  await informer.stop();
});

test.run();
