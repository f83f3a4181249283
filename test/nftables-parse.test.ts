// nftables' text is read, and printed again as nft prints it; what is no such text says where.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseNftables } from "stopover/internal/net/nftables/parse";
import { listText } from "stopover/internal/net/nftables/text";
import { RulesError } from "stopover/internal/net/rules-error";
import { recordedNftables } from "./recorded-nftables.js";

const lists = suite("nftables: lists of a real kernel are printed again byte for byte");
for (const [name, text] of recordedNftables)
  lists(name, () => assert.ok(listText(parseNftables(text)) === text));
lists.run();

/** What is written, and what nft 1.0.6 lists then. */
const rules: [written: string, listed?: string][] = [
  ["accept"],
  ["counter drop", "counter packets 0 bytes 0 drop"],
  ["ip saddr 10.3.3.3/8 accept", "ip saddr 10.0.0.0/8 accept"],
  ["ip saddr 10.3.3.3/32 accept", "ip saddr 10.3.3.3 accept"],
  ["ip saddr 10.0.0.0-10.255.255.255 accept"],
  [
    "ip saddr { 10.0.0.0-10.255.255.255, 1.2.3.4/32 } accept",
    "ip saddr { 1.2.3.4, 10.0.0.0/8 } accept",
  ],
  ["ip saddr != { 1.1.1.1, 2.2.2.2 } ip daddr 1.1.1.0/24 goto z"],
  ["ct state new,established drop", "ct state established,new drop"],
  ["ct state { new, invalid } drop", "ct state { invalid, new } drop"],
  [
    "ct state vmap { established : accept, invalid : drop }",
    "ct state vmap { invalid : drop, established : accept }",
  ],
  ["ct state == new drop"],
  ["ct status dnat,snat accept", "ct status snat,dnat accept"],
  ["ct original ip daddr 1.2.3.4 accept"],
  ["meta l4proto tcp ip saddr 1.1.1.1 tcp dport 80 accept", "ip saddr 1.1.1.1 tcp dport 80 accept"],
  ["ip protocol udp th dport 80 accept", "udp dport 80 accept"],
  ["meta l4proto { tcp, udp } th dport 53 accept"],
  ["meta l4proto icmp icmp type echo-request accept", "icmp type echo-request accept"],
  [
    "meta l4proto . th dport { tcp . 80, udp . 53 } accept",
    "meta l4proto . th dport { udp . 53, tcp . 80 } accept",
  ],
  ["ip protocol tcp reject with tcp reset", "reject with tcp reset"],
  ["reject with icmp type port-unreachable", "reject"],
  ["reject with icmp type host-unreachable", "reject with icmp host-unreachable"],
  ["tcp dport ssh accept", "tcp dport 22 accept"],
  ["tcp dport { https, http, 1000-2000 } accept", "tcp dport { 80, 443, 1000-2000 } accept"],
  ["tcp dport vmap { 80-90 : accept, 22 : drop }", "tcp dport vmap { 22 : drop, 80-90 : accept }"],
  ["tcp dport >= 80 tcp dport <= 90 tcp dport > 5 drop", "tcp dport 80-90 tcp dport > 5 drop"],
  ["mark 1 accept", "meta mark 0x00000001 accept"],
  ["mark and 0x4000 == 0 return", "meta mark & 0x00004000 == 0x00000000 return"],
  ["mark set mark and 0xffffbfff or 0x4000", "meta mark set meta mark | 0x00004000"],
  ["meta mark set mark and 0xff xor 0x4", "meta mark set meta mark & 0x000000ff ^ 0x00000004"],
  ["ct mark set mark", "ct mark set meta mark"],
  ["meta iifname lo oifname != eth1 accept", 'iifname "lo" oifname != "eth1" accept'],
  ['iifname "eth*" accept'],
  ["fib daddr . iif type != { local, broadcast } drop"],
  ["fib saddr . iif oif missing drop"],
  ["numgen random mod 10 < 3 accept"],
  ["meta random & 2147483647 < 1073741824 accept"],
  ["meta random < 1073741824 accept"],
  ["numgen random mod 2 offset 5 vmap { 5 : accept, 6 : drop }"],
  ["ip daddr vmap { 1.1.1.1 : jump z, 10.0.0.0/8 : goto z, * : drop }"],
  ['log prefix "a b" level warn', 'log prefix "a b"'],
  ["update @seen { ip saddr timeout 10s }"],
  ['counter comment "of all"', 'counter packets 0 bytes 0 comment "of all"'],
  ["limit rate over 10/minute burst 7 packets drop"],
  ["jhash ip saddr mod 2 vmap { 0 : accept, 1 : drop }"],
  ["ct state { new } drop", "ct state new drop"],
  ["ct state != established,related drop", "ct state != established | related drop"],
  ["ct state & (new|established) == 0 drop", "ct state ! established,new drop"],
  ["tcp dport { 53-442, https } drop", "tcp dport { 53-443 } drop"],
  ["tcp dport != { 53-442 } drop", "tcp dport != 53-442 drop"],
  ["ip saddr { 10.1.2.3/16, 10.1.0.0/16 } drop", "ip saddr { 10.1.0.0/16 } drop"],
  ['iifname { lo, "eth*", eth0 } drop', 'iifname { "eth*", "lo" } drop'],
  ["tcp dport 80 tcp sport 3 drop", "tcp sport 3 tcp dport 80 drop"],
  ["tcp flags syn,ack drop"],
  ["tcp flags == syn,ack drop", "tcp flags == 0x12 drop"],
  ["tcp flags & (fin|syn|rst|ack) == syn drop", "tcp flags syn / fin,syn,rst,ack drop"],
  ["tcp flags & syn == 0 drop", "tcp flags ! syn drop"],
  ["meta mark ^ 0x1 != 3 drop", "meta mark != 0x00000002 drop"],
  ["meta mark & 0xff ^ 0x4000 == 0 drop", "meta mark & 0x000000ff == 0x00004000 drop"],
  ["meta mark & 0xffff0000 == 0x10000 drop", "meta mark 0x00010000/16 drop"],
  ["meta mark & 0xff { 1, 2 } drop", "meta mark & 0x000000ff == { 0x00000001, 0x00000002 } drop"],
  ['log group 2 prefix "p" snaplen 3', 'log prefix "p" group 2 snaplen 3'],
  ["reject with icmp 1", "reject with icmp host-unreachable"],
  ["meta protocol ip drop", "drop"],
  ["ct original saddr 1.1.1.1 drop", "ct original ip saddr 1.1.1.1 drop"],
];
const nat: [written: string, listed?: string][] = [
  ["dnat to 1.2.3.4"],
  ["tcp dport 80 dnat to 1.2.3.4:80"],
  ["meta l4proto tcp dnat to 1.2.3.4:80"],
  [
    "tcp dport 80 dnat to 1.2.3.4:80-90 persistent,random",
    "tcp dport 80 dnat to 1.2.3.4:80-90 random,persistent",
  ],
  [
    "dnat to ip saddr map { 10.0.0.0/8 : 2.2.2.2, 1.2.3.4 : 5.6.7.8 }",
    "dnat to ip saddr map { 1.2.3.4 : 5.6.7.8, 10.0.0.0/8 : 2.2.2.2 }",
  ],
  ["dnat ip to tcp dport map @goals"],
  [
    "dnat ip to numgen random mod 2 map { 0 : 1.1.1.1, 1 : 2.2.2.2 }",
    "dnat to numgen random mod 2 map { 0 : 1.1.1.1, 1 : 2.2.2.2 }",
  ],
  ["redirect"],
  ["tcp dport 5 redirect to :80"],
];

