import { test } from "uvu";
import * as assert from "uvu/assert";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { endpointsController } from "stopover/internal/controllers/endpoints";
import { endpointSliceController } from "stopover/internal/controllers/endpointslice";
import { context, run } from "stopover/internal/machinery/controller";
import { Random } from "stopover/internal/machinery/random";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import type { EndpointSlice, Pod, Service } from "stopover/internal/objects/types";
import { deployment, harness, service, type Harness } from "./control-harness.js";

/** Only the two endpoint controllers; the test plays all the others. */
function world(serviceCIDRs = ["10.2.0.0/16"]) {
  const clock = new VirtualClock();
  const random = new Random(1);
  const server = new ApiServer({ clock, random: random.fork("apiserver").next, serviceCIDRs });
  const surroundings = { clock, random, connect: (who: string) => server.client(who) };
  const ours = context("kube-controller-manager", surroundings);
  run(endpointSliceController(ours), ours);
  run(endpointsController(ours), ours);
  ours.informers.start();
  const client = server.client("test");
  const settle = () => clock.settle();
  return {
    clock,
    server,
    client,
    settle,
    slices: () => client.list("EndpointSlice").items as EndpointSlice[],
  };
}
type World = ReturnType<typeof world>;

let serial = 0;
function pod(
  { client }: World,
  name: string,
  {
    labels = { app: "web" },
    ips = [`10.1.${1 + (++serial >> 8)}.${serial & 255}`],
    ready = true,
    node = "node-a",
    ports = [{ name: "http", containerPort: 80 }],
  }: {
    labels?: Record<string, string>;
    ips?: string[] | undefined;
    ready?: boolean;
    node?: string;
    ports?: { name: string; containerPort: number }[];
  } = {},
): Pod {
  const made = client.create<Pod>({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels },
    spec: { nodeName: node, containers: [{ name: "c", image: "nginx", ports }] },
  });
  return setStatus(client, made, ips, ready);
}

function setStatus(
  client: World["client"],
  pod: Pod,
  ips: string[],
  ready: boolean,
  phase: "Running" | "Succeeded" = "Running",
): Pod {
  return client.updateStatus<Pod>({
    ...pod,
    status: {
      phase,
      podIPs: ips.map((ip) => ({ ip })),
      ...(ips[0] && { podIP: ips[0] }),
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    },
  });
}

const shown = (slices: readonly EndpointSlice[]) =>
  slices
    .flatMap(({ endpoints }) => endpoints)
    .map(
      ({ addresses, conditions }) =>
        `${addresses} ${
          Object.entries(conditions!)
            .filter(([, value]) => value)
            .map(([key]) => key)
            .join(" ") || "-"
        }`,
    )
    .sort();

test("a Service without Pods has one empty slice, which is the one that the first Pod comes into", () => {
  const w = world();
  w.client.create(service("web"));
  w.settle();
  const [empty] = w.slices() as [EndpointSlice];
  assert.equal([w.slices().length, empty.endpoints, empty.ports], [1, [], []]);
  assert.match(empty.metadata.name, /^web-[a-z0-9]{5}$/);
  assert.equal(empty.metadata.labels, {
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
  });
  assert.equal(
    empty.metadata.ownerReferences?.map(({ kind, name, controller }) => [kind, name, controller]),
    [["Service", "web", true]],
  );
  pod(w, "a", { ips: ["10.1.1.2"] });
  w.settle();
  assert.equal(
    w.slices().map(({ metadata }) => metadata.name),
    [empty.metadata.name],
  );
  const [slice] = w.slices() as [EndpointSlice];
  assert.equal(slice.ports, [{ name: "http", port: 80, protocol: "TCP" }]);
  assert.equal(
    slice.endpoints.map(({ addresses, conditions, nodeName, targetRef }) => [
      addresses,
      conditions,
      nodeName,
      targetRef?.kind,
      targetRef?.name,
    ]),
    [[["10.1.1.2"], { ready: true, serving: true, terminating: false }, "node-a", "Pod", "a"]],
  );
  w.client.delete("Pod", "a", "default", { gracePeriodSeconds: 0 });
  w.settle();
  assert.equal(
    w.slices().map(({ metadata, endpoints, ports }) => [metadata.name, endpoints, ports]),
    [[empty.metadata.name, [], []]],
  );
});

