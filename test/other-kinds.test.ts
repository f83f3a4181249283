/** Kinds that are stored only: every built-in kind of Kubernetes 1.35, and custom ones. */
import "stopover/internal/apiserver/other-patches";
import "stopover/internal/objects/built-in";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { table } from "stopover/internal/doors/serve/tables";
import { openapi } from "stopover/internal/doors/serve/openapi";
import { allKinds, kindInfo, kindOf } from "stopover/internal/objects/kinds";
import { types } from "stopover/internal/objects/schema";
import { isApiError } from "stopover/internal/api/errors";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import type { Kind, KubeObject } from "stopover";

const test = suite("other kinds");
type Fields = Record<string, unknown>;
type Loose = KubeObject & Fields;

const born = "2024-01-21T05:09:08Z";
const kind = (name: string) => name as Kind;

function server() {
  const clock = new VirtualClock();
  let seed = 0;
  const apiserver = new ApiServer({ clock, random: () => (seed = (seed + 0.37) % 1) });
  return { clock, apiserver };
}

const loose = (apiVersion: string, name: string, object: Fields): Loose => ({
  apiVersion,
  kind: name,
  metadata: { name: "x" },
  ...object,
});

test("every stable kind is known by its fields, and its types refer to none that is missing", () => {
  const others = allKinds().filter(({ isModelled }) => !isModelled);
  assert.ok(others.length >= 45, String(others.length));
  for (const { type, kind } of others) assert.ok(types().has(type!), kind);
  for (const group of new Set(others.map(({ apiVersion }) => apiVersion)))
    assert.ok(openapi(group.includes("/") ? `apis/${group}` : `api/${group}`), group);
});

const labelled = { matchLabels: { a: "b" } };
const template = {
  metadata: { labels: { a: "b" } },
  spec: { containers: [{ name: "a", image: "i" }] },
};
const ending = { spec: { ...template.spec, restartPolicy: "Never" } };
const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const rights = (kind: string) => ({ roleRef: { kind, name: "x" } });

/** What a kind cannot be without. */
const least: Readonly<Record<string, Fields>> = {
  StatefulSet: { spec: { selector: labelled, template } },
  DaemonSet: { spec: { selector: labelled, template } },
  Job: { spec: { template: ending } },
  CronJob: { spec: { schedule: "@daily", jobTemplate: { spec: { template: ending } } } },
  ReplicationController: { spec: { selector: { a: "b" }, template } },
  HorizontalPodAutoscaler: {
    spec: {
      maxReplicas: 1,
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "x" },
    },
  },
  Ingress: { spec: { rules: [{ host: "a.b" }] } },
  PersistentVolumeClaim: { spec: claim },
  PersistentVolume: {
    spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/" } },
  },
  RoleBinding: rights("Role"),
  ClusterRoleBinding: rights("ClusterRole"),
  StorageClass: { provisioner: "a.b/c" },
  IPAddress: {
    metadata: { name: "10.0.0.9" },
    spec: { parentRef: { resource: "services", namespace: "default", name: "x" } },
  },
  ServiceCIDR: { spec: { cidrs: ["10.0.0.0/24"] } },
};

test("every one is created, listed, told in a table, patched and deleted", () => {
  const { apiserver } = server();
  for (const { kind: name, key, apiVersion, isModelled } of allKinds()) {
    if (
      isModelled ||
      kindInfo(key)!.apiVersion !== apiVersion ||
      String(name) === "CustomResourceDefinition"
    )
      continue;
    const made = apiserver.create(loose(apiVersion, name, least[name] ?? {}));
    assert.is(apiserver.list(key).items.length, 1, name);
    const { columnDefinitions, rows } = table(kindOf(made)!, [made], Date.parse(born));
    assert.is(rows[0]!.cells.length, columnDefinitions.length, name);
    const own = made.metadata.name;
    assert.is(rows[0]!.cells[0], own, name);
    const { metadata } = apiserver.patch(key, own, made.metadata.namespace, {
      type: "strategic",
      body: { metadata: { labels: { a: "b" } } },
    });
    assert.is(metadata.labels?.["a"], "b", name);
    apiserver.delete(key, own, made.metadata.namespace);
    assert.is(apiserver.list(key).items.length, 0, name);
  }
});