/** The same in other tables, at other hooks. */
const elsewhere: [family: string, base: string, rows: [written: string, listed?: string][]][] = [
  [
    "ip",
    "filter hook output priority filter;",
    [
      ["counter packets 3 bytes 180 drop"],
      ["ip saddr == { 1.1.1.1, 2.2.2.2 } drop", "ip saddr { 1.1.1.1, 2.2.2.2 } drop"],
      ["numgen inc mod 3 vmap { 0 : accept, 1 : drop }"],
      ["meta nftrace set 1"],
      ["ip dscp set cs1"],
      ["tcp dport set 8080"],
      ["meta l4proto 58 accept", "meta l4proto ipv6-icmp accept"],
      ["meta l4proto ipv6-icmp accept"],
      ["meta l4proto 51 accept", "meta l4proto ah accept"],
      ["ct direction reply accept"],
      ["ct direction 1 accept", "ct direction reply accept"],
      ["ct direction { reply, original } accept", "ct direction { original, reply } accept"],
      ["meta protocol { ip6, arp } accept", "meta protocol { arp, ip6 } accept"],
      ["ct mark 5 accept", "ct mark 0x00000005 accept"],
      ["ct reply ip saddr 1.1.1.1 accept"],
      [
        "icmp type { echo-request, 3, echo-reply } accept",
        "icmp type { echo-reply, destination-unreachable, echo-request } accept",
      ],
      ["icmp type 13 accept", "icmp type timestamp-request accept"],
      ["tcp flags syn accept"],
      ["tcp flags syn,ack accept"],
      ['iif "lo" accept'],
      ["fib daddr type 5 accept", "fib daddr type multicast accept"],
      [
        "fib daddr type { 8, unicast, local } accept",
        "fib daddr type { unicast, local, prohibit } accept",
      ],
      ["tcp dport lt 80 accept", "tcp dport < 80 accept"],
      ["tcp dport 80 tcp dport ne 81 accept", "tcp dport 80 tcp dport != 81 accept"],
      ["ip saddr 1.1.1.1-1.1.1.4 accept"],
      ["meta mark 0x10-0x20 accept", "meta mark 0x00000010-0x00000020 accept"],
      [
        "meta mark { 3, 2, 0x10 } accept",
        "meta mark { 0x00000002, 0x00000003, 0x00000010 } accept",
      ],
      ["meta mark & 0xff00 == 0x100 accept", "meta mark & 0x0000ff00 == 0x00000100 accept"],
      ["meta mark set ct mark"],
      ["meta mark set ct mark | 0x1", "meta mark set ct mark | 0x00000001"],
      ["meta mark set 17", "meta mark set 0x00000011"],
      ["ct mark set 0x20", "ct mark set 0x00000020"],
      ["meta mark or 0x4 == 0x5 accept", "meta mark | 0x00000004 == 0x00000005 accept"],
      ["update @seen { ip saddr }"],
      ["delete @seen { ip saddr }"],
      ["notrack"],
      ["log"],
      ['log prefix "x" group 3 snaplen 20'],
      ["log level debug flags all"],
      ["reject with icmp admin-prohibited"],
      [
        "ct state established,related,new,invalid,untracked accept",
        "ct state invalid,established,related,new,untracked accept",
      ],
      ["ct status & dnat == dnat accept"],
      ['jhash ip saddr mod 2 vmap { 0 : accept, 1 : drop } comment "spread"'],
      ['limit rate 5/second comment "slow"'],
      [
        "ip saddr . tcp dport { 1.1.1.1 . 80, 1.1.1.1 . 22 } accept",
        "ip saddr . tcp dport { 1.1.1.1 . 22, 1.1.1.1 . 80 } accept",
      ],
      ["ip saddr vmap { 1.1.1.1 : accept, 1.1.1.2 : continue }"],
      ["ip protocol 6 accept", "ip protocol tcp accept"],
      ["ip protocol { udp, tcp, 1 } accept", "ip protocol { icmp, tcp, udp } accept"],
      ["udp dport domain accept", "udp dport 53 accept"],
      ["sctp dport 5 accept"],
      ["th sport 7 accept"],
      ["tcp sport 1024-65535 tcp dport != 22 accept"],
      ['iifname { "eth1", "eth0" } accept', 'iifname { "eth0", "eth1" } accept'],
      ['iifname "a*" oifname "b" accept'],
      ["ip saddr 1.1.1.1 ip saddr 1.1.1.1 accept"],
      ["return"],
      ["meta l4proto tcp reject with icmp host-unreachable"],
      ["meta l4proto udp reject"],
      ["continue"],
      ["goto z"],
    ],
  ],
  [
    "ip",
    "nat hook prerouting priority dstnat;",
    [
      ["dnat to 1.2.3.4-1.2.3.9"],
      ["dnat to 10.0.0.0-10.255.255.255", "dnat to 10.0.0.0/8"],
      ["dnat to 1.2.3.4 random,fully-random,persistent"],
      ["dnat to ip saddr"],
      ["dnat to ip daddr map { 1.1.1.1 : 2.2.2.2 }"],
      ["tcp dport 80 dnat to ip saddr map { 1.1.1.1 : 2.2.2.2 }:81"],
      [
        "dnat ip to tcp dport map { 80 : 1.2.3.4 . 8080, 22 : 1.2.3.5 . 2222 }",
        "dnat ip to tcp dport map { 22 : 1.2.3.5 . 2222, 80 : 1.2.3.4 . 8080 }",
      ],
      ["dnat to jhash ip saddr mod 2 map { 0 : 1.1.1.1, 1 : 2.2.2.2 }"],
      [
        "tcp dport 80 dnat to 1.2.3.4 : tcp dport map { 80 : 81, 82 : 83 }",
        "tcp dport 80 dnat to 1.2.3.4:tcp dport map { 80 : 81, 82 : 83 }",
      ],
      ["tcp dport 80 redirect to :8080 random"],
      ['dnat ip to tcp dport map @goals comment "web"'],
    ],
  ],
  [
    "ip",
    "nat hook postrouting priority srcnat;",
    [["masquerade"], ["masquerade random,fully-random"], ["snat to 1.2.3.4"]],
  ],
  [
    "ip6",
    "filter hook input priority filter;",
    [
      ["ip6 saddr fd00::1 accept"],
      ["ip6 saddr FD00:0::1/64 accept", "ip6 saddr fd00::/64 accept"],
      ["ip6 saddr fd00::-fd00::ffff accept"],
      ["ip6 nexthdr tcp accept"],
      ["ip6 nexthdr 17 th dport 53 accept", "udp dport 53 accept"],
      ["meta l4proto ipv6-icmp icmpv6 type echo-request accept", "icmpv6 type echo-request accept"],
      [
        "icmpv6 type { nd-neighbor-solicit, 128 } accept",
        "icmpv6 type { echo-request, nd-neighbor-solicit } accept",
      ],
      ["ip6 nexthdr icmpv6 accept", "ip6 nexthdr ipv6-icmp accept"],
      ["reject with icmpv6 port-unreachable", "reject"],
      ["reject with icmpv6 no-route"],
      ["ct original ip6 saddr fd00::1 accept"],
      ["meta l4proto tcp reject with tcp reset", "reject with tcp reset"],
    ],
  ],
  [
    "inet",
    "filter hook input priority filter;",
    [
      ["meta nfproto ipv4 ip saddr 1.1.1.1 accept", "ip saddr 1.1.1.1 accept"],
      ["meta nfproto 10 accept", "meta nfproto ipv6 accept"],
      ["meta nfproto 2 accept", "meta nfproto ipv4 accept"],
      ["meta nfproto { ipv6, ipv4 } accept", "meta nfproto { ipv4, ipv6 } accept"],
      ["meta nfproto ipv6 ip6 saddr fd00::1 accept", "ip6 saddr fd00::1 accept"],
      ["meta nfproto ipv4 tcp dport 80 accept"],
      ["meta nfproto ipv4 reject with icmp port-unreachable", "reject with icmp port-unreachable"],
      ["meta nfproto ipv6 reject with icmpv6 no-route", "reject with icmpv6 no-route"],
      ["reject with icmpx port-unreachable", "reject"],
      ["reject with icmpx admin-prohibited"],
      ["meta protocol ip accept"],
      ["meta protocol ip6 accept"],
      ["ip saddr 1.1.1.1 ip daddr 2.2.2.2 accept"],
      ["ip6 nexthdr tcp ip6 saddr fd00::1 accept"],
      ["meta l4proto ipv6-icmp icmpv6 type echo-request accept", "icmpv6 type echo-request accept"],
    ],
  ],
];

