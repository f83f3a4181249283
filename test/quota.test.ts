// LimitRanges and ResourceQuotas: what they make of new objects, and who counts what is in use.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Kind, KubeObject } from "stopover/internal/objects/types";
import "stopover/internal/objects/stored-checks";
import { deployment, harness, type Harness } from "./control-harness.js";

const test = suite("quotas and limits");

type Any = { [name: string]: Any } & { [place: number]: Any };
function running(): Harness {
  const h = harness();
  h.clock.settle();
  return h;
}
const get = (h: Harness, kind: string, name: string) =>
  h.client.get(kind as Kind, name) as unknown as Any;
const made = (h: Harness, object: object) => h.client.create(object as KubeObject);

const pod = (name: string, resources?: object, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "c", image: "nginx", ...(resources && { resources }) }], ...more },
});
const limits = (...all: object[]) => ({
  apiVersion: "v1",
  kind: "LimitRange",
  metadata: { name: "limits" },
  spec: { limits: all },
});
const quota = (hard: object, more: object = {}) => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "quota" },
  spec: { hard, ...more },
});

function refused(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the call was not refused");
}

test("a LimitRange's containers get what they do not say, and the Pod says so", () => {
  const h = running();
  const defaults = { default: { cpu: "500m" }, defaultRequest: { cpu: "100m" } };
  made(h, limits({ type: "Container", ...defaults }));
  made(h, pod("plain"));
  const { metadata, spec } = get(h, "Pod", "plain") as { metadata: Any; spec: Any };
  assert.equal(spec["containers"]![0]!["resources"], {
    requests: { cpu: "100m" },
    limits: { cpu: "500m" },
  });
  assert.is(
    metadata["annotations"]!["kubernetes.io/limit-ranger"],
    "LimitRanger plugin set: cpu request for container c; cpu limit for container c",
  );
});

for (const [title, limit, resources, why] of [
  [
    "more than the most",
    { type: "Container", max: { cpu: "2" } },
    { limits: { cpu: "3" } },
    "maximum cpu usage per Container is 2, but limit is 3",
  ],
  [
    "less than the least",
    { type: "Container", min: { memory: "64Mi" } },
    { requests: { memory: "32Mi" } },
    "minimum memory usage per Container is 64Mi, but request is 32Mi",
  ],
  [
    "a limit far above the request",
    { type: "Container", maxLimitRequestRatio: { cpu: "2" } },
    { requests: { cpu: "100m" }, limits: { cpu: "500m" } },
    "cpu max limit to request ratio per Container is 2, but provided ratio is 5.000000",
  ],
  [
    "a whole Pod that says nothing",
    { type: "Pod", max: { cpu: "2" } },
    undefined,
    "maximum cpu usage per Pod is 2.  No limit is specified",
  ],
] as const)
  test(`a LimitRange refuses ${title}`, () => {
    const h = running();
    made(h, limits(limit));
    assert.is(
      refused(() => made(h, pod("p", resources))),
      `pods "p" is forbidden: ${why}`,
    );
  });

test("a quota counts what is made, refuses what is too much, and counts anew what has gone", () => {
  const h = running();
  made(h, quota({ pods: "2", "requests.cpu": "1" }));
  h.clock.settle();
  const used = () => get(h, "ResourceQuota", "quota")["status"]!["used"];
  assert.equal(used(), { pods: "0", "requests.cpu": "0" });
  const small = { requests: { cpu: "600m" } };
  made(h, pod("one", small));
  assert.equal(used(), { pods: "1", "requests.cpu": "600m" });
  assert.is(
    refused(() => made(h, pod("two", small))),
    'pods "two" is forbidden: exceeded quota: quota, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1',
  );
  assert.is(
    refused(() => made(h, pod("three"))),
    'pods "three" is forbidden: failed quota: quota: must specify requests.cpu for: c',
  );
  h.client.create(pod("dry", { requests: { cpu: "1m" } }), { dryRun: true });
  assert.equal(used(), { pods: "1", "requests.cpu": "600m" });
  h.client.delete("Pod", "one", "default", { gracePeriodSeconds: 0 });
  h.clock.settle();
  assert.equal(used(), { pods: "0", "requests.cpu": "0" });
});

