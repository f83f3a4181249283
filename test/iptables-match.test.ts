/** What a rule's matches ask of a packet, and what its target does then: one rule, one packet. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { modulesOf } from "stopover/internal/net/iptables/modules";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { iptables } from "stopover/internal/net/iptables/walk";
import { Kernel } from "stopover/internal/net/kernel";
import { packet, type Transport } from "stopover/internal/net/packet";
import { rollBack, type Walk } from "stopover/internal/net/passage";

function node(rules: string): { kernel: Kernel; clock: { time: number; now(): number } } {
  const clock = { time: 0, now: (): number => clock.time };
  const interfaces = [
    { name: "eth0", addresses: ["192.168.0.1/24"] },
    { name: "eth1", addresses: [] },
    { name: "pod1", addresses: [] },
  ];
  const kernel = new Kernel({ name: "node-a", clock, forwarding: true, interfaces });
  kernel.routes.add({ to: "10.1.0.0/16", dev: "pod1" });
  kernel.routes.add({ to: "203.0.113.0/24", dev: "eth0" });
  iptables(kernel).rules.IPv4 = parseRules(rules);
  return { kernel, clock };
}
const choose = { chance: () => true, pick: () => 0, port: (low: number) => low };
const walk = (): Walk => ({ choose });

interface Sent {
  from?: string;
  to?: string;
  by?: string;
  protocol?: Transport;
}
const arrive = (
  kernel: Kernel,
  { from = "203.0.113.9:40000", to = "10.1.1.2:80", by = "eth0", protocol = "TCP" }: Sent = {},
  how = walk(),
) => kernel.receive(packet(from, to, protocol), by, how);

const matches = suite("a rule matches");
/** The packets of a row are forwarded from eth0 to pod1, where they do not say otherwise. */
const rows: [rule: string, meets: Sent[], misses: Sent[]][] = [
  ["-s 203.0.113.0/24", [{}], [{ from: "203.0.114.9:1" }]],
  ["! -s 203.0.113.0/24", [{ from: "203.0.114.9:1" }], [{}]],
  ["-d 10.1.1.2/32", [{}], [{ to: "10.1.1.3:80" }, { to: "10.1.2.2:80" }]],
  ["! -d 10.1.1.2/32", [{ to: "10.1.1.3:80" }], [{}]],
  ["-d 10.1.0.0/23", [{}, { to: "10.1.0.9:1" }], [{ to: "10.1.2.0:80" }]],
  ["-i eth0", [{}], [{ by: "eth1" }, { by: "pod1", from: "10.1.9.9:1" }]],
  ["! -i eth0", [{ by: "eth1" }], [{}]],
  ["-i eth+", [{}, { by: "eth1" }], [{ by: "pod1", from: "10.1.9.9:1" }]],
  ["-o pod1", [{}], [{ to: "203.0.113.7:1" }]],
  ["-o eth+", [{ to: "203.0.113.7:1" }], [{}]],
  ["-p tcp", [{}], [{ protocol: "UDP" }, { protocol: "SCTP" }]],
  ["! -p tcp", [{ protocol: "UDP" }], [{}]],
  ["-p 17", [{ protocol: "UDP" }], [{}]],
  ["-p 132", [{ protocol: "SCTP" }], [{}, { protocol: "UDP" }]],
  ["-p all", [{}, { protocol: "UDP" }], []],
  ["-p tcp -m tcp --sport 40000", [{}], [{ from: "203.0.113.9:40001" }]],
  [
    "-p tcp -m tcp --sport 40000:40002",
    [{}, { from: "203.0.113.9:40002" }],
    [{ from: "203.0.113.9:39999" }, { from: "203.0.113.9:40003" }],
  ],
  ["-p tcp -m tcp --dport 80", [{}], [{ to: "10.1.1.2:79" }, { to: "10.1.1.2:81" }]],
  ["-p tcp -m tcp ! --dport 80", [{ to: "10.1.1.2:81" }], [{}]],
  [
    "-p tcp -m tcp --dport 78:80",
    [{}, { to: "10.1.1.2:78" }],
    [{ to: "10.1.1.2:77" }, { to: "10.1.1.2:81" }],
  ],
  [
    "-p tcp -m multiport --dports 22,80,90:92",
    [{}, { to: "10.1.1.2:22" }, { to: "10.1.1.2:90" }, { to: "10.1.1.2:92" }],
    [{ to: "10.1.1.2:89" }, { to: "10.1.1.2:93" }, { from: "203.0.113.9:22", to: "10.1.1.2:1" }],
  ],
  ["-p tcp -m multiport --sports 40000", [{}], [{ from: "203.0.113.9:80", to: "10.1.1.2:40000" }]],
  [
    "-p tcp -m multiport --ports 80",
    [{}, { from: "203.0.113.9:80", to: "10.1.1.2:9" }],
    [{ to: "10.1.1.2:9" }],
  ],
  ["-m addrtype --src-type UNICAST", [{}], []],
  ["-m addrtype --src-type LOCAL", [], [{}]],
  ["-m addrtype ! --dst-type LOCAL", [{}], []],
  ["-m mark --mark 0x8000000f", [{}], []],
  ["-m mark --mark 0xf/0xf", [{}], []],
  ["-m mark --mark 0x80000000/0x80000000", [{}], []],
  ["-m mark --mark 0x1/0xf", [], [{}]],
  ["-m mark ! --mark 0xf/0xf", [], [{}]],
  ["-m conntrack --ctstate NEW", [{}], []],
  ["-m conntrack --ctstate RELATED,ESTABLISHED", [], [{}]],
  ["-m conntrack ! --ctstate INVALID", [{}], []],
  ["-i eth0 -o pod1 -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW", [{}], [{ by: "eth1" }]],
  ["-s 203.0.113.9/32 -d 10.1.1.2/32 -p tcp", [{}], [{ protocol: "UDP" }]],
];
for (const [rule, meets, misses] of rows)
  matches(rule, () => {
    const marked = "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j MARK --set-mark 0x8000000f";
    const filter = `*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD ${rule} -j DROP`;
    const { kernel } = node(`${marked}\nCOMMIT\n${filter}\nCOMMIT`);
    for (const sent of meets) assert.is(arrive(kernel, sent).kind, "drop", JSON.stringify(sent));
    for (const sent of misses)
      assert.is(arrive(kernel, sent).kind, "forward", JSON.stringify(sent));
  });
