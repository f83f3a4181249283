/**
 * Random rule sets beyond kube-proxy's, as somebody else's node may hold them, and random packets.
 * Every built-in chain lets the rig's own last packet through first, so that policies may be DROP.
 */
import fc, { type Arbitrary } from "fast-check";
import { builtinChains, type Hook, type TableName } from "stopover/internal/net/iptables/tables";
import type { Flags, Transport } from "stopover/internal/net/packet";
import type { Sent } from "./clusters.js";
import { nodeAddresses, sentinel } from "./rig.js";

export const pick = <T>(...values: T[]): Arbitrary<T> => fc.constantFrom(...values);
const sometimes = (one: Arbitrary<string>, weight: number): Arbitrary<string> =>
  fc.oneof({ weight: 10 - weight, arbitrary: fc.constant("") }, { weight, arbitrary: one });
const not = pick("", "", "! ");

/** Addresses that packets of a contest come from and go to. */
export const hosts = [
  "10.1.1.2",
  "10.1.1.3",
  "10.1.2.2",
  "10.2.0.1",
  "192.168.0.2",
  nodeAddresses.IPv4,
  "203.0.113.9",
] as const;
const ports = [80, 443, 8080, 53] as const;
const range = fc.oneof(
  pick(...hosts),
  pick("10.1.0.0/16", "192.168.0.0/24", "203.0.113.0/24", "0.0.0.0/1"),
);
const portRange = pick("80", "443", "1:79", "53:442", "8080:65535");

/** What a rule asks of a packet. `statistic` stands alone, so that the trace tells how it went. */
const header = fc.tuple(
  sometimes(
    fc.tuple(not, range).map(([n, r]) => `${n}-s ${r}`),
    3,
  ),
  sometimes(
    fc.tuple(not, range).map(([n, r]) => `${n}-d ${r}`),
    4,
  ),
);
const ofTransport = fc
  .tuple(
    pick<"tcp" | "udp">("tcp", "tcp", "udp"),
    fc.oneof(
      fc.constant(""),
      fc.tuple(not, portRange).map(([n, p]) => ` ${n}--dport ${p}`),
      fc.tuple(not, portRange).map(([n, p]) => ` ${n}--sport ${p}`),
      fc
        .tuple(not, pick("80,443", "53,8000:9000", "80"))
        .map(([n, p]) => ` -m multiport ${n}--dports ${p}`),
    ),
  )
  .map(([protocol, rest]) => `-p ${protocol}${rest}`);
const modules = [
  fc
    .tuple(not, pick("src", "dst"), pick("LOCAL", "UNICAST"))
    .map(([n, side, type]) => `-m addrtype ${n}--${side}-type ${type}`),
  fc
    .tuple(not, pick("0x1", "0x4000/0x4000", "0x0/0xff", "0x10/0xf0"))
    .map(([n, mark]) => `-m mark ${n}--mark ${mark}`),
  fc
    .tuple(not, pick("NEW", "ESTABLISHED,RELATED", "INVALID", "DNAT", "SNAT", "NEW,DNAT"))
    .map(([n, states]) => `-m conntrack ${n}--ctstate ${states}`),
  pick('-m comment --comment "one two"', "-m comment --comment plain"),
];
/**
 * Only for the table nat, as kube-proxy has it: elsewhere it would note the node's own RSTs and
 * ICMP errors as well, and those we do not send.
 */
const recent = pick(
  "-m recent --set --name SEEN",
  "-m recent --rcheck --name SEEN",
  "-m recent ! --rcheck --name SEEN",
  "-m recent --remove --name SEEN",
  "-m recent --update --seconds 3600 --name SEEN",
);
const matches = (table: TableName): Arbitrary<string> => {
  const module = fc.oneof(...modules, ...(table === "nat" ? [recent] : []));
  return fc.oneof(
    {
      weight: 1,
      arbitrary: pick(
        "-m statistic --mode random --probability 0.5",
        "-m statistic --mode random --probability 0.25",
      ),
    },
    {
      weight: 9,
      arbitrary: fc
        .tuple(header, sometimes(ofTransport, 5), sometimes(module, 5))
        .map(([[s, d], t, m]) => [s, d, t, m].filter(Boolean).join(" ")),
    },
  );
};

const marks = pick(
  "MARK --set-xmark 0x1/0xffffffff",
  "MARK --set-xmark 0x4000/0x4000",
  "MARK --set-xmark 0x10/0xf0",
  "MARK --set-xmark 0x0/0x1",
);
const endings = pick("ACCEPT", "ACCEPT", "RETURN", "RETURN", "RETURN", "DROP");
/** The targets of a table; those of nat also hang on which hook leads there. */
function targets(table: TableName, late: boolean): Arbitrary<string> {
  if (table === "mangle") return fc.oneof(marks, marks, endings);
  if (table === "filter")
    return fc.oneof(
      endings,
      endings,
      marks,
      marks,
      pick(
        "REJECT --reject-with icmp-port-unreachable",
        "REJECT --reject-with icmp-host-unreachable",
      ),
    );
  if (late)
    return fc.oneof(
      pick(
        "MASQUERADE",
        `SNAT --to-source ${nodeAddresses.IPv4}`,
        "SNAT --to-source 192.168.0.77",
        "ACCEPT",
        "RETURN",
      ),
      marks,
    );
  return fc.oneof(
    pick(
      "DNAT --to-destination 10.1.1.2:80",
      "DNAT --to-destination 10.1.2.2",
      `DNAT --to-destination ${nodeAddresses.IPv4}:8080`,
      "REDIRECT --to-ports 8080",
      "ACCEPT",
      "RETURN",
    ),
    marks,
  );
}

