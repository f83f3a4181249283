// `nft -j list ruleset` is read as what `nft list ruleset` prints.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openRules } from "stopover";
import { parseNftables } from "stopover/internal/net/nftables/parse";
import { listText } from "stopover/internal/net/nftables/text";
import { RulesError } from "stopover/internal/net/rules-error";

const place = { family: "ip", table: "t" };
const head = [
  { metainfo: { version: "1.0.6", json_schema_version: 1 } },
  { table: { family: "ip", name: "t", handle: 1 } },
  {
    set: {
      ...place,
      name: "seen",
      type: "ipv4_addr",
      size: 65535,
      flags: ["timeout"],
      timeout: 10800,
    },
  },
  {
    map: {
      ...place,
      name: "goals",
      type: ["ipv4_addr", "inet_proto", "inet_service"],
      map: "verdict",
      comment: "web",
      elem: [
        [{ concat: ["10.0.0.1", "tcp", 80] }, { goto: { target: "z" } }],
        [{ elem: { val: { concat: ["10.0.0.2", "tcp", 80] }, comment: "none" } }, { drop: null }],
      ],
    },
  },
  {
    set: {
      ...place,
      name: "wide",
      type: "ipv4_addr",
      flags: ["interval"],
      elem: [{ prefix: { addr: "10.0.0.0", len: 8 } }, { range: ["11.0.0.1", "11.0.0.5"] }],
    },
  },
  { chain: { ...place, name: "z" } },
  { chain: { ...place, name: "c", type: "nat", hook: "prerouting", prio: -100, policy: "accept" } },
];
const rule = (...expr: object[]) => ({ rule: { ...place, chain: "c", handle: 9, expr } });
const json = (...objects: object[]): string => JSON.stringify({ nftables: [...head, ...objects] });

const payload = (protocol: string, field: string) => ({ payload: { protocol, field } });
const match = (op: string, left: object, right: unknown) => ({ match: { op, left, right } });
const mark = { meta: { key: "mark" } };
const numgen = { numgen: { mode: "random", mod: 2, offset: 0 } };

const cases: [text: string, expr: object[]][] = [
  ["accept", [{ accept: null }]],
  [
    "ip saddr 10.0.0.0/8 drop",
    [match("==", payload("ip", "saddr"), { prefix: { addr: "10.0.0.0", len: 8 } }), { drop: null }],
  ],
  [
    "meta mark 0x00000000/1 return",
    [match("==", mark, { prefix: { addr: 0, len: 1 } }), { return: null }],
  ],
  [
    "meta mark != 0x80000000/2 return",
    [match("!=", mark, { prefix: { addr: 2147483648, len: 2 } }), { return: null }],
  ],
  ["ip saddr != @wide drop", [match("!=", payload("ip", "saddr"), "@wide"), { drop: null }]],
  [
    "tcp dport { 80, 1000-2000 } accept",
    [
      match("==", payload("tcp", "dport"), { set: [80, { range: [1000, 2000] }] }),
      { accept: null },
    ],
  ],
  ["tcp dport < 80 accept", [match("<", payload("tcp", "dport"), 80), { accept: null }]],
  [
    "ct state established,related accept",
    [match("in", { ct: { key: "state" } }, ["established", "related"]), { accept: null }],
  ],
  [
    "ct original ip daddr 10.0.0.1 accept",
    [match("==", { ct: { key: "ip daddr", dir: "original" } }, "10.0.0.1"), { accept: null }],
  ],
  [
    "meta mark & 0x00004000 == 0x00000000 return",
    [match("==", { "&": [mark, 16384] }, 0), { return: null }],
  ],
  [
    "meta mark set meta mark | 0x00004000",
    [{ mangle: { key: mark, value: { "|": [mark, 16384] } } }],
  ],
  [
    'iifname "eth*" jump z',
    [match("==", { meta: { key: "iifname" } }, "eth*"), { jump: { target: "z" } }],
  ],
  [
    "fib saddr . iif oif missing drop",
    [match("==", { fib: { result: "oif", flags: ["saddr", "iif"] } }, false), { drop: null }],
  ],
  [
    "ip daddr . meta l4proto . th dport vmap @goals",
    [
      {
        vmap: {
          key: {
            concat: [payload("ip", "daddr"), { meta: { key: "l4proto" } }, payload("th", "dport")],
          },
          data: "@goals",
        },
      },
    ],
  ],
  [
    "numgen random mod 2 vmap { 0 : goto z, 1 : drop }",
    [
      {
        vmap: {
          key: numgen,
          data: {
            set: [
              [0, { goto: { target: "z" } }],
              [1, { drop: null }],
            ],
          },
        },
      },
    ],
  ],
  [
    "tcp dport 80 dnat to 10.0.0.1:8080",
    [match("==", payload("tcp", "dport"), 80), { dnat: { addr: "10.0.0.1", port: 8080 } }],
  ],
  [
    "dnat to numgen random mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }",
    [
      {
        dnat: {
          addr: {
            map: {
              key: numgen,
              data: {
                set: [
                  [0, "10.0.0.1"],
                  [1, "10.0.0.2"],
                ],
              },
            },
          },
        },
      },
    ],
  ],
  [
    "tcp dport 5 redirect to :80",
    [match("==", payload("tcp", "dport"), 5), { redirect: { port: 80 } }],
  ],
  ["reject", [{ reject: { type: "icmp", expr: "port-unreachable" } }]],
  ["reject with tcp reset", [{ reject: { type: "tcp reset" } }]],
  [
    "update @seen { ip saddr }",
    [{ set: { op: "update", elem: payload("ip", "saddr"), set: "@seen" } }],
  ],
  ["counter packets 1 bytes 60", [{ counter: { packets: 1, bytes: 60 } }]],
  [
    "unknown limit rate :10 per : second accept",
    [{ limit: { rate: 10, per: "second" } }, { accept: null }],
  ],
];
const read = suite("nftables' JSON: what it says");
for (const [text, expr] of cases)
  read(text, () =>
    assert.match(listText(parseNftables(json(rule(...expr)))), `\t\t${text}\n\t}\n`),
  );

