/** What a journey is made of, each part by itself: URLs, names, load balancers, addresses, text. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  balance,
  forwarding,
  onwardPacket,
  refusal,
  type Picked,
  type Refused,
} from "stopover/internal/journey/balance";
import { fraction } from "stopover/internal/journey/fraction";
import { journeyText, outcomesText } from "stopover/internal/journey/text";
import { lookUp, meet } from "stopover/internal/journey/lookup";
import { Network } from "stopover/internal/journey/network";
import { inPod, internetHost, originOf } from "stopover/internal/journey/origin";
import { travelPacket } from "stopover/internal/journey/travel";
import type { Founded, Hop, Journey } from "stopover/internal/journey/types";
import { readURL } from "stopover/internal/journey/url";
import { Budget } from "stopover/internal/net/budget";
import { addressRecord, Zone } from "stopover/internal/net/dns";
import { parseCIDR } from "stopover/internal/net/ip";
import { fixedBalancers, type Balancer } from "stopover/internal/net/load-balancer";
import { Routes } from "stopover/internal/net/routes";
import { packet, type Transport } from "stopover/internal/net/packet";
import { gatewayOf, HostLocal } from "stopover/internal/node/cni/host-local";
import { Machine } from "stopover/internal/node/machine";
import type { Pod } from "stopover";

const urls = suite("what of a URL decides");
const goals: [url: string, goal: string][] = [
  ["http://mynginx-app.com:8080/", "mynginx-app.com 8080 mynginx-app.com:8080 asks /"],
  ["http://mynginx-app.com", "mynginx-app.com 80 mynginx-app.com:80 asks /"],
  ["https://mynginx-app.com/a?b=c#d", "mynginx-app.com 443 mynginx-app.com:443 asks /a?b=c"],
  ["HTTP://MyNginx-App.COM:80/", "mynginx-app.com 80 mynginx-app.com:80 asks /"],
  ["http://[fd00::1]:81/x", "fd00::1 81 [fd00::1]:81 asks /x"],
  ["http://a:443/", "a 443 a:443 asks /"],
  ["mynginx-app.com:8080", "write http://mynginx-app.com:8080/"],
  ["mynginx-app.com/a", "write http://mynginx-app.com/a"],
  ["", "write http://mynginx-app.com:8080/"],
  ["http://", "no valid URL"],
  ["http://a:70000/", "no valid URL"],
  ["ftp://a/", 'the scheme of "ftp://a/" is ftp; http and https are understood'],
  ["http://a:0/", 'the port of "http://a:0/" is 0'],
];
for (const [url, wanted] of goals)
  urls(url, () => {
    const goal = readURL(url);
    if ("failure" in goal) return assert.match(goal.failure, wanted);
    const { host, port, text, request } = goal;
    assert.is(`${host} ${port} ${text} asks ${request.path}`, wanted);
  });
urls("the port that a URL leaves out is not in the Host that is asked for", () => {
  const asked = ["http://a/", "http://a:80/", "http://a:81/"].map((url) => {
    const goal = readURL(url);
    return "failure" in goal ? undefined : goal.request.host;
  });
  assert.equal(asked, ["a", "a", "a:81"]);
});
urls.run();

const names = suite("names");
const zone = (records: Record<string, string>): Zone => {
  const made = new Zone();
  for (const [name, to] of Object.entries(records)) {
    const address = /^[\d.]+$|:/.test(to);
    made.set(
      name,
      to
        ? to
            .split(" ")
            .map((each) => (address ? addressRecord(each) : { type: "CNAME", target: each }))
        : [],
    );
  }
  return made;
};
names("are case-blind, and a final dot is ignored", () => {
  const own = zone({ "Example.COM.": "10.0.0.1 fd00::1" });
  for (const name of ["example.com", "EXAMPLE.com.", "example.com."]) {
    assert.ok(own.has(name));
    assert.equal(own.resolve(name).addresses, ["10.0.0.1", "fd00::1"]);
  }
  assert.equal(own.resolve("example.com").trail, [
    "example.com A 10.0.0.1",
    "example.com AAAA fd00::1",
  ]);
});
names("without records are gone", () => {
  const own = zone({ "a.example": "10.0.0.1" });
  own.set("a.example", []);
  assert.not(own.has("a.example"));
  assert.match(own.resolve("a.example").failure!, /knows the name "a.example" \(NXDOMAIN\)/);
});
names("lead on by CNAMEs, into another zone where this one does not know them", () => {
  const own = zone({ "a.local": "b.example" });
  const internet = zone({ "b.example": "C.example", "c.example": "10.0.0.3" });
  assert.equal(own.resolve("a.local", internet), {
    addresses: ["10.0.0.3"],
    trail: ["a.local CNAME b.example", "b.example CNAME C.example", "c.example A 10.0.0.3"],
  });
  assert.equal(own.resolve("a.local"), {
    addresses: [],
    trail: ["a.local CNAME b.example"],
    failure: 'no DNS server knows the name "b.example" (NXDOMAIN)',
  });
});
names("lead through ten CNAMEs, and not through eleven", () => {
  const chain = (length: number) => {
    const records = Array.from({ length }, (_, i) => [`n${i}`, `n${i + 1}`]);
    return zone(
      Object.fromEntries([...records, [`n${length}`, "10.0.0.1"]]) as Record<string, string>,
    );
  };
  assert.equal(chain(10).resolve("n0").addresses, ["10.0.0.1"]);
  assert.match(chain(11).resolve("n0").failure!, /"n0" leads through more than 11 CNAMEs/);
});
names.run();

const addresses = suite("addresses of a node's range");
addresses(
  "the first for a Pod is the third; one that was given back rests until all were used",
  () => {
    const pool = new HostLocal("10.1.1.0/29");
    assert.equal(
      ["a", "b", "c"].map((owner) => pool.allocate(owner)),
      ["10.1.1.2", "10.1.1.3", "10.1.1.4"],
    );
    pool.release("a");
    assert.equal(
      ["d", "e", "f"].map((owner) => pool.allocate(owner)),
      ["10.1.1.5", "10.1.1.6", "10.1.1.2"],
    );
    assert.throws(
      () => pool.allocate("g"),
      "no IP addresses available in range set: 10.1.1.0/29 is used up",
    );
    pool.release("nobody");
    assert.throws(() => pool.allocate("g"));
    pool.release("c");
    assert.is(pool.allocate("g"), "10.1.1.4");
  },
);
addresses("of IPv6, and of ranges however large or small", () => {
  assert.is(new HostLocal("fd00:1::/64").allocate("a"), "fd00:1::2");
  assert.is(new HostLocal("10.0.0.0/8").allocate("a"), "10.0.0.2");
  assert.is(new HostLocal("10.1.1.8/30").allocate("a"), "10.1.1.10");
  assert.throws(() => new HostLocal("10.1.1.8/31").allocate("a"), "used up");
  assert.equal(
    [gatewayOf("10.1.1.0/24"), gatewayOf("fd00:1::/64")],
    ["10.1.1.1/24", "fd00:1::1/64"],
  );
});
addresses.run();

const balancers = suite("a load balancer");
const machine = { name: "node-a" };
const targetsOnly = {
  machines: new Map([
    ["i-a", machine],
    ["i-b", machine],
  ]),
} as unknown as Network;
const target = (instance: string, healthy = true) => ({
  instance,
  address: `192.168.0.${instance === "i-a" ? 1 : 2}`,
  healthy,
});
const balanced = (
  change: Partial<Balancer["balancer"]> = {},
  targets = [target("i-a"), target("i-b")],
): Balancer =>
  ({
    balancer: {
      name: "lb",
      mode: "proxy",
      listeners: [{ protocol: "TCP", port: 8080, targetPort: 30519 }],
      sourceRanges: [],
      addresses: ["198.51.100.1"],
      privateAddresses: ["192.168.0.250", "fd00::250"],
      ...change,
    },
    targets,
  }) as unknown as Balancer;
const choose = { chance: () => true, pick: (n: number) => n - 1, port: (low: number) => low };
const asked = (to: Balancer, port = 8080, protocol: Transport = "TCP", from = "203.0.113.9") =>
  balance(targetsOnly, to, packet(`${from}:40000`, `198.51.100.1:${port}`, protocol), choose);
const refusals: [
  says: string,
  made: () => Picked | Refused,
  disposition: string,
  why: string,
  action: string,
][] = [
  [
    "has no listener for the port",
    () => asked(balanced(), 80),
    "port not listening",
    "no listener for TCP 80; it listens on TCP 8080",
    "drop",
  ],
  [
    "has none for the protocol",
    () => asked(balanced(), 8080, "UDP"),
    "port not listening",
    "no listener for UDP 8080",
    "drop",
  ],
  [
    "listens on nothing",
    () => asked(balanced({ listeners: [] })),
    "port not listening",
    "it listens on nothing",
    "drop",
  ],
  [
    "lets others in alone",
    () => asked(balanced({ sourceRanges: ["10.0.0.0/8", "11.0.0.0/8"] })),
    "dropped",
    "lets in 10.0.0.0/8, 11.0.0.0/8, and 203.0.113.9 is not",
    "drop",
  ],
  [
    "has no healthy target",
    () => asked(balanced({}, [target("i-a", false)])),
    "no healthy target",
    "none of the load balancer's 1 targets passes",
    "reject",
  ],
  [
    "has a target that is gone",
    () => asked(balanced({}, [target("i-x")])),
    "timed out",
    "target i-x (192.168.0.2) is gone",
    "forward",
  ],
];
for (const [says, ask, disposition, why, action] of refusals)
  balancers(says, () => {
    const made = ask();
    assert.ok("refused" in made);
    assert.is(made.refused, disposition);
    assert.match(made.why, why);
    assert.equal(refusal(made), { action, note: made.why });
  });
balancers("picks among the healthy ones", () => {
  const made = asked(
    balanced({ sourceRanges: ["10.0.0.0/8", "203.0.113.0/24"] }, [
      target("i-a"),
      target("i-b", false),
    ]),
  );
  assert.ok("target" in made);
  assert.is(made.target.instance, "i-a");
});
balancers("asks its target from its own address of the target's family", () => {
  const made = asked(balanced()) as Picked;
  const front = packet("203.0.113.9:40000", "198.51.100.1:8080");
  const onward = (change: Partial<Balancer["balancer"]>, address = "192.168.0.2") => {
    const { source, sourcePort, destination, destinationPort } = onwardPacket(
      balanced(change).balancer === undefined ? balanced() : balanced(change),
      { ...made, target: { ...made.target, address } },
      front,
      32768,
    );
    return [source, sourcePort, destination, destinationPort];
  };
  assert.equal(onward({}), ["192.168.0.250", 32768, "192.168.0.2", 30519]);
  assert.equal(onward({}, "fd00::2"), ["fd00::250", 32768, "fd00::2", 30519]);
  assert.equal(onward({ privateAddresses: ["192.168.0.9"] }, "fd00::2"), [
    "192.168.0.9",
    32768,
    "fd00::2",
    30519,
  ]);
});
balancers("says what it does with a packet", () => {
  const made = asked(balanced()) as Picked;
  const front = packet("203.0.113.9:40000", "198.51.100.1:8080");
  const own = packet("192.168.0.250:32768", "192.168.0.2:30519");
  assert.equal(forwarding(balanced(), made, front, own), {
    action: "forward",
    rule: "listener TCP 8080 -> i-b 192.168.0.2:30519",
    note: "one of 2 healthy targets; the load balancer opens a connection of its own to it",
    before: "198.51.100.1:8080",
    after: "192.168.0.2:30519",
  });
  const passes = balanced(
    { mode: "passthrough", listeners: [{ protocol: "TCP", port: 8080, targetPort: 0 }] } as never,
    [target("i-a", false), target("i-b")],
  );
  assert.equal(forwarding(passes, asked(passes) as Picked, front, front), {
    action: "forward",
    rule: "listener TCP 8080 -> i-b 192.168.0.2:8080",
    note: "one of 1 healthy targets; the packet is handed on as it is, the load balancer's address still its destination",
  });
});
balancers.run();

const places = suite("the network between machines");
/** Two machines, node-a with the Pod default/web at 10.1.1.2 and fd00:1:0:1::2. */
function twoMachines(...all: Balancer[]): Network {
  const routes = new Routes();
  const [internet, clusterDns] = [zone({ "a.b.c.d.e.f": "8.8.8.8" }), new Zone()];
  const network = new Network(routes, internet, clusterDns, fixedBalancers(all));
  network.podRanges.push(parseCIDR("10.1.0.0/16"), parseCIDR("fd00:1::/48"));
  [1, 2].forEach((i) => {
    const addresses = [`192.168.0.${i}/16`, `fd00::${i}/64`];
    routes.add({ to: `10.1.${i}.0/24`, via: `192.168.0.${i}`, dev: "eth0" });
    routes.add({ to: `fd00:1:0:${i}::/64`, via: `fd00::${i}`, dev: "eth0" });
    const clock = { now: () => 0 };
    network.addMachine(new Machine({ name: `node-${"ab"[i - 1]}`, addresses, clock }));
  });
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default", uid: "1" },
    spec: { containers: [{ name: "web", image: "nginx" }] },
  };
  network.machines.get("node-a")!.attach(pod, ["10.1.1.2", "fd00:1:0:1::2"]);
  return network;
}
places("hands a packet to who has its address, or to the node whose Pods have its range", () => {
  const network = twoMachines();
  const to = (address: string) => network.machineFor(address)?.name;
  assert.equal(["192.168.0.1", "fd00::2", "10.1.1.9", "10.1.2.9"].map(to), [
    "node-a",
    "node-b",
    "node-a",
    "node-b",
  ]);
  assert.equal(["10.1.3.9", "8.8.8.8", "192.168.0.3"].map(to), [undefined, undefined, undefined]);
});
places("a machine that is gone has no name, no address and no Pods any more", () => {
  const network = twoMachines();
  assert.is(network.sandbox("default/web")?.machine.name, "node-a");
  network.removeMachine("node-a");
  network.removeMachine("node-x");
  assert.equal([...network.machines.keys()], ["node-b"]);
  assert.is(network.machineAt("192.168.0.1"), undefined);
  assert.is(network.machineFor("10.1.1.2"), undefined);
  assert.is(network.sandbox("default/web"), undefined);
  assert.throws(() => originOf(network, "node/node-a"), /no node "node-a"; the nodes are node-b/);
});
places("of load balancers at one address the one meets a packet that listens on its port", () => {
  const at = (name: string, address: string, port: number) =>
    balanced({ name, addresses: [address], listeners: [{ protocol: "TCP", port, targetPort: 0 }] });
  const shared = "198.51.100.1";
  const network = twoMachines(at("x", shared, 80), at("y", shared, 443), at("z", "9.9.9.9", 80));
  const met = (address: string, protocol: string, port: number) =>
    network.balancerAt(address, protocol, port)?.balancer.name;
  assert.equal([met(shared, "TCP", 80), met(shared, "TCP", 443)], ["x", "y"]);
  assert.equal([met(shared, "UDP", 443), met(shared, "TCP", 22)], ["x", "x"], "one says so");
  assert.equal([met("9.9.9.9", "TCP", 22), met("9.9.9.8", "TCP", 80)], ["z", undefined]);
});
places("an address of a Pod's range that no machine runs is a Pod that nobody knows", () => {
  const network = twoMachines();
  const unknown = (address: string) => network.isUnknownPod(address);
  assert.equal(["10.1.1.2", "fd00:1:0:1::2"].map(unknown), [false, false]);
  assert.equal(["10.1.1.3", "10.1.9.9", "fd00:1::3"].map(unknown), [true, true, true]);
  assert.equal(["8.8.8.8", "192.168.0.1"].map(unknown), [false, false]);
});
places("inside is who is in the machines' own network or in the Pods'", () => {
  const network = twoMachines();
  const inside = (address: string) => network.isInside(address);
  assert.equal(["192.168.9.9", "fd00::9", "10.1.1.2", "10.1.9.9", "fd00:1::9"].map(inside), [
    true,
    true,
    true,
    true,
    true,
  ]);
  assert.equal(["8.8.8.8", "10.2.0.1", "2001:db8::1"].map(inside), [false, false, false]);
});
places("a stranger is asked for only where no Pod could be", () => {
  const network = twoMachines();
  network.outside.set("10.1.7.7", "known");
  network.strangers.push(
    (address) => (address.startsWith("10.") ? "first" : undefined),
    () => "second",
  );
  const there = (address: string) => network.outsideAt(address);
  assert.equal(["10.1.7.7", "10.1.7.8", "10.9.9.9", "8.8.8.8"].map(there), [
    "known",
    undefined,
    "first",
    "second",
  ]);
});
places("who asks: by name, by address, or somebody outside", () => {
  const network = twoMachines();
  const asks = (from: string) => {
    const { kind, addresses } = originOf(network, from);
    return [kind, ...addresses];
  };
  assert.equal(asks("internet"), ["outside", internetHost.IPv4, internetHost.IPv6]);
  assert.equal(asks("node/node-a"), ["node", "192.168.0.1", "fd00::1"]);
  assert.equal(asks("192.168.0.1"), ["node", "192.168.0.1"]);
  assert.equal(asks("pod/default/web"), ["pod", "10.1.1.2", "fd00:1:0:1::2"]);
  assert.equal(asks("10.1.1.2"), ["pod", "10.1.1.2"]);
  assert.equal(asks("10.1.1.3"), ["outside", "10.1.1.3"]);
  for (const from of ["node/node-a/x", "pod/web", "node", "pod/default/web/x", "10.1.1"])
    assert.throws(() => originOf(network, from), /allowed are internet, an IP address, node\/NAME/);
  assert.throws(() => originOf(network, "pod/default/x"), /no node runs a Pod "default\/x"/);
});
places.run();

