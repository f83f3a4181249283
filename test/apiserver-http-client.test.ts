import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HttpClient } from "stopover/internal/doors/serve/http-client";
import type { Client, WatchEvent } from "stopover/internal/api/client";
import { RealClock } from "stopover/internal/machinery/real-clock";
import type { Service } from "stopover/internal/objects/types";
import { oddServer } from "./odd-server.js";
import { apiServerThread } from "./apiserver-thread.js";
import { deployment, newServer, pod, refusal, service, told } from "./apiserver-harness.js";

const test = suite("HTTP client");
const thread = await apiServerThread();
const remote = new HttpClient({ url: thread.url, who: "test", clock: new RealClock() });
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * What a component does in its life; answers what it saw, without what must differ (uids, times,
 * random numbers).
 */
function transcript(client: Client): unknown[] {
  const seen: unknown[] = [];
  const see = (value: unknown) =>
    seen.push(
      JSON.parse(
        // who comes by HTTP has a name, whose fields are kept
        JSON.stringify(value, (key, part: unknown) =>
          key === "managedFields"
            ? undefined
            : [
                  "uid",
                  "creationTimestamp",
                  "resourceVersion",
                  "lastTransitionTime",
                  "deletionTimestamp",
                ].includes(key)
              ? "…"
              : part,
        ),
      ),
    );
  const made = client.create(service("t", { clusterIP: "10.96.7.7", ports: [{ port: 80 }] }));
  see(made);
  see(client.get("Service", "t"));
  see(client.update({ ...made, metadata: { ...made.metadata, labels: { a: "b" } } }));
  see(refusal(() => client.update(made)).status);
  see(
    client.updateStatus({
      ...client.get("Service", "t"),
      status: { conditions: [{ type: "A", status: "True" }] },
    }),
  );
  see(
    client.patch("Service", "t", "default", {
      type: "strategic",
      body: { spec: { ports: [{ port: 80, targetPort: 8080 }] } },
    }),
  );
  see(
    client.patch("Service", "t", "default", {
      type: "json",
      body: [{ op: "remove", path: "/metadata/labels" }],
    }),
  );
  see(refusal(() => client.create(service("t"))).status);
  see(refusal(() => client.create(service("u", {}))).status);
  see(client.create(deployment("d")));
  see(
    client.patch(
      "Deployment",
      "d",
      undefined,
      { type: "merge", body: { spec: { replicas: 2 } } },
      { subresource: "scale" },
    ),
  );
  see(client.create(pod("p")));
  see(client.bind("p", undefined, "node-a"));
  client.delete("Pod", "p", undefined, { gracePeriodSeconds: 3 });
  see(client.get("Pod", "p"));
  client.delete("Pod", "p", "default", { gracePeriodSeconds: 0 });
  see(refusal(() => client.delete("Service", "t", "default", { resourceVersion: "1" })).reason);
  see(client.list("Service", { labelSelector: "a" }).items);
  see(client.list("Pod", { fieldSelector: "spec.nodeName=node-a" }).items);
  see(client.create(service("dry"), { dryRun: true }).metadata.name);
  see(refusal(() => client.get("Service", "dry")).message);
  client.delete("Deployment", "d");
  client.delete("Service", "t");
  return seen;
}

test("every call comes to the same as in the process", () =>
  assert.equal(transcript(remote), transcript(newServer().client)));

test("pages, and lists that were cut", () => {
  for (let i = 0; i < 5; i++) remote.create(service(`s${i}`));
  const first = remote.list("Service", { limit: 3 });
  assert.equal(
    [
      first.items.length,
      first.remainingItemCount,
      remote.list("Service", { continue: first.continue! }).items.length,
    ],
    [3, 2, 2],
  );
  for (let i = 0; i < 5; i++) remote.delete("Service", `s${i}`);
});

test("a watch hears what others do, through the event loop", async () => {
  const events: WatchEvent<Service>[] = [];
  const stop = remote.watch(
    "Service",
    { resourceVersion: remote.list("Service").resourceVersion, labelSelector: "!ignored" },
    (event) => events.push(event),
  );
  remote.create(service("a"));
  remote.create(service("b", undefined, { labels: { ignored: "" } }));
  remote.delete("Service", "a");
  assert.is(events.length, 0, "nothing inside a call");
  for (let i = 0; i < 50 && events.length < 2; i++) await pause(20);
  assert.equal(told(events), ["ADDED a", "DELETED a"]);
  stop();
  remote.create(service("c"));
  await pause(100);
  assert.is(events.length, 2);
});

test("what it answers is frozen", () =>
  assert.throws(() => {
    remote.get("Service", "c").spec.ports![0]!.port = 1;
  }, /read only/));

test("what kube-apiserver leaves out or has null for is there", async () => {
  const server = await oddServer("nulls");
  const client = new HttpClient({ url: server.url, who: "test", clock: new RealClock() });
  const slice = {
    kind: "EndpointSlice",
    apiVersion: "discovery.k8s.io/v1",
    metadata: { name: "a", resourceVersion: "5" },
    addressType: "IPv4",
    endpoints: [],
  };
  assert.equal(client.get("EndpointSlice", "a"), slice);
  assert.equal(client.list("EndpointSlice"), { items: [slice], resourceVersion: "7" });
  assert.equal(client.list("Pod"), { items: [], resourceVersion: "7" });
  const events: unknown[] = [];
  const stop = client.watch("EndpointSlice", { resourceVersion: "7" }, (event) =>
    events.push(event),
  );
  for (let i = 0; i < 50 && events.length === 0; i++) await pause(20);
  stop();
  assert.equal(events[0], { type: "MODIFIED", object: slice });
  client.close();
  await server.end();
});

test("an address that is none, and a server that is not there, are said clearly", () => {
  assert.throws(
    () => new HttpClient({ url: "ftp://x", who: "test", clock: new RealClock() }),
    /got "ftp:\/\/x"; an address like http:\/\/127\.0\.0\.1:8001 is needed/,
  );
  const nobody = new HttpClient({ url: "http://127.0.0.1:9", who: "test", clock: new RealClock() });
  assert.throws(
    () => nobody.get("Service", "a"),
    /http:\/\/127\.0\.0\.1:9 cannot be reached: connect ECONNREFUSED/,
  );
  nobody.close();
});

test.after(async () => {
  remote.close();
  await thread.end();
});
test.run();
