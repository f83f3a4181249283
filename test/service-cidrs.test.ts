/** Where ClusterIPs come from, and which are taken: ServiceCIDRs and IPAddresses. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createCluster, type Cluster } from "stopover";
import { inertNotice } from "stopover/internal/inert";
import { MemoryStore } from "stopover/internal/store/memory";
import type { Event, Kind, KubeObject, Service } from "stopover/internal/objects/types";
import { newServer, refusal, service } from "./apiserver-harness.js";
import { Etcd, until } from "./etcd-harness.js";
import { lacking, needs } from "./needs.js";
import { Served } from "./serve-harness.js";

const test = suite("ServiceCIDRs and IPAddresses");
const [RANGE, ADDRESS] = ["ServiceCIDR" as Kind, "IPAddress" as Kind];

interface Range extends KubeObject {
  spec: { cidrs: string[] };
  status?: { conditions?: { type: string; status: string; reason: string; message: string }[] };
}
interface Address extends KubeObject {
  spec: { parentRef: Record<string, string> };
}

const furnished = (more: object = {}): Cluster =>
  createCluster({ seed: 1, systemObjects: true, serviceCIDR: "10.2.0.0/28", ...more });
const range = (name: string, ...cidrs: string[]): KubeObject =>
  ({
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: { name },
    spec: { cidrs },
  }) as KubeObject;
const address = (name: string, parentRef: object, labels?: Record<string, string>): KubeObject =>
  ({
    apiVersion: "networking.k8s.io/v1",
    kind: "IPAddress",
    metadata: { name, ...(labels && { labels }) },
    spec: { parentRef },
  }) as KubeObject;
const gateway = { group: "example.com", resource: "gateways", name: "door" };
const own = {
  "ipaddress.kubernetes.io/ip-family": "IPv4",
  "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
};

const rangeOf = (cluster: Cluster, name: string) =>
  cluster.list(RANGE).find(({ metadata }) => metadata.name === name) as Range | undefined;
const readyOf = (cluster: Cluster, name: string): string =>
  (rangeOf(cluster, name)?.status?.conditions ?? [])
    .map(({ type, status, reason }) => `${type}=${status} ${reason}`.trim())
    .join();
const addressesOf = (cluster: Cluster): string[] =>
  (cluster.list(ADDRESS) as unknown as Address[]).map(
    ({ metadata, spec: { parentRef } }) =>
      `${metadata.name} ${parentRef["namespace"] ?? ""}/${parentRef["name"]}`,
  );
const told = (cluster: Cluster): string[] =>
  (cluster.list("Event") as Event[])
    .filter(({ reportingComponent }) => reportingComponent === "ipallocator-repair-controller")
    .map(({ reason, involvedObject, message }) => `${involvedObject.kind} ${reason}: ${message}`);
const add = (cluster: Cluster, name: string, spec: Partial<Service["spec"]> = {}): Service =>
  cluster.apply(service(name, { ports: [{ port: 80 }], ...spec }) as never)[0] as Service;
/** The 14 addresses of 10.2.0.0/28 but for the first, which default/kubernetes has. */
function fill(cluster: Cluster): void {
  for (let i = 0; i < 13; i++) add(cluster, `s${i}`);
}

test("the API server makes the ServiceCIDR kubernetes of its range, ready and held", () => {
  const cluster = furnished();
  assert.equal(rangeOf(cluster, "kubernetes")!.spec.cidrs, ["10.2.0.0/28"]);
  assert.is(readyOf(cluster, "kubernetes"), "Ready=True");
  assert.equal(rangeOf(cluster, "kubernetes")!.metadata.finalizers, [
    "networking.k8s.io/service-cidr-finalizer",
  ]);
  assert.equal(addressesOf(cluster), ["10.2.0.1 default/kubernetes"]);
});

test("of two families it has both, and each ClusterIP is an IPAddress of its family", () => {
  const cluster = furnished({
    clusterCIDR: "10.1.0.0/16,fd00:1::/56",
    serviceCIDR: "10.2.0.0/28,fd00:2::/112",
    nodes: [{ name: "node-a", addresses: ["192.168.0.1", "fd00:192::1"] }],
  });
  assert.equal(rangeOf(cluster, "kubernetes")!.spec.cidrs, ["10.2.0.0/28", "fd00:2::/112"]);
  const { clusterIPs } = add(cluster, "web", { ipFamilyPolicy: "RequireDualStack" }).spec;
  const labels = cluster
    .list(ADDRESS)
    .filter(({ metadata }) => clusterIPs!.includes(metadata.name))
    .map(({ metadata }) => metadata.labels!["ipaddress.kubernetes.io/ip-family"]);
  assert.equal(labels, ["IPv4", "IPv6"]);
});