for (const [title, hard, object, change, asked] of [
  ["objects of a kind", { "count/deployments.apps": "0" }, deployment("web", 1), undefined, ""],
  [
    "a Service that becomes one with node ports",
    { "services.nodeports": "0" },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { ports: [{ port: 80 }] },
    },
    { spec: { type: "NodePort" } },
    "services.nodeports",
  ],
] as const)
  test(`a quota refuses ${title}`, () => {
    const h = running();
    made(h, quota(hard));
    h.clock.settle();
    if (!change) {
      const why =
        'deployments.apps "web" is forbidden: exceeded quota: quota, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0';
      assert.is(
        refused(() => made(h, object)),
        why,
      );
      return;
    }
    made(h, object);
    const patch = { type: "merge", body: change } as const;
    assert.is(
      refused(() => h.client.patch("Service", "web", "default", patch)),
      `services "web" is forbidden: exceeded quota: quota, requested: ${asked}=1, used: ${asked}=0, limited: ${asked}=0`,
    );
  });

const runtime = (podFixed: object) => ({
  apiVersion: "node.k8s.io/v1",
  kind: "RuntimeClass",
  metadata: { name: "sandboxed" },
  handler: "sandboxed",
  overhead: { podFixed },
});
const sandboxed = { runtimeClassName: "sandboxed" };

for (const [title, change, why] of [
  ["an overhead of nothing known", { overhead: { podFixed: { pods: "1" } } }, "must be a standard"],
  [
    "a toleration of a value that exists",
    { scheduling: { tolerations: [{ key: "a", operator: "Exists", value: "b" }] } },
    'scheduling.tolerations[0].operator: Invalid value: "b": value must be empty',
  ],
  [
    "a toleration twice",
    { scheduling: { tolerations: [{ operator: "Exists" }, { operator: "Exists" }] } },
    "scheduling.tolerations[1]: Duplicate value",
  ],
  [
    "a selector of no label",
    { scheduling: { nodeSelector: { a: "b c" } } },
    "nodeSelector: Invalid",
  ],
] as const)
  test(`a RuntimeClass is refused: ${title}`, () => {
    const h = running();
    assert.ok(refused(() => made(h, { ...runtime({}), ...change })).includes(why));
  });

test("a runtime's overhead is charged to its Pods, a limit's where there is one; a LimitRange leaves it out", () => {
  const h = running();
  made(h, runtime({ cpu: "250m", memory: "64Mi" }));
  made(h, quota({ "requests.cpu": "4", "limits.cpu": "4", "requests.memory": "1Gi" }));
  made(h, limits({ type: "Pod", max: { cpu: "500m" } }));
  h.clock.settle();
  const asked = { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "500m" } };
  made(h, pod("web", asked, sandboxed));
  assert.equal(get(h, "ResourceQuota", "quota")["status"]!["used"], {
    "limits.cpu": "750m",
    "requests.cpu": "350m",
    "requests.memory": "128Mi",
  });
});

test("a RuntimeClass brings its nodes along, and those that the Pod tolerates; other nodes are refused", () => {
  const h = running();
  const [shared, own] = [
    { key: "a", operator: "Exists", effect: "NoSchedule" },
    { key: "b", operator: "Equal", value: "c", effect: "NoSchedule" },
  ];
  const scheduling = { nodeSelector: { disk: "ssd" }, tolerations: [shared, own] };
  made(h, { ...runtime({}), scheduling });
  made(h, pod("web", undefined, { ...sandboxed, tolerations: [shared] }));
  const { nodeSelector, tolerations } = get(h, "Pod", "web")["spec"] as Any;
  assert.equal(nodeSelector, { disk: "ssd" });
  const all = (tolerations as unknown as { key: string }[]).map(({ key }) => key);
  assert.equal(
    all.filter((key) => !key.startsWith("node.kubernetes.io/")),
    ["a", "b"],
  );
  made(h, pod("same", undefined, { ...sandboxed, nodeSelector: { disk: "ssd" } }));
  assert.match(
    refused(() =>
      made(h, pod("other", undefined, { ...sandboxed, nodeSelector: { disk: "hdd" } })),
    ),
    "conflict: runtimeClass.scheduling.nodeSelector[disk] = ssd; pod.spec.nodeSelector[disk] = hdd",
  );
});

