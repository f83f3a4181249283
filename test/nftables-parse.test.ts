// nftables' text is read, and printed again as nft prints it; what is no such text says where.
import fc from "fast-check";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseNftables } from "stopover/internal/net/nftables/parse";
import { listText } from "stopover/internal/net/nftables/text";
import { RulesError } from "stopover/internal/net/rules-error";

const here = dirname(fileURLToPath(import.meta.url));
const recorded = join(here, here.endsWith("dist") ? "../nftables" : "nftables");

const lists = suite("nftables: lists of a real kernel are printed again byte for byte");
for (const file of readdirSync(recorded))
  lists(file.replace(".nft", ""), () => {
    const text = readFileSync(join(recorded, file), "utf8");
    assert.is(listText(parseNftables(text)), text);
  });
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
  ["numgen random mod 2 offset 5 vmap { 5 : accept, 6 : drop }"],
  ["ip daddr vmap { 1.1.1.1 : jump z, 10.0.0.0/8 : goto z, * : drop }"],
  ['log prefix "a b" level warn', 'log prefix "a b"'],
  ["update @seen { ip saddr timeout 10s }"],
  ['counter comment "of all"', 'counter packets 0 bytes 0 comment "of all"'],
  ["limit rate over 10/minute burst 7 packets drop"],
  ["jhash ip saddr mod 2 vmap { 0 : accept, 1 : drop }"],
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

const table = (rule: string, base: string): string => `table ip t {
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
canon.run();

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
  [c("jump nowhere"), /^line 4: there is no chain nowhere in table ip t/],
  [c("ip saddr 300.1.1.1 drop"), /^line 4: got "300.1.1.1"; expected an IPv4 address/],
  [c("tcp dport 70000 drop"), /^line 4: got "70000"; expected a port/],
  [c("ct state fresh drop"), /^line 4: got "fresh"; expected a connection's state/],
  [c("ip saddr @none drop"), /^line 4: there is no set or map none in this table/],
  [c("ip6 saddr fd00::1 drop"), /^line 4: ip6 saddr is never met in a table of family ip/],
  [c("jump c"), /^line 4: the jump to c closes a circle: c -> c/],
  [c("tcp dport vmap { 80 }"), /^line 4: 80 is mapped to nothing; in a map, write "80 : VALUE"/],
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