const table = (rule: string, base: string, family = "ip"): string => `table ${family} t {
	set seen {
		type ipv4_addr
		size 65535
		flags dynamic,timeout
		timeout 3h
	}

	map goals {
		type inet_service : ipv4_addr . inet_service
		elements = { 80 : 1.2.3.4 . 8080 }
	}

	chain z {
	}

	chain c {
		type ${base} policy accept;
		${rule}
	}
}
`;
const canon = suite("nftables: what is written is listed as the kernel gives it back");
for (const [written, listed = written] of rules)
  canon(written, () => {
    const base = "filter hook input priority filter;";
    assert.is(listText(parseNftables(table(written, base))), table(listed, base));
  });
for (const [written, listed = written] of nat)
  canon(written, () => {
    const base = "nat hook prerouting priority dstnat;";
    assert.is(listText(parseNftables(table(written, base))), table(listed, base));
  });
for (const [family, base, rows] of elsewhere)
  for (const [written, listed = written] of rows)
    canon(`${written}, in a table of ${family} at ${base.split(" ")[2]}`, () =>
      assert.is(listText(parseNftables(table(written, base, family))), table(listed, base, family)),
    );
canon("what is kept as its text alone is what is not modelled, and no more", () => {
  const all = [
    ...rules.map(([written]) => [written, "filter hook input priority filter;", "ip"] as const),
    ...nat.map(([written]) => [written, "nat hook prerouting priority dstnat;", "ip"] as const),
    ...elsewhere.flatMap(([family, base, rows]) =>
      rows.map(([written]) => [written, base, family] as const),
    ),
  ];
  const unknown = all.flatMap(([written, base, family]) => {
    const [only] = parseNftables(table(written, base, family)).tables();
    const statements = [...only!.chains()].flatMap(({ rules }) =>
      rules.flatMap((rule) => rule.statements),
    );
    return statements.some(({ kind }) => kind === "unknown") ? [written] : [];
  });
  assert.equal(unknown, [
    "limit rate over 10/minute burst 7 packets drop",
    "jhash ip saddr mod 2 vmap { 0 : accept, 1 : drop }",
    "meta nftrace set 1",
    "ip dscp set cs1",
    "tcp dport set 8080",
    'jhash ip saddr mod 2 vmap { 0 : accept, 1 : drop } comment "spread"',
    'limit rate 5/second comment "slow"',
    "dnat to ip saddr",
    "dnat to jhash ip saddr mod 2 map { 0 : 1.1.1.1, 1 : 2.2.2.2 }",
  ]);
});
canon.run();