matches("a node's own IPv6 address is UNICAST as well, its IPv4 address is not", () => {
  const text =
    "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m addrtype --dst-type UNICAST -j DROP\nCOMMIT";
  const kernel = new Kernel({
    name: "node-a",
    clock: { now: () => 0 },
    interfaces: [{ name: "eth0", addresses: ["192.168.0.1/24", "fd00:192:168::1/64"] }],
  });
  for (const family of ["IPv4", "IPv6"] as const)
    iptables(kernel).rules[family] = parseRules(text, { family });
  const end = (from: string, to: string): string =>
    kernel.receive(packet(from, to), "eth0", walk()).kind;
  assert.is(end("192.168.0.9:4000", "192.168.0.1:80"), "local");
  assert.is(end("[fd00:192:168::9]:4000", "[fd00:192:168::1]:80"), "drop");
});
matches.run();

const targets = suite("what a target does");
/** Chains of filter, and whether a packet through FORWARD is dropped. */
const chains: [says: string, lines: string[], end: "drop" | "forward" | "reject"][] = [
  ["ACCEPT ends the table's walk", ["-A FORWARD -j ACCEPT", "-A FORWARD -j DROP"], "forward"],
  ["LOG goes on", ["-A FORWARD -j LOG", "-A FORWARD -j DROP"], "drop"],
  ["a rule without a target goes on", ["-A FORWARD -p tcp", "-A FORWARD -j DROP"], "drop"],
  ["a chain's end goes back", ["-A FORWARD -j A", "-A FORWARD -j DROP", "-A A -p tcp"], "drop"],
  [
    "RETURN goes back to behind the jump",
    ["-A FORWARD -j A", "-A FORWARD -j DROP", "-A A -j RETURN", "-A A -j ACCEPT"],
    "drop",
  ],
  [
    "RETURN out of a built-in chain is its policy",
    ["-A FORWARD -j RETURN", "-A FORWARD -j DROP"],
    "forward",
  ],
  [
    "goto comes back to who called the chain that it left",
    ["-A FORWARD -j A", "-A FORWARD -j DROP", "-A A -g B", "-A A -j ACCEPT", "-A B -p tcp"],
    "drop",
  ],
  [
    "goto out of a built-in chain ends with its policy",
    ["-A FORWARD -g B", "-A FORWARD -j DROP", "-A B -p tcp"],
    "forward",
  ],
  ["a verdict behind a goto counts", ["-A FORWARD -g B", "-A B -j DROP"], "drop"],
  ["REJECT", ["-A FORWARD -j REJECT", "-A FORWARD -j ACCEPT"], "reject"],
];
for (const [says, lines, end] of chains)
  targets(says, () => {
    const { kernel } = node(
      `*filter\n:FORWARD ACCEPT [0:0]\n:A - [0:0]\n:B - [0:0]\n${lines.join("\n")}\nCOMMIT`,
    );
    assert.is(arrive(kernel).kind, end);
  });
