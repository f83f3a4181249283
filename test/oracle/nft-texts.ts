/**
 * Rules as people write them, in every form that nft takes: each becomes a chain of its own, so
 * that what nft makes of it can be listed beside what we make of it.
 */
import fc, { type Arbitrary } from "fast-check";
import { spawnSync } from "node:child_process";
import { pick } from "./rulesets.js";

export type Family = "ip" | "ip6" | "inet";

/** The sets and maps that the rules name. */
const sets = `
	set v4 { type ipv4_addr; elements = { 10.1.1.2, 192.168.0.2 }; }
	set v4r { type ipv4_addr; flags interval; elements = { 10.1.1.0/24, 203.0.113.1-203.0.113.9 }; }
	set v6 { type ipv6_addr; elements = { fd00::1, ::1 }; }
	set v6r { type ipv6_addr; flags interval; elements = { fd00::/64, fd01::1-fd01::9 }; }
	set ports { type inet_service; flags interval; elements = { 53, 80-90 }; }
	set protos { type inet_proto; elements = { tcp, udp }; }
	set marks { type mark; elements = { 0x1, 0x4000 }; }
	set names { type ifname; elements = { "eth0", "lo" }; }
	set pairs { type ipv4_addr . inet_service; elements = { 10.2.0.1 . 80 }; }
	set pairs6 { type ipv6_addr . inet_service; elements = { fd00::1 . 80 }; }
	set triples { type ipv4_addr . inet_proto . inet_service; flags interval; elements = { 10.2.0.0/16 . tcp . 80-90 }; }
	set seen { type ipv4_addr; flags dynamic,timeout; timeout 1h; }
	set seen6 { type ipv6_addr; flags dynamic,timeout; timeout 1h; }
	map goals { type inet_service : ipv4_addr . inet_service; elements = { 80 : 10.1.1.2 . 8080 }; }
	map goals6 { type inet_service : ipv6_addr . inet_service; elements = { 80 : fd00::1 . 8080 }; }
	map hosts { type inet_service : ipv4_addr; elements = { 80 : 10.1.1.2 }; }
	map marking { type ipv4_addr : mark; elements = { 10.1.1.2 : 0x7 }; }
	map ways { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.2.0.1 . tcp . 80 : goto one }; }
	map ways6 { type ipv6_addr . inet_proto . inet_service : verdict; elements = { fd00::1 . tcp . 80 : goto one }; }
	map doors { type inet_proto . inet_service : verdict; elements = { tcp . 80 : goto one }; }
	chain one { }
	chain two { }
`;

const v4 = pick("10.1.1.2", "192.168.0.2", "203.0.113.9", "10.0.0.0", "127.0.0.1");
const v4Range = fc.oneof(
  v4,
  pick(
    "10.1.0.0/16",
    "10.1.2.3/16",
    "10.1.1.2/32",
    "0.0.0.0/0",
    "10.1.1.0-10.1.1.255",
    "10.1.1.1-10.1.1.9",
    "224.0.0.0/4",
  ),
);
const v6 = pick("fd00::1", "::1", "fd00:0:0:1::0002", "2001:DB8::9", "::ffff:10.0.0.1");
const v6Range = fc.oneof(
  v6,
  pick("fd00::/64", "fd00::5/64", "fd00::1/128", "::/0", "fd00::1-fd00::9", "fd00::-fd00::ff"),
);
const port = pick(
  "80",
  "443",
  "8080",
  "53",
  "http",
  "https",
  "ssh",
  "domain",
  "0",
  "65535",
  "0x50",
);
const portRange = fc.oneof(port, pick("1-79", "53-442", "8080-65535", "0-1023"));
const protocol = pick("tcp", "udp", "sctp", "icmp", "6", "17", "icmpv6", "ipv6-icmp", "esp", "99");
const mark = pick("1", "0x4000", "0x00004000", "16384", "0", "0xffffffff");
const device = pick("eth0", '"eth0"', "lo", '"lo"', '"eth*"', "pods", '"a-b.c"');
const op = pick("", "", "", "", "!= ", "== ", "ne ", "eq ");
const order = pick("< ", "> ", "<= ", ">= ", "lt ", "ge ");

const setOf = (one: Arbitrary<string>, most = 4): Arbitrary<string> =>
  fc
    .uniqueArray(one, { minLength: 1, maxLength: most })
    .map((elements) => `{ ${elements.join(", ")} }`);