/** What a set's or a map's braces hold, and what nft 1.0.6 lists then. */
const declarations: [what: string, written: string, listed: string[]][] = [
  [
    "set",
    "type ipv4_addr; elements = { 10.0.1.1, 9.0.0.255, 10.0.0.2 }",
    ["type ipv4_addr", "elements = { 9.0.0.255, 10.0.0.2,", "\t     10.0.1.1 }"],
  ],
  [
    "set",
    "type ipv4_addr; counter; elements = { 1.1.1.1, 1.1.1.2 counter packets 3 bytes 180 }",
    [
      "type ipv4_addr",
      "counter",
      "elements = { 1.1.1.1 counter packets 0 bytes 0, 1.1.1.2 counter packets 3 bytes 180 }",
    ],
  ],
  [
    "set",
    'type ipv4_addr; flags timeout; elements = { 1.1.1.1 timeout 1h expires 30m comment "x" }',
    [
      "type ipv4_addr",
      "flags timeout",
      'elements = { 1.1.1.1 timeout 1h expires 30m comment "x" }',
    ],
  ],
  [
    "set",
    "type inet_service; flags constant; size 10; elements = { 443, http, 22 }",
    ["type inet_service", "flags constant", "elements = { 22, 80, 443 }"],
  ],
  [
    "set",
    'type ipv4_addr; policy memory; gc-interval 1m; flags dynamic,timeout; timeout 90s; size 9; comment "c"',
    [
      "type ipv4_addr",
      "policy memory",
      "size 9",
      "flags dynamic,timeout",
      "timeout 1m30s",
      "gc-interval 1m",
      'comment "c"',
    ],
  ],
  [
    "set",
    "type inet_proto; elements = { 58, tcp, 17, 1, 132, 50 }",
    ["type inet_proto", "elements = { icmp, tcp, udp, esp, ipv6-icmp,", "\t     sctp }"],
  ],
  [
    "set",
    "type mark; elements = { 6, 5, 4, 3, 2, 1 }",
    [
      "type mark",
      "elements = { 0x00000001, 0x00000002, 0x00000003, 0x00000004, 0x00000005,",
      "\t     0x00000006 }",
    ],
  ],
  [
    "set",
    'type ifname; elements = { "eth1", "lo", "eth0" }',
    ["type ifname", 'elements = { "lo",', '\t     "eth0",', '\t     "eth1" }'],
  ],
  [
    "set",
    "type ipv6_addr; flags interval; elements = { fd00::/8, ::1, fe80::1-fe80::4 }",
    [
      "type ipv6_addr",
      "flags interval",
      "elements = { ::1,",
      "\t     fd00::/8,",
      "\t     fe80::1-fe80::4 }",
    ],
  ],
  [
    "set",
    "type ct_state; elements = { new, established, invalid }",
    ["type ct_state", "elements = { invalid, established,", "\t     new }"],
  ],
  [
    "set",
    "type icmp_type; elements = { echo-request, 0, 30 }",
    ["type icmp_type", "elements = { echo-reply,", "\t     echo-request,", "\t     30 }"],
  ],
  [
    "set",
    "type fib_addrtype; elements = { local, unicast, 0 }",
    ["type fib_addrtype", "elements = { unspec,", "\t     unicast,", "\t     local }"],
  ],
  [
    "set",
    "type ipv4_addr . inet_proto; elements = { 10.0.0.2 . tcp, 10.0.0.1 . udp, 10.0.0.1 . tcp }",
    [
      "type ipv4_addr . inet_proto",
      "elements = { 10.0.0.1 . tcp,",
      "\t     10.0.0.2 . tcp,",
      "\t     10.0.0.1 . udp }",
    ],
  ],
  [
    "set",
    "typeof ip saddr . tcp dport; elements = { 1.1.1.1 . 80 }",
    ["typeof ip saddr . tcp dport", "elements = { 1.1.1.1 . 80 }"],
  ],
  [
    "map",
    "typeof ip saddr : meta mark; elements = { 1.1.1.1 : 5 }",
    ["typeof ip saddr : meta mark", "elements = { 1.1.1.1 : 0x00000005 }"],
  ],
  [
    "map",
    "type ipv4_addr : mark; elements = { 1.1.1.1 : 5, 1.1.1.0 : 0x10 }",
    ["type ipv4_addr : mark", "elements = { 1.1.1.0 : 0x00000010, 1.1.1.1 : 0x00000005 }"],
  ],
  [
    "map",
    "type ipv4_addr . inet_service : verdict; elements = { 1.1.1.1 . 80 : drop, 1.1.1.1 . 22 : accept }",
    [
      "type ipv4_addr . inet_service : verdict",
      "elements = { 1.1.1.1 . 22 : accept,",
      "\t     1.1.1.1 . 80 : drop }",
    ],
  ],
  [
    "map",
    "type inet_service : verdict; flags interval; elements = { 80-90 : drop, * : accept }",
    ["type inet_service : verdict", "flags interval", "elements = { 80-90 : drop, * : accept }"],
  ],
];
const sets = suite("nftables: sets and maps are listed as the kernel gives them back");
for (const [what, written, listed] of declarations)
  sets(`${what}: ${written}`, () => {
    const lines = listed.map((line) => `\t\t${line}\n`).join("");
    assert.is(
      listText(parseNftables(`table ip t {\n${what} m { ${written}; }\n}`)),
      `table ip t {\n\t${what} m {\n${lines}\t}\n}\n`,
    );
  });
