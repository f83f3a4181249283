/**
 * Random rule sets of nftables, as nobody's program writes them: several base chains at each hook,
 * a tree of chains below them, sets and maps of all kinds. Each base chain lets the rig's own last
 * packet through first.
 */
import fc, { type Arbitrary } from "fast-check";
import { nodeAddresses, sentinel } from "./rig.js";
import { hosts, pick } from "./rulesets.js";

const ports = ["80", "443", "8080", "53"];
const host = pick(...hosts);
const port = pick(...ports);
const range = fc.oneof(
  host,
  pick("10.1.0.0/16", "192.168.0.0/24", "203.0.113.0/24", "10.1.1.0-10.1.1.2"),
);
const portRange = pick("80", "443", "1-79", "53-442", "8080-65535");
const op = pick("", "", "", "!= ");

/** What a rule asks of a packet. */
const asks: Arbitrary<string> = fc.oneof(
  fc.tuple(pick("saddr", "daddr"), op, range).map(([side, o, r]) => `ip ${side} ${o}${r}`),
  fc
    .tuple(pick("saddr", "daddr"), op, pick("@hosts", "@ranges"))
    .map(([s, o, r]) => `ip ${s} ${o}${r}`),
  fc
    .tuple(pick("tcp", "udp", "th"), pick("dport", "sport"), op, portRange)
    .map(([h, f, o, p]) => `${h} ${f} ${o}${p}`),
  fc
    .tuple(pick("tcp", "th"), pick("<", ">", "<=", ">="), port)
    .map(([h, o, p]) => `${h} dport ${o} ${p}`),
  pick(
    "tcp dport { 80, 443 }",
    "th dport { 53, 8000-9000 }",
    "tcp dport != { 80, 1-70 }",
    "th dport @ports",
  ),
  pick(
    "ip daddr . th dport @pairs",
    "ip daddr . tcp dport { 10.1.1.2 . 80, 10.2.0.1 . 443 }",
    "ip saddr . ip daddr @blocks",
  ),
  pick("meta l4proto tcp", "meta l4proto != udp", "meta l4proto { tcp, udp }", "ip protocol udp"),
  pick(
    "ct state new",
    "ct state established,related",
    "ct state { new, invalid }",
    "ct state != new",
    "ct status dnat",
    "ct status snat",
    "ct direction original",
    "ct original ip daddr 10.2.0.1",
  ),
  pick("fib daddr type local", "fib saddr type local", "fib daddr type != local"),
  pick(
    "meta mark 0x1",
    "meta mark != 0x0",
    "meta mark & 0x4000 == 0x4000",
    "meta mark & 0xff != 0x1",
    "ct mark 0x7",
  ),
  pick(
    'iifname "eth0"',
    'iifname "eth*"',
    'oifname "pods"',
    'iifname != "pods"',
    'oifname != "eth0"',
    'iif "lo"',
    'oif "eth0"',
  ),
  pick("tcp flags syn", "meta nfproto ipv4"),
);
const quiet = pick(
  "meta mark set 0x1",
  "meta mark set meta mark | 0x4000",
  "meta mark set meta mark ^ 0x1",
  "meta mark set meta mark & 0xff ^ 0x10",
  "ct mark set 0x7",
  "counter",
  "meta mark set ct mark",
  "update @seen { ip saddr }",
  "add @seen { ip saddr timeout 1h }",
);

interface Place {
  kind: "filter" | "dnat" | "snat";
  /** The chains that it may lead to. */
  below: readonly string[];
}

function endings({ kind, below }: Place): Arbitrary<string> {
  const plain = pick("accept", "return", "return", "continue", "drop");
  const deeper = below.flatMap((chain) => [`jump ${chain}`, `jump ${chain}`, `goto ${chain}`]);
  const nat = {
    filter: [pick("reject", "reject with icmp host-unreachable", "return")],
    dnat: [
      pick(
        "dnat to 10.1.1.2",
        "meta l4proto tcp dnat to 10.1.1.2:80",
        "meta l4proto udp dnat to 10.1.2.2:53",
        `dnat to ${nodeAddresses.IPv4}`,
        "dnat to ip saddr map { 203.0.113.9 : 10.1.1.3, 10.1.0.0/16 : 10.1.2.2 }",
        "meta l4proto tcp redirect to :8080",
        "meta l4proto tcp dnat ip to tcp dport map @goals",
      ),
    ],
    snat: [pick("masquerade", "snat to 192.168.0.77", `snat to ${nodeAddresses.IPv4}`)],
  }[kind];
  return fc.oneof(plain, ...nat, ...(deeper.length > 0 ? [pick(...deeper), pick(...deeper)] : []));
}

/** Maps of verdicts, the drawn ones all to chains, so that the trace tells what was drawn. */
function maps(below: readonly string[]): Arbitrary<string>[] {
  if (below.length < 2) return [];
  const [a, b] = below;
  return [
    pick(
      `numgen random mod 2 vmap { 0 : goto ${a}, 1 : jump ${b} }`,
      `ip daddr . meta l4proto . th dport vmap { 10.2.0.1 . tcp . 80 : goto ${a}, 10.1.1.2 . udp . 53 : drop }`,
      `ip daddr vmap { 10.1.0.0/16 : jump ${a}, 10.2.0.1 : accept, * : jump ${b} }`,
      `tcp dport vmap { 80 : jump ${a}, 443-8080 : goto ${b} }`,
      `ct state vmap { new : jump ${a}, established : accept }`,
    ),
  ];
}