test("a Service's IPAddress comes before it, refers to it, and goes with it", () => {
  const cluster = furnished();
  const { spec, metadata } = add(cluster, "web", { clusterIP: "10.2.0.5" });
  const made = cluster.get(ADDRESS, "10.2.0.5", undefined) as unknown as Address;
  assert.equal(made.metadata.labels, own);
  assert.equal(made.spec.parentRef, { resource: "services", namespace: "default", name: "web" });
  assert.ok(Number(made.metadata.resourceVersion) < Number(metadata.resourceVersion));
  assert.is(spec.clusterIP, "10.2.0.5");
  cluster.patch("Service", "web", {
    spec: {
      type: "ExternalName",
      externalName: "x.example",
      clusterIP: "",
      clusterIPs: null,
      ports: null,
    },
  });
  assert.equal(addressesOf(cluster), ["10.2.0.1 default/kubernetes"]);
  add(cluster, "other", { clusterIP: "10.2.0.5" });
  cluster.delete("Service", "other");
  assert.equal(addressesOf(cluster), ["10.2.0.1 default/kubernetes"]);
});

test("a refused Service and a headless one leave none; a dry run writes none and shows the network's address", () => {
  const cluster = furnished();
  assert.throws(() => add(cluster, "web", { ports: [{ port: 0 }] }));
  add(cluster, "headless", { clusterIP: "None" });
  const tried = cluster.as("kubectl").create(service("tried"), { dryRun: true });
  assert.is(tried.spec.clusterIP, "10.2.0.0");
  assert.throws(
    () =>
      cluster
        .as("kubectl")
        .create(service("x", { clusterIP: "10.3.0.1", ports: [{ port: 80 }] }), { dryRun: true }),
    /failed to allocate IP 10\.3\.0\.1: the provided network does not match the current range/,
  );
  assert.equal(addressesOf(cluster), ["10.2.0.1 default/kubernetes"]);
});

test("a full range is full until a user's ServiceCIDR adds to it", () => {
  const cluster = furnished();
  fill(cluster);
  assert.throws(() => add(cluster, "more"), /failed to allocate a serviceIP: range is full/);
  assert.throws(() => add(cluster, "more", { clusterIP: "10.9.0.9" }), /does not match/);
  cluster.apply(range("more", "10.9.0.0/24") as never);
  assert.throws(() => add(cluster, "more"), /range is full/, "it is not ready yet");
  cluster.settle();
  assert.is(readyOf(cluster, "more"), "Ready=True");
  assert.match(add(cluster, "more").spec.clusterIP!, /^10\.9\.0\./);
  assert.is(add(cluster, "chosen", { clusterIP: "10.9.0.9" }).spec.clusterIP, "10.9.0.9");
});

test("one whose addresses are taken is not deleted, gives none, and goes after the last, ten seconds later", () => {
  const cluster = furnished();
  cluster.apply(range("more", "10.9.0.0/24") as never);
  cluster.settle();
  add(cluster, "web", { clusterIP: "10.9.0.9" });
  cluster.delete(RANGE, "more", undefined);
  cluster.settle();
  assert.is(readyOf(cluster, "more"), "Ready=False Terminating");
  assert.match(
    rangeOf(cluster, "more")!.status!.conditions![0]!.message,
    /still IPAddresses referencing the ServiceCIDR/,
  );
  assert.throws(() => add(cluster, "x", { clusterIP: "10.9.0.8" }), /does not match/);
  cluster.advance("1h");
  assert.ok(rangeOf(cluster, "more"));
  cluster.delete("Service", "web");
  cluster.advance("1s");
  assert.is(rangeOf(cluster, "more"), undefined);
});

test("an unused one waits ten seconds, in which nobody gets an address of it", () => {
  const cluster = furnished();
  cluster.apply(range("more", "10.9.0.0/24") as never);
  cluster.settle();
  cluster.delete(RANGE, "more", undefined);
  cluster.advance("8s");
  assert.ok(rangeOf(cluster, "more"));
  assert.throws(() => add(cluster, "x", { clusterIP: "10.9.0.8" }), /does not match/);
  cluster.advance("3s");
  assert.is(rangeOf(cluster, "more"), undefined);
});

