// nftables at its edges: what texts, JSON and packets meet seldom, as nft 1.0.6 and Linux 6.18
// answered when they were asked.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { seeded } from "stopover/internal/net/choice";
import { Kernel } from "stopover/internal/net/kernel";
import { typesOf } from "stopover/internal/net/nftables/expressions";
import { parseNftables } from "stopover/internal/net/nftables/parse";
import { payload } from "stopover/internal/net/nftables/ruleset";
import { isSameRules, rangesToldApart } from "stopover/internal/net/nftables/sameness";
import { listText } from "stopover/internal/net/nftables/text";
import { nftables } from "stopover/internal/net/nftables/walk";
import { packet } from "stopover/internal/net/packet";
import { RulesError } from "stopover/internal/net/rules-error";

const listed = (inside: string): string => listText(parseNftables(`table ip t {\n${inside}\n}\n`));

const lists = suite("nftables: lists that are seldom met");
for (const [what, inside, expected] of [
  [
    "elements of marks and addresses stand in the order of the machine's bytes",
    "set m { type mark . ipv4_addr; elements = { 0x100 . 1.1.1.1, 2 . 1.1.1.1 }; }",
    "elements = { 0x00000002 . 1.1.1.1,\n\t\t\t     0x00000100 . 1.1.1.1 }",
  ],
  [
    "so do those of interfaces",
    'set i { type ifname . inet_service; elements = { "eth1" . 80, "lo" . 80, "b" . 80, "ab" . 80 }; }',
    'elements = { "b" . 80,\n\t\t\t     "ab" . 80,\n\t\t\t     "lo" . 80,\n\t\t\t     "eth1" . 80 }',
  ],
  [
    "those of a connection's status",
    "set s { typeof ct status . tcp dport; elements = { snat . 80, assured . 80, dying . 80 }; }",
    "elements = { assured . 80,\n\t\t\t     snat . 80,\n\t\t\t     dying . 80 }",
  ],
  [
    "and those of kinds of addresses",
    "chain c { fib daddr type . tcp dport { 257 . 80, local . 80 } drop; }",
    "fib daddr type . tcp dport { local . 80, 257 . 80 } drop",
  ],
  [
    "flags of a table are a block of their own",
    "flags dormant\n chain c { }",
    "table ip t {\n\tflags dormant\n\n\tchain c {\n\t}\n}\n",
  ],
  ["a table of flags alone has none", "flags dormant", "table ip t {\n\tflags dormant\n}\n"],
  [
    "a set that rules add to is dynamic",
    "set u { type ipv4_addr; size 100; flags timeout; timeout 1h; }\n chain c { update @u { ip saddr }; }",
    "size 100\n\t\tflags dynamic,timeout\n\t\ttimeout 1h",
  ],
] as const)
  lists(what, () => assert.ok(listed(inside).includes(expected), listed(inside)));

for (const rule of ["numgen foo mod 2 1 drop", "meta priority set 1"])
  lists(`kept as it is, since nobody here knows what it says: ${rule}`, () =>
    assert.ok(listed(`chain c { ${rule}; }`).includes(`\t\t${rule}\n`), rule),
  );
lists.run();

const objects = suite("nftables' JSON: objects that are seldom met");
const t = { table: { family: "ip", name: "t" } };
const set = (rest: object) => ({ set: { family: "ip", table: "t", name: "s", ...rest } });
const told = (...all: unknown[]): string =>
  listText(parseNftables(JSON.stringify({ nftables: [t, ...all] })));

objects("a set that merges its intervals", () =>
  assert.ok(
    told(set({ type: "ipv4_addr", flags: ["interval"], "auto-merge": true })).includes(
      "flags interval\n\t\tauto-merge\n",
    ),
  ),
);
objects("an element that expires", () => {
  const elem = [{ elem: { val: "1.1.1.1", timeout: 3600, expires: 30 } }];
  assert.ok(
    told(set({ type: "ipv4_addr", flags: ["timeout"], elem })).includes(
      "elements = { 1.1.1.1 timeout 1h expires 30s }",
    ),
  );
});
for (const [what, object] of [
  ["a letter", "x"],
  ["nothing", null],
  ["a list", [{ metainfo: {} }]],
  ["a number", 7],
] as const)
  objects(`where an object should be, there is ${what}`, () =>
    assert.throws(
      () => told(object),
      (error: unknown) =>
        error instanceof RulesError &&
        error.message.includes(
          `object 2 of the list: got ${JSON.stringify(object)}; expected an object of one field`,
        ),
    ),
  );
objects("the line is the object's, whatever stands in those before it", () => {
  const text = [
    '{ "nftables": [',
    '{ "table": { "family": "ip", "name": "t" } },',
    '{ "set": { "family": "ip", "table": "t", "name": "s", "type": ["ipv4_addr", "mark"],',
    '    "comment": "a } in a text", "elem": [{ "concat": ["1.1.1.1", 7] }] } },',
    '{ "chain": { "family": "ip", "table": "t" } }',
    "] }",
  ].join("\n");
  assert.throws(() => parseNftables(text), /^line 5: object 3 of the list/);
});
objects.run();