const asked = (
  left: Arbitrary<string>,
  one: Arbitrary<string>,
  many: Arbitrary<string>,
  named: readonly string[] = [],
  ordered = true,
): Arbitrary<string> =>
  fc.oneof(
    fc.tuple(left, op, one).map(([l, o, r]) => `${l} ${o}${r}`),
    fc.tuple(left, op, many).map(([l, o, r]) => `${l} ${o}${r}`),
    fc.tuple(left, pick("", "!= "), setOf(many)).map(([l, o, r]) => `${l} ${o}${r}`),
    ...(ordered ? [fc.tuple(left, order, one).map(([l, o, r]) => `${l} ${o}${r}`)] : []),
    ...(named.length > 0
      ? [fc.tuple(left, pick("", "!= "), pick(...named)).map(([l, o, r]) => `${l} ${o}${r}`)]
      : []),
  );

const side = pick("saddr", "daddr");
const ip4 = asked(
  side.map((s) => `ip ${s}`),
  v4,
  v4Range,
  ["@v4", "@v4r"],
);
const ip6 = asked(
  side.map((s) => `ip6 ${s}`),
  v6,
  v6Range,
  ["@v6", "@v6r"],
);
const ports = asked(
  fc.tuple(pick("tcp", "udp", "sctp", "th"), pick("sport", "dport")).map((p) => p.join(" ")),
  port,
  portRange,
  ["@ports"],
);
const protocols = (family: Family): Arbitrary<string> => {
  const left = {
    ip: pick("meta l4proto", "ip protocol", "ct protocol"),
    ip6: pick("meta l4proto", "ip6 nexthdr"),
    inet: pick("meta l4proto", "ip protocol", "ip6 nexthdr", "meta l4proto"),
  }[family];
  return asked(left, protocol, protocol, ["@protos"]);
};
const marks = fc.oneof(
  asked(pick("meta mark", "mark", "ct mark"), mark, fc.oneof(mark, pick("1-5", "0x10-0x1f")), [
    "@marks",
  ]),
  fc
    .tuple(
      pick("meta mark", "ct mark", "mark"),
      pick("& ", "and ", "| ", "^ ", "& 0xff ^ "),
      mark,
      pick("", "== ", "!= ", "> ", "<= "),
      mark,
    )
    .map(([l, o, m, c, r]) => `${l} ${o}${m} ${c}${r}`),
);
const names = asked(
  pick("iifname", "oifname", "meta iifname", "iif", "oif"),
  device,
  device,
  ["@names"],
  false,
);
const other = pick(
  "meta nfproto ipv4",
  "meta nfproto ipv6",
  "meta nfproto != ipv4",
  "meta nfproto { ipv4, ipv6 }",
  "meta protocol ip",
  "meta protocol ip6",
  "meta protocol { ip, ip6 }",
  "icmp type echo-request",
  "icmp type { echo-request, echo-reply }",
  "icmp type != 3",
  "icmpv6 type echo-request",
  "icmpv6 type { 128, nd-neighbor-solicit }",
);
const state = pick("new", "established", "related", "invalid", "untracked");
const status = pick("dnat", "snat", "assured", "confirmed", "seen-reply", "expected", "dying");
const flags = (one: Arbitrary<string>): Arbitrary<string> =>
  fc.uniqueArray(one, { minLength: 1, maxLength: 3 }).map((all) => all.join(","));
const tracked = (family: Family): Arbitrary<string> =>
  fc.oneof(
    asked(fc.constant("ct state"), state, flags(state), [], false),
    asked(fc.constant("ct status"), status, flags(status), [], false),
    fc
      .tuple(
        pick("ct state", "ct status"),
        pick("& "),
        pick("new", "dnat"),
        pick("== ", "!= "),
        pick("0", "new", "dnat"),
      )
      .filter(([l, , m, , r]) => (l === "ct state") === (m === "new") && (r === "0" || r === m))
      .map(([l, o, m, c, r]) => `${l} ${o}${m} ${c}${r}`),
    asked(
      fc.constant("ct direction"),
      pick("original", "reply"),
      pick("original", "reply"),
      [],
      false,
    ),
    fc
      .tuple(pick("original", "reply"), pick("proto-src", "proto-dst"), op, portRange)
      .map(([d, k, o, p]) => `ct ${d} ${k} ${o}${p}`),
    fc
      .tuple(pick("original", "reply"), side, op, family === "ip6" ? v6Range : v4Range)
      .map(([d, s, o, a]) => `ct ${d} ${family === "ip6" ? "ip6" : "ip"} ${s} ${o}${a}`),
    ...(family === "inet"
      ? []
      : [
          fc
            .tuple(pick("original", "reply"), side, family === "ip6" ? v6 : v4)
            .map(([d, s, a]) => `ct ${d} ${s} ${a}`),
        ]),
  );