test("a claim that names no class gets the default one, of two the newer; who names one keeps it", () => {
  const h = running();
  const storage = (name: string) => ({
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    provisioner: "example.com/disks",
  });
  const classOf = (name: string, storageClassName?: string) => {
    const resources = { requests: { storage: "1Gi" } };
    const spec = { accessModes: ["ReadWriteOnce"], resources, storageClassName };
    made(h, { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name }, spec });
    return (get(h, "PersistentVolumeClaim", name)["spec"] as Any)["storageClassName"] as unknown;
  };
  assert.is(classOf("first"), undefined);
  made(h, storage("a"));
  h.clock.advance(60_000);
  made(h, storage("b"));
  assert.is(classOf("second"), "b");
  assert.is(classOf("third", "a"), "a");
});

test("what a Pod may use as a whole it also asks for, unless its containers say less", () => {
  const h = running();
  const own = { limits: { cpu: "2", memory: "1Gi" } };
  made(h, pod("whole", undefined, { resources: own }));
  made(h, pod("part", { requests: { cpu: "100m" } }, { resources: own }));
  const requestsOf = (name: string) =>
    (get(h, "Pod", name)["spec"] as Any)["resources"]!["requests"];
  assert.equal(requestsOf("whole"), { cpu: "2", memory: "1Gi" });
  assert.equal(requestsOf("part"), { cpu: "100m", memory: "1Gi" });
  assert.is((get(h, "Pod", "whole")["status"] as Any)["qosClass"], "Guaranteed");
  assert.is((get(h, "Pod", "part")["status"] as Any)["qosClass"], "Burstable");
});

test("a status is written whatever its namespace's quotas and limits say", () => {
  const h = running();
  made(h, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
  });
  // nobody has counted yet: until then nothing that it counts may be written
  const { metadata } = made(h, quota({ services: "5" }));
  const counted = { hard: { services: "5" } };
  h.client.updateStatus({ ...quota({ services: "5" }), metadata, status: counted } as KubeObject);
  const refusal = refused(() =>
    h.client.patch("Service", "web", "default", {
      type: "merge",
      body: { metadata: { labels: { a: "b" } } },
    }),
  );
  assert.match(refusal, "status unknown for quota");
  const service = h.client.get("Service", "web");
  const loadBalancer = { ingress: [{ ip: "192.0.2.1" }] };
  h.client.updateStatus({ ...service, spec: { ...service.spec }, status: { loadBalancer } });
  assert.is(h.client.get("Service", "web").status?.loadBalancer?.ingress?.[0]?.ip, "192.0.2.1");
});

test("Pods that a quota's scope is not about are not counted", () => {
  const h = running();
  made(h, quota({ pods: "1" }, { scopes: ["BestEffort"] }));
  h.clock.settle();
  made(h, pod("asks", { requests: { cpu: "1m" } }));
  made(h, pod("first"));
  assert.match(
    refused(() => made(h, pod("second"))),
    /exceeded quota: quota, requested: pods=1/,
  );
});

test("a Deployment whose Pods a quota keeps away says so, and makes them when there is room", () => {
  const h = running();
  made(h, quota({ pods: "1" }));
  h.clock.settle();
  made(h, deployment("web", 2));
  h.clock.settle();
  const failure = () =>
    h.client
      .get("Deployment", "web")
      .status!.conditions!.find(({ type }) => type === "ReplicaFailure");
  assert.match(failure()!.message!, /exceeded quota: quota, requested: pods=1/);
  assert.is(h.client.list("Pod").items.length, 1);
  h.client.patch("ResourceQuota" as Kind, "quota", "default", {
    type: "merge",
    body: { spec: { hard: { pods: "5" } } },
  });
  h.clock.advance(1_100_000);
  h.clock.settle();
  assert.is(h.client.list("Pod").items.length, 2);
});

test.run();
