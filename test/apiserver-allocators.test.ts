import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { IPAllocator, PortAllocator } from "stopover/internal/apiserver/allocators";
import { ApiError } from "stopover/internal/api/errors";
import { Random } from "stopover/internal/machinery/random";
import type { Service } from "stopover/internal/objects/types";
import { newServer, refusal, service } from "./apiserver-harness.js";
import { seed } from "./seed.js";

const test = suite("allocators");
const nodePort = (
  port: number,
  name: string,
  nodePort?: number,
  protocol: "TCP" | "UDP" = "TCP",
) => ({ port, name, protocol, ...(nodePort && { nodePort }) });

test("NodePorts: the upper band first (30086-32767), then the lower, then none", () => {
  const ports = new PortAllocator(30000, 32767, new Random(1).next);
  const given = Array.from({ length: 2768 }, () => ports.next());
  assert.is(new Set(given).size, 2768);
  assert.equal([Math.min(...given.slice(0, 2682)), Math.max(...given)], [30086, 32767]);
  assert.ok(
    given.slice(2682).every((port) => port < 30086),
    "the last 86 come from the static band",
  );
  assert.throws(() => ports.next(), /range is full/);
  ports.forget(31000);
  assert.is(ports.next(), 31000);
});

test("ClusterIPs: the upper band first, never the network's own address or the broadcast address", () => {
  const ips = new IPAllocator("10.2.0.0/24", new Random(1).next);
  const given = Array.from({ length: 254 }, () => ips.next()!);
  assert.is(new Set(given).size, 254);
  assert.not.ok(given.includes("10.2.0.0") || given.includes("10.2.0.255"));
  const low = given.map((ip) => Number(ip.split(".")[3]) <= 16);
  assert.equal(
    [low.indexOf(true), low.filter(Boolean).length],
    [238, 16],
    "a /24 keeps 16 for those who choose",
  );
  assert.is(ips.next(), undefined, "it is full");
});

test("of IPv6 every address of the range may be asked for, but the network's own", () => {
  const ips = new IPAllocator("fd00:10:96::/108", new Random(1).next);
  for (const ip of ["fd00:10:96::1:a", "fd00:10:96::f:ffff"]) {
    assert.ok(ips.has(ip), ip);
    ips.take(ip);
    assert.throws(() => ips.take(ip), /already allocated/);
  }
  for (const ip of ["fd00:10:96::", "fd00:10:96::10:0"]) assert.not.ok(ips.has(ip), ip);
});
test("a /108 of IPv6 gives addresses in their canonical form", () => {
  const ips = new IPAllocator("fd00:10:96::/108", new Random(1).next);
  for (let i = 0; i < 100; i++) assert.match(ips.next()!, /^fd00:10:96::[1-9a-f][0-9a-f]{0,3}$/);
});

test("an open pin is given first, once, and only if it is free", () => {
  const pinned = () => new PortAllocator(30000, 32767, new Random(1).next, 30519);
  assert.is(pinned().next(), 30519);
  const taken = pinned();
  taken.take(30519);
  assert.is.not(taken.next(), 30519);
});

test("one port number on two protocols shares a NodePort", () => {
  const { client } = newServer();
  const ports = client.create(
    service("dns", {
      type: "NodePort",
      ports: [nodePort(53, "tcp"), nodePort(53, "udp", undefined, "UDP"), nodePort(54, "other")],
    }),
  ).spec.ports!;
  assert.is(ports[0]!.nodePort, ports[1]!.nodePort);
  assert.is.not(ports[0]!.nodePort, ports[2]!.nodePort);
});

test("a port that is there twice is a duplicate, and its NodePort not taken by another", () => {
  const { client } = newServer();
  const ports = [nodePort(80, "a", 30001), nodePort(80, "b", 30001)];
  assert.match(
    refusal(() => client.create(service("a", { type: "NodePort", ports }))).message,
    /^Service "a" is invalid: .*spec\.ports\[1\]: Duplicate value/,
  );
  assert.is(
    client.create(service("b", { type: "NodePort", ports: ports.slice(1) })).kind,
    "Service",
  );
});

test("a NodePort that is taken is refused; when its Service goes it is free", () => {
  const { client } = newServer();
  client.create(service("a", { type: "NodePort", ports: [nodePort(80, "x", 30001)] }));
  assert.is(
    refusal(() =>
      client.create(service("b", { type: "NodePort", ports: [nodePort(80, "x", 30001)] })),
    ).message,
    'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated',
  );
  client.delete("Service", "a");
  client.create(service("b", { type: "NodePort", ports: [nodePort(80, "x", 30001)] }));
});