const fibs = fc.oneof(
  fc
    .tuple(
      side,
      pick("", "", " . iif", " . oif", " . mark"),
      op,
      pick("local", "unicast", "broadcast", "{ local, multicast }", "{ local, broadcast, 4 }"),
    )
    .map(([s, d, o, t]) => `fib ${s}${d} type ${/^\w/.test(o) && t.startsWith("{") ? "" : o}${t}`),
  fc
    .tuple(
      side,
      pick("", " . iif", " . mark . iif"),
      pick(
        "oif exists",
        "oif missing",
        "oif != 0",
        "oif eth0",
        'oifname "eth0"',
        'oifname != "lo"',
      ),
    )
    .map(([s, d, o]) => `fib ${s}${d} ${o}`),
);
const numgens = fc
  .tuple(
    pick("random", "inc"),
    pick(2, 3, 10),
    pick("", " offset 1", " offset 10"),
    pick("0", "< 1", "{ 0, 1 }", "!= 0", "0-1", "vmap { 0 : jump one, 1 : goto two }", ">= 1"),
  )
  .map(([m, n, o, t]) => `numgen ${m} mod ${n}${o} ${t}`);
const bits = pick("syn", "ack", "fin", "rst", "syn,ack", "fin,syn", "syn,rst,ack");
const tcpFlags = fc.oneof(
  fc.tuple(op, bits).map(([o, b]) => `tcp flags ${o}${b}`),
  fc
    .tuple(
      pick("(fin|syn|rst|ack)", "syn", "(syn|ack)", "fin,syn"),
      pick("==", "!="),
      pick("syn", "(syn|ack)", "syn,ack", "0", "0x0"),
    )
    .map(([m, c, v]) => `tcp flags & ${m} ${c} ${v}`),
  fc
    .tuple(
      pick("", "!= "),
      pick("syn", "syn,ack", "ack"),
      pick("fin,syn,rst,ack", "syn,ack", "syn"),
    )
    .map(([o, v, m]) => `tcp flags ${o}${v} / ${m}`),
  pick("tcp flags { syn, ack }", "tcp flags != { syn, syn | ack }", "tcp flags ! syn"),
);
const pairs = (family: Family): Arbitrary<string> =>
  family === "ip6"
    ? fc.oneof(
        pick(
          "ip6 daddr . th dport @pairs6",
          "ip6 daddr . tcp dport { fd00::1 . 80, fd00::2 . 443 }",
          "ip6 daddr . meta l4proto . th dport vmap @ways6",
          "meta l4proto . th dport vmap @doors",
          "ip6 saddr . ip6 daddr { fd00::/64 . fd01::/64, ::1 . ::1 }",
        ),
      )
    : fc.oneof(
        pick(
          "ip daddr . th dport @pairs",
          "ip daddr . tcp dport @pairs",
          "ip daddr . tcp dport { 10.1.1.2 . 80, 10.2.0.1 . 443 }",
          "ip daddr . tcp dport != { 10.1.1.2 . http }",
          "ip daddr . udp dport 10.1.1.2 . 80",
          "ip daddr . meta l4proto . th dport @triples",
          "ip daddr . meta l4proto . th dport vmap @ways",
          "ip daddr . ip protocol . th dport vmap @ways",
          "meta l4proto . th dport vmap @doors",
          "meta l4proto . th dport { tcp . 80, udp . 53 }",
          "meta l4proto . th dport vmap { tcp . 80 : accept, udp . 53 : jump one }",
          "ip saddr . ip daddr { 10.1.0.0/16 . 10.2.0.1, 1.1.1.1-1.1.1.9 . 0.0.0.0/0 }",
          "iifname . ip saddr { eth0 . 10.1.1.2, lo . 127.0.0.1 }",
          "meta mark . ip saddr { 1 . 10.1.1.2 }",
          "ct state . ip saddr { new . 10.1.1.2 }",
        ),
      );