test("who is ready, serving or terminating is told by the Pod", () => {
  const w = world();
  w.client.create(service("web"));
  pod(w, "ready", { ips: ["10.1.1.1"] });
  pod(w, "sick", { ips: ["10.1.1.2"], ready: false });
  pod(w, "unborn", { ips: [] });
  const done = pod(w, "done", { ips: ["10.1.1.4"] });
  setStatus(w.client, done, ["10.1.1.4"], false, "Succeeded");
  pod(w, "ending", { ips: ["10.1.1.5"] });
  pod(w, "ending-sick", { ips: ["10.1.1.6"], ready: false });
  for (const name of ["ending", "ending-sick"]) w.client.delete("Pod", name, "default");
  w.settle();
  assert.equal(shown(w.slices()), [
    "10.1.1.1 ready serving",
    "10.1.1.2 -",
    "10.1.1.5 serving terminating",
    "10.1.1.6 terminating",
  ]);
  w.client.patch("Service", "web", "default", {
    type: "merge",
    body: { spec: { publishNotReadyAddresses: true } },
  });
  w.settle();
  assert.equal(shown(w.slices()), [
    "10.1.1.1 ready serving",
    "10.1.1.2 ready",
    "10.1.1.5 ready serving terminating",
    "10.1.1.6 ready terminating",
  ]);
});

test("named target ports that differ between Pods go into slices of their own", () => {
  const w = world();
  w.client.create(service("web", { ports: [{ port: 80, targetPort: "http" }] }));
  pod(w, "a", { ips: ["10.1.1.1"] });
  pod(w, "b", { ips: ["10.1.1.2"], ports: [{ name: "http", containerPort: 8080 }] });
  pod(w, "c", { ips: ["10.1.1.3"], ports: [{ name: "other", containerPort: 1 }] });
  w.settle();
  assert.equal(
    w
      .slices()
      .map(({ ports, endpoints }) => [ports?.map(({ port }) => port), endpoints[0]!.addresses[0]])
      .sort(),
    [
      [[], "10.1.1.3"],
      [[80], "10.1.1.1"],
      [[8080], "10.1.1.2"],
    ],
  );
});

test("a dual-stack Service has slices of both families", () => {
  const w = world(["10.2.0.0/16", "fd00:2::/112"]);
  w.client.create(service("web", { ipFamilyPolicy: "RequireDualStack" }));
  pod(w, "a", { ips: ["10.1.1.2", "fd00:1::2"] });
  w.settle();
  assert.equal(
    w
      .slices()
      .map(({ addressType, endpoints }) => [
        addressType,
        endpoints.map(({ addresses }) => addresses),
      ])
      .sort(),
    [
      ["IPv4", [["10.1.1.2"]]],
      ["IPv6", [["fd00:1::2"]]],
    ],
  );
});

test("labels of the Service are labels of its slices; a headless Service is marked", () => {
  const w = world();
  w.client.create(service("web", { clusterIP: "None" }));
  w.settle();
  w.client.patch("Service", "web", "default", {
    type: "merge",
    body: { metadata: { labels: { team: "blue" } } },
  });
  w.settle();
  assert.equal(w.slices()[0]!.metadata.labels, {
    team: "blue",
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    "service.kubernetes.io/headless": "",
  });
  assert.is(
    w.client.get("Endpoints", "web").metadata.labels?.["endpoints.kubernetes.io/managed-by"],
    "endpoint-controller",
  );
});

test("a Service without a selector is left to the user, ExternalName has no endpoints", () => {
  const w = world();
  w.client.create({ ...service("mine"), spec: { ports: [{ port: 80 }] } });
  w.client.create({
    ...service("elsewhere"),
    spec: { type: "ExternalName", externalName: "example.com" },
  });
  w.settle();
  assert.equal([w.slices().length, w.client.list("Endpoints").items.length], [0, 0]);
});

test("trafficDistribution gives each ready endpoint its zone as a hint", () => {
  const w = world();
  w.client.create({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-a", labels: { "topology.kubernetes.io/zone": "zone-1" } },
    spec: {},
  });
  w.client.create(service("web", { trafficDistribution: "PreferClose" }));
  w.settle();
  pod(w, "a", { ips: ["10.1.1.1"] });
  pod(w, "b", { ips: ["10.1.1.2"], ready: false });
  w.settle();
  assert.equal(
    w.slices()[0]!.endpoints.map(({ zone, hints }) => [zone, hints]),
    [
      ["zone-1", { forZones: [{ name: "zone-1" }] }],
      ["zone-1", undefined],
    ],
  );
});