read("masquerade fully-random", () => {
  const text = json(rule({ masquerade: { flags: "fully-random" } }));
  const behind = text.replaceAll('"prerouting"', '"postrouting"');
  assert.match(listText(parseNftables(behind)), "\t\tmasquerade fully-random\n\t}\n");
});

read("tables, chains, sets and maps", () => {
  assert.is(
    listText(
      parseNftables(
        json({ rule: { ...place, chain: "c", comment: "all", expr: [{ drop: null }] } }),
      ),
    ),
    `table ip t {
	set seen {
		type ipv4_addr
		size 65535
		flags timeout
		timeout 3h
	}

	map goals {
		type ipv4_addr . inet_proto . inet_service : verdict
		comment "web"
		elements = { 10.0.0.1 . tcp . 80 : goto z,
			     10.0.0.2 . tcp . 80 comment "none" : drop }
	}

	set wide {
		type ipv4_addr
		flags interval
		elements = { 10.0.0.0/8, 11.0.0.1-11.0.0.5 }
	}

	chain z {
	}

	chain c {
		type nat hook prerouting priority dstnat; policy accept;
		drop comment "all"
	}
}
`.replace("\t\tflags timeout\n", ""),
  );
});

read("what adds and flushes, too", () => {
  const text = JSON.stringify({
    nftables: [
      { flush: { ruleset: null } },
      { add: { table: { family: "inet", name: "x" } } },
      {
        add: {
          chain: {
            family: "inet",
            table: "x",
            name: "c",
            type: "filter",
            hook: "input",
            prio: 0,
            policy: "drop",
          },
        },
      },
    ],
  });
  assert.match(
    listText(parseNftables(text)),
    "table inet x {\n\tchain c {\n\t\ttype filter hook input priority filter; policy drop;",
  );
});

read("openRules tells it from other texts", () => {
  const opened = openRules(json(rule(match("==", payload("tcp", "dport"), 30080), { drop: null })));
  assert.is(opened.packet({ from: "203.0.113.9", to: "192.168.0.1:30080" }).disposition, "dropped");
});
read.run();

const wrong = suite("nftables' JSON: what is wrong");
const errors: [text: string, message: RegExp][] = [
  ["{", /^line 1: no JSON/],
  ['{ "tables": [] }', /^line 1: got JSON without the list "nftables"/],
  [
    json(rule({ jump: { target: "gone" } })),
    /^line 1: object 8 of the list: there is no chain gone/,
  ],
  [
    json(rule(match("==", payload("ip", "saddr"), "300.1.1.1"))),
    /object 8 of the list: got "300.1.1.1"; expected an IPv4/,
  ],
  [
    JSON.stringify({ nftables: [...head, { rule: { ...place, chain: "c" } }] }, null, 1),
    /^line \d+: object 8 of the list: a rule has no list "expr"/,
  ],
  [
    json({ chain: { ...place, name: 'a"; flush ruleset' } }),
    /object 8 of the list: got .* expected a text without quotation marks/,
  ],
  [
    json(rule({ accept: null, drop: null })),
    /object 8 of the list: got .*; expected an object of one field/,
  ],
  [`{"nftables": ${"[".repeat(100_000)}`, /^line 1: nested more than 64 deep/],
];
for (const [text, message] of errors)
  wrong(message.source, () =>
    assert.throws(
      () => parseNftables(text),
      (error: unknown) => error instanceof RulesError && message.test(error.message),
    ),
  );
wrong.run();