/** A list by its key, as kube-apiserver's description has it, and what kubectl's table shows. */
const cases: [
  object: Loose,
  patch: unknown,
  at: (one: Loose) => unknown,
  patched: unknown,
  cells: unknown[],
][] = [
  [
    loose("apps/v1", "StatefulSet", {
      spec: {
        serviceName: "x",
        replicas: 3,
        selector: { matchLabels: { a: "b" } },
        template: {
          metadata: { labels: { a: "b" } },
          spec: { containers: [{ name: "a", image: "i" }] },
        },
      },
    }),
    { spec: { template: { spec: { containers: [{ name: "a", image: "j" }] } } } },
    (one) =>
      (
        one as never as { spec: { template: { spec: { containers: { image: string }[] } } } }
      ).spec.template.spec.containers.map(({ image }) => image),
    ["j"],
    ["x", "0/3", "60s", "a", "i"],
  ],
  [
    loose("apps/v1", "DaemonSet", {
      spec: {
        selector: { matchLabels: { a: "b" } },
        template: {
          metadata: { labels: { a: "b" } },
          spec: { nodeSelector: { disk: "ssd" }, containers: [{ name: "a", image: "i" }] },
        },
      },
    }),
    { spec: { template: { spec: { containers: [{ name: "b", image: "j" }] } } } },
    (one) =>
      (one as never as { spec: { template: { spec: { containers: unknown[] } } } }).spec.template
        .spec.containers.length,
    2,
    ["x", 0, 0, 0, 0, 0, "disk=ssd", "60s", "a", "i", "a=b"],
  ],
  [
    loose("networking.k8s.io/v1", "Ingress", {
      spec: { ingressClassName: "n", tls: [{}], rules: [{ host: "a.b" }, { host: "c.d" }] },
    }),
    { spec: { rules: [{ host: "e.f" }] } },
    (one) => (one["spec"] as { rules: unknown }).rules,
    [{ host: "e.f" }],
    ["x", "n", "a.b,c.d", "", "80, 443", "60s"],
  ],
  [
    loose("networking.k8s.io/v1", "NetworkPolicy", {
      spec: { podSelector: { matchLabels: { a: "b" } }, egress: [{}] },
    }),
    { spec: { podSelector: null } },
    (one) => (one["spec"] as Fields)["policyTypes"],
    ["Ingress", "Egress"],
    ["x", "a=b", "60s"],
  ],
  [
    loose("v1", "ConfigMap", { data: { a: "1" }, binaryData: { b: "AA==" } }),
    { data: { c: "2" } },
    (one) => one["data"],
    { a: "1", c: "2" },
    ["x", 2, "60s"],
  ],
  [
    loose("v1", "Secret", { stringData: { a: "ä" } }),
    { data: { b: "AA==" } },
    (one) => one["data"],
    { a: "w6Q=", b: "AA==" },
    ["x", "Opaque", 1, "60s"],
  ],
  [
    loose("v1", "ServiceAccount", { secrets: [{ name: "s" }], imagePullSecrets: [{ name: "p" }] }),
    { secrets: [{ name: "t" }] },
    (one) => (one["secrets"] as { name: string }[]).map(({ name }) => name).sort(),
    ["s", "t"],
    ["x", "60s"],
  ],
  [
    loose("batch/v1", "CronJob", {
      spec: {
        schedule: "* * * * *",
        jobTemplate: {
          spec: {
            template: {
              spec: { restartPolicy: "Never", containers: [{ name: "a", image: "i" }] },
            },
          },
        },
      },
    }),
    { spec: { suspend: true } },
    (one) => (one["spec"] as Fields)["suspend"],
    true,
    ["x", "* * * * *", "<none>", "False", 0, "<none>", "60s", "a", "i", "<none>"],
  ],
  [
    loose("policy/v1", "PodDisruptionBudget", { spec: { minAvailable: "50%" } }),
    { spec: { minAvailable: 1 } },
    (one) => (one["spec"] as Fields)["minAvailable"],
    1,
    ["x", "50%", "N/A", 0, "60s"],
  ],
  [
    loose("autoscaling/v1", "HorizontalPodAutoscaler", {
      spec: {
        maxReplicas: 5,
        targetCPUUtilizationPercentage: 70,
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "w" },
      },
    }),
    { spec: { maxReplicas: 6 } },
    (one) => [one.apiVersion, (one["spec"] as Fields)["maxReplicas"]],
    ["autoscaling/v2", 6],
    ["x", "Deployment/w", "cpu: <unknown>/70%", "1", 5, 0, "60s"],
  ],
  [
    loose("storage.k8s.io/v1", "StorageClass", {
      provisioner: "p",
      metadata: {
        name: "x",
        annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
      },
    }),
    { allowVolumeExpansion: true },
    (one) => one["allowVolumeExpansion"],
    true,
    ["x (default)", "p", "Delete", "Immediate", "false", "60s"],
  ],
  [
    loose("rbac.authorization.k8s.io/v1", "RoleBinding", {
      roleRef: { kind: "Role", name: "r" },
      subjects: [
        { kind: "ServiceAccount", namespace: "n", name: "s" },
        { kind: "User", name: "u" },
      ],
    }),
    { metadata: { labels: { a: "b" } } },
    (one) => (one["roleRef"] as Fields)["apiGroup"],
    "rbac.authorization.k8s.io",
    ["x", "Role/r", "60s", "u", "", "n/s"],
  ],
];
for (const [object, patch, at, patched, cells] of cases)
  test(`${object.apiVersion} ${object.kind}: create, patch by list key, table, watch, delete`, () => {
    const { clock, apiserver } = server();
    const key = kindOf(object)!.key;
    const seen: string[] = [];
    const { resourceVersion } = apiserver.list(key);
    apiserver.watch(key, { resourceVersion }, ({ type }) => seen.push(type));
    const made = apiserver.create(object);
    const at0 = Date.parse(made.metadata.creationTimestamp!) + 60_000;
    assert.equal(table(kindOf(made)!, [made], at0).rows[0]!.cells, cells);
    const next = apiserver.patch(key, "x", made.metadata.namespace, {
      type: "strategic",
      body: patch,
    });
    assert.equal(at(next as Loose), patched);
    apiserver.delete(key, "x", made.metadata.namespace);
    clock.settle();
    assert.equal(seen, ["ADDED", "MODIFIED", "DELETED"]);
  });