const rule = (place: Place): Arbitrary<string> =>
  fc
    .tuple(
      fc.oneof(fc.constant([] as string[]), fc.array(asks, { minLength: 1, maxLength: 2 })),
      fc.oneof(
        { weight: 3, arbitrary: endings(place) },
        { weight: 1, arbitrary: quiet },
        ...maps(place.below).map((arbitrary) => ({ weight: 1, arbitrary })),
      ),
    )
    .filter(([matches, end]) => !clashes(matches, end))
    .map(([matches, end]) => [...matches, end].join(" "));

/** What nft would not take: two protocols in one rule. */
function clashes(matches: readonly string[], end: string): boolean {
  const protocols = new Set(
    [...matches, end].flatMap((text) => text.match(/\b(tcp|udp)\b/g) ?? []),
  );
  const asked = matches.filter((text) =>
    /^(tcp|udp|th|meta l4proto|ip protocol|ip daddr \. (th|tcp))/.test(text),
  );
  return (
    protocols.size > 1 ||
    asked.length > 1 ||
    (asked.length === 1 && /l4proto|th dport|tcp dport/.test(end)) ||
    matches.some((text) => text.includes("nfproto"))
  );
}

const early = ["e1", "e2", "e3"];
const late = ["l1", "l2"];
const plain = ["f1", "f2", "f3"];
const after = (chains: readonly string[], name: string): string[] =>
  chains.slice(chains.indexOf(name) + 1);

const regular = (chains: readonly string[], kind: Place["kind"]): Arbitrary<string>[] =>
  chains.map((name) =>
    fc
      .array(rule({ kind, below: after(chains, name) }), { maxLength: 4 })
      .map((rules) => `\tchain ${name} {\n${rules.map((each) => `\t\t${each}\n`).join("")}\t}\n`),
  );

const base = (
  name: string,
  type: string,
  hook: string,
  priority: number,
  kind: Place["kind"],
  below: readonly string[],
): Arbitrary<string> =>
  fc
    .tuple(
      fc.boolean(),
      type === "filter"
        ? pick("accept", "accept", "accept", "accept", "accept", "accept", "drop")
        : fc.constant("accept"),
      fc.array(rule({ kind: hook === "prerouting" && kind === "filter" ? kind : kind, below }), {
        maxLength: 4,
      }),
    )
    .map(([isThere, policy, rules]) =>
      isThere
        ? `\tchain ${name} {\n\t\ttype ${type} hook ${hook} priority ${priority}; policy ${policy};\n\t\tip saddr ${sentinel.IPv4.split(":")[0]} accept\n${rules
            .filter(
              (each) => !(hook === "postrouting" && kind === "filter" && each.includes("reject")),
            )
            .map((each) => `\t\t${each}\n`)
            .join("")}\t}\n`
        : "",
    );

const sets = `	set hosts {
		type ipv4_addr
		elements = { 10.1.1.2, 192.168.0.2 }
	}
	set ranges {
		type ipv4_addr
		flags interval
		elements = { 10.1.1.0/24, 203.0.113.1-203.0.113.9 }
	}
	set ports {
		type inet_service
		flags interval
		elements = { 53, 80-90 }
	}
	set pairs {
		type ipv4_addr . inet_service
		elements = { 10.2.0.1 . 80, 10.1.1.2 . 53 }
	}
	set blocks {
		type ipv4_addr . ipv4_addr
		flags interval
		elements = { 203.0.113.0/24 . 10.1.0.0/16, 10.1.0.0/16 . 10.2.0.1 }
	}
	set seen {
		type ipv4_addr
		flags dynamic,timeout
		timeout 1h
	}
	map goals {
		type inet_service : ipv4_addr . inet_service
		elements = { 80 : 10.1.1.2 . 8080, 443 : 10.1.2.2 . 443 }
	}
`;

/** A table of its own; rejects stay out of what postrouting reaches. */
function table(family: "ip" | "inet", name: string, shift: number): Arbitrary<string> {
  const noReject = (text: string): string => text;
  return fc
    .tuple(
      ...regular(plain, "filter"),
      ...regular(early, "dnat"),
      ...regular(late, "snat"),
      base("at-pre-raw", "filter", "prerouting", -250 + shift, "filter", plain),
      base("at-pre", "filter", "prerouting", -110 + shift, "filter", plain),
      base("at-pre-late", "filter", "prerouting", -50 + shift, "filter", plain),
      base("at-in", "filter", "input", shift, "filter", plain),
      base("at-fwd", "filter", "forward", -5 + shift, "filter", plain),
      base("at-fwd-late", "filter", "forward", 5 + shift, "filter", plain),
      base("at-out", "filter", "output", shift, "filter", plain),
      base("at-dst", "nat", "prerouting", -100 + shift, "dnat", early),
      base("at-dst-late", "nat", "prerouting", -90 + shift, "dnat", early),
      base("at-dst-out", "nat", "output", -100 + shift, "dnat", early),
      base("at-src", "nat", "postrouting", 100 + shift, "snat", late),
    )
    .map((chains) => noReject(`table ${family} ${name} {\n${sets}${chains.join("")}}\n`));
}

export const nftRuleSet: Arbitrary<string> = fc
  .tuple(table("ip", "own", 1), fc.oneof(fc.constant(""), table("inet", "own2", 3)))
  .map(
    ([one, other]) =>
      `${one}${other.replace(/dnat to/g, "dnat ip to").replace(/snat to/g, "snat ip to")}`,
  );