const sourceTranslating = (chain: string): boolean =>
  ["POSTROUTING", "INPUT", "LATE", "LATER"].includes(chain);
/** A rule of `chain`; `next`: the user's chain that it may lead to. */
const rule = (table: TableName, chain: string, next: string | undefined): Arbitrary<string> => {
  const jump = next === undefined ? [] : [pick(`-j ${next}`, `-j ${next}`, `-g ${next}`)];
  const late = sourceTranslating(chain);
  const target = fc.oneof(
    targets(table, late).map((text) => `-j ${text}`),
    ...jump,
    ...jump,
  );
  return fc
    .tuple(matches(table), target)
    .filter((pair) => allowed(chain, ...pair))
    .map(([match, text]) =>
      `-A ${chain} ${namesPort(text) && !match.includes("-p ") ? "-p tcp " : ""}${match} ${text}`.replace(
        / +/g,
        " ",
      ),
    );
};
const namesPort = (target: string): boolean => /:\d+$|--to-ports/.test(target);
const allowed = (chain: string, match: string, target: string): boolean =>
  !(chain === "INPUT" && target.includes("MASQUERADE")) &&
  !(match.includes("statistic") && namesPort(target));

const tables: readonly TableName[] = ["mangle", "filter", "nat"];
const userChains = (table: TableName): string[] =>
  table === "nat" ? ["EARLY", "EARLIER", "LATE", "LATER"] : ["FIRST", "SECOND"];
/** Each chain leads only to the one after it, so that there is no circle. */
const nextOf = (table: TableName, chain: string): string | undefined => {
  const own = userChains(table);
  if (table !== "nat")
    return chain === "FIRST" ? "SECOND" : chain === "SECOND" ? undefined : "FIRST";
  if (chain === "INPUT") return undefined;
  if (own.includes(chain))
    return chain === "EARLY" ? "EARLIER" : chain === "LATE" ? "LATER" : undefined;
  return sourceTranslating(chain) ? "LATE" : "EARLY";
};

const tableText = (table: TableName): Arbitrary<string> => {
  const chains = [...builtinChains[table], ...userChains(table)];
  const policies = fc.tuple(
    ...builtinChains[table].map(() =>
      table === "nat"
        ? fc.constant("ACCEPT")
        : pick(
            "ACCEPT",
            "ACCEPT",
            "ACCEPT",
            "ACCEPT",
            "ACCEPT",
            "ACCEPT",
            "ACCEPT",
            "ACCEPT",
            "ACCEPT",
            "DROP",
          ),
    ),
  );
  const rules = fc.tuple(
    ...chains.map((chain) => fc.array(rule(table, chain, nextOf(table, chain)), { maxLength: 4 })),
  );
  return fc.tuple(policies, rules).map(([policy, all]) =>
    [
      `*${table}`,
      ...builtinChains[table].map((hook: Hook, i) => `:${hook} ${policy[i]} [0:0]`),
      ...userChains(table).map((chain) => `:${chain} - [0:0]`),
      ...builtinChains[table].map(
        (hook) => `-A ${hook} -s ${sentinel.IPv4.split(":")[0]} -j ACCEPT`,
      ),
      ...all.flat(),
      ...(table === "filter" ? ["-A SECOND -m conntrack --ctstate NEW"] : []),
      "COMMIT", // conntrack sleeps until a rule asks for it
    ].join("\n"),
  );
};

/** For iptables-restore. */
export const ruleSet: Arbitrary<string> = fc
  .tuple(...tables.map(tableText))
  .map((texts) => `${texts.join("\n")}\n`);

const flags = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Flags>("SYN") },
  { weight: 1, arbitrary: pick<Flags>("ACK", "RST") },
);
export const anyPacket: Arbitrary<(serial: number) => Sent> = fc
  .record({
    from: pick<Sent["from"]>("eth0", "eth0", "pods", "process"),
    source: fc.nat(2),
    to: pick(...hosts),
    port: pick(...ports),
    protocol: pick<Transport>("TCP", "TCP", "UDP"),
    flags,
    then: pick<Sent["then"]>("ACK", "FIN,ACK", "RST", "stray"),
  })
  .map(({ from, source, to, port, protocol, flags, then }) => (serial: number): Sent => {
    const sources = {
      eth0: ["203.0.113.9", "192.168.0.2", "10.1.2.2"],
      pods: ["10.1.1.2", "10.1.1.3", "10.1.1.4"],
      process: [nodeAddresses.IPv4, nodeAddresses.IPv4, "127.0.0.1"],
    }[from];
    return {
      from,
      then,
      packet: {
        protocol,
        source: sources[source]!,
        sourcePort: serial,
        destination: to,
        destinationPort: port,
        ...(protocol === "TCP" && { flags: from === "process" ? "SYN" : flags }),
      },
    };
  });
