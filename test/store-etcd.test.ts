// The same contract against a real etcd, where the machine has one (Debian: etcd-server).
import "stopover/internal/apiserver/admission-plugins";
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EtcdStore } from "stopover/internal/doors/serve/etcd";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { Cluster } from "stopover/internal/cluster";
import { Random } from "stopover/internal/machinery/random";
import { RealClock } from "stopover/internal/machinery/real-clock";
import { refusal, service } from "./apiserver-harness.js";
import { Etcd, freePort, pause, until } from "./etcd-harness.js";
import { lacking, needs } from "./needs.js";
import { compareStores, storeContract, thing, type Subject } from "./store.contract.js";

/**
 * An empty store, that is: everything under /registry removed; revisions go on from where they are.
 */
async function emptied(url: string): Promise<Subject> {
  const store = new EtcdStore(url);
  for (const { key } of store.range("/registry/").entries) store.delete(key);
  let told = store.revision;
  store.watch(
    "/registry/",
    store.revision,
    (events) => (told = events[events.length - 1]!.revision),
  );
  const hear = async (revision: number) => {
    for (let i = 0; i < 150 && told < revision; i++) await pause(20);
    await pause(300); // each watch is a stream of its own: the others are about as far
    store.poll();
  };
  return { store, hear };
}

