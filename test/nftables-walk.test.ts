// A packet's walk through nftables, alone and beside iptables in one kernel.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { everyWay, seeded, toNumber, type Chooser } from "stopover/internal/net/choice";
import { iptables } from "stopover/internal/net/iptables/walk";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { Kernel } from "stopover/internal/net/kernel";
import { parseNftables } from "stopover/internal/net/nftables/parse";
import {
  elementsOf,
  goto,
  payload,
  PlainTable,
  Rule,
  ruleSetOf,
} from "stopover/internal/net/nftables/ruleset";
import { nftables } from "stopover/internal/net/nftables/walk";
import { describe, packet, type Transport } from "stopover/internal/net/packet";
import { rollBack, type NetStep, type Walk } from "stopover/internal/net/passage";
import { recorded } from "./recorded-nftables.js";

let now = 0;
function node(rules: string, iptablesRules?: string): Kernel {
  now = 0;
  const kernel = new Kernel({
    name: "node-a",
    clock: { now: () => now },
    forwarding: true,
    interfaces: [
      { name: "eth0", addresses: ["192.168.0.1/24", "fd00:192:168::1/64"] },
      { name: "pods", addresses: [] },
    ],
  });
  kernel.routes.add({ to: "0.0.0.0/0", via: "192.168.0.254", dev: "eth0" });
  kernel.routes.add({ to: "10.1.0.0/16", dev: "pods" });
  kernel.routes.add({ to: "10.96.0.0/16", dev: "pods" });
  kernel.routes.add({ to: "fd00:10:1::/48", dev: "pods" });
  if (iptablesRules) iptables(kernel).rules.IPv4 = parseRules(iptablesRules);
  nftables(kernel).rules = parseNftables(rules);
  return kernel;
}

interface Shot {
  to: string;
  from?: string;
  protocol?: Transport;
  dev?: string;
  choose?: Chooser;
  steps?: NetStep[];
}

let port = 40_000;
/** What becomes of a packet: "forward TCP A -> B", "drop …", "reject (with) …". */
function sent(kernel: Kernel, shot: Shot | string): string {
  const {
    to,
    from = "203.0.113.9",
    protocol = "TCP",
    dev = "eth0",
    choose,
    steps,
  }: Shot = typeof shot === "string" ? { to: shot } : shot;
  const source = from.includes(":") ? `[${from}]:${port++}` : `${from}:${port++}`;
  const walk: Walk = {
    choose: choose ?? seeded(() => 0),
    ...(steps && { record: (step: NetStep) => void steps.push(step) }),
  };
  const verdict = kernel.receive(packet(source, to, protocol), dev, walk);
  const said =
    verdict.kind === "reject"
      ? ` (${verdict.with})`
      : verdict.kind === "unknown"
        ? ` ${verdict.why}`
        : "";
  return `${verdict.kind}${said} ${describe(verdict.packet)}`.replace(/:4\d{4} /, " ");
}

const chain = (
  rules: string,
  head = "type filter hook prerouting priority filter; policy accept;",
) =>
  `table ip t {
  set few { type ipv4_addr; elements = { 10.1.0.2, 10.1.0.3 }; }
  set wide { type ipv4_addr; flags interval; elements = { 10.1.0.0/24, 10.1.2.5-10.1.2.7 }; }
  set pairs { type ipv4_addr . inet_service; flags interval; elements = { 10.1.0.0/24 . 80-90 }; }
  map goals { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.1.0.2 . tcp . 80 : goto out, 10.1.0.2 . udp . 80 : drop }; }
  chain out { drop; }
  chain back { return; drop; }
  chain on { }
  chain c { ${head}
    ${rules}
  }
}`;

const passes = "forward TCP 203.0.113.9 -> ";
const filters = suite("nftables: what a rule asks");

