import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { WatchEvent } from "stopover/internal/api/client";
import type { Event, KubeObject, Pod, Service } from "stopover/internal/objects/types";
import { MemoryStore } from "stopover/internal/store/memory";
import { deployment, newServer, pod, refusal, service, told } from "./apiserver-harness.js";

const test = suite("API server");

const event = (name: string, time: number): Event => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name },
  involvedObject: { kind: "Pod", name: "web", namespace: "default" },
  reason: "Tested",
  message: "all is well",
  type: "Normal",
  count: 1,
  lastTimestamp: `${new Date(time).toISOString().slice(0, 19)}Z`,
});

test("what it creates has a name, a uid, a birthday, a revision and its defaults", () => {
  const { client } = newServer();
  const made = client.create(pod("", {}, { name: undefined!, generateName: "web-" }));
  assert.match(made.metadata.name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.match(
    made.metadata.uid!,
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.equal(
    [
      made.metadata.namespace,
      made.metadata.creationTimestamp,
      made.status,
      made.spec.restartPolicy,
    ],
    ["default", "2024-01-21T05:09:08Z", { phase: "Pending", qosClass: "BestEffort" }, "Always"],
  );
  assert.is(client.get("Pod", made.metadata.name), made);
  assert.equal(refusal(() => client.create(pod(made.metadata.name))).status, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: `pods "${made.metadata.name}" already exists`,
    reason: "AlreadyExists",
    details: { name: made.metadata.name, kind: "pods" },
    code: 409,
  });
});

test("the article's Service gets what Kubernetes gives it, numbers included, within the create", () => {
  const { client } = newServer({
    serviceCIDRs: ["10.2.0.0/16"],
    first: { clusterIP: "10.2.1.1", nodePort: 30519 },
  });
  const { spec, status } = client.create(
    service("nginx", {
      selector: { app: "nginx" },
      type: "LoadBalancer",
      ports: [{ name: "http", port: 8080, targetPort: 80 }],
    }),
  );
  assert.equal(spec, {
    selector: { app: "nginx" },
    type: "LoadBalancer",
    ports: [{ name: "http", port: 8080, targetPort: 80, protocol: "TCP", nodePort: 30519 }],
    sessionAffinity: "None",
    externalTrafficPolicy: "Cluster",
    internalTrafficPolicy: "Cluster",
    allocateLoadBalancerNodePorts: true,
    ipFamilyPolicy: "SingleStack",
    ipFamilies: ["IPv4"],
    clusterIP: "10.2.1.1",
    clusterIPs: ["10.2.1.1"],
  });
  assert.equal(status, { loadBalancer: {} });
});

test("two writers: the one who read the older version is refused with 409", () => {
  const { client } = newServer();
  const read = client.create(service("nginx"));
  client.update({ ...read, metadata: { ...read.metadata, labels: { a: "b" } } });
  const late = refusal(() =>
    client.update({ ...read, metadata: { ...read.metadata, labels: { c: "d" } } }),
  );
  assert.equal(
    [late.code, late.message],
    [
      409,
      'Operation cannot be fulfilled on services "nginx": the object has been modified; please apply your changes to the latest version and try again',
    ],
  );
  const { resourceVersion: _, ...whatever } = read.metadata;
  assert.equal(
    client.update({ ...read, metadata: { ...whatever, labels: { c: "d" } } }).metadata.labels,
    { c: "d" },
  );
});

test("an update that changes nothing writes nothing", () => {
  const { client, server } = newServer();
  const made = client.create(service("nginx"));
  const before = server.store.revision;
  assert.is(client.update(made), made);
  assert.is(
    client.patch("Service", "nginx", undefined, {
      type: "merge",
      body: { spec: { type: "ClusterIP" } },
    }),
    made,
  );
  assert.is(server.store.revision, before);
});

test("spec and status are written apart; generation counts the spec's changes", () => {
  const { client } = newServer();
  const made = client.create({ ...deployment("d"), status: { replicas: 9 } });
  assert.equal([made.status, made.metadata.generation], [{}, 1]);
  const withStatus = client.updateStatus({
    ...made,
    spec: { ...made.spec, replicas: 9 },
    status: { replicas: 1 },
  });
  assert.equal(
    [withStatus.status, withStatus.spec.replicas, withStatus.metadata.generation],
    [{ replicas: 1 }, 1, 1],
  );
  const scaled = client.update({
    ...withStatus,
    spec: { ...withStatus.spec, replicas: 3 },
    status: {},
  });
  assert.equal(
    [scaled.status, scaled.spec.replicas, scaled.metadata.generation],
    [{ replicas: 1 }, 3, 2],
  );
  assert.is(
    client.patch(
      "Deployment",
      "d",
      undefined,
      { type: "merge", body: { spec: { replicas: 5 } } },
      { subresource: "scale" },
    ).spec.replicas,
    5,
  );
});

test("unknown fields and wrong types are refused with Go's words, or dropped as asked", () => {
  const { client } = newServer();
  const odd = service("x", { ports: [{ port: 80 }], colour: "red" } as Service["spec"]);
  assert.is(
    refusal(() => client.create(odd)).message,
    'Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.colour"',
  );
  const warnings: string[] = [];
  const made = client.create(odd, {
    fieldValidation: "Warn",
    onWarning: (text) => warnings.push(text),
  });
  assert.equal([warnings, "colour" in made.spec], [['unknown field "spec.colour"'], false]);
  assert.is(
    refusal(() => client.create(service("y", { ports: [{ port: "80" as never }] }))).message,
    'Service in version "v1" cannot be handled as a Service: json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32',
  );
});

test("dryRun does everything but store: numbers are given back", () => {
  const { client, server } = newServer({ first: { clusterIP: "10.96.5.5" } });
  const before = server.store.revision;
  assert.is(client.create(service("x"), { dryRun: true }).spec.clusterIP, "10.96.5.5");
  assert.is(server.store.revision, before);
  assert.is(refusal(() => client.get("Service", "x")).code, 404);
  assert.is(
    client.create(service("y", { clusterIP: "10.96.5.5", ports: [{ port: 80 }] })).spec.clusterIP,
    "10.96.5.5",
  );
  client.delete("Service", "y", undefined, { dryRun: true });
  assert.ok(client.get("Service", "y"));
});

test("a Pod on a node ends gracefully, one that nobody runs goes at once", () => {
  const { client } = newServer();
  client.create(pod("waiting"));
  client.delete("Pod", "waiting");
  assert.is(refusal(() => client.get("Pod", "waiting")).message, 'pods "waiting" not found');

  client.create(pod("running"));
  const bound = client.bind("running", undefined, "node-a");
  assert.equal(
    [bound.spec.nodeName, bound.status!.conditions!.map(({ type, status }) => `${type}=${status}`)],
    ["node-a", ["PodScheduled=True"]],
  );
  client.delete("Pod", "running");
  const { deletionTimestamp, deletionGracePeriodSeconds } = client.get("Pod", "running").metadata;
  assert.equal([deletionTimestamp, deletionGracePeriodSeconds], ["2024-01-21T05:09:38Z", 30]);
  client.delete("Pod", "running", undefined, { gracePeriodSeconds: 5 });
  assert.is(client.get("Pod", "running").metadata.deletionGracePeriodSeconds, 5);
  client.delete("Pod", "running", undefined, { gracePeriodSeconds: 60 });
  assert.is(
    client.get("Pod", "running").metadata.deletionGracePeriodSeconds,
    5,
    "a longer grace does not lengthen a shorter one",
  );
  assert.match(
    refusal(() => client.bind("running", undefined, "node-b")).message,
    /pods\/binding "running": pod running is being deleted/,
  );
  client.delete("Pod", "running", undefined, { gracePeriodSeconds: 0 });
  assert.is(refusal(() => client.get("Pod", "running")).code, 404);
});

test("finalizers hold an object until the last one is gone", () => {
  const { client } = newServer();
  const made = client.create(
    service("nginx", undefined, { finalizers: ["service.kubernetes.io/load-balancer-cleanup"] }),
  );
  client.delete("Service", "nginx");
  const dying = client.get("Service", "nginx");
  assert.ok(dying.metadata.deletionTimestamp);
  assert.match(
    refusal(() =>
      client.patch("Service", "nginx", undefined, {
        type: "merge",
        body: {
          metadata: { finalizers: ["a.b/c", "service.kubernetes.io/load-balancer-cleanup"] },
        },
      }),
    ).message,
    /metadata\.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"a\.b\/c"\}/,
  );
  client.update({ ...dying, metadata: { ...dying.metadata, finalizers: [] } });
  assert.is(refusal(() => client.get("Service", "nginx")).code, 404);
  assert.is(
    client.create(service("other", { clusterIP: made.spec.clusterIP!, ports: [{ port: 80 }] })).spec
      .clusterIP,
    made.spec.clusterIP,
    "its ClusterIP is free again",
  );
});