test("a refused Service gives back what it was given", () => {
  const { client } = newServer({ nodePortRange: { from: 30000, to: 30003 } });
  for (let i = 0; i < 10; i++)
    refusal(() => client.create(service("1x", { type: "NodePort", ports: [{ port: 80 }] })));
  client.create(
    service("a", {
      type: "NodePort",
      ports: [1, 2, 3, 4].map((port) => nodePort(port, `p${port}`)),
    }),
  );
  const full = refusal(() =>
    client.create(service("b", { type: "NodePort", ports: [{ port: 80 }] })),
  );
  assert.equal(
    [full.code, full.message],
    [500, "Internal error occurred: failed to allocate a nodePort: range is full"],
  );
});

test("exhausted ClusterIPs say so", () => {
  const { client } = newServer({ serviceCIDRs: ["10.2.0.0/29"] });
  for (let i = 0; i < 6; i++) client.create(service(`s${i}`));
  assert.is(
    refusal(() => client.create(service("more"))).message,
    "Internal error occurred: failed to allocate a serviceIP: range is full",
  );
  client.delete("Service", "s3");
  assert.ok(client.create(service("more")).spec.clusterIP);
});

test("changes of type take and give back numbers", () => {
  const { client } = newServer({ first: { nodePort: 30519 } });
  const patch = (body: object) =>
    client.patch("Service", "s", undefined, { type: "merge", body: { spec: body } }).spec;
  client.create(service("s"));
  const local = patch({ type: "LoadBalancer", externalTrafficPolicy: "Local" });
  assert.equal([local.ports![0]!.nodePort, typeof local.healthCheckNodePort], [30519, "number"]);
  const node = patch({ type: "NodePort" });
  assert.equal(
    [node.ports![0]!.nodePort, node.healthCheckNodePort, node.allocateLoadBalancerNodePorts],
    [30519, undefined, undefined],
  );
  const plain = patch({ type: "ClusterIP" });
  assert.equal(
    [plain.ports![0]!.nodePort, plain.externalTrafficPolicy, plain.clusterIP],
    [undefined, undefined, local.clusterIP],
  );
  client.create(service("t", { type: "NodePort", ports: [nodePort(80, "x", 30519)] }));
  const alias = patch({ type: "ExternalName", externalName: "example.com" });
  assert.equal(
    [alias.clusterIP, alias.clusterIPs, alias.ipFamilies],
    [undefined, undefined, undefined],
  );
  client.create(service("u", { clusterIP: local.clusterIP!, ports: [{ port: 80 }] }));
});

test("an update that is silent about its numbers keeps them", () => {
  const { client } = newServer();
  const made = client.create(
    service("s", { type: "NodePort", ports: [nodePort(80, "a"), nodePort(81, "b")] }),
  );
  const replaced = client.update(
    service("s", {
      type: "NodePort",
      ports: [nodePort(81, "b"), nodePort(80, "a"), nodePort(82, "c")],
    }),
  );
  assert.is(replaced.spec.clusterIP, made.spec.clusterIP);
  assert.equal(
    replaced.spec.ports!.slice(0, 2).map((one) => one.nodePort),
    [made.spec.ports![1]!.nodePort, made.spec.ports![0]!.nodePort],
  );
});

test("a LoadBalancer without NodePorts takes only those it names", () => {
  const { client } = newServer();
  const { ports } = client.create(
    service("s", {
      type: "LoadBalancer",
      allocateLoadBalancerNodePorts: false,
      ports: [nodePort(80, "a"), nodePort(81, "b", 30005)],
    }),
  ).spec;
  assert.equal(
    ports!.map((one) => one.nodePort),
    [undefined, 30005],
  );
});