test("unknown fields are refused as of any other kind", () => {
  const { apiserver } = server();
  assert.throws(
    () => apiserver.create(loose("v1", "ConfigMap", { date: { a: "b" } })),
    /ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "date"/,
  );
  assert.throws(
    () => apiserver.create(loose("extensions/v1beta1", "Ingress", {})),
    /no kind "Ingress" is registered for version "extensions\/v1beta1": it is served as networking\.k8s\.io\/v1/,
  );
});

const widgets = (served: readonly string[]): Loose =>
  loose("apiextensions.k8s.io/v1", "CustomResourceDefinition", {
    metadata: { name: "services.test.example" },
    spec: {
      group: "test.example",
      scope: "Namespaced",
      names: { kind: "Service", plural: "services" },
      versions: served.map((name, i) => ({
        name,
        served: true,
        storage: i === 0,
        additionalPrinterColumns: [
          {
            name: "Ready",
            type: "string",
            jsonPath: '.status.conditions[?(@.type=="Ready")].status',
          },
        ],
      })),
    },
  });

test("a CustomResourceDefinition makes its kind known, also one of a name that is taken", () => {
  const { apiserver } = server();
  const own: Loose = loose("test.example/v1", "Service", {
    spec: { size: 3 },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  });
  apiserver.create(widgets(["v1", "v1alpha1"]));
  const made = apiserver.create(own);
  assert.equal(made["spec"], { size: 3 });
  assert.equal(apiserver.list("Service").items, []);
  assert.is(apiserver.list(kind("Service.test.example")).items.length, 1);
  assert.equal(table(kindOf(made)!, [made], 0).rows[0]!.cells, ["x", "True"]);
  // another version of it is the same object
  apiserver.update({ ...own, apiVersion: "test.example/v1alpha1", spec: { size: 4 } });
  const stored = apiserver.get(kind("Service.test.example"), "x", "default") as Loose;
  assert.equal([stored.apiVersion, stored["spec"]], ["test.example/v1", { size: 4 }]);
  assert.throws(
    () =>
      apiserver.patch(kind("Service.test.example"), "x", "default", {
        type: "strategic",
        body: {},
      }),
    /accepted media types include: application\/json-patch\+json, application\/merge-patch\+json/,
  );
  apiserver.delete(kind("CustomResourceDefinition"), "services.test.example");
  try {
    apiserver.get(kind("Service.test.example"), "x", "default");
    assert.unreachable();
  } catch (error) {
    assert.ok(isApiError(error, 404));
  }
});

test("a definition is accepted at once", () => {
  const { apiserver } = server();
  const { status } = apiserver.create(widgets(["v1"])) as unknown as {
    status: { conditions: { type: string; status: string }[] };
  };
  assert.equal(
    status.conditions.map(({ type, status }) => `${type} ${status}`),
    ["NamesAccepted True", "Established True"],
  );
});

test.run();