sets.run();

const commands = suite("nftables: commands, as nft -f takes them");

commands("a transaction makes tables, chains, maps and rules", () => {
  const text = `
add table ip t { comment "mine" ; }
add chain ip t c { type nat hook prerouting priority -100 ; }
add chain ip t pick { comment "picks" ; }
add map ip t web { type ipv4_addr . inet_proto . inet_service : verdict ; comment "goals" ; }
flush chain ip t c
add rule ip t c ip daddr . meta l4proto . th dport vmap @web
add element ip t web { 10.0.0.1 . tcp . 80 comment "it" : goto pick }
`;
  const listed = `table ip t {
	comment "mine"
	map web {
		type ipv4_addr . inet_proto . inet_service : verdict
		comment "goals"
		elements = { 10.0.0.1 . tcp . 80 comment "it" : goto pick }
	}

	chain c {
		type nat hook prerouting priority dstnat; policy accept;
		ip daddr . meta l4proto . th dport vmap @web
	}

	chain pick {
		comment "picks"
	}
}
`;
  const rules = parseNftables(text);
  assert.is(listText(rules), listed);
  const without = parseNftables(
    "delete element ip t web { 10.0.0.1 . tcp . 80 : goto pick }; delete chain ip t pick\nflush chain ip t c",
    { onto: rules },
  );
  assert.not.match(listText(without), /elements|pick|vmap/);
  assert.is(listText(rules), listed, "what was there before stays as it was");
  assert.is(listText(parseNftables("destroy table ip t; destroy table ip t", { onto: rules })), "");
  assert.is(listText(parseNftables("flush ruleset", { onto: rules })), "");
});