const lookups = suite("what a Pod's resolver makes of a name");
const searched = (name: string): string[] =>
  ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"].map(
    (domain) => `${name}.${domain} NXDOMAIN`,
  );
const asksFor: [host: string, addresses: string[], trail: string[], failure?: RegExp][] = [
  ["10.1.1.2", ["10.1.1.2"], []],
  ["FD00:1:0:1::2", ["fd00:1:0:1::2"], []],
  ["localhost", ["127.0.0.1", "::1"], ["localhost 127.0.0.1", "localhost ::1"]],
  ["web.localhost", ["127.0.0.1", "::1"], ["web.localhost 127.0.0.1", "web.localhost ::1"]],
  // CoreDNS, plugin kubernetes: the address is in the name, whoever has it
  ["10-1-1-9.any.pod.cluster.local", ["10.1.1.9"], ["10-1-1-9.any.pod.cluster.local A 10.1.1.9"]],
  ["10-1-1-9.any.pod", ["10.1.1.9"], ["10-1-1-9.any.pod A 10.1.1.9"]],
  [
    "fd00-1--9.any.pod.cluster.local.",
    ["fd00:1::9"],
    ["fd00-1--9.any.pod.cluster.local. A fd00:1::9"],
  ],
  ["10-1-1.any.pod.cluster.local.", [], ["10-1-1.any.pod.cluster.local NXDOMAIN"], /NXDOMAIN/],
  // resolv.conf says ndots:5: a name with five dots is tried as it is first
  ["a.b.c.d.e.f", ["8.8.8.8"], ["a.b.c.d.e.f A 8.8.8.8"]],
  ["b.c.d.e.f", [], [...searched("b.c.d.e.f"), "b.c.d.e.f NXDOMAIN"], /search domains/],
  ["b.c.d.e.f.", [], ["b.c.d.e.f NXDOMAIN"], /NXDOMAIN/],
  ["x.a.b.c.d.e.f", [], ["x.a.b.c.d.e.f NXDOMAIN", ...searched("x.a.b.c.d.e.f")], /NXDOMAIN/],
];
for (const [host, addresses, trail, failure] of asksFor)
  lookups(host, () => {
    const network = twoMachines();
    const found = lookUp(network, inPod(network.sandbox("default/web")!), host);
    assert.equal([found.addresses, found.trail], [addresses, trail]);
    if (failure) assert.match(found.failure!, failure);
    else assert.is(found.failure, undefined);
  });
