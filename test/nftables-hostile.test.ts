/**
 * Texts that nft refuses, or takes though they look odd: what ours says of each is written here,
 * and a real nft (1.0.6 and its kernel) is asked in a network namespace of its own.
 */
import { execFileSync } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { packet } from "stopover/internal/net/packet";
import { Kernel } from "stopover/internal/net/kernel";
import { readNftables } from "stopover/internal/net/nftables/read";
import { listText } from "stopover/internal/net/nftables/text";
import { nftables } from "stopover/internal/net/nftables/walk";
import { seeded } from "stopover/internal/net/choice";
import { preflight } from "stopover/internal/doors/lab/preflight";
import { needs } from "./needs.js";

const table = (inside: string, family = "ip"): string => `table ${family} t {\n${inside}\n}\n`;
const base = (name: string, hook: string, rules = "", type = "filter", priority = "0"): string =>
  `chain ${name} { type ${type} hook ${hook} priority ${priority};\n${rules}\n}`;
/** Rules of a base chain at hook input. */
const input = (rules: string): string => table(base("c", "input", rules));
const nat = (hook: string, rules: string, family = "ip"): string =>
  table(base("c", hook, rules, "nat", hook === "prerouting" ? "-100" : "100"), family);
const set = (inside: string): string => table(`set s { ${inside}; }`);
const map = (inside: string): string => table(`map m { ${inside}; }`);
const deep = (count: number): string =>
  table(
    `${base("c", "input", "jump c0;")}\n${Array.from({ length: count }, (_, i) => `chain c${i} { ${i < count - 1 ? `jump c${i + 1}` : "accept"}; }`).join("\n")}`,
  );
const ranges = "type ipv4_addr : interval ipv4_addr; flags interval; elements =";
const chosen = (how: string): string =>
  table(
    `map m { ${ranges} { 10.1.0.0/16 : 10.2.0.0-10.2.0.9 } }\n${base("c", "prerouting", `dnat ${how}to ip daddr map @m;`, "nat", "-100")}`,
  );

/** What ours says; undefined: it takes the text, and lists it as nft does. */
type Case = readonly [what: string, text: string, sentence?: RegExp];