const verdict = pick("accept", "drop", "return", "continue", "jump one", "goto two", "jump two");
const vmaps = (family: Family): Arbitrary<string> => {
  const entries = (key: Arbitrary<string>): Arbitrary<string> =>
    fc
      .tuple(
        fc.uniqueArray(key, { minLength: 1, maxLength: 4 }),
        fc.array(verdict, { minLength: 5, maxLength: 5 }),
        fc.boolean(),
      )
      .map(
        ([keys, verdicts, any]) =>
          `{ ${[...keys, ...(any ? ["*"] : [])].map((k, i) => `${k} : ${verdicts[i]}`).join(", ")} }`,
      );
  const address = family === "ip6" ? v6Range : v4Range;
  return fc.oneof(
    fc
      .tuple(side, entries(address))
      .map(([s, e]) => `${family === "ip6" ? "ip6" : "ip"} ${s} vmap ${e}`),
    fc.tuple(pick("tcp", "udp", "th"), entries(portRange)).map(([h, e]) => `${h} dport vmap ${e}`),
    entries(state).map((e) => `ct state vmap ${e}`),
    entries(protocol).map((e) => `meta l4proto vmap ${e}`),
    entries(pick("eth0", "lo", '"a-b"')).map((e) => `iifname vmap ${e}`),
    entries(mark).map((e) => `meta mark vmap ${e}`),
    entries(pick("local", "unicast", "multicast")).map((e) => `fib daddr type vmap ${e}`),
  );
};

const matchOf = (family: Family): Arbitrary<string> =>
  fc.oneof(
    ...(family === "ip6" ? [] : [ip4]),
    ...(family === "ip" ? [] : [ip6]),
    ports,
    ports,
    protocols(family),
    marks,
    names,
    other,
    tracked(family),
    fibs,
    numgens,
    tcpFlags,
    pairs(family),
    vmaps(family),
  );

const limited = pick(
  "counter",
  "counter packets 3 bytes 120",
  "log",
  'log prefix "a b "',
  'log prefix "x" level info',
  "log level warn",
  "log level debug flags all",
  'log group 2 prefix "n"',
  "log flags ip options",
  "log flags tcp sequence,options",
  "notrack",
  "limit rate 10/second",
  "limit rate over 5/minute burst 3 packets",
  "quota 1 mbytes",
  "meta mark set 0x1",
  "meta mark set 5",
  "mark set 0x10",
  "meta mark set mark | 0x4000",
  "meta mark set mark or 0x4000",
  "meta mark set meta mark and 0xff",
  "meta mark set meta mark & 0xff | 0x10",
  "meta mark set mark ^ 0x1",
  "meta mark set (mark & 0xff) ^ 0x10",
  "ct mark set mark",
  "ct mark set 0x7",
  "meta mark set ct mark",
  "meta mark set ct mark & 0xff",
  "ct mark set ct mark | 0x1",
  "meta mark set ip saddr map @marking",
  "meta mark set tcp dport map { 80 : 0x1, 443 : 2 }",
  "meta mark set numgen inc mod 2",
  "meta priority set 1:2",
  "meta nftrace set 1",
);
const changes = (family: Family): Arbitrary<string> =>
  fc
    .tuple(
      pick("update", "add", "delete"),
      side,
      pick(
        "",
        " timeout 1h",
        " timeout 90s",
        " timeout 1d2h",
        ' comment "x"',
        " counter",
        " timeout 5s counter",
        " limit rate 3/second",
      ),
    )
    .map(([how, s, more]) =>
      family === "ip6" ? `${how} @seen6 { ip6 ${s}${more} }` : `${how} @seen { ip ${s}${more} }`,
    );
