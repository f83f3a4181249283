import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCluster, parse, type ClusterOptions } from "stopover";
import { every } from "stopover/internal/api/clock";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { context, run, watch, type Controller } from "stopover/internal/machinery/controller";
import { Informer } from "stopover/internal/machinery/informer";
import { Random } from "stopover/internal/machinery/random";
import { RealClock } from "stopover/internal/machinery/real-clock";
import { ComponentError, Supervisor } from "stopover/internal/machinery/supervisor";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import type { KubeObject, Service } from "stopover/internal/objects/types";
import { MemoryStore } from "stopover/internal/store/memory";

const service = (name: string, labels: Record<string, string> = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, labels },
  spec: { ports: [{ port: 80 }] },
});

function world() {
  const clock = new VirtualClock(0);
  const random = new Random(1);
  const server = new ApiServer({ clock, random: random.next });
  const supervisor = new Supervisor(clock);
  const connect = (who: string) => server.client(who);
  const surroundings = { clock, random, connect, supervisor };
  /** Runs a controller of Services. */
  const start = (name: string, reconcile: (key: string) => void) => {
    const controller: Controller = { name, watches: [watch("Service")], reconcile };
    const ours = context(name, surroundings);
    run(controller, ours);
    ours.informers.start();
    return ours;
  };
  return { clock, client: connect("test"), supervisor, start };
}

/** A patch of an object's labels, as a mended manifest brings it. */
const label = (client: ReturnType<ApiServer["client"]>, name: string, labels: object): void =>
  void client.patch("Service", name, "default", { type: "merge", body: { metadata: { labels } } });

function thrownBy(act: () => void): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Trips over a Service that is labelled bad. */
const trip = ({ metadata }: Service): void => {
  if (metadata.labels?.bad) throw new TypeError(`cannot read ${metadata.name}`);
};

test("a reconcile that throws is told with component and object, and tried again, later and later", () => {
  const { clock, client, start } = world();
  const tries: number[] = [];
  const done: string[] = [];
  const heard: string[] = [];
  const careless = start("careless-controller", (key) => {
    if (key === "default/poison") tries.push(clock.now());
    trip(careless.informers.of("Service").get(key)!);
    done.push(key);
  });
  start("careful-controller", (key) => void heard.push(key));
  client.create(service("poison", { bad: "yes" }));
  client.create(service("a"));
  const error = thrownBy(() => clock.settle());
  assert.instance(error, ComponentError);
  const { message, component, object, cause } = error as ComponentError;
  assert.is(message, "careless-controller, Service default/poison: cannot read poison");
  assert.equal([component, object], ["careless-controller", "Service default/poison"]);
  assert.instance(cause, TypeError);
  // 5 ms of reaction; then 5, 10, 20, 40 … after a failure, but 50 from one turn to the next
  assert.equal(tries, [5, 60, 115, 170, 225, 310, 475, 800, 1445]);
  assert.equal([done, heard], [["default/a"], ["default/poison", "default/a"]]);
  clock.settle();
  clock.advance(1_280 + 2_560 + 10);
  assert.equal(tries.slice(9), [2730, 5295], "background work, and no news");
  label(client, "poison", { bad: null });
  clock.settle();
  assert.equal(done, ["default/a", "default/poison"]);
  label(client, "poison", { bad: "yes" });
  assert.throws(() => clock.settle(), /careless-controller, Service default\/poison/);
});

test("a handler that throws loses nothing: it is told of the object again, from what it knew", () => {
  const { clock, client, supervisor } = world();
  const guard = supervisor.of("kube-proxy");
  const informer = new Informer<Service>(client, "Service", guard);
  const tries: number[] = [];
  const taken: string[] = [];
  const heard: string[] = [];
  const version = (object: Service | undefined) => object?.metadata.labels?.version ?? "none";
  informer.onChange((_key, object, previous) => {
    if (object?.metadata.labels?.bad) tries.push(clock.now());
    if (object) trip(object);
    taken.push(`${version(previous)} -> ${version(object)}`);
  });
  informer.onChange((_key, object) => heard.push(version(object)), supervisor.of("coredns"));
  informer.start();
  client.create(service("a", { version: "1" }));
  clock.settle();
  label(client, "a", { version: "2", bad: "yes" });
  assert.throws(() => clock.settle(), /^kube-proxy, Service default\/a: cannot read a$/);
  assert.equal(tries, [0, 5, 15, 35, 75, 155, 315, 635, 1275], "5, 10, 20, … ms");
  label(client, "a", { version: "3" });
  clock.settle();
  label(client, "a", { version: "4", bad: null });
  clock.settle();
  label(client, "a", { version: "5" });
  clock.settle();
  client.create(service("b", { version: "6", bad: "yes" }));
  assert.throws(() => clock.settle(), /Service default\/b/);
  client.delete("Service", "b", "default");
  clock.settle();
  assert.equal(taken, ["none -> 1", "1 -> 4", "4 -> 5"]);
  assert.equal(heard, ["1", "2", "3", "4", "5", "6", "none"]);
  clock.advance(3_600_000);
});

test("an index that cannot file an object does not keep it from the handlers", () => {
  const { clock, client, supervisor } = world();
  const informer = new Informer<Service>(client, "Service", supervisor.of("test"));
  informer.index("tier", (object) => (trip(object), object.metadata.labels?.tier));
  const heard: string[] = [];
  informer.onChange((key) => heard.push(key));
  informer.start();
  client.create(service("a", { tier: "web", bad: "yes" }));
  assert.throws(() => clock.settle(), /Service default\/a/);
  assert.equal([heard, informer.by("tier", "web").length], [["default/a"], 0]);
  label(client, "a", { bad: null });
  clock.settle();
  assert.is(informer.by("tier", "web").length, 1);
});