const cases: readonly Case[] = [
  // ---- jumps
  [
    "a circle from a base chain",
    table(`${base("c", "input", "jump a;")}\nchain a { jump b; }\nchain b { goto a; }`),
    /the jump to a closes a circle: c -> a -> b -> a$/,
  ],
  ["a circle that nobody comes to", table("chain a { jump b; }\nchain b { jump a; }")],
  [
    "a circle by a map",
    table(
      `map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : jump a }; }\n${base("c", "input", "jump a;")}\nchain a { ip saddr vmap @m; }`,
    ),
    /closes a circle/,
  ],
  [
    "a jump to a base chain",
    table(`${base("c", "input", "jump d;")}\n${base("d", "forward")}`),
    /^line 3: d is a base chain: packets come there by its hook, and not by a jump/,
  ],
  ["fifteen jumps in a row", deep(15)],
  ["twenty jumps in a row", deep(20), /is the 16th in a row/],
  // ---- sets and maps
  [
    "intervals that overlap",
    set("type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 10.1.0.0/16 }"),
    /the intervals 10\.0\.0\.0\/8 and 10\.1\.0\.0\/16 overlap/,
  ],
  [
    "intervals that overlap, merged",
    set("type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.0/9, 10.128.0.0/9 }"),
  ],
  [
    "intervals of a map that overlap",
    map(
      "type ipv4_addr : verdict; flags interval; elements = { 10.0.0.0/8 : drop, 10.1.0.0/16 : accept }",
    ),
    /overlap/,
  ],
  [
    "intervals of a rule's own map",
    input("ip saddr vmap { 10.0.0.0/8 : drop, 10.1.0.0/16 : accept }"),
    /overlap/,
  ],
  ["intervals of a rule's own set", input("ip saddr { 10.0.0.0/8, 10.1.0.0/16 } drop")],
  [
    "a range in a set of single values",
    set("type inet_service; elements = { 80-90 }"),
    /^line 2: in s, 80-90 is more than one value; write flags interval/,
  ],
  [
    "a prefix in a set of single values",
    set("type ipv4_addr . inet_service; elements = { 10.0.0.0/8 . 80 }"),
    /write flags interval/,
  ],
  ["the same element twice", set("type ipv4_addr; elements = { 10.0.0.1, 10.0.0.1 }")],
  [
    "a key mapped to two things",
    map("type inet_service : verdict; elements = { 80 : drop, 80 : accept }"),
    /80 is in m already, mapped to something else/,
  ],
  [
    "a key mapped to nothing",
    map("type inet_service : verdict; elements = { 80, 81 : drop }"),
    /80 is mapped to nothing; in a map, write "80 : VALUE"/,
  ],
  [
    "a set whose element is mapped",
    set("type inet_service; elements = { 80 : drop }"),
    /a set maps its elements to nothing/,
  ],
  [
    "a set where a map belongs",
    table("set s { type inet_service; }\nchain c { tcp dport vmap @s; }"),
    /s is a set, and no map/,
  ],
  [
    "a map of values where verdicts belong",
    table("map m { type inet_service : ipv4_addr; }\nchain c { tcp dport vmap @m; }"),
    /m maps to values; a vmap has verdicts/,
  ],
  ["a map that is not there", input("ip saddr vmap @nothing"), /there is no set or map nothing/],
  [
    "a set of another type",
    table("set s { type inet_service; }\nchain c { ip saddr @s drop; }"),
    /^line 3: /,
  ],
  [
    "a set and a map of one name",
    table("set s { type inet_service; }\nmap s { type inet_service : verdict; }"),
    /s is there already, as a set/,
  ],
  ["no element in braces", input("ip saddr { } drop"), /got "}"; expected an element/],
  ["no element of a set", set("type ipv4_addr; elements = { }"), /got "}"; expected an element/],
  [
    "more elements than a set's size",
    set("type ipv4_addr; size 1; elements = { 10.0.0.1, 10.0.0.2 }"),
    /there are 2 elements; its size is 1/,
  ],
  [
    "an element's timeout without the flag",
    set("type ipv4_addr; elements = { 10.0.0.1 timeout 5s }"),
    /10\.0\.0\.1 has a timeout; write flags timeout/,
  ],
  [
    "a rule's timeout without the flag",
    table(
      `set s { type ipv4_addr; flags dynamic; }\n${base("c", "input", "add @s { ip saddr timeout 5s };")}`,
    ),
    /s takes no timeout; write flags timeout/,
  ],
  [
    "a rule that changes a constant set",
    table(
      "set s { type ipv4_addr; flags constant; elements = { 10.0.0.1 }; }\nchain c { update @s { ip saddr }; }",
    ),
    /s is constant: nothing is put in/,
  ],
  // ---- the order of elements
  ...["", "flags interval; "].flatMap((flags): Case[] => [
    ["all others, and the greatest", set(`type inet_service; ${flags}elements = { 65535, *, 5 }`)],
    [
      "all others of two values",
      map(
        `type ipv4_addr . inet_service : verdict; ${flags}elements = { 255.255.255.255 . 80 : drop, * : accept, 5.1.1.1 . 90 : drop, 2.1.1.1 . 65535 : drop }`,
      ),
    ],
    [
      "two values side by side",
      set(`type ipv4_addr . inet_service; ${flags}elements = { 9.1.1.1 . 80, 5.1.1.1 . 90 }`),
    ],
  ]),
  // ---- flags
  ["flags that have no name", input("ct status 0x8001 counter; ct state 0x80 counter; ct state 0")],
  ["no flag at all", input("tcp flags == 0 counter; ct state { 0, new } counter; tcp flags != 0")],
  [
    "a mask that leaves all",
    input(
      "tcp flags & 0xff == (syn|ack) counter; tcp flags & 0xff == 0; ct state & 0xffffffff != new counter",
    ),
  ],
  ["a mask that leaves all but one", input("tcp flags & 0x7f == syn; tcp flags & 0x7f == 0")],
  // ---- where a statement has no place
  ["dnat in a filter chain", input("dnat to 10.0.0.1"), /dnat in chain c: a chain of type filter/],
  ["dnat behind the routes", nat("postrouting", "dnat to 10.0.0.1"), /at prerouting and output$/],
  ["snat before them", nat("prerouting", "snat to 10.0.0.1"), /at postrouting and input$/],
  [
    "snat in a filter chain",
    table(base("c", "postrouting", "snat to 10.0.0.1")),
    /snat in chain c/,
  ],
  [
    "dnat where nobody says in which family",
    nat("prerouting", "tcp dport 1 dnat to 10.0.0.1", "inet"),
    /write dnat ip to or dnat ip6 to/,
  ],
  ["dnat where it was asked", nat("prerouting", "ip daddr 10.0.0.9 dnat to 10.0.0.1", "inet")],
  ["the same in a table of one", nat("prerouting", "ip daddr 10.0.0.9 dnat to 10.0.0.1")],
  [
    "dnat to a port, behind one of two protocols",
    nat("prerouting", "meta l4proto { tcp, udp } dnat to 10.0.0.1:80"),
  ],
  ["a range that is a prefix", input("ip saddr 10.0.0.0-10.0.0.255 drop; tcp dport 0-7 drop")],
  ["masquerade before them", nat("prerouting", "masquerade"), /at postrouting$/],
  [
    "masquerade in a chain that is jumped to",
    table(`${base("c", "prerouting", "jump d;", "nat", "-100")}\nchain d { masquerade; }`),
    /^line 5: masquerade in chain d: a chain of type nat at hook prerouting leads there/,
  ],
  ["masquerade where nobody jumps", table("chain d { masquerade; }")],
  ["reject behind the routes", table(base("c", "postrouting", "reject")), /reject in chain c/],
  ["reject before them", table(base("c", "prerouting", "reject"))],
  [
    "the interface by which it came, of what is sent",
    table(base("c", "output", "fib saddr . iif oif exists accept")),
    /at prerouting and input and forward/,
  ],
  ["after a verdict", input("drop accept"), /what stands after drop has no effect/],
  ["after a reject", input("reject counter"), /what stands after reject has no effect/],
  ["a verdict after a vmap", input("tcp dport vmap { 80 : drop } accept")],
  // ---- chains and names
  [
    "a chain of type nat before conntrack",
    table(base("c", "prerouting", "", "nat", "-300")),
    /-200/,
  ],
  [
    "a policy of a regular chain",
    table("chain c { policy drop; }"),
    /only a base chain has a policy/,
  ],
  [
    "one chain at two hooks",
    table(`${base("c", "input")}\n${base("c", "output")}`),
    /the chain is there already, of type filter at hook input, priority 0/,
  ],
  ["one chain told twice", table(`${base("c", "input", "drop")}\n${base("c", "input", "accept")}`)],
  ["a long comment", input(`accept comment "${"x".repeat(129)}"`), /a comment has 129 bytes/],
  ["a comment of 128 bytes", input(`accept comment "${"x".repeat(128)}"`)],
  ["a long name", table(`chain ${"n".repeat(256)} { }`), /a name has 256 characters/],
  ["a name in other letters", table("chain ä { }"), /"ä" is no name/],
  ["a name with a blank", table('chain "a b" { }'), /"a b" is no name/],
  // ---- variables, and where to
  [
    "a variable that is defined again",
    `define web = 10.0.0.7\nredefine web = 10.0.0.8\n${input("ip daddr $web drop")}`,
  ],
  [
    "dnat in a chain of type filter",
    table(base("c", "prerouting", "dnat to 10.0.0.7;")),
    /the kernel takes it in chains of type nat at prerouting and output/,
  ],
  ["a variable", `define web = 10.0.0.7\n${input("ip daddr $web drop # $none")}`],
  [
    "variables of variables, in braces and over lines",
    `define a = 10.0.0.1\ndefine both = { $a,\n  10.0.0.2 }\n${input('ip daddr $both drop comment "$both"')}`,
  ],
  ["a variable that nobody defined", input("ip saddr $y drop"), /^line 3: \$y is not defined/],
  [
    "an address and a port of a map, in kube-proxy's words",
    nat(
      "prerouting",
      "meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.1.1.2 . 80, 1 : 10.1.1.3 . 80 }",
    ),
  ],
  [
    "a port without an address, of a family",
    nat("prerouting", "tcp dport 1 dnat ip to :80"),
    /address/,
  ],
  [
    "a prefix in brackets",
    nat("prerouting", "tcp dport 1 dnat ip6 to [fd00::/64]:80", "inet"),
    /IPv6 address/,
  ],
  ["a range that a map says", chosen("")],
  ["the same with its family", chosen("ip ")],
  ["a family's word in another table", nat("prerouting", "dnat to fd00::1"), /IPv4 address/],
];