test("what fits to the last place comes into the slice that there is", () => {
  const w = world();
  w.client.create(service("web"));
  const sizes = () => w.slices().map(({ endpoints }) => endpoints.length);
  for (let i = 0; i < 60; i++) pod(w, `a${i}`);
  w.clock.settle();
  for (let i = 0; i < 40; i++) pod(w, `b${i}`);
  w.clock.settle();
  assert.equal(sizes(), [100]);
  pod(w, "c");
  w.clock.settle();
  assert.equal(sizes().sort(), [1, 100]);
});
test("slices hold a hundred; one Pod's change writes one slice", () => {
  const w = world();
  w.client.create(service("web"));
  for (let i = 0; i < 250; i++) pod(w, `p${i}`);
  w.settle();
  assert.equal(
    w
      .slices()
      .map(({ endpoints }) => endpoints.length)
      .sort((a, b) => a - b),
    [50, 100, 100],
  );
  const before = new Map(w.slices().map((slice) => [slice.metadata.name, slice]));
  setStatus(w.client, w.client.get("Pod", "p7"), [w.client.get("Pod", "p7").status!.podIP!], false);
  w.settle();
  const changed = w.slices().filter((slice) => before.get(slice.metadata.name) !== slice);
  assert.is(changed.length, 1);
  assert.is(
    changed[0]!.endpoints.filter(
      (endpoint) => !before.get(changed[0]!.metadata.name)!.endpoints.includes(endpoint),
    ).length,
    1,
    "the other 99 are shared, not copied",
  );
});

test("a slice that somebody else changed or deleted is put right", () => {
  const w = world();
  w.client.create(service("web"));
  for (let i = 0; i < 120; i++) pod(w, `p${i}`);
  w.settle();
  const right = shown(w.slices());
  const [first, second] = w.slices() as [EndpointSlice, EndpointSlice];
  w.client.update<EndpointSlice>({ ...first, endpoints: first.endpoints.slice(5) });
  w.settle();
  assert.equal(shown(w.slices()), right);
  w.client.delete("EndpointSlice", second.metadata.name, "default");
  w.settle();
  assert.equal(shown(w.slices()), right);
});

test("law: after any history of Pods and Services, the slices say exactly what the Pods are", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const w = world();
    const random = new Random(seed);
    const names = Array.from({ length: 150 }, (_, i) => `p${i}`);
    const labels = () => (random.between(0, 4) === 0 ? { app: "other" } : { app: "web" });
    w.client.create(service("web"));
    for (let step = 0; step < 400; step++) {
      const name = names[random.between(0, names.length - 1)]!;
      const present = w.client.list("Pod").items.find(({ metadata }) => metadata.name === name);
      const what = random.between(0, 9);
      if (!present)
        pod(w, name, {
          labels: labels(),
          ready: random.between(0, 1) === 0,
          ips: random.between(0, 5) === 0 ? [] : undefined,
        });
      else if (what < 4)
        setStatus(
          w.client,
          present,
          present.status?.podIP ? [present.status.podIP] : [`10.9.${seed}.${step & 255}`],
          random.between(0, 1) === 0,
        );
      else if (what < 6)
        w.client.delete("Pod", name, "default", { gracePeriodSeconds: random.between(0, 1) * 30 });
      else if (what < 7)
        w.client.patch("Pod", name, "default", {
          type: "merge",
          body: { metadata: { labels: labels() } },
        });
      else if (what < 8 && step % 50 === 0)
        w.client.patch("Service", "web", "default", {
          type: "merge",
          body: { metadata: { labels: { step: String(step) } } },
        });
      else if (what < 9) w.clock.advance(random.between(0, 60));
    }
    w.settle();
    const expected = w.client
      .list("Pod")
      .items.filter(({ metadata, status }) => metadata.labels?.app === "web" && status?.podIP)
      .map(({ metadata, status }) => {
        const [serving, terminating] = [
          status!.conditions![0]!.status === "True",
          metadata.deletionTimestamp !== undefined,
        ];
        return `${status!.podIP} ${[serving && !terminating && "ready", serving && "serving", terminating && "terminating"].filter(Boolean).join(" ") || "-"}`;
      })
      .sort();
    assert.equal(shown(w.slices()), expected, `seed ${seed}`);
    for (const { endpoints } of w.slices()) assert.ok(endpoints.length <= 100);
  }
});