test("a timer that throws is tried again, and one that was cancelled is not", () => {
  const { clock, supervisor } = world();
  const time = supervisor.of("kubelet/node-a").clock();
  const tries: number[] = [];
  time.schedule(
    100,
    () => {
      tries.push(clock.now());
      if (tries.length < 4) throw new Error("not yet");
    },
    { about: "Pod default/web" },
  );
  assert.throws(() => clock.settle(), "kubelet/node-a, Pod default/web: not yet");
  assert.equal(tries, [100, 105, 115, 135]);
  const cancel = time.schedule(100, () => {
    tries.push(clock.now());
    throw new Error("never");
  });
  assert.throws(() => clock.advance(100), "kubelet/node-a: never");
  cancel();
  clock.advance(3_600_000);
  assert.is(tries.length, 5);
});

test("a loop that throws goes on, tells the same mistake once, and can be stopped", () => {
  const { clock, supervisor } = world();
  let [runs, broken] = [0, true];
  const stop = every(supervisor.of("monitor").clock(), 10_000, () => {
    runs++;
    if (broken) throw new Error("broken");
  });
  assert.throws(() => clock.advance(10_000), /^monitor: broken$/);
  clock.advance(60_000);
  assert.ok(runs > 7, `${runs} runs`);
  broken = false;
  clock.advance(60_000);
  runs = 0;
  clock.advance(60_000);
  assert.is(runs, 6, "one loop, not several");
  broken = true;
  assert.throws(() => clock.advance(10_000), /broken/);
  stop();
  runs = 0;
  clock.advance(3_600_000);
  assert.is(runs, 0);
});

test("a watcher's callback that throws keeps no other watcher from the event", () => {
  const { clock, client } = world();
  const heard: string[] = [];
  const options = { resourceVersion: "" };
  for (const name of ["first", "second", "third"])
    client.watch("Service", options, ({ object }) => {
      heard.push(`${name} ${(object as KubeObject).metadata.name}`);
      if (name === "second") throw new Error("I watch badly");
    });
  client.create(service("a"));
  client.create(service("b"));
  assert.throws(() => clock.settle(), /I watch badly/);
  assert.equal(
    heard.sort(),
    ["a", "b"].flatMap((n) => ["first " + n, "second " + n, "third " + n]).sort(),
  );
});

test("what the API server refuses is tried again without a word, a list too", () => {
  const { clock, client, supervisor } = world();
  client.create(service("a"));
  let lists = 0;
  const flaky = {
    list: (...args: Parameters<typeof client.list>) => {
      if (lists++ < 3) client.get("Service", "nothing-of-this-name");
      return client.list(...args);
    },
    watch: client.watch.bind(client),
  } as unknown as typeof client;
  const informer = new Informer<Service>(flaky, "Service", supervisor.of("test"));
  let synced = false;
  informer.whenSynced(() => (synced = true));
  informer.start();
  assert.not(synced);
  clock.settle();
  assert.equal([synced, lists, informer.size], [true, 4, 1]);
});

// ---- a whole cluster

/** A Node that no API server would let in, as an older or a broken one may have left it. */
const poison = { apiVersion: "v1", kind: "Node", metadata: { name: "node-z", uid: "z" } };
const path = "/registry/minions/node-z";

const web = parse(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: nginx }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`);

test("a poisoned object in a notebook is an error that names who trips over what; the rest goes on", () => {
  const cluster = createCluster({ nodes: 3 });
  cluster.apiserver.store.put(path, poison);
  cluster.apply(web);
  const error = thrownBy(() => cluster.settle()) as Error;
  for (const name of ["cni", "default-scheduler", "node-ipam-controller"])
    assert.match(error.message, new RegExp(`^${name}, Node node-z: `, "m"));
  assert.is(cluster.endpoints("web").filter(({ ready }) => ready).length, 3);
  cluster.settle();
  cluster.advance("10m");
  const { uid, ...metadata } = poison.metadata;
  cluster.apiserver.store.put(path, {
    ...poison,
    metadata: { ...metadata, uid },
    spec: {},
    status: {},
  } as KubeObject);
  cluster.settle();
  assert.is(cluster.get("Node", "node-z").spec.podCIDR, "10.1.4.0/24");
  cluster.scale("Deployment", "web", 6);
  cluster.settle();
  assert.is(cluster.endpoints("web").filter(({ ready }) => ready).length, 6);
});

test("in real time it is a line for each who trips; a start on a store with poison goes well", async () => {
  const failures: string[] = [];
  const store = new MemoryStore();
  const options: ClusterOptions = {
    nodes: 2,
    store,
    clock: new RealClock(),
    onFailure: ({ message }) => failures.push(message),
  };
  store.put(path, poison);
  const cluster = createCluster(options);
  cluster.apply(web);
  const ready = () => cluster.endpoints("web").filter(({ ready }) => ready).length;
  for (let i = 0; i < 100 && ready() < 3; i++) await new Promise((done) => setTimeout(done, 100));
  assert.is(ready(), 3);
  assert.ok(
    failures.some((text) => text.startsWith("default-scheduler, Node node-z: ")),
    failures.join("\n"),
  );
  assert.equal([...new Set(failures)].length, failures.length, "each is told once");
  for (const manager of cluster.managers) manager.stop();
  for (const name of ["node-a", "node-b"]) cluster.node(name).stop();
});

test.run();