test("propagationPolicy leaves its mark for the garbage collector", () => {
  const { client } = newServer();
  for (const [name, policy, finalizer] of [
    ["a", "Foreground", "foregroundDeletion"],
    ["b", "Orphan", "orphan"],
  ] as const) {
    client.create(deployment(name));
    client.delete("Deployment", name, undefined, { propagationPolicy: policy });
    assert.equal(client.get("Deployment", name).metadata.finalizers, [finalizer]);
  }
  client.create(deployment("c"));
  client.delete("Deployment", "c", undefined, { propagationPolicy: "Background" });
  assert.is(refusal(() => client.get("Deployment", "c")).code, 404);
});

test("deletion with preconditions", () => {
  const { client } = newServer();
  const { metadata } = client.create(service("nginx"));
  assert.match(
    refusal(() => client.delete("Service", "nginx", undefined, { uid: "other" })).message,
    /the UID in the precondition \(other\) does not match the UID in record \(/,
  );
  assert.is(
    refusal(() => client.delete("Service", "nginx", undefined, { resourceVersion: "1" })).code,
    409,
  );
  client.delete("Service", "nginx", undefined, {
    uid: metadata.uid!,
    resourceVersion: metadata.resourceVersion!,
  });
});

test("namespaces: four to begin with, three for ever, none to be created into while ending", () => {
  const { client } = newServer();
  assert.equal(
    client.list("Namespace").items.map(({ metadata }) => metadata.name),
    ["default", "kube-node-lease", "kube-public", "kube-system"],
  );
  assert.is(
    refusal(() => client.create(pod("p", {}, { namespace: "nowhere" }))).message,
    'namespaces "nowhere" not found',
  );
  assert.is(
    refusal(() => client.delete("Namespace", "default")).message,
    'namespaces "default" is forbidden: this namespace may not be deleted',
  );
  client.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  client.delete("Namespace", "shop");
  const ending = client.get("Namespace", "shop");
  assert.is(ending.status!.phase, "Terminating");
  assert.is(
    refusal(() => client.create(pod("p", {}, { namespace: "shop" }))).message,
    'pods "p" is forbidden: unable to create new content in namespace shop because it is being terminated',
  );
  client.update({ ...ending, spec: { finalizers: [] } });
  assert.equal(client.get("Namespace", "shop").spec, { finalizers: ["kubernetes"] });
  client.update({ ...ending, spec: { finalizers: [] } }, { under: "finalize" });
  assert.is(refusal(() => client.get("Namespace", "shop")).code, 404);
});

test("lists: by namespace, label and field, in pages of one revision", () => {
  const { client } = newServer();
  for (let i = 0; i < 10; i++)
    client.create(pod(`p${i}`, {}, { labels: { even: String(i % 2 === 0) } }));
  client.create(pod("p0", {}, { namespace: "kube-system" }));
  const names = (options: Parameters<typeof client.list>[1]) =>
    client.list("Pod", options).items.map(({ metadata }) => metadata.name);
  assert.is(names({}).length, 11);
  assert.equal(names({ namespace: "kube-system" }), ["p0"]);
  assert.equal(names({ namespace: "default", labelSelector: "even=true" }), [
    "p0",
    "p2",
    "p4",
    "p6",
    "p8",
  ]);
  assert.equal(names({ fieldSelector: "metadata.name=p0,metadata.namespace!=default" }), ["p0"]);
  const first = client.list("Pod", { namespace: "default", limit: 4 });
  assert.equal([first.items.length, first.remainingItemCount], [4, 6]);
  client.delete("Pod", "p9");
  const second = client.list("Pod", { namespace: "default", limit: 4, continue: first.continue! });
  const third = client.list("Pod", { namespace: "default", limit: 4, continue: second.continue! });
  assert.equal(
    third.items.map(({ metadata }) => metadata.name),
    ["p8", "p9"],
    "as of the first page's revision, p9 included",
  );
  assert.equal([third.continue, third.resourceVersion], [undefined, first.resourceVersion]);
  const evens = client.list("Pod", { namespace: "default", labelSelector: "even=true", limit: 2 });
  assert.equal(
    client
      .list("Pod", {
        namespace: "default",
        labelSelector: "even=true",
        limit: 9,
        continue: evens.continue!,
      })
      .items.map(({ metadata }) => metadata.name),
    ["p4", "p6", "p8"],
  );
  for (const token of ["x", "e30"])
    assert.is(refusal(() => client.list("Pod", { continue: token })).code, 400);
  assert.match(
    refusal(() => client.list("Pod", { fieldSelector: "spec.image=x" })).message,
    /field label not supported: spec\.image/,
  );
});

test("a watch tells of nothing inside the writer's call, and of everything afterwards, in order", () => {
  const { client, clock } = newServer();
  const events: WatchEvent<Service>[] = [];
  const stop = client.watch(
    "Service",
    { resourceVersion: client.list("Service").resourceVersion },
    (event) => events.push(event),
  );
  const made = client.create(service("a"));
  client.create(service("b"));
  client.patch("Service", "a", undefined, {
    type: "merge",
    body: { metadata: { labels: { x: "y" } } },
  });
  client.delete("Service", "b");
  assert.is(events.length, 0);
  clock.settle();
  assert.equal(told(events), ["ADDED a", "ADDED b", "MODIFIED a", "DELETED b"]);
  assert.is(events[0]!.object, made, "the stored object itself, not a copy");
  const revisions = events.map(({ object }) =>
    Number((object as Service).metadata.resourceVersion),
  );
  assert.equal(
    revisions,
    [...revisions].sort((a, b) => a - b),
  );
  assert.is(new Set(revisions).size, 4, "a DELETED object carries the revision of its removal");
  stop();
  client.create(service("c"));
  clock.settle();
  assert.is(events.length, 4);
});

test("a watch can begin in the past, with nothing, or not any more", () => {
  const { client, clock, server } = newServer({ watchWindow: 3 });
  const { resourceVersion } = client.list("Service");
  for (const name of ["a", "b"]) client.create(service(name));
  const late: WatchEvent<Service>[] = [];
  const fresh: WatchEvent<Service>[] = [];
  client.watch("Service", { resourceVersion }, (event) => late.push(event));
  client.watch("Service", { resourceVersion: "0", labelSelector: "!x" }, (event) =>
    fresh.push(event),
  );
  client.create(service("c"));
  clock.settle();
  assert.equal(
    [told(late), told(fresh)],
    [
      ["ADDED a", "ADDED b", "ADDED c"],
      ["ADDED a", "ADDED b", "ADDED c"],
    ],
  );
  for (let i = 0; i < 8; i++) client.create(service(`more-${i}`));
  clock.settle();
  const refused = refusal(() => client.watch("Service", { resourceVersion }, () => {}));
  assert.equal([refused.code, refused.reason], [410, "Expired"]);
  assert.match(refused.message, /^too old resource version: 5 \(\d+\)$/);
  server.compact(server.store.revision);
});

test("a list of a revision that is forgotten says so in kube-apiserver's words", () => {
  const { server, client } = newServer();
  for (const name of ["a", "b", "c"]) client.create(service(name));
  const page = client.list("Service", { limit: 1 });
  client.create(service("d"));
  server.compact(server.store.revision);
  for (const [options, words] of [
    [{ revision: 3 }, /^The resourceVersion for the provided list is too old\.$/],
    [{ revision: 3, limit: 1 }, /^The resourceVersion for the provided list is too old\.$/],
    [{ limit: 1, continue: page.continue! }, /^The provided continue parameter is too old/],
    [{ continue: page.continue! }, /^The provided continue parameter is too old/],
  ] as const) {
    const refused = refusal(() => server.list("Service", options));
    assert.equal([refused.code, refused.reason], [410, "Expired"]);
    assert.match(refused.message, words);
  }
});

test("a watch begun while another is told of an event hears of that event once", () => {
  const { client, clock } = newServer();
  const { resourceVersion } = client.list("Service");
  const late: { type: string; object: unknown }[] = [];
  let begun = false;
  client.watch("Service", { resourceVersion }, () => {
    if (begun) return;
    begun = true;
    client.watch("Service", { resourceVersion }, (event) => late.push(event));
  });
  client.create(service("a"));
  client.create(service("b"));
  clock.settle();
  assert.equal(told(late), ["ADDED a", "ADDED b"]);
});

test("where a store lost changes, every watcher is told to list again", () => {
  class Forgetful extends MemoryStore {
    forget: (() => void)[] = [];
    override watch(
      prefix: string,
      revision: number,
      on: Parameters<MemoryStore["watch"]>[2],
      lost?: () => void,
    ) {
      if (lost) this.forget.push(lost);
      return super.watch(prefix, revision, on);
    }
  }
  const store = new Forgetful();
  const { client, clock } = newServer({ store });
  const events: string[] = [];
  const watch = () =>
    client.watch("Service", { resourceVersion: client.list("Service").resourceVersion }, (event) =>
      events.push(
        event.type === "ERROR" ? `${event.object.code} ${event.object.reason}` : event.type,
      ),
    );
  watch();
  client.create(service("a"));
  store.forget.forEach((lost) => lost());
  client.create(service("b"));
  clock.settle();
  assert.equal(events, ["410 Expired"]);
  watch();
  client.create(service("c"));
  clock.settle();
  assert.equal(events, ["410 Expired", "ADDED"]);
});

test("a watch with a selector: what comes to match is ADDED, what no longer does is DELETED as it was", () => {
  const { client, clock } = newServer();
  const events: WatchEvent<Pod>[] = [];
  client.watch(
    "Pod",
    { resourceVersion: client.list("Pod").resourceVersion, labelSelector: "app=nginx" },
    (event) => events.push(event),
  );
  client.create(pod("p"));
  for (const app of ["nginx", "nginx2", "nginx"])
    client.patch("Pod", "p", undefined, { type: "merge", body: { metadata: { labels: { app } } } });
  client.create(pod("q", {}, { labels: { app: "other" } }));
  clock.settle();
  assert.equal(told(events), ["ADDED p", "DELETED p", "ADDED p"]);
  assert.equal((events[1]!.object as Pod).metadata.labels, { app: "nginx" });
});

test("5,000 kubelets watch their own Pods: each hears of its own only, at no cost to the others", () => {
  const { client, clock } = newServer();
  const heard = new Map<string, string[]>();
  for (let i = 0; i < 5000; i++)
    client.watch(
      "Pod",
      {
        resourceVersion: client.list("Pod").resourceVersion,
        fieldSelector: `spec.nodeName=node-${i}`,
      },
      ({ type, object }) => {
        heard.set(`node-${i}`, [
          ...(heard.get(`node-${i}`) ?? []),
          `${type} ${(object as Pod).metadata.name}`,
        ]);
      },
    );
  const before = process.cpuUsage().user;
  for (let i = 0; i < 200; i++) client.create(pod(`p${i}`));
  for (let i = 0; i < 200; i++) client.bind(`p${i}`, undefined, `node-${i % 2}`);
  clock.settle();
  assert.is(heard.size, 2);
  assert.equal(heard.get("node-1")!.slice(0, 2), ["ADDED p1", "ADDED p3"]);
  assert.ok(
    process.cpuUsage().user - before < 1_000_000,
    "400 events among 5,000 watchers take well under a second",
  );
});

test("what it hands out cannot be changed; what it was given stays the caller's", () => {
  const { client } = newServer();
  const mine = service("nginx");
  const made = client.create(mine);
  assert.throws(() => {
    made.spec.ports![0]!.port = 1;
  }, /read only/);
  mine.spec.ports![0]!.port = 81;
  assert.is(client.get("Service", "nginx").spec.ports![0]!.port, 80);
});

test("Pods of one template share its spec", () => {
  const { client } = newServer();
  const { template } = client.create(deployment("d")).spec;
  const [a, b] = ["a", "b"].map((name) => client.create({ ...pod(name), spec: template.spec }));
  assert.is(a!.spec, b!.spec);
});

test("an earlier state can be looked at again", () => {
  const { client, server } = newServer();
  client.create(service("a"));
  const { resourceVersion } = client.list("Service");
  client.patch("Service", "a", undefined, {
    type: "merge",
    body: { metadata: { labels: { x: "y" } } },
  });
  client.delete("Service", "a");
  assert.equal(
    server
      .list("Service", { revision: Number(resourceVersion) })
      .items.map(({ metadata }) => metadata.labels),
    [undefined],
  );
  assert.equal(server.list("Service").items, []);
});

test("history is forgotten after a while, where that is asked for", () => {
  const { client, server, clock } = newServer({ compactEvery: 300_000 });
  client.create(service("a"));
  const { resourceVersion } = client.list("Service");
  client.create(service("b"));
  clock.advance(299_000);
  assert.is(server.list("Service", { revision: Number(resourceVersion) }).items.length, 1);
  clock.advance(600_000);
  assert.is(refusal(() => server.list("Service", { revision: Number(resourceVersion) })).code, 410);
  assert.is(refusal(() => client.watch("Service", { resourceVersion }, () => {})).code, 410);
  assert.is(client.list("Service").items.length, 2);
});

test("history: the same call may end well, and badly in its own ways", () => {
  const { client, server } = newServer({ historyLimit: 3 });
  client.create(service("web"));
  client.get("Service", "web");
  refusal(() => client.get("Service", "nope"));
  refusal(() => client.create(service("web")));
  assert.equal(
    server.history().map(({ verb, error }) => [verb, error]),
    [
      ["get", undefined],
      ["get", 404],
      ["create", 409],
    ],
  );
});

test("history: who read, watched and wrote what, and what came of it", () => {
  const { client, server, clock } = newServer({ historyLimit: 6 });
  const kubelet = server.client("kubelet/node-a");
  kubelet.watch("Service", { resourceVersion: kubelet.list("Service").resourceVersion }, () => {});
  client.create(service("", undefined, { name: undefined!, generateName: "s-" }));
  refusal(() => client.get("Service", "nope", "default"));
  clock.settle();
  const { name } = client.list("Service").items[0]!.metadata;
  const short = server
    .history()
    .map(({ who, verb, kind, name, revision, event, error }) =>
      [who, verb, kind, name, revision, event, error].filter((one) => one !== undefined).join(" "),
    );
  assert.equal(short, [
    "kubelet/node-a list Service 5",
    "kubelet/node-a watch Service 5",
    `kubectl create Service ${name} 6`,
    "kubectl get Service nope 404",
    `kubelet/node-a notify Service ${name} 6 ADDED`,
    "kubectl list Service 6",
  ]);
  client.delete("Service", name, "default");
  clock.settle();
  assert.equal(
    server.history().flatMap(({ event }) => event ?? []),
    ["ADDED", "DELETED"],
  );
  for (let i = 0; i < 10; i++) client.list("Pod");
  assert.equal(
    server.history().map(({ kind }) => kind),
    Array(6).fill("Pod"),
  );
});

test("a dump of another cluster is restored as it is, and its numbers are taken", () => {
  const { client, server } = newServer({ serviceCIDRs: ["10.2.0.0/16"] });
  server.restore([
    {
      ...service("nginx", {
        clusterIP: "10.2.1.1",
        clusterIPs: ["10.2.1.1"],
        ports: [{ port: 80 }],
      }),
      status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } },
    } as Service,
    { ...pod("p"), status: { podIP: "10.1.1.2" } } as Pod,
  ]);
  assert.is(client.get("Pod", "p").status!.podIP, "10.1.1.2");
  assert.match(
    refusal(() => client.create(service("x", { clusterIP: "10.2.1.1", ports: [{ port: 80 }] })))
      .message,
    /already allocated/,
  );
});