/** rule, destination, whether the rule (a drop) hit it */
const cases: [rule: string, to: string, isHit: boolean, protocol?: Transport][] = [
  ["ip daddr 10.1.0.2 drop", "10.1.0.2:80", true],
  ["ip daddr != 10.1.0.2 drop", "10.1.0.2:80", false],
  ["ip daddr 10.1.0.0/24 drop", "10.1.0.9:80", true],
  ["ip daddr 10.1.0.0/24 drop", "10.1.1.9:80", false],
  ["ip daddr 10.1.0.5-10.1.0.9 drop", "10.1.0.9:80", true],
  ["ip daddr 10.1.0.5-10.1.0.9 drop", "10.1.0.10:80", false],
  ["ip daddr . tcp dport { 10.1.0.2 . 80 } drop", "10.1.0.2:80", true],
  ["ip daddr . tcp dport { 10.1.0.2 . 80 } drop", "10.1.0.2:81", false],
  ["ip daddr . tcp dport != { 10.1.0.2 . 80 } drop", "10.1.0.2:80", false],
  ["ip daddr . tcp dport != { 10.1.0.2 . 80 } drop", "10.1.0.3:80", true],
  ["ip daddr @few drop", "10.1.0.3:80", true],
  ["ip daddr != @few drop", "10.1.0.3:80", false],
  ["ip daddr @wide drop", "10.1.0.77:80", true],
  ["ip daddr @wide drop", "10.1.2.7:80", true],
  ["ip daddr @wide drop", "10.1.2.8:80", false],
  ["ip daddr . tcp dport @pairs drop", "10.1.0.7:85", true],
  ["ip daddr . tcp dport @pairs drop", "10.1.0.7:91", false],
  ["ip daddr . tcp dport { 10.1.0.7 . 85 } drop", "10.1.0.7:85", true],
  ["tcp dport { 80, 8000-8100 } drop", "10.1.0.2:8080", true],
  ["tcp dport { 80, 8000-8100 } drop", "10.1.0.2:81", false],
  ["tcp dport 80-90 drop", "10.1.0.2:90", true],
  ["tcp dport > 80 drop", "10.1.0.2:80", false],
  ["tcp dport >= 80 drop", "10.1.0.2:80", true],
  ["udp dport 80 drop", "10.1.0.2:80", false],
  ["udp dport != 80 drop", "10.1.0.2:80", false],
  ["th dport 80 drop", "10.1.0.2:80", true, "UDP"],
  ["meta l4proto { tcp, udp } drop", "10.1.0.2:80", false, "SCTP"],
  ["ip protocol sctp drop", "10.1.0.2:80", true, "SCTP"],
  ['iifname "eth*" drop', "10.1.0.2:80", true],
  ['iifname != "eth0" drop', "10.1.0.2:80", false],
  ["iif eth0 drop", "10.1.0.2:80", true],
  ['oifname != "eth0" drop', "10.1.0.2:80", true],
  ["ct state new drop", "10.1.0.2:80", true],
  ["ct state established,related drop", "10.1.0.2:80", false],
  ["ct state { new, invalid } drop", "10.1.0.2:80", true],
  ["ct status dnat drop", "10.1.0.2:80", false],
  ["ct direction original drop", "10.1.0.2:80", true],
  ["ct original ip daddr 10.1.0.2 drop", "10.1.0.2:80", true],
  ["fib daddr type local drop", "192.168.0.1:80", true],
  ["fib daddr type local drop", "10.1.0.2:80", false],
  ["fib daddr . iif type local drop", "192.168.0.1:80", true],
  ["fib saddr . iif oif missing drop", "10.1.0.2:80", false],
  ["meta mark set 0x4005 meta mark & 0x4000 == 0x4000 drop", "10.1.0.2:80", true],
  ["meta mark set 0x5; meta mark set meta mark ^ 0x1; meta mark 0x4 drop", "10.1.0.2:80", true],
  ["ct mark set 7; ct mark 7 drop", "10.1.0.2:80", true],
  ["tcp flags syn drop", "10.1.0.2:80", true],
  ["ip daddr . meta l4proto . th dport vmap @goals", "10.1.0.2:80", true],
  ["ip daddr . meta l4proto . th dport vmap @goals", "10.1.0.2:80", true, "UDP"],
  ["ip daddr . meta l4proto . th dport vmap @goals", "10.1.0.2:81", false],
  ["ip daddr vmap { 10.1.0.0/24 : drop, * : accept }", "10.1.0.8:81", true],
  ["ip daddr vmap { 10.1.0.0/24 : accept, * : drop }", "10.1.7.8:81", true],
  ["jump back; drop", "10.1.0.2:80", true],
  ["goto on; drop", "10.1.0.2:80", false],
  ["return; drop", "10.1.0.2:80", false],
  ["continue; drop", "10.1.0.2:80", true],
  ['counter log prefix "x" drop', "10.1.0.2:80", true],
  ["accept; drop", "10.1.0.2:80", false],
];
for (const [rule, to, isHit, protocol = "TCP"] of cases)
  filters(`${protocol} to ${to} ${isHit ? "meets" : "passes"}: ${rule}`, () => {
    const head = /ct (state|status|mark|dir|orig)/.test(rule)
      ? "type filter hook prerouting priority -150; policy accept;"
      : "type filter hook prerouting priority raw; policy accept;";
    const result = sent(node(chain(rule, head)), { to, protocol });
    assert.is(result.startsWith("drop"), isHit, result);
  });