for (const [option, mark] of [
  ["--set-mark 0x1", 0x1],
  ["--set-xmark 0x1/0xff", 0xaa01],
  ["--set-xmark 0x80000000/0x0", 0x8000aaaa],
  ["--or-mark 0x5", 0xaaaf],
  ["--and-mark 0xff", 0xaa],
  ["--xor-mark 0xffff", 0x5555],
] as const)
  targets(`MARK ${option} makes 0x${mark.toString(16)} of 0xaaaa`, () => {
    const { kernel } = node(
      `*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j MARK --set-mark 0xaaaa\n-A PREROUTING -j MARK ${option}\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m mark --mark 0x${mark.toString(16)} -j DROP\nCOMMIT`,
    );
    assert.is(arrive(kernel).kind, "drop");
  });
targets.run();

const memory = suite("what a rule remembers");
const filter = (...rules: string[]) =>
  `*filter\n:FORWARD ACCEPT [0:0]\n${rules.map((rule) => `-A FORWARD ${rule}`).join("\n")}\nCOMMIT`;
const known = (more: string) => `-m recent --name L ${more} -j DROP`;
const from = (host: number) => ({ from: `203.0.113.${host}:40000` });

memory("--rcheck knows who was set, for so many seconds and no longer", () => {
  const rules = filter(known("--rcheck --seconds 10"), "-m recent --name L --set");
  const { kernel, clock } = node(rules);
  assert.is(arrive(kernel, from(1)).kind, "forward");
  clock.time += 10_000;
  assert.is(arrive(kernel, from(1)).kind, "drop");
  clock.time += 1;
  assert.is(arrive(kernel, from(1)).kind, "forward", "and is set anew");
  assert.is(arrive(kernel, from(2)).kind, "forward", "each address by itself");
});
memory("--update moves the time on, --rcheck does not", () => {
  for (const [check, end] of [
    ["--update", "drop"],
    ["--rcheck", "forward"],
  ] as const) {
    const { kernel, clock } = node(
      filter(known(`${check} --seconds 10`), "-p tcp -m tcp --dport 80 -m recent --name L --set"),
    );
    arrive(kernel, from(1));
    const again = () => arrive(kernel, { ...from(1), to: "10.1.1.2:81" }).kind;
    clock.time += 6_000;
    again();
    clock.time += 6_000;
    assert.is(again(), end, check);
  }
});
memory("--update of who is not known sets nobody", () => {
  const { kernel } = node(filter(known("--update")));
  assert.equal(
    [arrive(kernel, from(1)).kind, arrive(kernel, from(1)).kind],
    ["forward", "forward"],
  );
});
memory("--remove matches who is known, and forgets him", () => {
  const { kernel } = node(
    filter(known("--remove"), "-p tcp -m tcp --dport 80 -m recent --name L --set"),
  );
  const other = { ...from(1), to: "10.1.1.2:81" };
  assert.is(arrive(kernel, other).kind, "forward");
  arrive(kernel, from(1));
  assert.equal([arrive(kernel, other).kind, arrive(kernel, other).kind], ["drop", "forward"]);
});
memory("--rdest looks at the destination; ! at who is not known", () => {
  const { kernel } = node(
    filter("-m recent --name L --rdest ! --rcheck -j DROP", "-m recent --name L --rdest --set"),
  );
  assert.is(arrive(kernel, from(1)).kind, "drop");
  const second = node(filter(known("--rdest --rcheck"), "-m recent --name L --rdest --set")).kernel;
  arrive(second, from(1));
  assert.is(arrive(second, from(2)).kind, "drop", "another source, the same destination");
  assert.is(arrive(second, { to: "10.1.1.3:80" }).kind, "forward");
});
memory("lists do not mix", () => {
  const { kernel } = node(filter(known("--rcheck"), "-m recent --name M --set"));
  arrive(kernel, from(1));
  assert.is(arrive(kernel, from(1)).kind, "forward");
});
memory("a what-if takes back what it set, removed and counted", () => {
  const { kernel } = node(
    filter(
      "-p udp -m recent --name L --remove -j DROP",
      known("--rcheck"),
      "-m nfacct --nfacct-name seen -m recent --name L --set",
    ),
  );
  const whatIf = (sent: Sent): string => {
    const how: Walk = { choose, undo: [] };
    const { kind } = arrive(kernel, sent, how);
    rollBack(how);
    return kind;
  };
  const { accounts } = modulesOf(kernel);
  assert.equal([whatIf(from(1)), whatIf(from(1))], ["forward", "forward"]);
  assert.is(accounts.get("seen"), 0);
  arrive(kernel, from(1));
  assert.is(accounts.get("seen"), 1);
  arrive(kernel, from(2));
  assert.is(accounts.get("seen"), 2);
  assert.is(whatIf({ ...from(1), protocol: "UDP" }), "drop");
  assert.is(whatIf(from(1)), "drop", "it is known still");
});
memory.run();
