/** Dataplanes on one kernel: whose turn it is, and who decides on NAT. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { seeded } from "stopover/internal/net/choice";
import { priority, type Dataplane, type HookFunction } from "stopover/internal/net/dataplane";
import { iptables } from "stopover/internal/net/iptables/walk";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { Kernel } from "stopover/internal/net/kernel";
import { describe, packet } from "stopover/internal/net/packet";
import type { NetStep, Passage } from "stopover/internal/net/passage";

const rules = `
*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -m mark --mark 0x7 -j DROP
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -d 10.2.0.1/32 -p tcp -j DNAT --to-destination 10.1.1.2:80
COMMIT
`;
function node(): Kernel {
  const kernel = new Kernel({
    name: "node-a",
    clock: { now: () => 0 },
    forwarding: true,
    interfaces: [{ name: "eth0", addresses: ["192.168.0.1/24"] }],
  });
  kernel.routes.add({ to: "10.1.1.0/24", dev: "pods" });
  kernel.routes.add({ to: "10.3.0.0/16", dev: "pods" });
  return kernel;
}
const choose = seeded(() => 0);
const sent = (kernel: Kernel, to = "10.2.0.1:80", record?: (step: NetStep) => void): string => {
  const verdict = kernel.receive(packet("192.168.0.9:4000", to), "eth0", {
    choose,
    ...(record && { record }),
  });
  return `${verdict.kind} ${describe(verdict.packet)}`;
};
/** A dataplane with these functions. */
function plane(name: string, ...functions: HookFunction[]): Dataplane {
  return { name, functions: (family) => (family === "IPv4" ? functions : []) };
}
/** What a function at this hook and priority sees of the destination. */
function eyes(hook: HookFunction["hook"], at: number, seen: string[]): Dataplane {
  const look = ({ destination, tracked }: Passage): undefined => {
    seen.push(`${destination.text}${tracked ? "" : ", untracked"}`);
  };
  return plane("eyes", { hook, priority: at, look });
}

const turns = suite("whose turn it is");

const sights: [HookFunction["hook"], number, string][] = [
  ["PREROUTING", priority.conntrack - 1, "10.2.0.1, untracked"],
  ["PREROUTING", priority.conntrack + 1, "10.2.0.1"],
  ["PREROUTING", priority.dstnat - 1, "10.2.0.1"],
  ["PREROUTING", priority.dstnat + 1, "10.1.1.2"],
  ["FORWARD", priority.mangle - 1, "10.1.1.2"],
  ["POSTROUTING", priority.confirm, "10.1.1.2"],
];
for (const [hook, at, wanted] of sights)
  turns(`at ${hook} with priority ${at} a function sees ${wanted}`, () => {
    const kernel = node();
    const seen: string[] = [];
    iptables(kernel).rules.IPv4 = parseRules(rules);
    kernel.dataplanes.attach(eyes(hook, at, seen));
    sent(kernel);
    assert.equal(seen, [wanted]);
  });

turns("of two with the same priority, the younger is asked first", () => {
  const kernel = node();
  const order: string[] = [];
  for (const name of ["old", "young"])
    kernel.dataplanes.attach(
      plane(name, { hook: "FORWARD", priority: 0, look: () => void order.push(name) }),
    );
  sent(kernel, "10.1.1.2:80");
  assert.equal(order, ["young", "old"]);
});

turns("a mark that one sets is seen by the other", () => {
  const kernel = node();
  iptables(kernel).rules.IPv4 = parseRules(rules);
  assert.is(sent(kernel), "forward TCP 192.168.0.9:4000 -> 10.1.1.2:80");
  const marks = plane("marks", {
    hook: "PREROUTING",
    priority: priority.mangle - 1,
    look: (passage) => void (passage.mark = 7),
  });
  kernel.dataplanes.attach(marks);
  assert.is(sent(kernel), "drop TCP 192.168.0.9:4000 -> 10.2.0.1:80");
  kernel.dataplanes.detach(marks);
  assert.is(sent(kernel), "forward TCP 192.168.0.9:4000 -> 10.1.1.2:80");
});

turns("a dataplane may change what it looks at from one packet to the next", () => {
  const kernel = node();
  let functions: HookFunction[] = [];
  kernel.dataplanes.attach({ name: "changing", functions: () => functions });
  assert.is(sent(kernel, "10.1.1.2:80").split(" ")[0], "forward");
  assert.is([...kernel.conntrack.connections()].length, 0, "nobody looks, nobody tracks");
  functions = [
    {
      hook: "FORWARD",
      priority: 0,
      look: ({ packet }) => ({ kind: "drop", packet, why: "closed" }),
    },
  ];
  assert.is(sent(kernel, "10.1.1.2:80").split(" ")[0], "drop");
});
turns.run();

const nat = suite("who decides on NAT");
const to = (address: string, at: number = priority.dstnat): Dataplane =>
  plane(`to ${address}`, {
    hook: "PREROUTING",
    priority: at,
    decide: ({ destination }) =>
      destination.text === "10.2.0.1"
        ? { kind: "translate", translation: { kind: "DNAT", address, low: 8080 }, place: "toy" }
        : undefined,
  });

nat("any dataplane, by one conntrack: the answer finds its way back", () => {
  const kernel = node();
  kernel.dataplanes.attach(to("10.3.0.1"));
  const steps: NetStep[] = [];
  assert.is(
    sent(kernel, "10.2.0.1:80", (step) => void steps.push(step)),
    "forward TCP 192.168.0.9:4000 -> 10.3.0.1:8080",
  );
  const { before, after, place } = steps.find(({ kind }) => kind === "dnat")!;
  assert.equal([before, after, place], ["10.2.0.1:80", "10.3.0.1:8080", "toy"]);
  const answer = packet("10.3.0.1:8080", "192.168.0.9:4000", "TCP", "SYN,ACK");
  const { packet: back } = kernel.receive(answer, "pods", { choose });
  assert.is(describe(back), "TCP 10.2.0.1:80 -> 192.168.0.9:4000");
});

nat("the first decision counts, by priority; who decides nothing leaves it to the next", () => {
  const goes = (...planes: Dataplane[]): string => {
    const kernel = node();
    iptables(kernel).rules.IPv4 = parseRules(rules);
    for (const each of planes) kernel.dataplanes.attach(each);
    return sent(kernel).split("-> ")[1]!;
  };
  assert.is(goes(to("10.3.0.1", priority.dstnat - 1)), "10.3.0.1:8080");
  assert.is(goes(to("10.3.0.1", priority.dstnat + 1)), "10.1.1.2:80");
  const silent = plane("silent", { hook: "PREROUTING", priority: -109, decide: () => undefined });
  assert.is(goes(silent, to("10.3.0.1", priority.dstnat + 1)), "10.1.1.2:80");
});

nat("a dataplane may refuse instead", () => {
  const kernel = node();
  kernel.dataplanes.attach(
    plane("closed", {
      hook: "PREROUTING",
      priority: 0,
      decide: ({ packet }) => ({ kind: "reject", packet, with: "icmp-port-unreachable" }),
    }),
  );
  assert.is(sent(kernel), "reject TCP 192.168.0.9:4000 -> 10.2.0.1:80");
});
nat.run();
