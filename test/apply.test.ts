/** What `kubectl apply` takes, Stopover takes: by cluster.apply, from files and from dumps. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, openSnapshot, parse } from "stopover";
import { ApiError } from "stopover/internal/api/errors";
import { typeOf, type Field, type FieldType } from "stopover/internal/objects/schema";
import type { Kind, KubeObject, Service } from "stopover/internal/objects/types";
import { newServer, refusal } from "./apiserver-harness.js";
import { examples, places, withAt } from "./variants.js";

const test = suite("apply");
const manifest = (kind: string, spec: string, metadata = "{name: web}") =>
  `{apiVersion: v1, kind: ${kind}, metadata: ${metadata}, spec: ${spec}}`;
const service = (spec: string) => manifest("Service", spec);
const ports = "ports: [{port: 80}]";

// ---- a Service's own address ----

for (const [spec, clusterIP, family] of [
  [`{clusterIP: None, selector: {app: web}, ${ports}}`, "None", "IPv4"],
  [`{clusterIP: None, clusterIPs: [None], selector: {app: web}, ${ports}}`, "None", "IPv4"],
  [`{clusterIP: 10.2.0.50, selector: {app: web}, ${ports}}`, "10.2.0.50", "IPv4"],
  [`{clusterIP: 10.2.0.50, clusterIPs: null, ipFamilies: null, ${ports}}`, "10.2.0.50", "IPv4"],
  [`{clusterIP: "", ${ports}}`, "10.2.1.1", "IPv4"],
] as const)
  test(`a manifest with ${spec}`, () => {
    const cluster = createCluster({ nodes: 1 });
    cluster.apply(service(spec));
    const first = cluster.get("Service", "web").spec;
    assert.equal(
      [first.clusterIP, first.clusterIPs, first.ipFamilies],
      [clusterIP, [clusterIP], [family]],
    );
    const before = cluster.apiserver.store.revision;
    cluster.apply(service(spec));
    assert.is(cluster.apiserver.store.revision, before, "once more: nothing changes");
    const dump = openSnapshot(parse(service(spec), { as: "dump" })).list("Service")[0]!;
    if (clusterIP !== "10.2.1.1") assert.equal(dump.spec.clusterIPs, [clusterIP]);
  });

test("a headless Service of a manifest answers with its Pods", () => {
  const cluster = createCluster({ nodes: 1 });
  cluster.apply(
    manifest("Pod", "{containers: [{name: a, image: nginx}]}", "{name: a, labels: {app: web}}"),
  );
  cluster.apply(service(`{clusterIP: None, selector: {app: web}, ${ports}}`));
  cluster.settle();
  const { disposition, pod } = cluster.request("http://web.default/", { from: "pod/default/a" });
  assert.equal([disposition, pod], ["delivered", "default/a"]);
});

// ---- what says nothing ----

test("empty texts and zeros are what Kubernetes makes of them", () => {
  const cluster = createCluster({ nodes: 1 });
  cluster.apply(
    service('{type: "", sessionAffinity: "", ports: [{port: 80, protocol: "", targetPort: 0}]}'),
  );
  const { type, sessionAffinity, ports } = cluster.get("Service", "web").spec;
  assert.equal([type, sessionAffinity], ["ClusterIP", "None"]);
  assert.equal(ports, [{ port: 80, protocol: "TCP", targetPort: 80 }]);
});

test("a probe's zeros are its defaults, and time goes on", () => {
  const cluster = createCluster({ nodes: 1 });
  const zeros = "periodSeconds: 0, timeoutSeconds: 0, successThreshold: 0, failureThreshold: 0";
  const probe = `{${zeros}, tcpSocket: {port: 80}}`;
  const container = `{name: a, image: nginx, readinessProbe: ${probe}, livenessProbe: ${probe}}`;
  cluster.apply(manifest("Pod", `{containers: [${container}]}`));
  cluster.settle();
  cluster.advance("1m");
  const { readinessProbe, livenessProbe } = cluster.get("Pod", "web").spec.containers[0]!;
  const defaults = {
    tcpSocket: { port: 80 },
    periodSeconds: 10,
    timeoutSeconds: 1,
    successThreshold: 1,
    failureThreshold: 3,
  };
  assert.equal([readinessProbe, livenessProbe], [defaults, defaults]);
});

const zeroes: Partial<Record<FieldType["is"], unknown[]>> = {
  string: ["", null],
  int: [0, null],
  int64: [0, null],
  bool: [false, null],
  intOrString: [0, "", null],
  object: [null],
  list: [null],
  map: [null],
  time: [null],
};

for (const kind of Object.keys(examples) as Kind[])
  test(`${kind}: an optional field that says nothing is one that is not there`, () => {
    assert.type(stored(examples[kind]), "object", "the example itself is taken");
    for (const path of places(kind, examples[kind])) {
      const field = fieldAt(kind, path);
      if (!field || field.required || path.includes("metadata")) continue;
      const silent = field.pointer ? [null] : (zeroes[field.type.is] ?? []);
      const without = stored(withAt(examples[kind], path, undefined) as KubeObject);
      for (const value of silent)
        assert.equal(
          stored(withAt(examples[kind], path, value) as KubeObject),
          without,
          `${path.join(".")} = ${JSON.stringify(value)}`,
        );
    }
  });

function fieldAt(kind: string, path: readonly (string | number)[]): Field | undefined {
  let type: FieldType = { is: "object", name: kind };
  let field: Field | undefined;
  for (const key of path) {
    field = type.is === "object" ? typeOf(type.name).fields.get(String(key)) : undefined;
    if (type.is === "list" || type.is === "map") type = type.of;
    else if (field) type = field.type;
  }
  return field;
}

/** What the API server makes of it: the object, or why not. */
function stored(object: KubeObject): unknown {
  const { client } = newServer();
  try {
    return client.create(object);
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
}

test("null labels, annotations, lists and items are what Go reads", () => {
  const cluster = createCluster({ nodes: 1 });
  cluster.apply(
    manifest(
      "Pod",
      "{tolerations: null, containers: [{name: a, image: nginx, ports: null, args: [null], env: null}]}",
      "{name: web, labels: {a: null}, annotations: null, finalizers: null}",
    ),
  );
  const { metadata, spec } = cluster.get("Pod", "web");
  assert.equal([metadata.labels, metadata.annotations], [{ a: "" }, undefined]);
  assert.equal(spec.containers[0]!.args, [""]);
});

// ---- what was refused ----

const edits: [
  what: string,
  before: string,
  after: string,
  at: (one: never) => unknown,
  expected: unknown,
][] = [
  [
    "a Service's port is another one",
    "{kind: Service, apiVersion: v1, metadata: {name: x}, spec: {selector: {a: b}, ports: [{name: http, port: 80}]}}",
    "{kind: Service, apiVersion: v1, metadata: {name: x}, spec: {selector: {a: b}, ports: [{name: http, port: 8080}]}}",
    ({ spec }: { spec: { ports: { port: number }[] } }) => spec.ports.map(({ port }) => port),
    [8080],
  ],
  [
    "an unnamed port is another one",
    "{kind: Service, apiVersion: v1, metadata: {name: x}, spec: {selector: {a: b}, ports: [{port: 80}]}}",
    "{kind: Service, apiVersion: v1, metadata: {name: x}, spec: {selector: {a: b}, ports: [{port: 81}]}}",
    ({ spec }: { spec: { ports: { port: number }[] } }) => spec.ports.map(({ port }) => port),
    [81],
  ],
  [
    "a sidecar, its environment and a probe are gone",
    "{kind: Deployment, apiVersion: apps/v1, metadata: {name: x}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i, env: [{name: E, value: '1'}, {name: F, value: '2'}], readinessProbe: {httpGet: {port: 80}}}, {name: side, image: j}]}}}}",
    "{kind: Deployment, apiVersion: apps/v1, metadata: {name: x}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i, env: [{name: F, value: '2'}]}]}}}}",
    ({
      spec,
    }: {
      spec: {
        template: {
          spec: { containers: { name: string; env: unknown; readinessProbe?: unknown }[] };
        };
      };
    }) =>
      spec.template.spec.containers.map(({ name, env, readinessProbe }) => [
        name,
        env,
        readinessProbe,
      ]),
    [["c", [{ name: "F", value: "2" }], undefined]],
  ],
];
for (const [what, before, after, at, expected] of edits)
  test(`applied again: ${what}`, () => {
    const cluster = createCluster({ nodes: 1 });
    cluster.apply(before);
    const [changed] = cluster.apply(after);
    assert.equal(at(changed as never), expected);
  });

test("an update that leaves nodePort out keeps it, by the port's name", () => {
  const cluster = createCluster({ nodes: 1 });
  const ports = (port: number) =>
    `{kind: Service, apiVersion: v1, metadata: {name: x}, spec: {type: NodePort, selector: {a: b}, ports: [{name: http, port: ${port}}]}}`;
  const [made] = cluster.apply(ports(80));
  const [changed] = cluster.apply(ports(81));
  const nodePort = (one: unknown) =>
    (one as { spec: { ports: { nodePort: number }[] } }).spec.ports[0]!.nodePort;
  assert.is(nodePort(changed), nodePort(made));
});

test("a refused apply leaves no trace in those that follow", () => {
  const cluster = createCluster({ nodes: 1 });
  const apply = (labels: string, nodePort = "") =>
    cluster.apply(
      manifest(
        "Service",
        `{type: NodePort, ports: [{port: 80 ${nodePort}}]}`,
        `{name: web, labels: ${labels}}`,
      ),
    );
  apply("{keep: a, app: web}");
  assert.is(refusal(() => apply("{app: web}", ", nodePort: 79")).code, 422);
  assert.is(cluster.get("Service", "web").metadata.labels?.["keep"], "a");
  apply("{app: web}");
  assert.equal(cluster.get("Service", "web").metadata.labels, { app: "web" });
});

test("what a dump holds that is no address is said with file, document, object and field", () => {
  const dump = (object: object) =>
    parse(JSON.stringify({ apiVersion: "v1", metadata: { name: "a" }, ...object }), {
      as: "dump",
      source: "dump.json",
    });
  assert.throws(
    () => dump({ kind: "Node", spec: { podCIDRs: ["None"] } }),
    'dump.json, document 1: Node "a", spec.podCIDRs[0]: Invalid value: "None": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
  );
  assert.throws(
    () => dump({ kind: "Node", status: { addresses: [{ type: "InternalIP" }] } }),
    'dump.json, document 1: Node "a", status.addresses[0].address: Invalid value: "": must be a valid IP address',
  );
  assert.throws(
    () => dump({ kind: "Service", spec: { ports: [{ port: 70000 }] } }),
    'dump.json, document 1: Service "a", spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
  );
});

// ---- hooks, and where traffic goes ----

for (const [lifecycle, problem] of [
  ["{preStop: {sleep: {seconds: abc}}}", "lifecycle.preStop.sleep.seconds: got the text"],
  [
    "{preStop: {sleep: {seconds: -1}}}",
    "lifecycle.preStop.sleep: Invalid value: -1: must be non-neg",
  ],
  [
    "{preStop: {sleep: {seconds: 31}}}",
    "lifecycle.preStop.sleep: Invalid value: 31: must be non-neg",
  ],
  ["{preStop: {}}", "lifecycle.preStop: Required value: must specify a handler type"],
  ["{postStart: {exec: {}}}", "lifecycle.postStart.exec.command: Required value"],
  [
    "{preStop: {exec: {command: [a]}, sleep: {seconds: 1}}}",
    "lifecycle.preStop.sleep: Forbidden: may not specify more than 1 handler type",
  ],
] as const)
  test(`a container with lifecycle ${lifecycle} is refused`, () => {
    const container = `{name: a, image: nginx, lifecycle: ${lifecycle}}`;
    assert.throws(() => parse(manifest("Pod", `{containers: [${container}]}`)), problem);
  });

for (const distribution of ["PreferClose", "PreferSameZone", "PreferSameNode"])
  test(`trafficDistribution ${distribution} is taken, and ends in hints`, () => {
    const cluster = createCluster({
      nodes: [
        { name: "node-a", zone: "a" },
        { name: "node-b", zone: "b" },
      ],
      cloud: aws(),
    });
    for (const name of ["one", "two"])
      cluster.apply(
        manifest(
          "Pod",
          "{containers: [{name: a, image: nginx}]}",
          `{name: ${name}, labels: {app: web}}`,
        ),
      );
    cluster.apply(
      service(`{selector: {app: web}, ${ports}, trafficDistribution: ${distribution}}`),
    );
    cluster.settle();
    const [slice] = cluster.list("EndpointSlice", {
      labelSelector: "kubernetes.io/service-name=web",
    });
    for (const { hints, zone, nodeName } of slice!.endpoints)
      assert.equal(hints, {
        ...(distribution === "PreferSameNode" && { forNodes: [{ name: nodeName }] }),
        forZones: [{ name: zone }],
      });
  });

test("any other trafficDistribution is refused with those that there are", () =>
  assert.throws(
    () => parse(service(`{${ports}, trafficDistribution: Near}`)),
    'spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
  ));

test("session affinity None keeps no configuration, a timeout of 0 is no timeout", () => {
  const { client } = newServer();
  const make = (name: string, spec: Service["spec"]) =>
    client.create({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { ports: [{ port: 80 }], ...spec },
    }).spec;
  const timeout = (timeoutSeconds: number) => ({ clientIP: { timeoutSeconds } });
  assert.is(make("a", { sessionAffinityConfig: timeout(1) }).sessionAffinityConfig, undefined);
  const affine = { sessionAffinity: "ClientIP" as const };
  assert.equal(make("b", affine).sessionAffinityConfig, timeout(10_800));
  assert.match(
    refusal(() => make("c", { ...affine, sessionAffinityConfig: timeout(0) })).message,
    /timeoutSeconds: Invalid value: 0: must be greater than 0/,
  );
});

test("an object that was changed since it was read is a conflict, as for kubectl", () => {
  const cluster = createCluster({ nodes: 1 });
  const [read] = cluster.apply(service(`{${ports}}`)) as [Service];
  cluster.patch("Service", "web", { metadata: { labels: { tier: "front" } } });
  const refused = refusal(() => cluster.apply({ ...read }));
  assert.is(refused.status.code, 409, refused.message);
  assert.ok(cluster.apply({ ...cluster.get("Service", "web") }));
});

// ---- dumps ----

const lived = () => {
  const cluster = createCluster({ nodes: 1 });
  const template =
    "{metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: nginx}]}}";
  const spec = `{selector: {matchLabels: {app: web}}, template: ${template}}`;
  cluster.apply(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: ${spec}}`);
  cluster.apply(service(`{selector: {app: web}, ${ports}}`));
  cluster.settle();
  return cluster;
};
const printed = (items: readonly object[]) =>
  JSON.stringify({ apiVersion: "v1", kind: "List", items });

test("what a cluster printed is no snapshot where it was read to be applied", () => {
  const cluster = lived();
  for (const kind of ["Service", "Pod", "Node"] as const) {
    const text = printed(cluster.list(kind));
    const read = parse(text, { source: "dump.json" });
    assert.ok(
      read.notices?.some(({ isServersOwn }) => isServersOwn),
      kind,
    );
    assert.throws(
      () => openSnapshot(read),
      (error: Error) =>
        /^openSnapshot: dump.json, document 1: .+ read a dump with \{ as: "dump" \}$/.test(
          error.message,
        ),
      kind,
    );
    assert.is(
      openSnapshot(parse(text, { as: "dump" })).list(kind).length,
      cluster.list(kind).length,
    );
  }
  assert.is(openSnapshot(parse(service(`{${ports}}`))).list("Service").length, 1, "by hand");
});

test("a dump without slices has those that the controller would make, zones and hints included", () => {
  const cluster = lived();
  cluster.patch("Node", "node-a", {
    metadata: { labels: { "topology.kubernetes.io/zone": "z1" } },
  });
  cluster.patch("Service", "web", { spec: { trafficDistribution: "PreferSameZone" } });
  cluster.settle();
  const all = (["Node", "Pod", "Service"] as const).flatMap((kind) => [...cluster.list(kind)]);
  const dump = parse(printed(all), { as: "dump" });
  const ofWeb = { labelSelector: "kubernetes.io/service-name=web" };
  const made = openSnapshot(dump).list("EndpointSlice");
  const [real] = cluster.list("EndpointSlice", ofWeb);
  assert.equal(
    made.map(({ addressType, ports, endpoints }) => ({ addressType, ports, endpoints })),
    [{ addressType: "IPv4", ports: real!.ports, endpoints: real!.endpoints }],
  );
  assert.is(real!.endpoints[0]!.zone, "z1");
});

test.run();