lookups(
  "both sides meet in IPv4 where both have it; of several addresses each may be chosen",
  () => {
    const network = twoMachines();
    const pod = inPod(network.sandbox("default/web")!);
    const met = (...answer: string[]) => meet(pod, answer, choose);
    assert.equal(met("fd00::9", "10.2.0.1"), { own: "10.1.1.2", other: "10.2.0.1", among: 1 });
    assert.equal(met("fd00::9"), { own: "fd00:1:0:1::2", other: "fd00::9", among: 1 });
    assert.equal(met("10.2.0.1", "10.2.0.2"), { own: "10.1.1.2", other: "10.2.0.2", among: 2 });
    assert.is(met(), undefined);
    assert.is(
      meet({ kind: "outside", name: "x", addresses: ["1.1.1.1"] }, ["fd00::9"], choose),
      undefined,
    );
  },
);
lookups.run();

const bare = suite("a bare packet");
const wrongPackets: [from: string, to: string, says: RegExp][] = [
  ["10.1.1.2", "10.2.0.1", /^to "10.2.0.1": the port is missing; write IP:PORT/],
  [
    "10.1.1.2",
    "[fd00::1]:80",
    /from "10.1.1.2" and to ".fd00::1.:80" are of different IP families/,
  ],
  ["10.1.1.2:0", "10.2.0.1:80", /^from "10.1.1.2:0": the port must be between 1 and 65535/],
  ["10.1.1.2", "10.2.0.1:65536", /^to "10.2.0.1:65536": the port must be between 1 and 65535/],
  ["10.1.1.256", "10.2.0.1:80", /^from: /],
  ["10.1.1.2", "nginx:80", /^to: /],
];
const send = (
  from: string,
  to: string,
  node = "node-a",
  port = (low: number, _high: number) => low,
) => travelPacket(twoMachines(), { node, from, to }, { choose: { ...choose, port } });
for (const [from, to, says] of wrongPackets)
  bare(`from ${from} to ${to} is refused`, () => assert.throws(() => send(from, to), says));