filters("before conntrack has seen a packet, its state is invalid", () => {
  const head = "type filter hook prerouting priority raw; policy accept;";
  assert.match(sent(node(chain("ct state invalid drop", head)), "10.1.0.2:80"), /^drop/);
});

const rejections: [rule: string, with_: string][] = [
  ["reject", "icmp-port-unreachable"],
  ["reject with icmp host-unreachable", "icmp-host-unreachable"],
  ["reject with tcp reset", "tcp-reset"],
];
for (const [rule, answer] of rejections)
  filters(`${rule} answers ${answer}`, () =>
    assert.is(
      sent(node(chain(rule)), "10.1.0.2:80"),
      `reject (${answer}) TCP 203.0.113.9 -> 10.1.0.2:80`,
    ),
  );

filters("tcp reset is no answer for UDP", () =>
  assert.match(
    sent(node(chain("reject with tcp reset")), { to: "10.1.0.2:53", protocol: "UDP" }),
    /^forward/,
  ),
);

filters("what is not modelled stops the packet that meets it, and no other", () => {
  const rules = chain("tcp dport 443 limit rate 10/second accept\n tcp dport 22 drop");
  assert.is(sent(node(rules), "10.1.0.2:80"), `${passes}10.1.0.2:80`);
  assert.match(sent(node(rules), "10.1.0.2:22"), /^drop/);
  assert.match(
    sent(node(rules), "10.1.0.2:443"),
    /^unknown node-a: the packet meets "limit rate 10\/second accept" \(line 10 of the rules\), which is not modelled/,
  );
});

filters("a ping asks for an echo, and its answer is one", () => {
  const head = "type filter hook forward priority filter; policy accept;";
  const kernel = node(chain("icmp type echo-reply drop", head));
  const ping = { protocol: "ICMP", sourcePort: 0, destinationPort: 0 } as const;
  const [client, pod] = ["203.0.113.9", "10.1.0.2"];
  const walk = { choose: seeded(() => 0) };
  const asked = kernel.receive({ ...ping, source: client, destination: pod }, "eth0", walk);
  const answer = kernel.receive({ ...ping, source: pod, destination: client }, "pods", walk);
  assert.equal([asked.kind, answer.kind], ["forward", "drop"]);
});

filters("behind the routing a packet is still known by the interface that it came by", () => {
  const head = "type filter hook postrouting priority filter; policy accept;";
  assert.match(sent(node(chain('iifname "eth0" drop', head)), "10.1.0.2:80"), /^drop/);
});

filters("a chain's policy", () => {
  const head = "type filter hook forward priority filter; policy drop;";
  assert.match(sent(node(chain("tcp dport 80 accept", head)), "10.1.0.2:81"), /^drop/);
  assert.match(sent(node(chain("tcp dport 80 accept", head)), "10.1.0.2:80"), /^forward/);
});
filters.run();

// ---- several base chains, and iptables ----------------------------------------------------------

const hook = (name: string, rules: string, priority: string, type = "filter", at = "forward") =>
  `chain ${name} { type ${type} hook ${at} priority ${priority}; policy accept;\n${rules}\n}\n`;