test("an Event lives an hour after it was last written, and watchers hear of its end", () => {
  const { client, clock } = newServer();
  const events: WatchEvent<KubeObject>[] = [];
  client.watch("Event", { resourceVersion: "" }, (event) => events.push(event));
  for (const name of ["a", "b"]) client.create(event(name, clock.now()));
  clock.advance(1_800_000);
  const body = { count: 2 };
  client.patch("Event", "a", "default", { type: "merge", body });
  clock.settle();
  assert.is(clock.busy, false, "nobody waits for it");
  clock.advance(1_800_000 - 1);
  assert.is(client.list("Event").items.length, 2);
  clock.advance(1);
  clock.advance(1_800_000 - 1);
  assert.equal(told(events), ["ADDED a", "ADDED b", "MODIFIED a", "DELETED b"]);
  clock.advance(1);
  assert.equal(told(events).at(-1), "DELETED a");
  const revisions = events.map(({ object }) => Number(object.metadata.resourceVersion));
  assert.equal(
    revisions,
    [...revisions].sort((a, b) => a - b),
    "a removal has a revision of its own",
  );
});

test("a server that starts anew on its store takes away the Events that are old by then", () => {
  const store = new MemoryStore();
  const first = newServer({ store });
  const now = first.clock.now();
  for (const [name, age] of [
    ["old", 3_600_000],
    ["young", 3_599_000],
  ] as const)
    first.client.create(event(name, now - age));
  const { client, clock } = newServer({ store });
  clock.advance(0);
  const names = () => client.list("Event").items.map(({ metadata }) => metadata.name);
  assert.equal(names(), ["young"]);
  clock.advance(1_000);
  assert.equal(names(), []);
});

test("the same seed and the same calls give the same bytes", () => {
  const run = () => {
    const { client, server } = newServer();
    client.create(service("a", { type: "NodePort", ports: [{ port: 80 }] }));
    client.create(pod("", {}, { name: undefined!, generateName: "p-" }));
    return JSON.stringify([server.list("Service"), server.list("Pod"), server.history()]);
  };
  assert.is(run(), run());
});

test("who writes a status may annotate, too; a Deployment's generation counts annotations", () => {
  const { client } = newServer();
  const asked = deployment("web");
  const made = client.create({ ...asked, metadata: { ...asked.metadata, labels: { l: "m" } } });
  const reported = client.updateStatus({
    ...made,
    metadata: { ...made.metadata, annotations: { x: "y" }, labels: { l: "n" } },
    status: { observedGeneration: 1 },
  });
  const { annotations, labels, generation } = reported.metadata;
  assert.equal([annotations, labels, generation], [{ x: "y" }, { l: "m" }, 1]);
  const annotated = client.update({
    ...reported,
    metadata: { ...reported.metadata, annotations: { x: "z" } },
  });
  assert.is(annotated.metadata.generation, 2);
});

test.run();
