import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { serve } from "stopover/internal/doors/serve/http";
import type { Client } from "stopover/internal/api/client";
import { Random } from "stopover/internal/machinery/random";
import { RealClock } from "stopover/internal/machinery/real-clock";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import type { Node, Pod, Service } from "stopover/internal/objects/types";
import { service } from "./control-harness.js";
import { runControllers } from "./controllers-elsewhere.js";

/** The same story, told to both clusters step by step; the test plays kubelets and users. */
const story: [string, (client: Client) => void][] = [
  [
    "Services and 120 Pods",
    (client) => {
      client.create(service("web", { type: "LoadBalancer" }));
      client.create(service("silent", { clusterIP: "None" }));
      for (let i = 0; i < 120; i++) pod(client, i, i % 10 > 0);
    },
  ],
  [
    "some become ready, some go, one is ending",
    (client) => {
      for (let i = 0; i < 120; i += 20) status(client, `web-${i}`, `10.1.1.${i + 2}`, true);
      for (let i = 5; i < 60; i += 5)
        client.delete("Pod", `web-${i}`, "default", { gracePeriodSeconds: 0 });
      client.delete("Pod", "web-61", "default");
    },
  ],
  [
    "the Service changes",
    (client) =>
      void client.patch("Service", "web", "default", {
        type: "merge",
        body: {
          metadata: { labels: { team: "blue" } },
          spec: { externalTrafficPolicy: "Local", publishNotReadyAddresses: true },
        },
      }),
  ],
  ["a node leaves", (client) => client.delete("Node", "node-b")],
  [
    "a Service asks for what the cloud cannot do, another wants no load balancer any more",
    (client) => {
      client.create(
        service("dns", {
          type: "LoadBalancer",
          ports: [{ name: "dns", port: 53, protocol: "UDP" }],
        }),
      );
      client.patch("Service", "web", "default", {
        type: "merge",
        body: {
          spec: {
            type: "ClusterIP",
            externalTrafficPolicy: null,
            healthCheckNodePort: null,
            allocateLoadBalancerNodePorts: null,
            ports: [{ name: "http", port: 8080, targetPort: 80, nodePort: null }],
          },
        },
      });
    },
  ],
];

/**
 * The nodes are there before the controllers are: which of two watches speaks first is chance, and
 * a Service without nodes gets an event.
 */
function nodes(client: Client): void {
  for (const name of ["node-a", "node-b", "node-c"])
    client.create<Node>({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: { "topology.kubernetes.io/zone": `zone-${name}` } },
      spec: {},
    });
}

function pod(client: Client, i: number, ready: boolean): void {
  client.create<Pod>({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `web-${i}`, labels: { app: i === 7 ? "silent" : "web" } },
    spec: { nodeName: `node-${"abc"[i % 3]}`, containers: [{ name: "c", image: "nginx" }] },
  });
  status(client, `web-${i}`, `10.1.1.${i + 2}`, ready);
}

function status(client: Client, name: string, podIP: string, ready: boolean): void {
  client.updateStatus<Pod>({
    ...client.get("Pod", name),
    status: {
      phase: "Running",
      podIP,
      podIPs: [{ ip: podIP }],
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    },
  });
}

/**
 * What the controllers made of it, without what differs by chance: names, uids, times, and how the
 * endpoints are dealt out to slices.
 */
function outcome(client: Client): string[] {
  const endpoints = client
    .list("EndpointSlice")
    .items.flatMap(({ metadata, addressType, ports, endpoints }) =>
      endpoints.map(({ targetRef, ...endpoint }) =>
        JSON.stringify({
          labels: metadata.labels,
          owner: metadata.ownerReferences?.[0]?.name,
          addressType,
          ports,
          pod: targetRef?.name,
          ...endpoint,
        }),
      ),
    );
  const services = client
    .list("Service")
    .items.map(({ metadata, spec, status }: Service) =>
      JSON.stringify([metadata.name, metadata.finalizers ?? [], spec.type, status?.loadBalancer]),
    );
  const events = client
    .list("Event")
    .items.filter(
      ({ reason }) => reason !== "SyncLoadBalancerFailed" && reason !== "HealthCheckNodePort",
    )
    .map(
      ({ involvedObject, type, reason, message, source }) =>
        `${involvedObject.kind}/${involvedObject.name} ${type} ${reason} ${message} ${source?.component}`,
    );
  return [...endpoints, ...services, ...events].sort();
}