const rejects = pick(
  "reject",
  "reject with tcp reset",
  "reject with icmp port-unreachable",
  "reject with icmp type host-unreachable",
  "reject with icmp host-unreachable",
  "reject with icmp net-unreachable",
  "reject with icmp prot-unreachable",
  "reject with icmp admin-prohibited",
  "reject with icmp net-prohibited",
  "reject with icmp host-prohibited",
  "reject with icmp 3",
  "reject with icmpv6 port-unreachable",
  "reject with icmpv6 no-route",
  "reject with icmpv6 type addr-unreachable",
  "reject with icmpv6 admin-prohibited",
  "reject with icmpx port-unreachable",
  "reject with icmpx type host-unreachable",
  "reject with icmpx no-route",
  "reject with icmpx admin-prohibited",
);
const natFlags = pick(
  "",
  "",
  "",
  " random",
  " fully-random",
  " persistent",
  " random,persistent",
  " persistent,random",
  " fully-random,persistent",
);
const natOf = (family: Family): Arbitrary<string> => {
  const to =
    family === "inet"
      ? pick("ip to", "ip6 to", "to")
      : family === "ip"
        ? pick("to", "to", "ip to")
        : pick("to", "ip6 to");
  const four = pick(
    "10.1.1.2",
    "10.1.1.2:80",
    "10.1.1.2:80-90",
    "10.1.1.2-10.1.1.9",
    "10.1.1.2-10.1.1.9:80",
    "10.1.1.0/24",
    "ip saddr map { 10.1.1.2 : 10.1.1.3 }",
    "tcp dport map @goals",
    "tcp dport map @hosts",
    "tcp dport map { 80 : 10.1.1.2 . 8080 }",
    "ip saddr map { 10.0.0.0/8 : 10.1.1.3, 1.1.1.1 : 10.1.1.4 }",
    "numgen random mod 2 map { 0 : 10.1.1.2, 1 : 10.1.1.3 }",
    "10.1.1.2:tcp dport map { 80 : 8080 }",
    ":80",
    ":http",
    "numgen inc mod 2 map { 0 : 10.1.1.2 . 80, 1 : 10.1.1.3 . 81 }",
  );
  const six = pick(
    "fd00::1",
    "[fd00::1]:80",
    "[fd00::1]:80-90",
    "[fd00::1]",
    "fd00::1-fd00::9",
    "[fd00::1]-[fd00::9]:80",
    "tcp dport map @goals6",
    "ip6 saddr map { fd00::1 : fd00::2 }",
    ":80",
    "numgen random mod 2 map { 0 : fd00::1, 1 : fd00::2 }",
  );
  const goal = family === "ip" ? four : family === "ip6" ? six : fc.oneof(four, six);
  const before = pick(
    "",
    "meta l4proto tcp ",
    "tcp dport 80 ",
    "meta l4proto { tcp, udp } ",
    "meta l4proto udp ",
  );
  return fc.oneof(
    fc
      .tuple(before, pick("dnat", "dnat", "snat"), to, goal, natFlags)
      .map(([b, k, t, g, f]) => `${b}${k} ${t} ${g}${f}`),
    fc
      .tuple(before, natFlags, pick("", "", " to :80", " to :1024-65535", " to :http"))
      .map(([b, f, t]) => `${b}masquerade${t}${f}`),
    fc
      .tuple(
        before,
        natFlags,
        pick("", " to :80", " to :80-90", " to :tcp dport map { 80 : 8080 }", " to 80"),
      )
      .map(([b, f, t]) => `${b}redirect${t}${f}`),
  );
};
const comment = pick("", "", "", ' comment "one two"', " comment plain");

/** What a rule of a table of this family may say; many of them nft does not take. */
export const ruleText = (family: Family): Arbitrary<string> =>
  fc
    .tuple(
      fc.array(matchOf(family), { maxLength: 3 }),
      fc.oneof(
        { weight: 4, arbitrary: verdict },
        { weight: 2, arbitrary: limited },
        { weight: 1, arbitrary: changes(family) },
        { weight: 2, arbitrary: rejects },
        { weight: 3, arbitrary: natOf(family) },
        { weight: 1, arbitrary: fc.tuple(limited, verdict).map((both) => both.join(" ")) },
        { weight: 1, arbitrary: fc.constant("") },
      ),
      comment,
    )
    .map(([matches, end, said]) => `${[...matches, end].filter(Boolean).join(" ")}${said}`.trim())
    .filter((text) => text !== "" && !text.startsWith("comment"));

/** The chains of these names hold one rule each: what nft lists of it; undefined: it refused. */
export function listedByNft(family: Family, rules: readonly string[]): (string | undefined)[] {
  const commands = [
    `table ${family} t {${sets}}`.replace(/\n\s*(?=[a-z])/g, " ; ").replace(/\n/g, " ; "),
    ...rules.flatMap((rule, i) => [
      `add chain ${family} t c${i}`,
      `add rule ${family} t c${i} ${rule}`,
    ]),
    "list ruleset",
  ];
  const { stdout, stderr } = spawnSync("unshare", ["-n", "nft", "-i"], {
    input: `${commands.join("\n")}\n`,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (!stdout.includes(`chain c${rules.length - 1} {`))
    throw new Error(`nft listed nothing: ${stderr.slice(0, 500)}`);
  const listed = new Map(
    [...stdout.matchAll(/^\tchain (c\d+) \{\n\t\t(.*)\n/gm)].map(([, name, text]) => [name, text]),
  );
  return rules.map((_, i) => listed.get(`c${i}`));
}

export const tableWith = (family: Family, rule: string): string =>
  `table ${family} t {${sets}\tchain c {\n\t\t${rule}\n\t}\n}\n`;