test("a taken address keeps none of two that overlap, but the last", () => {
  const cluster = furnished();
  cluster.apply(range("wide", "10.9.0.0/16") as never);
  cluster.apply(range("narrow", "10.9.9.0/24") as never);
  cluster.settle();
  add(cluster, "web", { clusterIP: "10.9.9.9" });
  cluster.delete(RANGE, "wide", undefined);
  cluster.advance("11s");
  assert.is(rangeOf(cluster, "wide"), undefined);
  cluster.delete(RANGE, "narrow", undefined);
  cluster.advance("11s");
  assert.is(readyOf(cluster, "narrow"), "Ready=False Terminating");
  cluster.apply(range("again", "10.9.9.0/24") as never);
  cluster.advance("11s");
  assert.is(rangeOf(cluster, "narrow"), undefined, "another one has the address now");
});

test("the ServiceCIDR kubernetes comes again within ten seconds; in use it does not even go", () => {
  const cluster = furnished();
  cluster.delete(RANGE, "kubernetes", undefined);
  cluster.advance("30s");
  assert.is(readyOf(cluster, "kubernetes"), "Ready=False Terminating");
  cluster.apply(range("heir", "10.2.0.0/24") as never);
  cluster.advance("11s");
  cluster.advance("11s");
  assert.is(readyOf(cluster, "kubernetes"), "Ready=True");
  assert.is(rangeOf(cluster, "kubernetes")!.metadata.deletionTimestamp, undefined);
});

test("an IPAddress made by hand keeps its address from Services, and is left alone", () => {
  const cluster = furnished();
  cluster.apply(address("10.2.0.7", gateway) as never);
  assert.throws(
    () => add(cluster, "web", { clusterIP: "10.2.0.7" }),
    /failed to allocate IP 10\.2\.0\.7: provided IP is already allocated/,
  );
  for (let i = 0; i < 12; i++) assert.is.not(add(cluster, `s${i}`).spec.clusterIP, "10.2.0.7");
  assert.throws(() => add(cluster, "more"), /range is full/);
  cluster.advance("10m");
  assert.ok(addressesOf(cluster).includes("10.2.0.7 /door"));
  assert.equal(told(cluster), []);
});

test("an IPAddress that somebody deletes is made anew within three minutes, and told", () => {
  const cluster = furnished();
  add(cluster, "web", { clusterIP: "10.2.0.5" });
  cluster.delete(ADDRESS, "10.2.0.5", undefined);
  cluster.advance("181s");
  assert.ok(addressesOf(cluster).includes("10.2.0.5 default/web"));
  assert.throws(() => add(cluster, "thief", { clusterIP: "10.2.0.5" }), /already allocated/);
  assert.equal(told(cluster), [
    "Service ClusterIPNotAllocated: Cluster IP [IPv4]: 10.2.0.5 is not allocated; repairing",
  ]);
});

test("who takes its address before that has it twice: the one without the IPAddress is told of", () => {
  const cluster = furnished();
  add(cluster, "web", { clusterIP: "10.2.0.5" });
  cluster.delete(ADDRESS, "10.2.0.5", undefined);
  add(cluster, "thief", { clusterIP: "10.2.0.5" });
  cluster.advance("10m");
  assert.ok(addressesOf(cluster).includes("10.2.0.5 default/thief"));
  const [event, ...more] = cluster.list("Event").filter(({ type }) => type === "Warning");
  assert.equal(
    [event!.involvedObject.name, event!.reason, event!.message, more.length],
    [
      "web",
      "ClusterIPAlreadyAllocated",
      "Cluster IP [IPv4]:10.2.0.5 was assigned to multiple services; please recreate service",
      0,
    ],
  );
});

test("one that somebody else took meanwhile is taken back, and told", () => {
  const cluster = furnished();
  add(cluster, "web", { clusterIP: "10.2.0.5" });
  cluster.delete(ADDRESS, "10.2.0.5", undefined);
  cluster.apply(address("10.2.0.5", gateway) as never);
  cluster.advance("181s");
  assert.ok(addressesOf(cluster).includes("10.2.0.5 default/web"));
  assert.equal(told(cluster), [
    "Service ClusterIPNotAllocated: the ClusterIP [IPv4]: 10.2.0.5 for Service default/web has a wrong reference; repairing",
  ]);
});