const read = (text: string): string => listText(readNftables(text).rules);

const said = suite("nftables: what a hostile text is told");
for (const [what, text, sentence] of cases)
  said(`${what}: ${sentence ? "refused" : "taken"}`, () => {
    if (sentence) assert.throws(() => read(text), sentence);
    else assert.ok(read(text));
  });

said("there are more than forty", () => assert.ok(cases.length > 40));

said("a range that a map says is chosen from by a hash: nobody knows the end", () => {
  const interfaces = [{ name: "eth0", addresses: ["192.168.0.1/24"] }];
  const kernel = new Kernel({ name: "a", clock: { now: () => 0 }, interfaces, forwarding: true });
  kernel.routes.add({ to: "default", dev: "eth0" });
  nftables(kernel).rules = readNftables(chosen("")).rules;
  const sent = packet("192.168.0.9:40000", "10.1.0.7:80");
  const end = kernel.receive(sent, "eth0", { choose: seeded(() => 0), undo: [] });
  assert.is(end.kind, "unknown");
  assert.match(JSON.stringify(end), "chooses among 10.2.0.0-10.2.0.9 by a hash");
});
said.run();

const real = suite("nftables: what the real nft does with a hostile text");
if (needs(real, "the real nft", preflight()))
  for (const [what, text, sentence] of cases)
    real(`${what}: ${sentence ? "refuses" : "takes"}`, () => {
      let listed: string | undefined;
      try {
        const run = ["-n", "sh", "-c", "nft -f - 2>/dev/null && nft list ruleset"];
        listed = execFileSync("unshare", run, { input: text, encoding: "utf8" });
      } catch {
        // it refused
      }
      assert.is(listed, sentence ? undefined : read(text));
    });
real.run();