bare("at a node that is not there is refused, with those that are", () =>
  assert.throws(() => send("10.1.1.2", "10.1.1.2:80", "node-x"), /the nodes are node-a, node-b/),
);
bare("without a port comes from one that Linux takes (net.ipv4.ip_local_port_range)", () => {
  const source = (from: string, port?: (low: number, high: number) => number) =>
    send(from, "192.168.0.2:80", "node-a", port).request.source;
  assert.is(source("192.168.0.1"), "192.168.0.1:32768");
  assert.is(
    source("192.168.0.1", (_low, high) => high),
    "192.168.0.1:60999",
  );
  assert.is(source("192.168.0.1:1"), "192.168.0.1:1");
  assert.is(source("192.168.0.1:65535"), "192.168.0.1:65535");
});
bare.run();

const budgets = suite("what may be spent");
budgets("is spent by the rule or the step that is the last, and says which", () => {
  const small = () => new Budget(undefined, { rules: 1000, steps: 2 });
  const rules = small();
  rules.takeRules(999);
  assert.not(rules.spent);
  rules.takeRules(1);
  assert.equal([rules.spent, rules.text], [true, "1,000 rules"]);
  const steps = small();
  steps.takeStep();
  assert.not(steps.spent);
  steps.takeStep();
  steps.takeRules(999);
  assert.equal([steps.spent, steps.text], [true, "2 steps"], "one rule is left");
});
budgets("is ten million rules and 10,000 steps for a packet at one kernel", () => {
  const [rules, steps] = [new Budget(), new Budget()];
  rules.takeRules(9_999_999);
  for (let i = 1; i < 10_000; i++) steps.takeStep();
  assert.equal([rules.spent, steps.spent], [false, false]);
  rules.takeRules(1);
  steps.takeStep();
  assert.equal([rules.text, steps.text], ["10,000,000 rules", "10,000 steps"]);
  assert.equal([rules.spent, steps.spent], [true, true]);
});
budgets("is spent together with what it is a part of", () => {
  const whole = new Budget(undefined, { rules: 10, steps: 10 });
  new Budget(whole).takeRules(4);
  new Budget(whole).takeStep();
  const third = new Budget(whole);
  assert.not(third.spent);
  third.takeRules(6);
  assert.equal([third.spent, third.text], [true, "10 rules on all ways together"]);
  const last = new Budget(whole, { rules: 1, steps: 1 });
  assert.is(last.text, "10 rules on all ways together", "its own are left");
});
budgets.run();