test("dual stack: one address of each family, in the order asked for; the second may come and go", () => {
  const { client } = newServer({ serviceCIDRs: ["10.96.0.0/16", "fd00:10:96::/108"] });
  const both = client.create(
    service("both", { ipFamilyPolicy: "PreferDualStack", ports: [{ port: 80 }] }),
  ).spec;
  assert.equal(
    [both.ipFamilies, both.clusterIPs!.map((ip) => ip.includes(":"))],
    [
      ["IPv4", "IPv6"],
      [false, true],
    ],
  );
  const six = client.create(
    service("six", {
      ipFamilyPolicy: "RequireDualStack",
      ipFamilies: ["IPv6"],
      ports: [{ port: 80 }],
    }),
  ).spec;
  assert.equal([six.ipFamilies, six.clusterIP!.includes(":")], [["IPv6", "IPv4"], true]);
  const chosen = client.create(
    service("chosen", { clusterIP: "fd00:10:96::99", ports: [{ port: 80 }] }),
  ).spec;
  assert.equal([chosen.ipFamilies, chosen.ipFamilyPolicy], [["IPv6"], "SingleStack"]);
  const patch = (body: object) =>
    client.patch("Service", "chosen", undefined, { type: "merge", body: { spec: body } }).spec;
  const upgraded = patch({ ipFamilyPolicy: "PreferDualStack" });
  assert.equal(
    [upgraded.ipFamilies, upgraded.clusterIPs!.length, upgraded.clusterIPs![0]],
    [["IPv6", "IPv4"], 2, "fd00:10:96::99"],
  );
  const single = patch({
    ipFamilyPolicy: "SingleStack",
    ipFamilies: ["IPv6"],
    clusterIPs: ["fd00:10:96::99"],
  });
  assert.equal(single.clusterIPs, ["fd00:10:96::99"]);
  client.create(service("freed", { clusterIP: upgraded.clusterIPs![1]!, ports: [{ port: 80 }] }));
});

test("whatever is asked in whatever order: no number twice, none lost", () => {
  const change = fc.record({
    name: fc.constantFrom("a", "b", "c", "d"),
    what: fc.constantFrom("create", "update", "patch", "delete", "dryRun"),
    type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
    policy: fc.constantFrom("Local", "Cluster", undefined),
    ports: fc.array(
      fc.record({
        port: fc.constantFrom(1, 2),
        protocol: fc.constantFrom("TCP", "UDP"),
        nodePort: fc.constantFrom(undefined, 30001, 30002, 1),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    clusterIP: fc.constantFrom(undefined, "None", "10.2.0.5", "1.1.1.1"),
    allocate: fc.constantFrom(undefined, true, false),
    families: fc.constantFrom(undefined, "PreferDualStack", "SingleStack"),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 20, maxLength: 40 }), (changes) => {
      const { client } = newServer({
        serviceCIDRs: ["10.2.0.0/28", "fd00::/124"],
        nodePortRange: { from: 30000, to: 30005 },
      });
      for (const { name, what, type, policy, ports, clusterIP, allocate, families } of changes) {
        const spec = {
          type,
          ports: ports.map((port, i) => ({ name: `p${i}`, ...port })),
          externalName: type === "ExternalName" ? "x.example" : undefined,
          externalTrafficPolicy: policy,
          clusterIP,
          allocateLoadBalancerNodePorts: allocate,
          ipFamilyPolicy: families,
        } as Service["spec"];
        try {
          if (what === "delete") client.delete("Service", name);
          else if (what === "patch")
            client.patch("Service", name, undefined, {
              type: "merge",
              body: {
                spec: {
                  type,
                  externalTrafficPolicy: policy ?? null,
                  ...(type === "ExternalName" && { externalName: "x.example" }),
                },
              },
            });
          else if (what === "update") client.update(service(name, spec));
          else client.create(service(name, spec), { dryRun: what === "dryRun" });
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
        }
        const held = client
          .list("Service")
          .items.map(({ spec }) => [
            ...(spec.clusterIPs ?? []).filter((ip) => ip !== "None"),
            ...new Set(
              [
                // an ExternalName may name a NodePort, which nobody gives it (storage/alloc.go)
                ...(spec.type === "ExternalName" ? [] : (spec.ports ?? [])).map(
                  ({ nodePort }) => nodePort,
                ),
                spec.healthCheckNodePort,
              ].filter(Boolean),
            ),
          ])
          .flat();
        assert.is(new Set(held).size, held.length, `a number is held twice: ${held}`);
      }
      for (const { metadata } of client.list("Service").items)
        client.delete("Service", metadata.name);
      for (let i = 0; i < 14; i++)
        client.create(
          service(`all-${i}`, {
            ipFamilyPolicy: "PreferDualStack",
            ports: [{ port: 80 }],
            ...(i < 6 && { type: "NodePort" }),
          }),
        );
    }),
    { numRuns: 150, seed },
  );
});

test.run();
