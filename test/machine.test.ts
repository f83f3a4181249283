/** A machine and its Pods, without a cluster: ports, probes, addresses, what comes and goes. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseAddress as parse } from "stopover/internal/net/ip";
import { packet } from "stopover/internal/net/packet";
import { Machine, type MachineOptions } from "stopover/internal/node/machine";
import type { Container, Pod, PodSpec, Probe } from "stopover/internal/objects/types";

const machineOf = (options: Partial<MachineOptions> = {}): Machine =>
  new Machine({
    name: "node-a",
    addresses: ["192.168.0.1/16", "fd00::1/64"],
    clock: { now: () => 0 },
    ...options,
  });
const podOf = (
  name: string,
  container: Partial<Container> = {},
  spec: Partial<PodSpec> = {},
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", uid: `uid-${name}` },
  spec: { containers: [{ name: "web", image: "example.com/web", ...container }], ...spec },
});
const ranges = ["10.1.1.0/24"];

const probes = suite("a probe");
const served: Partial<Container> = {
  ports: [{ name: "http", containerPort: 8080 }, { containerPort: 9 }],
};
const said: [
  says: string,
  probe: Probe,
  ok: boolean,
  message: string,
  change?: "sick" | "crashed",
][] = [
  ["of a port that is served", { httpGet: { port: 8080 } }, true, ""],
  ["of a port by its name", { httpGet: { port: "http" } }, true, ""],
  ["by a connection", { tcpSocket: { port: 9 } }, true, ""],
  ["by a command", {}, true, ""],
  [
    "of a port that nobody serves",
    { httpGet: { port: 81 } },
    false,
    'Get "http://10.1.1.2:81/": dial tcp 10.1.1.2:81: connect: connection refused',
  ],
  [
    "of a path there",
    { httpGet: { port: 81, path: "/ok" } },
    false,
    'Get "http://10.1.1.2:81/ok": dial tcp 10.1.1.2:81: connect: connection refused',
  ],
  [
    "of a name that no port has",
    { httpGet: { port: "https" } },
    false,
    'Get "http://10.1.1.2:https/": dial tcp 10.1.1.2:https: connect: connection refused',
  ],
  [
    "by a connection that nobody takes",
    { tcpSocket: { port: 81 } },
    false,
    "dial tcp 10.1.1.2:81: connect: connection refused",
  ],
  [
    "of a process that is sick",
    { httpGet: { port: 8080 } },
    false,
    "HTTP probe failed with statuscode: 503",
    "sick",
  ],
  ["by a command, of a process that is sick", {}, false, "command failed with exit code 1", "sick"],
  ["of a process that has ended", {}, false, "container not running", "crashed"],
];
for (const [says, probe, ok, message, change] of said)
  probes(says, () => {
    const machine = machineOf();
    const pod = podOf("a", served);
    machine.start(pod, ranges);
    const sandbox = machine.sandbox("default/a")!;
    sandbox.sick = change === "sick";
    if (change === "crashed") machine.crash(sandbox, "web");
    assert.equal(machine.probe(pod, "web", probe), { ok, message });
  });
probes("of a Pod that is not there", () =>
  assert.equal(machineOf().probe(podOf("a"), "web", {}), {
    ok: false,
    message: "container not running",
  }),
);
probes.run();

const lives = suite("a Pod on a machine");
lives("has the addresses that it was given first, however often it is started", () => {
  const machine = machineOf();
  const both = ["10.1.1.0/24", "fd00:1::/64"];
  assert.equal(machine.start(podOf("a"), both), { ips: ["10.1.1.2", "fd00:1::2"] });
  assert.equal(machine.start(podOf("a"), both), { ips: ["10.1.1.2", "fd00:1::2"] });
  assert.is(machine.sandboxAt("fd00:1::2")?.key, "default/a");
  assert.is(machine.sandboxAt("10.1.1.3"), undefined);
});
lives("in the node's network has the node's addresses, and takes none of the Pods'", () => {
  const machine = machineOf();
  const heard: string[] = [];
  machine.onSandbox = ({ key }, there) => void heard.push(`${key} ${there}`);
  const host = podOf("host", { ports: [{ containerPort: 8080 }] }, { hostNetwork: true });
  assert.equal(machine.start(host, ranges).ips, ["192.168.0.1", "fd00::1"]);
  assert.equal(machine.start(podOf("a"), ranges).ips, ["10.1.1.2"]);
  assert.is(machine.processOn("TCP", 8080)?.key, "default/host");
  assert.equal(
    [machine.processOn("UDP", 8080), machine.processOn("TCP", 80)],
    [undefined, undefined],
  );
  assert.is(machine.deviceOf(machine.sandbox("default/host")!), "lo");
  assert.match(machine.deviceOf(machine.sandbox("default/a")!), /^veth[0-9a-f]{8}$/);
  machine.stop(host);
  assert.is(machine.processOn("TCP", 8080), undefined);
  assert.equal(heard, ["default/host true", "default/a true", "default/host false"]);
});
lives("is not stopped in the name of its former self", () => {
  const machine = machineOf();
  machine.start(podOf("a"), ranges);
  const former = podOf("a");
  machine.stop({ ...former, metadata: { ...former.metadata, uid: "another" } });
  assert.ok(machine.sandboxAt("10.1.1.2"));
  machine.stop(former);
  assert.equal([machine.sandboxAt("10.1.1.2"), [...machine.sandboxes]], [undefined, []]);
  const device = (address: string) => machine.kernel.routes.lookup(parse(address))?.type;
  assert.is(device("10.1.1.2"), "blackhole", "nobody has the address any more");
});
lives("that is not there can be taken away", () => {
  const machine = machineOf();
  machine.start(podOf("a"), ranges);
  machine.stop(podOf("b"));
  machine.pods.remove("default/b");
  assert.is(machine.sandboxAt("10.1.1.2")?.key, "default/a");
});
lives("of two that a dump gives one address, the one that stays keeps it", () => {
  const machine = machineOf();
  const [old, young] = [podOf("old"), podOf("young")];
  machine.attach(old, ["10.1.1.7"]);
  const { veth } = machine.attach(young, ["10.1.1.7"]);
  machine.stop(old);
  assert.is(machine.sandboxAt("10.1.1.7")?.key, "default/young");
  assert.is(machine.kernel.routes.lookup(parse("10.1.1.7"))?.dev, veth);
});
lives("whose process ends is told of, and runs again once it is restarted", () => {
  const machine = machineOf();
  let exits = 0;
  machine.onExit = () => void exits++;
  const pod = podOf("a");
  machine.start(pod, ranges);
  assert.ok(machine.running(pod, "web"));
  machine.crash(machine.sandbox("default/a")!, "web");
  assert.equal([machine.running(pod, "web"), exits], [false, 1]);
  machine.run(pod, "web");
  assert.ok(machine.running(pod, "web"));
  assert.not(machine.running(podOf("b"), "web"));
});
lives.run();

const hostPorts = suite("a hostPort");
const asking = (name: string, ...ports: NonNullable<Container["ports"]>) => podOf(name, { ports });
hostPorts("is asked for at every address, or at one", () => {
  const machine = machineOf();
  machine.start(
    asking(
      "a",
      { containerPort: 1, hostPort: 8000 },
      { containerPort: 2, hostPort: 8001, hostIP: "127.0.0.1" },
      { containerPort: 3, hostPort: 8002, hostIP: "0.0.0.0" },
      { containerPort: 4, hostPort: 8003, hostIP: "::", protocol: "UDP" },
      { containerPort: 5 },
    ),
    ranges,
  );
  const at = (address: string, port: number, protocol: "TCP" | "UDP" = "TCP") =>
    machine.hostPort(protocol, address, port)?.field;
  const field = (i: number) => `spec.containers[0].ports[${i}].hostPort`;
  assert.equal([at("192.168.0.1", 8000), at("1.2.3.4", 8000)], [field(0), field(0)]);
  assert.equal([at("127.0.0.1", 8001), at("192.168.0.1", 8001)], [field(1), undefined]);
  assert.equal([at("192.168.0.1", 8002), at("192.168.0.1", 8002, "UDP")], [field(2), undefined]);
  assert.equal([at("192.168.0.1", 8003, "UDP"), at("192.168.0.1", 8003)], [field(3), undefined]);
  assert.is(at("192.168.0.1", 5), undefined);
});
hostPorts("of two Pods: who goes leaves the other's", () => {
  const machine = machineOf();
  const [a, b] = ["a", "b"].map((name) => asking(name, { containerPort: 1, hostPort: 8000 })) as [
    Pod,
    Pod,
  ];
  machine.start(a, ranges);
  machine.start(b, ranges);
  const holder = () => machine.hostPort("TCP", "192.168.0.1", 8000)?.sandbox.key;
  assert.is(holder(), "default/a");
  machine.stop(a);
  assert.is(holder(), "default/b");
  machine.stop(b);
  assert.is(holder(), undefined);
});
hostPorts("means nothing for a Pod in the node's network", () => {
  const machine = machineOf();
  const pod = podOf("a", { ports: [{ containerPort: 80, hostPort: 80 }] }, { hostNetwork: true });
  machine.start(pod, ranges);
  assert.is(machine.hostPort("TCP", "192.168.0.1", 80), undefined);
});
hostPorts.run();

const ways = suite("a machine's ways");
ways("out: by its gateway, or straight onto its link, in each family that it has", () => {
  const way = (options: Partial<MachineOptions>, address: string) => {
    const route = machineOf(options).kernel.routes.lookup(parse(address));
    return route && [route.dev, route.via];
  };
  assert.equal(way({}, "8.8.8.8"), ["eth0", undefined]);
  assert.equal(way({ gateway: "192.168.0.254" }, "8.8.8.8"), ["eth0", "192.168.0.254"]);
  assert.equal(way({}, "2001:db8::1"), ["eth0", undefined]);
  assert.is(way({ addresses: ["192.168.0.1/16"] }, "2001:db8::1"), undefined);
  const { addresses, ranges } = machineOf();
  assert.equal(
    [addresses, ranges],
    [
      ["192.168.0.1", "fd00::1"],
      ["192.168.0.0/16", "fd00::/64"],
    ],
  );
});
ways(
  "through: it forwards what is not its own, as kubelets and CNI plugins ask (ip_forward)",
  () => {
    const machine = machineOf();
    assert.ok(machine.kernel.forwarding);
    machine.start(podOf("a"), ranges);
    const choose = { chance: () => true, pick: () => 0, port: (low: number) => low };
    const verdict = machine.kernel.receive(packet("192.168.0.9:40000", "10.1.1.2:80"), "eth0", {
      choose,
    });
    assert.is(verdict.kind, "forward");
  },
);
ways.run();