const table = (...chains: string[]) => `table ip t {\n${chains.join("")}}\n`;
const dnat = (to: string) => `ip daddr 10.96.0.1 tcp dport 80 dnat to ${to}`;
const xt = (tableName: string, builtin: string, rule: string) =>
  `*${tableName}\n:${builtin} ACCEPT [0:0]\n-A ${builtin} ${rule}\nCOMMIT\n`;

const together = suite("nftables: several base chains, and iptables in the same kernel");
const worlds: [what: string, nft: string, xt: string | undefined, to: string, end: string][] = [
  [
    "what one base chain accepts, the next may still drop",
    table(hook("a", "accept", "-5"), hook("b", "drop", "5")),
    undefined,
    "10.1.0.2:80",
    "drop TCP 203.0.113.9 -> 10.1.0.2:80",
  ],
  [
    "what one drops, no other can save",
    table(hook("a", "drop", "-5"), hook("b", "accept", "5")),
    undefined,
    "10.1.0.2:80",
    "drop TCP 203.0.113.9 -> 10.1.0.2:80",
  ],
  [
    "a mark that the earlier sets is seen by the later, whatever their order in the text",
    table(hook("late", "meta mark 0x7 drop", "5"), hook("early", "meta mark set 0x7", "-5")),
    undefined,
    "10.1.0.2:80",
    "drop TCP 203.0.113.9 -> 10.1.0.2:80",
  ],
  [
    "nftables accepts, and iptables rejects",
    table(hook("a", "accept", "-5")),
    xt("filter", "FORWARD", "-j REJECT"),
    "10.1.0.2:80",
    "reject (icmp-port-unreachable) TCP 203.0.113.9 -> 10.1.0.2:80",
  ],
  [
    "iptables accepts, and nftables drops after it",
    table(hook("a", "drop", "5")),
    xt("filter", "FORWARD", "-j ACCEPT"),
    "10.1.0.2:80",
    "drop TCP 203.0.113.9 -> 10.1.0.2:80",
  ],
  [
    "nftables sees the mark of iptables' mangle table",
    table(hook("a", "meta mark 0x7 drop", "filter")),
    xt("mangle", "PREROUTING", "-j MARK --set-mark 7"),
    "10.1.0.2:80",
    "drop TCP 203.0.113.9 -> 10.1.0.2:80",
  ],
  [
    "of two that translate, the lower priority is first: iptables' -100 before -95",
    table(hook("n", dnat("10.1.0.3:8080"), "-95", "nat", "prerouting")),
    xt("nat", "PREROUTING", "-d 10.96.0.1/32 -p tcp -j DNAT --to-destination 10.1.0.2:80"),
    "10.96.0.1:80",
    "forward TCP 203.0.113.9 -> 10.1.0.2:80",
  ],
  [
    "and nftables' -105 before iptables",
    table(hook("n", dnat("10.1.0.3:8080"), "-105", "nat", "prerouting")),
    xt("nat", "PREROUTING", "-d 10.96.0.1/32 -p tcp -j DNAT --to-destination 10.1.0.2:80"),
    "10.96.0.1:80",
    "forward TCP 203.0.113.9 -> 10.1.0.3:8080",
  ],
  [
    "a chain of type nat that accepts leaves the decision to the next",
    table(hook("n", "accept", "-105", "nat", "prerouting")),
    xt("nat", "PREROUTING", "-d 10.96.0.1/32 -p tcp -j DNAT --to-destination 10.1.0.2:80"),
    "10.96.0.1:80",
    "forward TCP 203.0.113.9 -> 10.1.0.2:80",
  ],
  [
    "a chain of type nat may drop",
    table(hook("n", "drop", "-105", "nat", "prerouting")),
    undefined,
    "10.96.0.1:80",
    "drop TCP 203.0.113.9 -> 10.96.0.1:80",
  ],
  [
    "one kind translates the destination, the other the source",
    table(hook("n", dnat("10.1.0.3:8080"), "-100", "nat", "prerouting")),
    xt("nat", "POSTROUTING", "-j SNAT --to-source 192.168.0.1:41000"),
    "10.96.0.1:80",
    "forward TCP 192.168.0.1 -> 10.1.0.3:8080",
  ],
  [
    "a dormant table sees nothing",
    `table ip t {\n flags dormant;\n${hook("a", "drop", "0")}}\n`,
    undefined,
    "10.1.0.2:80",
    `${passes}10.1.0.2:80`,
  ],
  [
    "a table of family inet sees both families",
    `table inet t {\n${hook("a", "ip6 daddr fd00:10:1::2 drop\n ip daddr 10.1.0.2 drop", "0")}}\n`,
    undefined,
    "10.1.0.2:80",
    "drop TCP 203.0.113.9 -> 10.1.0.2:80",
  ],
];
for (const [what, nft, xtables, to, end] of worlds)
  together(what, () => assert.is(sent(node(nft, xtables), to), end));