commands("what is not modelled is kept as its text", () => {
  const text = `table ip t {
	counter k {
		packets 3 bytes 180
	}

	chain c {
		accept
	}
}
`;
  assert.is(listText(parseNftables(text)), text);
  const added =
    "add table t\nadd counter ip t k {\n\tpackets 3 bytes 180\n}\nadd chain t c { accept; }";
  assert.is(listText(parseNftables(added)), text);
});

commands("delete element takes keys, with what they are mapped to or without", () => {
  const start = `table ip t {
 chain z { }
 map m { type ipv4_addr : verdict; flags interval; elements = { 10.0.0.0/8 : goto z, 1.1.1.1 : drop, 1.1.1.3 : accept, * : drop }; }
}
`;
  const left = (command: string) =>
    /elements = (.*)/.exec(listText(parseNftables(`${start}${command}`)))?.[1];
  assert.is(
    left("delete element t m { 10.0.0.0/8 : goto z, 1.1.1.1 }"),
    "{ 1.1.1.3 : accept, * : drop }",
  );
  assert.is(
    left("delete element t m { 10.0.0.0-10.255.255.255, *,\n 1.1.1.3 }"),
    "{ 1.1.1.1 : drop }",
  );
  assert.is(
    left("destroy element t m { 2.2.2.2, 1.1.1.1, 1.1.1.3 }"),
    "{ 10.0.0.0/8 : goto z, * : drop }",
  );
  assert.is(left("flush map t m"), undefined);
  assert.throws(() => left("delete element t m { 1.1.1.1 : drop"), /expected "}"/);
});

commands("what a map leads to may be intervals", () => {
  const rules = parseNftables(
    "table ip t { map m { type inet_service : interval ipv4_addr; elements = { 80 : 1.1.1.1-1.1.1.4 }; }; }",
  );
  assert.match(listText(rules), "elements = { 80 : 1.1.1.1-1.1.1.4 }");
});

