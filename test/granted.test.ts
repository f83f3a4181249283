/** What is said of a Pod that runs only if its image, its volume or its command do as hoped. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCluster, openSnapshot, parse, type Pod } from "stopover";
import { grantedTo } from "stopover/internal/node/granted";

const pod = (container: object, spec: object = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default", labels: { app: "web" } },
  spec: {
    containers: [
      { name: "c", image: "shop:1", ports: [{ containerPort: 8080 }], ...container },
    ] as Pod["spec"]["containers"],
    ...spec,
  },
});
const fields = (of: Pod) => grantedTo(of).map(({ field }) => field);

const rows: [says: string, container: object, spec: object, fields: string[]][] = [
  ["nothing to be hoped for", {}, {}, []],
  [
    "a page of an unknown image",
    { readinessProbe: { httpGet: { path: "/", port: 1 } } },
    {},
    ["spec.containers[0].readinessProbe"],
  ],
  [
    "the front page of nginx",
    { image: "r:5000/nginx:1", readinessProbe: { httpGet: { path: "/", port: 1 } } },
    {},
    [],
  ],
  [
    "another page of nginx",
    { image: "nginx", livenessProbe: { httpGet: { path: "/healthz", port: 1 } } },
    {},
    ["spec.containers[0].livenessProbe"],
  ],
  [
    "any page of whoami",
    { image: "traefik/whoami", startupProbe: { httpGet: { path: "/x", port: 1 } } },
    {},
    [],
  ],
  ["a port that it declares", { readinessProbe: { tcpSocket: { port: 8080 } } }, {}, []],
  [
    "a port that it does not declare",
    { readinessProbe: { tcpSocket: { port: 1 } } },
    {},
    ["spec.containers[0].readinessProbe"],
  ],
  [
    "a command",
    { readinessProbe: { exec: { command: ["true"] } } },
    {},
    ["spec.containers[0].readinessProbe"],
  ],
  ["gRPC", { livenessProbe: { grpc: { port: 1 } } }, {}, ["spec.containers[0].livenessProbe"]],
  [
    "a hook at the start",
    { lifecycle: { postStart: { exec: { command: ["x"] } } } },
    {},
    ["spec.containers[0].lifecycle.postStart"],
  ],
  [
    "an image that nobody fetches",
    { imagePullPolicy: "Never" },
    {},
    ["spec.containers[0].imagePullPolicy"],
  ],
  [
    "an image that must not be root",
    { securityContext: { runAsNonRoot: true } },
    {},
    ["spec.containers[0].securityContext.runAsNonRoot"],
  ],
  [
    "the same for the Pod",
    {},
    { securityContext: { runAsNonRoot: true } },
    ["spec.securityContext.runAsNonRoot"],
  ],
  [
    "a claim",
    {},
    { volumes: [{ name: "d", persistentVolumeClaim: { claimName: "data" } }] },
    ["spec.volumes[0].persistentVolumeClaim"],
  ],
];
for (const [says, container, spec, expected] of rows)
  test(`taken for granted: ${says}`, () => assert.equal(fields(pod(container, spec)), expected));

test("a Pod of a dump that says Running has got through all that", () => {
  const hopeful = pod({ imagePullPolicy: "Never" });
  assert.equal(fields({ ...hopeful, status: { phase: "Running" } }), []);
  assert.is(fields({ ...hopeful, status: { phase: "Pending" } }).length, 1);
});

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
};

test("journeys and why say it, of a living cluster and not of a dump", () => {
  const hopeful = pod({ lifecycle: { postStart: { exec: { command: ["x"] } } } });
  const cluster = createCluster({ nodes: 1 });
  cluster.apply(hopeful);
  cluster.apply(service);
  cluster.settle();
  const { clusterIP } = cluster.get("Service", "web").spec;
  const hook = (assumed: readonly { field: string }[]) =>
    assumed.some(({ field }) => field === "spec.containers[0].lifecycle.postStart");
  assert.ok(hook(cluster.request(`http://${clusterIP}/`, { from: "node/node-a" }).assumed));
  assert.ok(hook(cluster.why("web").assumed));
  const objects = (["Node", "Pod", "Service", "EndpointSlice"] as const).flatMap((kind) =>
    cluster.list(kind),
  );
  const dump = openSnapshot(
    parse(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }), { as: "dump" }),
  );
  assert.not.ok(hook(dump.request(`http://${clusterIP}/`, { from: "node/node-a" }).assumed));
});

test("ConfigMaps and Secrets that nobody made, as long as that is so", () => {
  const cluster = createCluster({ nodes: 1 });
  const env = [
    { name: "A", valueFrom: { secretKeyRef: { name: "keys", key: "a" } } },
    { name: "B", valueFrom: { configMapKeyRef: { name: "may-be", key: "b", optional: true } } },
  ];
  const volumes = [
    { name: "s", secret: { secretName: "tls" } },
    { name: "p", projected: { sources: [{ configMap: { name: "conf" } }] } },
  ];
  const envFrom = [{ configMapRef: { name: "conf" } }];
  cluster.apply(pod({ image: "nginx", env, envFrom }, { volumes }));
  cluster.settle();
  const said = () => {
    const { podIP } = cluster.get("Pod", "web").status!;
    const { assumed } = cluster.request(`http://${podIP}/`, { from: "node/node-a" });
    return assumed.flatMap(({ object, field, sentence }) => {
      const [, what] = /^(.+) is taken to be there, and to hold/.exec(sentence) ?? [];
      return what === undefined ? [] : [`${object}, ${field}: ${what}`];
    });
  };
  const web = "Pod default/web, spec";
  const [tls, conf, keys] = [
    `${web}.volumes[0]: Secret tls`,
    `${web}.volumes[1]: ConfigMap conf`,
    `${web}.containers[0]: Secret keys`,
  ];
  assert.equal(said(), [tls, conf, keys]);
  cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "conf" }, data: {} });
  cluster.apply({ apiVersion: "v1", kind: "Secret", metadata: { name: "keys" } });
  assert.equal(said(), [tls, keys], "the key a is not in it");
  cluster.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "keys" },
    stringData: { a: "" },
  });
  assert.equal(said(), [tls]);
});

test("a container that is killed for its liveness probe listens no more until it runs again", () => {
  const cluster = createCluster({ nodes: 1 });
  const livenessProbe = { httpGet: { port: 9999 } };
  cluster.apply(pod({ image: "nginx", ports: [{ containerPort: 80 }], livenessProbe }));
  cluster.settle();
  const [{ status }] = cluster.list("Pod") as [Pod];
  const ask = () =>
    cluster.request(`http://${status?.podIP}/`, { from: "node/node-a" }).disposition;
  assert.is(ask(), "delivered");
  const seen = new Set<string>();
  for (let minute = 0; minute < 12; minute++) {
    cluster.advance("20s");
    const [{ status }] = cluster.list("Pod") as [Pod];
    const isWaiting = status?.containerStatuses?.[0]?.state?.waiting !== undefined;
    seen.add(`${isWaiting ? "waiting" : "running"}: ${ask()}`);
  }
  assert.equal([...seen].sort(), ["running: delivered", "waiting: port not listening"]);
});

test("a container whose image nobody has listens on nothing", () => {
  const cluster = createCluster({ nodes: 1 });
  cluster.apply(pod({ image: "shop:bad" }));
  cluster.settle();
  const [{ status }] = cluster.list("Pod") as [Pod];
  const asked = cluster.request(`http://${status?.podIP}:8080/`, { from: "node/node-a" });
  assert.is(asked.disposition, "port not listening");
});

test.run();