together("what a map says is looked up before anybody asks for which family it is", () => {
  const rule = "meta l4proto tcp dnat ip to tcp dport map { 80 : 10.1.0.3 . 8080 }";
  const chain = `chain n {\n type nat hook prerouting priority -100; policy accept;\n ${rule}\n}\n`;
  const met = (protocol: Transport): number => {
    const steps: NetStep[] = [];
    sent(node(`table inet t {\n${chain}}\n`), {
      to: "[fd00:10:1::2]:80",
      from: "2001:db8::9",
      protocol,
      steps,
    });
    return steps.filter(({ rule: met }) => met).length;
  };
  assert.is(met("UDP"), 0, "the map has nothing for it: the rule does not match");
  assert.is(met("TCP"), 1, "the rule matches, and changes nothing");
});

together("only a connection's first packet meets chains of type nat", () => {
  const kernel = node(table(hook("n", dnat("10.1.0.3:8080"), "-100", "nat", "prerouting")));
  const walk = { choose: seeded(() => 0) };
  const syn = packet("203.0.113.9:1000", "10.96.0.1:80");
  assert.is(kernel.receive(syn, "eth0", walk).packet.destination, "10.1.0.3");
  nftables(kernel).rules = parseNftables(table(hook("n", "drop", "-100", "nat", "prerouting")));
  assert.is(kernel.receive(syn, "eth0", walk).packet.destination, "10.1.0.3");
  const back = kernel.receive(
    packet("10.1.0.3:8080", "203.0.113.9:1000", "TCP", "SYN,ACK"),
    "pods",
    {
      choose: seeded(() => 0),
    },
  );
  assert.is(back.packet.source, "10.96.0.1");
});
together.run();

// ---- chance, memory, and the record -------------------------------------------------------------

const ways = suite("nftables: chances, memory, steps");

/** Every end of a packet with its probability. */
function endsOf(kernel: Kernel, shot: Shot): Record<string, number> {
  const ends: Record<string, number> = {};
  for (const { probability, result } of everyWay((choose) => {
    const walk: Walk = { choose, undo: [] };
    const verdict = kernel.receive(
      packet(`${shot.from ?? "203.0.113.9"}:999`, shot.to, shot.protocol),
      shot.dev ?? "eth0",
      walk,
    );
    rollBack(walk);
    return `${verdict.kind} ${verdict.packet.destination}:${verdict.packet.destinationPort}`;
  }))
    ends[result] = (ends[result] ?? 0) + toNumber(probability);
  return ends;
}

const shares: [rule: string, ends: Record<string, number>][] = [
  [
    "numgen random mod 4 vmap { 0 : drop, 1 : accept, 2 : accept, 3 : accept }",
    { "drop 10.1.0.2:80": 0.25, "forward 10.1.0.2:80": 0.75 },
  ],
  ["numgen random mod 10 < 3 drop", { "drop 10.1.0.2:80": 0.3, "forward 10.1.0.2:80": 0.7 }],
  ["numgen random mod 10 != 3 drop", { "drop 10.1.0.2:80": 0.9, "forward 10.1.0.2:80": 0.1 }],
  [
    "numgen random mod 3 { 0, 2 } drop",
    { "drop 10.1.0.2:80": 2 / 3, "forward 10.1.0.2:80": 1 / 3 },
  ],
  [
    "numgen random mod 3 vmap { 0 : drop }",
    { "drop 10.1.0.2:80": 1 / 3, "forward 10.1.0.2:80": 2 / 3 },
  ],
];
for (const [rule, wanted] of shares)
  ways(rule, () => {
    const ends = endsOf(node(chain(rule)), { to: "10.1.0.2:80" });
    assert.equal(Object.keys(ends).sort(), Object.keys(wanted).sort());
    for (const [end, share] of Object.entries(wanted))
      assert.ok(Math.abs(ends[end]! - share) < 1e-12, `${end}: ${ends[end]}`);
  });