// as nft 1.0.6 lists it
for (const [given, listed] of [
  ["type inet_service : interval ipv4_addr", "type inet_service : interval ipv4_addr"],
  ["typeof ip saddr : interval ip daddr", "type ipv4_addr : interval ipv4_addr"],
  [
    "type ipv4_addr . inet_service : interval ipv4_addr . inet_service",
    "type ipv4_addr . inet_service : interval ipv4_addr . inet_service",
  ],
] as const)
  commands(`the word interval of a map stays: ${given}`, () => {
    const rules = parseNftables(`table ip t { map m { ${given}; }; }`);
    assert.is(listText(rules), `table ip t {\n\tmap m {\n\t\t${listed}\n\t}\n}\n`);
  });

commands("insert and index say where a rule stands", () => {
  const rules = parseNftables(`table ip t { chain c { } }
add rule t c accept
insert rule t c drop
add rule t c index 0 return`);
  assert.match(listText(rules), /drop\n\t\treturn\n\t\taccept/);
});
commands.run();

const wrong = suite("nftables: what is wrong is said with its line");
const c = (rule: string) =>
  `table ip t {\n chain z { }\n chain c { type filter hook input priority 0\n  ${rule}\n }\n}`;
const errors: [text: string, message: RegExp][] = [
  [c("tcp dport 80 udp dport 53 drop"), /^line 4: the rule asks for tcp and for udp/],
  [c("reject with icmpx no-route"), /^line 4: reject with icmpx is for tables of both families/],
  [c("reject with icmpv6 no-route"), /^line 4: the rule asks for ip and for ip6/],
  [c("meta nfproto ipv6 drop"), /^line 4: meta nfproto is only useful in the inet family/],
  [c("tcp dport vmap { 1-79 : drop, 53-442 : accept }"), /^line 4: the intervals 1-79 and 53-442/],
  [c("tcp dport vmap { 80 : drop, http : accept }"), /^line 4: 80 is in the map already/],
  [c("ip daddr . tcp dport 10.1.1.2 . 80 drop"), /^line 4: a concatenation is compared with sets/],
  [c("ct original proto-dst 80 drop"), /^line 4: ct proto-dst is only valid after a match/],
  [c("jump nowhere"), /^line 4: there is no chain nowhere in table ip t/],
  [c("ip saddr 300.1.1.1 drop"), /^line 4: got "300.1.1.1"; expected an IPv4 address/],
  [c("tcp dport 70000 drop"), /^line 4: got "70000"; expected a port/],
  [c("ct state fresh drop"), /^line 4: got "fresh"; expected a connection's state/],
  [c("ip saddr @none drop"), /^line 4: there is no set or map none in this table/],
  [c("ip6 saddr fd00::1 drop"), /^line 4: ip6 saddr is never met in a table of family ip/],
  [c("jump c"), /^line 4: c is a base chain: packets come there by its hook/],
  [c("tcp dport vmap { 80 }"), /^line 4: 80 is mapped to nothing; in a map, write "80 : VALUE"/],
  [
    c("ip saddr < { 1.1.1.1, 2.2.2.2 } drop"),
    /^line 4: got a set after <; elements are in it or not/,
  ],
  [
    c("ip saddr { 1.1.1.1 : drop } drop"),
    /^line 4: got : after 1.1.1.1; a set maps its elements to/,
  ],
  [c("counter packets many bytes 0"), /^line 4: got "many"; expected how many packets/],
  [c("numgen random mod 0 == 1 drop"), /^line 4: got numgen mod 0; expected a number above 0/],
  [c("reject with tcp port-unreachable"), /^line 4: got "port-unreachable"; expected "reset"/],
  [c("jump"), /^line 4: got the end of the line; expected a chain's name/],
  [c("log prefix hello"), /^line 4: got "hello"; expected a prefix in quotation marks/],
  [c("counter accept } }"), /^line 5: got "}"; expected one of table, add/],
  ["add rule ip t", /^line 1: there is no table ip t/],
  [
    "table ip t { chain c { }; }\nadd rule t c",
    /^line 2: a rule says nothing: it has no statement/,
  ],
  ['table ip t { chain c { }; }\nadd rule t c comment "x"', /^line 2: a rule says nothing/],
  [
    "table ip t { chain c { accept; }; }\nadd rule t c index 1 drop",
    /chain c has 1 rules; there is no 1/,
  ],
  [
    "table ip t { set s { type ipv4_addr; }; }\nadd element t s { 300.1.1.1 }",
    /^line 2: .* IPv4 address/,
  ],
  [
    "table ip t { set s { type ipv4_addr; }; }\nadd element t x { 1.1.1.1 }",
    /no set or map x in table/,
  ],
  [
    "table ip t { set s { type ipv4_addr; }; }\ndelete element t s { 1.1.1.1 }",
    /1.1.1.1 is not in s/,
  ],
  [
    "table ip t { set s { type ipv4_addr; flags open; }; }",
    /got the flag open; known are constant, dynamic/,
  ],
  [
    "table ip t { map m { type mark : mark; elements = { 1 : 2, 1 : 3 }; }; }",
    /is in m already, mapped to/,
  ],
  [
    "table ip t { set s { type mark; }; }\nadd set t s { type ipv4_addr; }",
    /set s is there already, with another/,
  ],
  ["create table t\ncreate table t", /^line 2: table ip t is there already/],
  ["delete table t", /^line 1: there is no table ip t/],
  ["add table t\ndelete chain t c", /^line 2: there is no chain c in table t/],
  ["add table t\nadd rule t c drop", /^line 2: there is no chain c in table ip t/],
  ["add chain t c { type nat hook input priority 0; }", /^line 1: there is no table ip t/],
  [
    "table ip t { chain c { type route hook input priority 0; } }",
    /type route can only be at hook output/,
  ],
  [c('ip saddr 1.1.1.1 comment "open'), /^line 4: a quotation mark is never closed/],
  ["table ip t {\n chain c {\n  drop\n", /^line 4: the \{ of line 2 is never closed/],
  ["table ip t {\n map m { type ipv4_addr; }\n}", /^line 2: map m does not say what it maps to/],
  ["table ip t {\n set s { type ipv4_addr : verdict; }\n}", /^line 2: set s maps its elements/],
  ["table ip t {\n set s { flags interval; }\n}", /^line 2: set s has no type/],
  [
    "table ip t {\n set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 10.1.0.0/16 } }\n}",
    /^line 2: in s, the intervals 10.0.0.0\/8 and 10.1.0.0\/16 overlap/,
  ],
  [
    "table ip t {\n map m { type inet_service : verdict; elements = { 80 : jump gone } }\n}",
    /^line 2: there is no chain gone in table ip t, which map m goes to/,
  ],
  ["add rule ip t c drop", /^line 1: there is no table ip t/],
  ["\n\nhello", /^line 3: got "hello"; expected one of table, add/],
  [
    "table ip t { chain c { type nat hook forward priority 0; } }",
    /chain of type nat cannot be at hook forward/,
  ],
  [
    "table ip t { chain c { type filter hook input priority low; } }",
    /expected a priority such as 0, filter/,
  ],
];
for (const [text, message] of errors)
  wrong(message.source, () => {
    assert.throws(
      () => parseNftables(text),
      (error: unknown) => error instanceof RulesError && message.test(error.message),
    );
  });

const nats = (rule: string) => c(rule).replace("filter hook input", "nat hook prerouting");
for (const [text, message] of [
  [nats("dnat to 1.2.3.400"), /^line 4: got "1.2.3.400"; expected an IPv4 address/],
  [nats("tcp dport 80 dnat to 1.2.3.4:70000"), /^line 4: got "70000"; expected a port/],
  ["x".repeat(64 * 1024 * 1024 + 1), /^line 1: the text has 67108865 characters; at most 67108864/],
] as const)
  wrong(message.source, () => assert.throws(() => parseNftables(text), message));

wrong("a ladder of 16 jumps is too deep, 15 are not; where no packet comes, nobody minds", () => {
  const base = "type filter hook input priority 0;";
  const ladder = (n: number): string => {
    const chain = (i: number) =>
      `chain c${i} { ${i === 0 ? base : ""} ${i < n ? `jump c${i + 1}` : "accept"}; }`;
    return `table ip t { ${Array.from({ length: n + 1 }, (_, i) => chain(i)).join("\n")} }`;
  };
  parseNftables(ladder(15));
  parseNftables("table ip t { chain a { jump b; }\n chain b { jump a; }\n }"); // nobody gets there
  assert.throws(() => parseNftables(ladder(16)), /the 16th in a row/);
});

wrong("whatever comes, there is an answer or a RulesError, and soon", () => {
  const word = fc.constantFrom(
    ...'table ip t { } ; chain c set s map add element rule type ipv4_addr : verdict elements = , . vmap @s tcp dport 80 10.0.0.0/8 jump numgen random mod \n " # - fib ct state new comment'.split(
      " ",
    ),
    "\n",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60 }), (words) => {
      try {
        parseNftables(words.join(" "));
      } catch (error) {
        assert.instance(error, RulesError);
      }
    }),
    { numRuns: 2000 },
  );
  assert.throws(
    () => parseNftables(`table ip t { chain c { ip saddr ${"{".repeat(100_000)}`),
    /never closed|expected/,
  );
});
wrong.run();