test("law: a controller that starts late comes to the same endpoints as one that saw everything", () => {
  const w = world();
  w.client.create(service("web"));
  for (let i = 0; i < 230; i++) pod(w, `p${i}`, { ready: i % 3 > 0 });
  w.settle();
  const before = w.slices();
  const late = context("kube-controller-manager", {
    clock: w.clock,
    random: new Random(2),
    connect: (who) => w.server.client(who),
  });
  run(endpointSliceController(late), late);
  late.informers.start();
  w.settle();
  assert.equal(
    w.slices().map(({ metadata }) => metadata.resourceVersion),
    before.map(({ metadata }) => metadata.resourceVersion),
    "it finds nothing to write",
  );
});

test("Endpoints: ready and not ready addresses, a thousand at most", () => {
  const w = world();
  w.client.create(service("web"));
  pod(w, "a", { ips: ["10.1.1.1"] });
  pod(w, "b", { ips: ["10.1.1.2"], ready: false });
  w.settle();
  const [subset] = w.client.get("Endpoints", "web").subsets!;
  assert.equal(
    [
      subset!.addresses?.map(({ ip }) => ip),
      subset!.notReadyAddresses?.map(({ ip }) => ip),
      subset!.ports,
    ],
    [["10.1.1.1"], ["10.1.1.2"], [{ name: "http", port: 80, protocol: "TCP" }]],
  );
  for (let i = 0; i < 1_010; i++) pod(w, `p${i}`);
  w.settle();
  const full = w.client.get("Endpoints", "web");
  assert.equal(
    [
      full.subsets!.reduce(
        (sum, { addresses = [], notReadyAddresses = [] }) =>
          sum + addresses.length + notReadyAddresses.length,
        0,
      ),
      full.metadata.annotations,
    ],
    [1_000, { "endpoints.kubernetes.io/over-capacity": "truncated" }],
  );
  w.client.delete("Service", "web", "default");
  w.settle();
  assert.is(w.client.list("Endpoints").items.length, 0);
});

// ---- with the whole control plane

function running(): Harness {
  const h = harness();
  h.clock.settle();
  h.client.create(deployment("web", 3));
  h.client.create(service("web"));
  h.clock.settle();
  return h;
}

test("a Pod that ends is a terminating endpoint until it is gone", () => {
  const h = running();
  const [first] = h.all("Pod") as [Pod];
  h.client.delete("Pod", first.metadata.name, "default");
  h.clock.advance(200);
  const mine = () =>
    h
      .all("EndpointSlice")
      .flatMap(({ endpoints }) => endpoints)
      .find(({ targetRef }) => targetRef?.name === first.metadata.name);
  assert.equal(mine()?.conditions, { ready: false, serving: true, terminating: true });
  h.clock.settle();
  assert.is(mine(), undefined);
  assert.is(h.all("EndpointSlice").flatMap(({ endpoints }) => endpoints).length, 3);
});

test("a slice that is there twice lets go of its Pods, and no gone Pod stays in it", () => {
  const w = world();
  w.client.create(service("web"));
  for (const name of ["a", "b"]) pod(w, name);
  w.settle();
  // as one whose making was answered by nobody, so that it was made again
  const [{ metadata, ...rest }] = w.slices() as [EndpointSlice];
  const { labels = {}, ownerReferences = [] } = metadata;
  w.client.create({ ...rest, metadata: { name: "web-twin", labels, ownerReferences } });
  w.settle();
  const names = () =>
    w.slices().flatMap(({ endpoints }) => endpoints.map(({ targetRef }) => targetRef!.name!));
  assert.equal(names().sort(), ["a", "b"]);
  w.client.delete("Pod", "a", "default", { gracePeriodSeconds: 0 });
  w.settle();
  assert.equal(names(), ["b"]);
});

test("a Service that is deleted takes its slices with it", () => {
  const h = running();
  h.client.delete("Service", "web", "default");
  h.clock.settle();
  assert.equal(
    [h.all("EndpointSlice").length, h.all("Endpoints").length, h.all("Pod").length],
    [0, 0, 3],
  );
});

test("a Service that is made anew under the same name gets slices of its own", () => {
  const h = running();
  h.client.delete("Service", "web", "default");
  const again = h.client.create<Service>(service("web"));
  h.clock.settle();
  assert.equal(
    h
      .all("EndpointSlice")
      .map(({ metadata, endpoints }) => [
        metadata.ownerReferences?.[0]?.uid === again.metadata.uid,
        endpoints.length,
      ]),
    [[true, 3]],
  );
});

test.run();