ways("numgen inc goes round, and a what-if leaves it where it was", () => {
  const kernel = node(chain("numgen inc mod 2 0 drop"));
  const kinds = () => [1, 2, 3].map(() => sent(kernel, "10.1.0.2:80").split(" ")[0]);
  endsOf(kernel, { to: "10.1.0.2:80" });
  assert.equal(kinds(), ["drop", "forward", "drop"]);
});

ways("dnat to what a map says", () => {
  const head = "type nat hook prerouting priority dstnat; policy accept;";
  const rule =
    "meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.1.0.2 . 8080, 1 : 10.1.0.3 . 8081 }";
  assert.equal(endsOf(node(chain(rule, head)), { to: "10.96.0.1:80" }), {
    "forward 10.1.0.2:8080": 0.5,
    "forward 10.1.0.3:8081": 0.5,
  });
});

ways("a recorded rule set with affinity: a quarter each, then the same one for three hours", () => {
  const kernel = node(recorded("affinity-lb-local"));
  const shot = { to: "10.96.1.1:80", from: "10.1.0.77", dev: "pods" };
  assert.equal(endsOf(kernel, shot), {
    "forward 10.1.1.2:8080": 0.25,
    "forward 10.1.1.3:8080": 0.25,
    "forward 10.1.2.2:8080": 0.25,
    "forward 10.1.3.2:8080": 0.25,
  });
  sent(kernel, { ...shot, choose: seeded(() => 0.6) });
  assert.equal(endsOf(kernel, shot), { "forward 10.1.2.2:8080": 1 });
  now += 3 * 3_600_000 - 1;
  assert.equal(endsOf(kernel, shot), { "forward 10.1.2.2:8080": 1 });
  nftables(kernel).rules = parseNftables(recorded("affinity-lb-local"));
  assert.equal(endsOf(kernel, shot), { "forward 10.1.2.2:8080": 1 }, "the set was there before");
  now += 1;
  assert.is(Object.keys(endsOf(kernel, shot)).length, 4);
});

ways("update renews an element's time, add does not", () => {
  const set = (how: string) => `table ip t {
 set seen { type ipv4_addr; flags dynamic,timeout; timeout 10s; }
 chain c { type filter hook prerouting priority 0;
  tcp dport 81 ip saddr @seen drop
  tcp dport 80 ${how} @seen { ip saddr }
 }
}`;
  for (const [how, end] of [
    ["update", "drop"],
    ["add", "forward"],
  ] as const) {
    const kernel = node(set(how));
    sent(kernel, "10.1.0.2:80");
    now += 6000;
    sent(kernel, "10.1.0.2:80");
    now += 6000;
    assert.match(sent(kernel, "10.1.0.2:81"), new RegExp(`^${end}`), how);
  }
});

ways("a full set takes no more, and the rule does not match", () => {
  const kernel = node(`table ip t {
 set seen { type ipv4_addr; size 1; flags dynamic,timeout; timeout 10s; }
 chain c { type filter hook prerouting priority 0;
  add @seen { ip saddr } accept
  drop
 }
}`);
  assert.match(sent(kernel, { to: "10.1.0.2:80", from: "1.1.1.1" }), /^forward/);
  assert.match(sent(kernel, { to: "10.1.0.2:80", from: "1.1.1.2" }), /^drop/);
  assert.match(sent(kernel, { to: "10.1.0.2:80", from: "1.1.1.1" }), /^forward/);
  now += 10_000;
  assert.match(sent(kernel, { to: "10.1.0.2:80", from: "1.1.1.2" }), /^forward/);
});