const test = suite("etcd store");
if (needs(test, "etcd", lacking("etcd", "etcdctl"))) {
  const etcd = await Etcd.start();
  storeContract("etcd", () => emptied(etcd.url));

  for (const seed of [1, 2, 3]) {
    test(`memory and etcd cannot be told apart by 400 random steps (seed ${seed})`, async () => {
      const subject = await emptied(etcd.url);
      try {
        assert.equal(await compareStores(subject, seed, 400), []);
      } finally {
        subject.store.close(); // a watch that stays would keep the process
      }
    });
  }

  test("values are JSON under Kubernetes' keys, without resourceVersion", async () => {
    const { store } = await emptied(etcd.url);
    store.put("/registry/services/specs/default/nginx", service("nginx"));
    const shown = spawnSync(
      "etcdctl",
      [
        "--endpoints",
        etcd.url,
        "get",
        "--print-value-only",
        "/registry/services/specs/default/nginx",
      ],
      { env: { ...process.env, ETCDCTL_API: "3" }, encoding: "utf8" },
    );
    assert.equal(JSON.parse(shown.stdout), service("nginx"));
    store.close();
  });

  test("a kill in the middle of writes loses nothing that was acknowledged", async () => {
    const { store } = await emptied(etcd.url);
    const acknowledged: string[] = [];
    let killed: Promise<void> | undefined;
    try {
      for (let i = 0; i < 5000; i++) {
        acknowledged.push(store.put(`/registry/things/${i}`, thing(String(i), "kept"))!.key);
        if (i === 50) killed = etcd.kill(); // it goes on writing meanwhile
      }
      assert.unreachable("etcd was not killed in time");
    } catch (error) {
      assert.match((error as Error).message, /cannot be reached/);
    }
    await killed;
    await etcd.up();
    assert.ok(acknowledged.length > 50, `${acknowledged.length} writes before the kill`);
    const found = new Set(store.range("/registry/things/").entries.map(({ key }) => key));
    assert.equal(
      acknowledged.filter((key) => !found.has(key)),
      [],
    );
    store.close();
  });

  test("a watch goes on after etcd was away", async () => {
    const { store, hear } = await emptied(etcd.url);
    const heard: string[] = [];
    store.watch("/registry/things/", store.revision, (events) =>
      heard.push(...events.map(({ key }) => key)),
    );
    store.put("/registry/things/a", thing("a", ""));
    await hear(store.revision);
    await etcd.kill();
    await etcd.up();
    await hear(store.revision);
    store.put("/registry/things/b", thing("b", ""));
    await hear(store.revision);
    assert.equal(heard, ["/registry/things/a", "/registry/things/b"]);
    store.close();
  });

  test("what was compacted while etcd was away is said to be lost, and the watch goes on", async () => {
    const { store, hear } = await emptied(etcd.url);
    const heard: string[] = [];
    store.watch(
      "/registry/things/",
      store.revision,
      (events) => heard.push(...events.map(({ key }) => key)),
      () => heard.push("lost"),
    );
    store.put("/registry/things/a", thing("a", ""));
    await hear(store.revision);
    await etcd.kill();
    const elsewhere = `http://127.0.0.1:${await freePort()}`;
    await etcd.up(elsewhere); // where the first store does not find it
    const other = new EtcdStore(elsewhere);
    for (let i = 0; i < 5; i++) other.put("/registry/things/unseen", thing("unseen", String(i)));
    other.compact(other.revision);
    other.close();
    await etcd.kill();
    await etcd.up();
    await hear(store.revision);
    store.put("/registry/things/b", thing("b", ""));
    await hear(store.revision);
    store.put("/registry/things/c", thing("c", ""));
    await hear(store.revision);
    assert.equal(
      heard.filter((one) => one !== "/registry/things/b"),
      ["/registry/things/a", "lost", "/registry/things/c"],
    );
    store.close();
  });

  test("the cluster's state survives a restart of the API server, and its numbers stay taken", async () => {
    (await emptied(etcd.url)).store.close();
    const start = () =>
      new ApiServer({
        clock: new RealClock(),
        random: new Random(1).next,
        store: new EtcdStore(etcd.url),
        serviceCIDRs: ["10.2.0.0/24"],
      });
    const before = start();
    const made = before
      .client("kubectl")
      .create(service("nginx", { type: "NodePort", ports: [{ port: 80 }] }));
    before.store.close();
    const after = start();
    assert.equal(after.get("Service", "nginx"), made);
    const again = refusal(() =>
      after
        .client("kubectl")
        .create(service("other", { clusterIP: made.spec.clusterIP!, ports: [{ port: 80 }] })),
    );
    assert.match(again.message, /provided IP is already allocated/);
    after.store.close();
  });

  test("a cluster goes on where it was when `stopover serve` is started again", async () => {
    (await emptied(etcd.url)).store.close();
    const run = async (...files: string[]) => {
      const child = spawn(
        process.execPath,
        ["lib/cli.mjs", "serve", ...files, "--port", "0", "--store", `etcd=${etcd.url}`],
        { cwd: new URL("../..", import.meta.url), stdio: ["ignore", "pipe", "inherit"] },
      );
      let line = "";
      for await (const chunk of child.stdout) if ((line += String(chunk)).includes("\n")) break;
      return {
        url: /http:\/\/[\d.:]+/.exec(line)![0],
        end: () =>
          new Promise((resolve) => {
            child.once("exit", resolve).kill("SIGTERM");
          }),
      };
    };
    const pods = async (url: string, count: number) => {
      for (let i = 0; i < 150; i++) {
        const { items } = (await (await fetch(`${url}/api/v1/pods`)).json()) as {
          items: {
            metadata: { name: string };
            status: { conditions?: { type: string; status: string }[] };
          }[];
        };
        const ready = items
          .filter(({ status }) =>
            status.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
          )
          .map(({ metadata }) => metadata.name);
        if (ready.length === count) return ready;
        await pause(200);
      }
      throw new Error(`there were never ${count} ready Pods`);
    };
    const first = await run("notebooks/manifests");
    const before = await pods(first.url, 3);
    await first.end();
    const second = await run("notebooks/manifests");
    assert.equal(await pods(second.url, 3), before);
    await fetch(`${second.url}/apis/apps/v1/namespaces/default/deployments/nginx/scale`, {
      method: "PATCH",
      headers: { "Content-Type": "application/merge-patch+json" },
      body: '{"spec":{"replicas":4}}',
    });
    assert.is((await pods(second.url, 4)).filter((name) => before.includes(name)).length, 3);
    await second.end();
  });

  test("an Event that is an hour old goes from etcd too", async () => {
    const { store } = await emptied(etcd.url);
    const key = "/registry/events/default/old";
    store.put(key, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "old", namespace: "default", creationTimestamp: "2024-01-01T00:00:00Z" },
    });
    new ApiServer({ clock: new RealClock(), random: new Random(1).next, store });
    for (let i = 0; store.get(key) && i < 100; i++) await pause(10);
    assert.is(store.get(key), undefined);
    store.close();
  });

  test("two API servers on one etcd never give one number twice, and hear of each other", async () => {
    (await emptied(etcd.url)).store.close();
    const servers = [1, 2].map(
      () =>
        new ApiServer({
          clock: new RealClock(),
          random: new Random(1).next,
          store: new EtcdStore(etcd.url),
          serviceCIDRs: ["10.2.0.0/28"],
          nodePortRange: { from: 30000, to: 30019 },
        }),
    );
    const heard: string[] = [];
    servers[1]!
      .client("watcher")
      .watch("Service", { resourceVersion: String(servers[1]!.store.revision) }, ({ type }) =>
        heard.push(type),
      );
    const made = Array.from({ length: 12 }, (_, i) =>
      servers[i % 2]!.client("kubectl").create(
        service(`s${i}`, { type: "NodePort", ports: [{ port: 80 }] }),
      ),
    );
    for (const numbers of [
      made.map(({ spec }) => spec.clusterIP),
      made.map(({ spec }) => spec.ports![0]!.nodePort),
    ])
      assert.is(new Set<unknown>(numbers).size, 12);
    for (const one of made.slice(0, 5))
      servers[0]!.client("kubectl").delete("Service", one.metadata.name);
    for (let i = 0; i < 5; i++)
      servers[1]!
        .client("kubectl")
        .create(service(`t${i}`, { type: "NodePort", ports: [{ port: 80 }] }));
    await pause(300);
    assert.is(heard.length, 12 + 5 + 5);
    servers.forEach(({ store }) => store.close());
  });

  test("two API servers on one etcd: what one gave is free when the other has deleted it", async () => {
    (await emptied(etcd.url)).store.close();
    const [a, b] = [1, 2].map(
      () =>
        new ApiServer({
          clock: new RealClock(),
          random: new Random(1).next,
          store: new EtcdStore(etcd.url),
          serviceCIDRs: ["10.2.0.0/24"],
        }),
    );
    const wanted = (name: string) =>
      service(name, {
        type: "NodePort",
        clusterIP: "10.2.0.77",
        ports: [{ port: 80, nodePort: 30005 }],
      });
    const [onA, onB] = [a!.client("kubectl"), b!.client("kubectl")];
    onA.create(wanted("one"));
    for (const client of [onA, onB])
      assert.match(refusal(() => client.create(wanted("x"))).message, /already allocated/);
    onB.delete("Service", "one");
    onA.create(wanted("two"));
    onA.delete("Service", "two");
    onB.create(wanted("three"));
    onB.delete("Service", "three");
    for (const prefix of ["/registry/ranges/"]) assert.equal(a!.store.range(prefix).entries, []);
    for (const { store } of [a!, b!]) store.close();
  });

  /** A cluster in real time would keep the process, also after a test that failed. */
  let stop = (): void => {};
  test.after.each(() => {
    stop();
    stop = () => {};
  });

  /** What anybody may have written into etcd, and what becomes of it. */
  const poison: [key: string, value: string, outcome: RegExp | "empty"][] = [
    ["pods/default/bytes", "\u0000\ufffd{", /no JSON/],
    ["pods/default/nothing", "", /no JSON/],
    ["pods/default/null", "null", /no object/],
    ["pods/default/list", "[1]", /no object/],
    ["minions/nameless", '{"apiVersion":"v1","kind":"Node"}', /no object/],
    [
      "services/specs/default/pod",
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod","namespace":"default"}}',
      /it is "v1 Pod", where a v1 Service belongs/,
    ],
    [
      "services/specs/default/misnamed",
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"other","namespace":"default"}}',
      /belongs elsewhere/,
    ],
    ["minions/bare", '{"apiVersion":"v1","kind":"Node","metadata":{"name":"bare"}}', "empty"],
    [
      "minions/odd",
      '{"apiVersion":"v1","kind":"Node","metadata":{"name":"odd","labels":7},"spec":[],"status":null}',
      "empty",
    ],
    [
      "services/specs/default/bare",
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"bare","namespace":"default"}}',
      "empty",
    ],
    [
      "pods/default/bare",
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bare","namespace":"default"},"spec":null}',
      "empty",
    ],
    [
      "endpointslices/default/bare",
      '{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"bare","namespace":"default","labels":{"kubernetes.io/service-name":"bare"}},"endpoints":null}',
      "empty",
    ],
    [
      "leases/kube-system/kube-scheduler",
      '{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"kube-scheduler","namespace":"kube-system"}}',
      "empty",
    ],
  ];

  test("what is no object of its place is left out with one line, what lacks parts is completed", async () => {
    (await emptied(etcd.url)).store.close();
    const write = async (key: string, value: string) => {
      const [put, base64] = [`${etcd.url}/v3/kv/put`, (text: string) => btoa(text)];
      const body = JSON.stringify({
        key: base64(`/registry/${key}`),
        value: Buffer.from(value).toString("base64"),
      });
      assert.is((await fetch(put, { method: "POST", body })).status, 200);
    };
    const lines: string[] = [];
    const store = new EtcdStore({ urls: [etcd.url], log: (line) => lines.push(line) });
    for (const [key, value] of poison.slice(0, 3)) await write(key, value);
    const cluster = new Cluster({ clock: new RealClock(), store, nodes: 2, seed: 7 });
    cluster.start();
    stop = () => {
      for (const manager of cluster.managers) manager.stop();
      for (const node of ["node-a", "node-b"]) cluster.node(node).stop();
      store.close();
    };
    for (const [key, value] of poison.slice(3)) await write(key, value);
    await pause(1_500);
    for (const [key, , outcome] of poison) {
      const line = lines.filter((one) => one.includes(`"/registry/${key}" is left out`));
      const found = store.get(`/registry/${key}`);
      if (outcome === "empty") assert.ok(found && line.length === 0, key);
      else
        assert.ok(!found && line.length === 1 && outcome.test(line[0]!), `${key}: ${line.join()}`);
    }
    const { items } = cluster.apiserver.list("Node");
    assert.equal(items.map(({ metadata }) => metadata.name).sort(), [
      "bare",
      "node-a",
      "node-b",
      "odd",
    ]);
    const client = cluster.apiserver.client("kubectl");
    client.delete("Node", "bare");
    client.create(service("later", { ports: [{ port: 80 }], selector: { app: "later" } }));
    await until(
      "the controllers work",
      10_000,
      () =>
        client.list("EndpointSlice", { labelSelector: "kubernetes.io/service-name=later" })
          .items[0],
    );
  });

  test("a number whose claimer was killed before it wrote the Service is free again soon", async () => {
    (await emptied(etcd.url)).store.close();
    const child = fileURLToPath(new URL("./killed-while-creating.js", import.meta.url));
    assert.is(spawnSync(process.execPath, [child, etcd.url, "30005"]).signal, "SIGKILL");
    const apiserver = new ApiServer({
      clock: new RealClock(),
      random: new Random(1).next,
      store: new EtcdStore(etcd.url),
    });
    const claims = () => apiserver.store.range("/registry/ranges/servicenodeports/").count;
    const client = apiserver.client("kubectl");
    const wanted = service("a", { type: "NodePort", ports: [{ port: 80, nodePort: 30005 }] });
    assert.is(claims(), 1);
    refusal(() => client.create(wanted));
    await until("the claim is gone", 20_000, () => claims() === 0);
    client.create(wanted);
    apiserver.store.close();
  });

  test.after(() => etcd.end());
}
test.run();