const fractions = suite("a probability as people say it");
for (const [probability, said] of [
  [1, "always"],
  [1 / 3, "1/3"],
  [2 / 9, "2/9"],
  [999 / 1000, "999/1000"],
  [1 / 1000, "1/1000"],
  [1 / 1001, "0.0999 %"],
  [Math.SQRT1_2, "70.7 %"],
  [0, "0 %"],
  [1e-12, "1e-10 %"],
] as const)
  fractions(`${probability} is ${said}`, () => assert.is(fraction(probability), said));
fractions.run();

const texts = suite("a journey as text");
const header = (source: string, destination: string) => ({
  source,
  destination,
  protocol: "TCP" as const,
});
const hop = (change: Partial<Hop>): Hop => ({
  stop: null,
  kind: "node",
  name: "node-a",
  in: header("1.1.1.1:1", "2.2.2.2:2"),
  out: header("1.1.1.1:1", "2.2.2.2:2"),
  steps: [],
  ...change,
});
const journey = (change: Partial<Founded<Journey>>): Founded<Journey> => ({
  request: { url: "http://a/", from: "internet", source: "1.1.1.1:1" },
  disposition: "delivered",
  reason: "Pod default/web answers",
  hops: [],
  reply: [],
  assumed: [],
  leftOut: [],
  ...change,
});
texts("a hop shows what leaves it where that is something else; steps stand below it", () => {
  const text = journeyText(
    journey({
      hops: [
        hop({
          kind: "client",
          name: "client",
          in: { ...header("", "http://a/") },
          out: header("1.1.1.1:1", "2.2.2.2:2"),
        }),
        hop({ steps: [{ action: "route", rule: "default dev eth0" }] }),
        hop({
          stop: 3,
          kind: "cluster-ip",
          name: "default/web",
          out: header("1.1.1.1:1", "3.3.3.3:3"),
          steps: [
            {
              action: "dnat",
              table: "nat",
              chain: "KUBE-SEP",
              rule: "-j DNAT",
              before: "2.2.2.2:2",
              after: "3.3.3.3:3",
            },
            { action: "deliver", note: "here" },
          ],
        }),
      ],
      reply: [hop({ kind: "pod", name: "default/web", out: header("9.9.9.9:9", "2.2.2.2:2") })],
    }),
  );
  assert.equal(text.split("\n"), [
    "http://a/  from internet",
    "",
    "    client        client",
    "                  wants http://a/",
    "    node          node-a",
    "                  TCP 1.1.1.1:1 -> 2.2.2.2:2",
    "                    route    default dev eth0",
    "(3) cluster-ip    default/web",
    "                  TCP 1.1.1.1:1 -> 2.2.2.2:2",
    "                    dnat     nat KUBE-SEP  -j DNAT  [2.2.2.2:2 => 3.3.3.3:3]",
    "                    deliver  here",
    "                  TCP 1.1.1.1:1 -> 3.3.3.3:3",
    "",
    "the reply",
    "    pod           default/web",
    "                  TCP 1.1.1.1:1 -> 2.2.2.2:2",
    "                  TCP 9.9.9.9:9 -> 2.2.2.2:2",
    "",
    "delivered: Pod default/web answers",
    "",
  ]);
});
texts("where every way is delivered nothing stands below the shares", () => {
  const text = outcomesText({
    request: { url: "http://a/", from: "internet", source: "1.1.1.1:1" },
    outcomes: [{ probability: 1, ...journey({ hops: [hop({})], pod: "default/a" }) }],
    assumed: [],
    leftOut: [],
  });
  assert.equal(text.split("\n"), [
    "http://a/  from internet",
    "",
    " 100.00 %           delivered  node-a",
    "",
    " 100.00 %           default/a",
    "",
  ]);
});
texts("what a verdict rests on stands below it", () => {
  const remark = (field: string) => ({ object: "Pod default/web", field, sentence: "so it is" });
  const text = journeyText(journey({ assumed: [remark("")], leftOut: [remark("spec.x")] }));
  assert.equal(text.split("\n").slice(-4), [
    "delivered: Pod default/web answers",
    "assumed: Pod default/web: so it is",
    "left out: Pod default/web, spec.x: so it is",
    "",
  ]);
});
texts("every way on a line, without client and DNS, and how the ends share them", () => {
  const way = (probability: number, change: Partial<Journey>) => ({
    probability,
    ...journey({
      hops: [
        hop({ kind: "client", name: "client" }),
        hop({ kind: "dns", name: "DNS" }),
        hop({}),
        hop({ kind: "pod", name: change.pod ?? "-" }),
      ],
      ...change,
    }),
  });
  const text = outcomesText({
    request: { url: "", from: "10.1.1.1", source: "10.1.1.1:1" },
    outcomes: [
      way(0.5, { pod: "default/a" }),
      way(0.25, { pod: "default/b" }),
      way(0.125, { pod: "default/a" }),
      way(0.125, { pod: "default/b", disposition: "timed out" }),
    ],
    assumed: [],
    leftOut: [],
  });
  assert.equal(text.split("\n"), [
    "a packet  from 10.1.1.1",
    "",
    "  50.00 %  1/2      delivered  node-a -> default/a",
    "  25.00 %  1/4      delivered  node-a -> default/b",
    "  12.50 %  1/8      delivered  node-a -> default/a",
    "  12.50 %  1/8      timed out  node-a -> default/b",
    "",
    "  62.50 %  5/8      default/a",
    "  25.00 %  1/4      default/b",
    "  12.50 %  1/8      timed out",
    "",
    "  12.50 %  1/8      timed out: Pod default/web answers",
    "",
  ]);
});
texts.run();