ways("steps tell hook, chain, rule and mark", () => {
  const steps: NetStep[] = [];
  const kernel = node(recorded("lb-and-external-and-ranges"));
  sent(kernel, { to: "10.96.1.1:80", steps });
  const told = steps
    .filter(({ kind, rule }) => rule && kind !== "jump")
    .map(
      ({ kind, hook: at, table: name, chain: within, rule, before, after }) =>
        `${at} ${kind} ${name} ${within}: ${rule?.text("IPv4")}${after ? ` (${before} -> ${after})` : ""}`,
    );
  const pod = "endpoint-3G6P6VY4-default/web/tcp/http__10.1.1.2/8080";
  assert.equal(
    told.map((line) => line.replace(/:4\d{4} /, ":PORT ")),
    [
      "PREROUTING mark ip kube-proxy mark-for-masquerade: meta mark set meta mark | 0x00004000 (0x0 -> 0x4000)",
      `PREROUTING match ip kube-proxy ${pod}: update @${pod.replace("endpoint", "affinity")} { ip saddr }`,
      `PREROUTING dnat ip kube-proxy ${pod}: meta l4proto tcp dnat to 10.1.1.2:8080 (10.96.1.1:80 -> 10.1.1.2:8080)`,
      "POSTROUTING mark ip kube-proxy masquerading: meta mark set meta mark ^ 0x00004000 (0x4000 -> 0x0)",
      "POSTROUTING snat ip kube-proxy masquerading: masquerade fully-random (203.0.113.9:PORT -> 192.168.0.1:1024)",
    ],
  );
  const jumps = steps
    .filter(({ kind }) => kind === "jump")
    .map(({ chain: name, to }) => `${name} -> ${to}`);
  assert.equal(jumps.slice(0, 4), [
    "filter-prerouting-pre-dnat -> firewall-check",
    "nat-prerouting -> services",
    "services -> service-SUSTUHLJ-default/web/tcp/http",
    "service-SUSTUHLJ-default/web/tcp/http -> mark-for-masquerade",
  ]);
});

ways("a map's element says what the step is for", () => {
  const purpose = { object: "Web site", place: "sites" };
  const table = new PlainTable({
    family: "ip",
    name: "t",
    chains: [
      {
        name: "c",
        base: { type: "filter", hook: "prerouting", priority: 0 },
        rules: [new Rule([{ kind: "vmap", key: payload("tcp", "dport"), map: { name: "m" } }])],
      },
      { name: "site", rules: [], purpose: { place: "site" } },
    ],
    sets: [
      {
        name: "m",
        type: ["inet_service"],
        data: "verdict",
        elements: elementsOf([{ key: "80", data: goto("site"), comment: "the site", purpose }]),
      },
    ],
  });
  const kernel = node("");
  nftables(kernel).rules = ruleSetOf(table);
  const steps: NetStep[] = [];
  sent(kernel, { to: "10.1.0.2:80", steps });
  const { rule, into, to } = steps.find(({ kind }) => kind === "jump")!;
  assert.equal(
    { text: rule?.text("IPv4"), comment: rule?.comment, purpose: rule?.purpose, into, to },
    { text: "tcp dport vmap @m", comment: "the site", purpose, into: "site", to: "site" },
  );
});

ways("two kernels of the same rules are the same, and tell the same ranges apart", () => {
  const [x, y] = [node(recorded("clusterip-noep")), node(recorded("clusterip-noep"))];
  const [one, other] = [nftables(x), nftables(y)];
  assert.ok(one.isSameAs(other, "IPv4"));
  other.rules = parseNftables("add element ip kube-proxy cluster-ips { 10.96.7.7 }", {
    onto: other.rules,
  });
  assert.not(one.isSameAs(other, "IPv4"));
  assert.ok(one.isSameAs(other, "IPv6"));
  assert.equal(
    one
      .rangesToldApart("IPv4")!
      .map(({ text }) => text)
      .sort(),
    ["10.96.1.1/32", "192.168.0.1/32"],
  );
  other.rules = parseNftables(recorded("affinity-lb-local"));
  assert.is(other.rangesToldApart("IPv4"), undefined);
});
ways.run();
