// nftables' rules as text: what is printed is what `nft list ruleset` prints.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  accept,
  concat,
  drop,
  elementsOf,
  goto,
  jump,
  meta,
  payload,
  PlainTable,
  Rule,
  ruleSetOf,
  value,
  type Expression,
  type Statement,
} from "stopover/internal/net/nftables/ruleset";
import { listText, statementText, timeText } from "stopover/internal/net/nftables/text";

const texts = suite("nftables: statements as text");

const mark = (op: "&" | "|" | "^", right: string): Expression => ({
  kind: "bitwise",
  op,
  left: meta("mark"),
  right,
});
const random: Expression = { kind: "numgen", mode: "random", modulus: 2 };

const statements: [text: string, statement: Statement][] = [
  ["accept", accept],
  ["jump web", jump("web")],
  ["ip saddr 10.1.0.0/16", { kind: "match", left: payload("ip", "saddr"), right: "10.1.0.0/16" }],
  [
    "ip daddr != @here",
    { kind: "match", left: payload("ip", "daddr"), op: "!=", right: { name: "here" } },
  ],
  [
    "meta mark & 0x00004000 == 0x00000000",
    { kind: "match", left: mark("&", "0x00004000"), op: "==", right: "0x00000000" },
  ],
  [
    "meta mark set meta mark | 0x00004000",
    { kind: "set", what: meta("mark"), to: mark("|", "0x00004000") },
  ],
  ['iifname "veth*"', { kind: "match", left: meta("iifname"), right: '"veth*"' }],
  [
    "ip daddr . meta l4proto . th dport vmap @web",
    {
      kind: "vmap",
      key: concat(payload("ip", "daddr"), meta("l4proto"), payload("th", "dport")),
      map: { name: "web" },
    },
  ],
  [
    "numgen random mod 2 vmap { 0 : goto a, 1 : drop }",
    {
      kind: "vmap",
      key: random,
      map: {
        elements: [
          { key: "0", data: goto("a") },
          { key: "1", data: drop },
        ],
      },
    },
  ],
  [
    "fib daddr . iif type local",
    {
      kind: "match",
      left: { kind: "fib", from: ["daddr", "iif"], result: "type" },
      right: "local",
    },
  ],
  ["dnat to 10.0.0.1:80", { kind: "dnat", address: value("10.0.0.1"), port: value("80") }],
  ["dnat to [fd00::1]:80", { kind: "dnat", address: value("fd00::1"), port: value("80") }],
  ["dnat to fd00::1", { kind: "dnat", address: value("fd00::1") }],
  [
    "dnat ip to tcp dport map @m",
    {
      kind: "dnat",
      family: "ip",
      address: { kind: "map", key: payload("tcp", "dport"), map: { name: "m" } },
    },
  ],
  [
    "snat to 10.0.0.1 persistent",
    { kind: "snat", address: value("10.0.0.1"), flags: ["persistent"] },
  ],
  ["masquerade fully-random", { kind: "masquerade", flags: ["fully-random"] }],
  ["masquerade to :1024-2048", { kind: "masquerade", port: value("1024-2048") }],
  ["redirect to :8080", { kind: "redirect", port: value("8080") }],
  ["reject", { kind: "reject" }],
  ["reject with tcp reset", { kind: "reject", with: "tcp reset" }],
  ["update @seen { ip saddr }", { kind: "update", set: "seen", key: payload("ip", "saddr") }],
  [
    "add @seen { ip saddr timeout 10s }",
    { kind: "add", set: "seen", key: payload("ip", "saddr"), timeout: 10_000 },
  ],
  ["counter packets 1 bytes 60", { kind: "counter", packets: 1, bytes: 60 }],
];
for (const [text, statement] of statements)
  texts(text, () => assert.is(statementText(statement), text));

const times: [milliseconds: number, text: string][] = [
  [10_800_000, "3h"],
  [90_000_000, "1d1h"],
  [10_799_123, "2h59m59s123ms"],
  [0, "0s"],
];
for (const [milliseconds, text] of times)
  texts(`${milliseconds} ms are ${text}`, () => assert.is(timeText(milliseconds), text));

const priorities: [hook: "prerouting" | "output", priority: number, text: string][] = [
  ["prerouting", -100, "dstnat"],
  ["prerouting", -110, "dstnat - 10"],
  ["output", -110, "-110"],
  ["output", 0, "filter"],
  ["output", 11, "11"],
  ["output", -147, "mangle + 3"],
];
for (const [hook, priority, text] of priorities)
  texts(`priority ${priority} in ${hook} is ${text}`, () => {
    const chain = { name: "c", rules: [], base: { type: "filter" as const, hook, priority } };
    const list = listText(ruleSetOf(new PlainTable({ family: "ip", name: "t", chains: [chain] })));
    assert.match(list, `type filter hook ${hook} priority ${text}; policy accept;\n`);
  });

texts("a whole table", () => {
  const table = new PlainTable({
    family: "ip",
    name: "t",
    comment: "a table",
    sets: [
      {
        name: "addresses",
        type: ["ipv4_addr"],
        comment: "three",
        elements: elementsOf([
          { key: "10.0.0.1" },
          { key: "10.0.0.2" },
          { key: "10.0.0.3", comment: "last" },
        ]),
      },
      {
        name: "seen",
        type: ["ipv4_addr"],
        size: 65535,
        flags: ["dynamic", "timeout"],
        timeout: 10_800_000,
        elements: elementsOf([]),
      },
      {
        name: "web",
        type: ["ipv4_addr", "inet_proto", "inet_service"],
        data: "verdict",
        elements: elementsOf([
          { key: "10.0.0.1 . tcp . 80", data: goto("pick") },
          { key: "10.0.0.2 . tcp . 80", comment: "none", data: drop },
        ]),
      },
    ],
    chains: [
      {
        name: "in",
        base: { type: "nat", hook: "prerouting", priority: -100 },
        rules: [new Rule([jump("pick")], "all of it")],
      },
      { name: "pick", comment: "picks", rules: [] },
    ],
  });
  const text = `table ip t {
	comment "a table"
	set addresses {
		type ipv4_addr
		comment "three"
		elements = { 10.0.0.1, 10.0.0.2,
			     10.0.0.3 comment "last" }
	}

	set seen {
		type ipv4_addr
		size 65535
		flags dynamic,timeout
		timeout 3h
	}

	map web {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.0.0.1 . tcp . 80 : goto pick,
			     10.0.0.2 . tcp . 80 comment "none" : drop }
	}

	chain in {
		type nat hook prerouting priority dstnat; policy accept;
		jump pick comment "all of it"
	}

	chain pick {
		comment "picks"
	}
}
`;
  assert.is(listText(ruleSetOf(table)), text);
});

texts.run();