const http = suite<{ child: ChildProcess; stop: () => Promise<void>; client: Client }>(
  "controllers over HTTP",
);

http.before(async (context) => {
  const apiserver = new ApiServer({ clock: new RealClock(), random: new Random(1).next });
  const { url, close } = await serve({ apiserver, port: 0 });
  context.client = apiserver.client("test");
  nodes(context.client);
  context.child = spawn(
    process.execPath,
    [fileURLToPath(new URL("./controllers-elsewhere.js", import.meta.url)), url],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  context.stop = async () => close();
  await once(context.child.stdout!, "data");
});

http.after(async ({ child, stop }) => {
  child.kill();
  await stop();
});

http(
  "in another process the same controllers come to the same outcome, step by step",
  async ({ client: far, child }) => {
    const clock = new VirtualClock();
    const random = new Random(1);
    const here = new ApiServer({ clock, random: random.fork("apiserver").next });
    const near = here.client("test");
    nodes(near);
    runControllers({ clock, random, connect: (who) => here.client(who) });
    for (const [step, play] of story) {
      play(near);
      play(far);
      clock.settle();
      const expected = outcome(near);
      const deadline = Date.now() + 30_000;
      while (outcome(far).join() !== expected.join() && Date.now() < deadline) {
        assert.is(child.exitCode, null, "the controllers' process has ended");
        await sleep(50);
      }
      const reached = outcome(far);
      assert.equal(
        {
          missing: expected.filter((line) => !reached.includes(line)),
          extra: reached.filter((line) => !expected.includes(line)),
        },
        { missing: [], extra: [] },
        step,
      );
      assert.ok(expected.length > 100);
    }
  },
);

/** The addresses in the slices of a Service. */
const addresses = (client: Client, name: string): string[] =>
  client
    .list("EndpointSlice", { labelSelector: `kubernetes.io/service-name=${name}` })
    .items.flatMap(({ endpoints }) => endpoints.flatMap((endpoint) => endpoint.addresses))
    .sort();

http("they live through an API server that goes away, stands still or starts anew", async () => {
  const server = () => new ApiServer({ clock: new RealClock(), random: new Random(1).next });
  let apiserver = server();
  let serving = await serve({ apiserver, port: 0 });
  const port = Number(new URL(serving.url).port);
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("./controllers-elsewhere.js", import.meta.url)), serving.url],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await once(child.stdout, "data");
  const seesPods = async (what: string, pods: readonly number[]) => {
    const client = apiserver.client("test");
    for (const i of pods) pod(client, i, true);
    const deadline = Date.now() + 20_000;
    const all = () =>
      client
        .list("Pod")
        .items.map(({ status }) => status!.podIP)
        .sort();
    while (addresses(client, "web").join() !== all().join() && Date.now() < deadline) {
      assert.is(child.exitCode, null, `${what}: the controllers' process has ended`);
      await sleep(50);
    }
    assert.equal(addresses(client, "web"), all(), what);
  };
  nodes(apiserver.client("test"));
  apiserver.client("test").create(service("web"));
  await seesPods("at first", [1, 2]);

  await serving.close();
  await sleep(3_000);
  serving = await serve({ apiserver, port });
  await seesPods("the same API server is back", [3, 4]);

  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_000);
  await seesPods("it stood still", [5, 6]);

  await serving.close();
  await sleep(1_000);
  apiserver = server();
  serving = await serve({ apiserver, port });
  nodes(apiserver.client("test"));
  apiserver.client("test").create(service("web"));
  await seesPods("it has lost everything", [8, 9]);
  child.kill();
  await serving.close();
});

http.run();