test("one that says to be the allocator's and stands for nobody goes after a minute, and is told", () => {
  const cluster = furnished();
  add(cluster, "web", { clusterIP: "10.2.0.5" });
  const services = { resource: "services", namespace: "default" };
  cluster.apply(address("10.2.0.9", { ...services, name: "nobody" }, own) as never);
  cluster.apply(address("10.2.0.10", { ...services, name: "web" }, own) as never);
  cluster.apply(address("10.2.0.11", gateway, own) as never);
  cluster.advance("55s");
  assert.ok(addressesOf(cluster).includes("10.2.0.9 default/nobody"));
  cluster.advance("10s");
  assert.equal(addressesOf(cluster), ["10.2.0.1 default/kubernetes", "10.2.0.5 default/web"]);
  assert.equal(told(cluster).sort(), [
    "IPAddress IPAddressNotAllocated: IPAddress 10.2.0.11 appears to have been modified, not referencing a Service: cleaning up",
    "IPAddress IPAddressNotAllocated: IPAddress: 10.2.0.9 for Service default/nobody appears to have leaked: cleaning up",
    "IPAddress IPAddressWrongReference: IPAddress: 10.2.0.10 for Service default/web has a wrong reference; cleaning up",
  ]);
});

test("a ClusterIP that is of no range any more is told once, and stays", () => {
  const store = new MemoryStore();
  const old = newServer({ store, addressObjects: true, serviceCIDRs: ["10.50.0.0/24"] });
  const { clusterIP } = old.client.create(service("web")).spec;
  const { client, clock } = newServer({ store, addressObjects: true });
  clock.advance(600_000);
  const events = client.list("Event").items as Event[];
  assert.equal(
    events.map(({ message }) => message),
    [
      `Cluster IP [IPv4]: ${clusterIP} is not within any configured Service CIDR; please recreate service`,
    ],
  );
  assert.is(client.get(ADDRESS, clusterIP!).metadata.name, clusterIP);
});

const said = (object: KubeObject): string => {
  const { client } = newServer({ addressObjects: true });
  return refusal(() => client.create(object)).message;
};
const rules: [string, KubeObject, RegExp][] = [
  ["no range", range("r"), /spec\.cidrs: Required value: at least one CIDR required/],
  [
    "three",
    range("r", "10.0.0.0/8", "fd00::/64", "11.0.0.0/8"),
    /spec\.cidrs: Invalid value: .*may only hold up to 2 values/,
  ],
  [
    "two of one family",
    range("r", "10.0.0.0/24", "11.0.0.0/24"),
    /may specify no more than one IP for each IP family, i\.e 192\.168\.0\.0\/24/,
  ],
  ["no range at all", range("r", "10.0.0.0"), /spec\.cidrs\[0\]: .*must be a valid CIDR value/],
  ["host bits", range("r", "10.0.0.1/24"), /must not have bits set beyond the prefix length/],
  ["leading zeros", range("r", "010.0.0.0/24"), /must not have leading 0s in IP or prefix/],
  ["capitals", range("r", "FD00::/64"), /must be in canonical form \("fd00::\/64"\)/],
  ["no address", address("web", gateway), /metadata\.name: .*must be a valid IP address/],
  ["long form", address("fd00::0:1", gateway), /must be in canonical form \("fd00::1"\)/],
  ["zeros", address("10.0.0.01", gateway), /metadata\.name: .*must not have leading 0s/],
  ["no parent", address("10.0.0.1", undefined as never), /spec\.parentRef: Required value/],
  ["no name", address("10.0.0.1", { resource: "services" }), /parentRef\.name: Required value/],
  ["no resource", address("10.0.0.1", { name: "x" }), /parentRef\.resource: Required value/],
  ["a path", address("10.0.0.1", { resource: "a/b", name: "x" }), /parentRef\.resource: Inv.*'\/'/],
];
for (const [what, object, why] of rules)
  test(`${object.kind} with ${what} is refused`, () => assert.match(said(object), why));

test("a range may get a second family, and change in no other way; an IPAddress' parent stays", () => {
  const { client } = newServer({ addressObjects: true });
  const change = (kind: Kind, name: string, spec: object) =>
    client.patch(kind, name, undefined, { type: "merge", body: { spec } });
  client.create(range("r", "10.9.0.0/24"));
  assert.match(
    refusal(() => change(RANGE, "r", { cidrs: ["10.8.0.0/24"] })).message,
    /spec\.cidrs\[0\]: Invalid value: "10\.8\.0\.0\/24": field is immutable/,
  );
  change(RANGE, "r", { cidrs: ["10.9.0.0/24", "fd00::/64"] });
  assert.match(
    refusal(() => change(RANGE, "r", { cidrs: ["10.9.0.0/24"] })).message,
    /spec\.cidrs: .*field is immutable/,
  );
  client.create(address("10.0.0.1", gateway));
  assert.match(
    refusal(() => change(ADDRESS, "10.0.0.1", { parentRef: { ...gateway, name: "x" } })).message,
    /spec\.parentRef: .*field is immutable/,
  );
});