const walks = suite("nftables: packets that are seldom met");

/** What becomes of a packet that comes from outside and asks for a Pod. */
function sent(
  rules: string,
  { from = "203.0.113.9", to = "10.1.0.2:80", type = "filter", sets = "" } = {},
): string {
  const kernel = new Kernel({
    name: "node-a",
    clock: { now: () => 0 },
    forwarding: true,
    interfaces: [
      { name: "eth0", addresses: ["192.168.0.1/24"] },
      { name: "pods", addresses: [] },
    ],
  });
  kernel.routes.add({ to: "10.1.0.0/16", dev: "pods" });
  nftables(kernel).rules = parseNftables(`table ip t {
${sets}
chain c {
type ${type} hook prerouting priority 0
${rules}
}
}`);
  const { kind } = kernel.receive(packet(`${from}:40000`, to), "eth0", {
    choose: seeded(() => 0),
  });
  return kind;
}

const seen = "set s { type ipv4_addr; flags interval; elements = { 203.0.113.8-203.0.113.20 }; }";
for (const [rule, from, end] of [
  ["ip saddr @s drop", "203.0.113.7", "forward"],
  ["ip saddr @s drop", "203.0.113.8", "drop"],
  ["ip saddr @s drop", "203.0.113.20", "drop"],
  ["ip saddr @s drop", "203.0.113.21", "forward"],
  ["ip saddr < 203.0.113.9 drop", "203.0.113.8", "drop"],
  ["ip saddr < 203.0.113.9 drop", "203.0.113.9", "forward"],
  ["ip saddr <= 203.0.113.9 drop", "203.0.113.9", "drop"],
  ["ip saddr > 203.0.113.9 drop", "203.0.113.9", "forward"],
  ["ip saddr > 203.0.113.9 drop", "203.0.113.10", "drop"],
  ["ip saddr != 203.0.113.9 drop", "203.0.113.9", "forward"],
  ["ip saddr != 203.0.113.0-203.0.113.9 drop", "203.0.113.10", "drop"],
  ["ct state new drop", "203.0.113.9", "drop"],
  ["ct state == new drop", "203.0.113.9", "drop"],
  ["ct state != new drop", "203.0.113.9", "forward"],
  ["ct state != established drop", "203.0.113.9", "drop"],
  ["ct state < established drop", "203.0.113.9", "unknown"],
  ['iifname "eth0" drop', "203.0.113.9", "drop"],
  ['iifname != "eth0" drop', "203.0.113.9", "forward"],
  ['iifname != "eth1" drop', "203.0.113.9", "drop"],
  ["numgen foo mod 2 1 drop", "203.0.113.9", "unknown"],
] as const)
  walks(`${rule}, from ${from}: ${end}`, () =>
    assert.is(sent(rule, { from, sets: seen.replace(" }; }", " }\n}") }), end),
  );

const map = "map m { type ipv4_addr : ipv4_addr; elements = { 10.96.0.1 : 10.1.0.2 }\n}";
for (const [to, end] of [
  ["10.96.0.1:80", "forward"],
  ["10.1.0.9:80", "drop"],
] as const)
  walks(`a translation by a map that lacks ${to} ends the rule, not the chain: ${end}`, () => {
    const rules = "dnat to ip daddr map @m\nip daddr 10.1.0.9 drop";
    assert.is(sent(rules, { to, type: "nat", sets: map }), end);
  });
walks.run();

const alike = suite("nftables: what rules tell apart");
const rulesOf = (rule: string) => parseNftables(`table ip t { chain c { ${rule}; }; }`);

alike("a kernel without rules is like another one without, and like none with", () => {
  const [one, other, third] = [0, 1, 2].map(() =>
    nftables(new Kernel({ name: "n", clock: { now: () => 0 }, interfaces: [] })),
  );
  assert.ok(one!.isSameAs(other!, "IPv4"));
  third!.rules = rulesOf("drop");
  assert.not(one!.isSameAs(third!, "IPv4"));
  assert.not(third!.isSameAs(one!, "IPv4"));
  assert.ok(isSameRules(rulesOf("drop"), rulesOf("drop"), "IPv4"));
});
alike("names with a dot are no addresses", () => {
  assert.equal(rangesToldApart(rulesOf('iifname "eth0.5" drop'), "IPv4"), []);
  assert.equal(
    rangesToldApart(rulesOf("ip saddr 10.0.0.0/8 drop"), "IPv4")?.map(String),
    rangesToldApart(rulesOf("ip saddr { 10.0.0.0/8 } drop"), "IPv4")?.map(String),
  );
});
alike("of a field that nobody knows the type is not known", () => {
  assert.equal(typesOf(payload("nobody's", "x")), [""]);
  assert.equal(typesOf(payload("ip", "nobody's")), [""]);
});
alike.run();