test("kube-proxy drops what is sent to an unallocated address of any known range, and rejects unknown ports", () => {
  const cluster = furnished({ proxyMode: "nftables", first: {} });
  cluster.apply(range("more", "10.9.0.0/24") as never);
  cluster.settle();
  add(cluster, "web", { clusterIP: "10.9.0.9" });
  cluster.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "client" },
    spec: { containers: [{ name: "c", image: "nginx" }] },
  } as never);
  cluster.settle();
  const ask = (url: string): string =>
    cluster.request(url, { from: "pod/default/client" }).disposition;
  cluster.advance("1h"); // a full sync tells of ranges
  assert.is(ask("http://10.9.0.10/"), "dropped");
  assert.is(ask("http://10.2.0.10/"), "dropped");
  assert.is(ask("http://10.9.0.9:81/"), "rejected");
  cluster.delete("Service", "web");
  cluster.delete(RANGE, "more", undefined);
  cluster.advance("2h");
  assert.is.not(ask("http://10.9.0.10/"), "dropped");
});

test("without system objects there are none, and a range that somebody writes is told to be stored only", () => {
  const cluster = createCluster({ seed: 1 });
  add(cluster, "web");
  assert.equal([cluster.list(ADDRESS).length, cluster.list(RANGE).length], [0, 0]);
  assert.is(
    inertNotice(cluster.apply(range("more", "10.9.0.0/24") as never)[0]!),
    "ServiceCIDR more: stored; nobody acts on it here",
  );
});

const kubectl = process.env["KUBECTL"] ?? "kubectl";
if (needs(test, "kubectl, two servers and etcd", lacking(kubectl, "etcd"))) {
  test("two servers on one etcd give no address twice, and kubectl shows ranges and addresses", async () => {
    const etcd = await Etcd.start();
    const file = join(etcd.directory, "web.json");
    const web = service("web", { clusterIP: "10.2.0.20", ports: [{ port: 80 }] });
    writeFileSync(file, JSON.stringify(web));
    try {
      const args = [file, "--store", `etcd=${etcd.url}`];
      const one = await Served.start(...args);
      const two = await Served.start(...args);
      const services = "/api/v1/namespaces/default/services";
      const post = (served: Served, name: string, spec: object = {}) =>
        served.ask("POST", services, service(name, { ports: [{ port: 80 }], ...spec }));
      const clash = await post(two, "thief", { clusterIP: "10.2.0.20" });
      assert.match(clash.text, /10\.2\.0\.20: provided IP is already allocated/);
      const more = range("more", "10.9.0.0/24");
      const ranges = "/apis/networking.k8s.io/v1/servicecidrs";
      assert.is((await one.ask("POST", ranges, more)).code, 201);
      const fresh = await until("the other hears of the range", 20_000, async () => {
        const answer = await post(two, "far", { clusterIP: "10.9.0.9" });
        return answer.code === 201 ? answer : undefined;
      });
      assert.match(fresh.text, /"clusterIP":"10\.9\.0\.9"/);
      const shown = spawnSync(kubectl, ["--server", one.url, "get", "servicecidr,ipaddress"]);
      const lines = String(shown.stdout)
        .split("\n")
        .map((line) =>
          line
            .trim()
            .replaceAll(/ {2,}/g, " | ")
            .replaceAll(/\| \d+s$/g, "| AGE"),
        );
      assert.equal(lines, [
        "NAME | CIDRS | AGE",
        "servicecidr.networking.k8s.io/kubernetes | 10.2.0.0/16 | AGE",
        "servicecidr.networking.k8s.io/more | 10.9.0.0/24 | AGE",
        "",
        "NAME | PARENTREF",
        "ipaddress.networking.k8s.io/10.2.0.1 | services/default/kubernetes",
        "ipaddress.networking.k8s.io/10.2.0.20 | services/default/web",
        "ipaddress.networking.k8s.io/10.9.0.9 | services/default/far",
        "",
      ]);
    } finally {
      void etcd.end();
    }
  });
}

test.run();
