/** Rules as `iptables -L` shows them, 1.8.9; and as `iptables -S` does. (iptables/nft-ipv4.c) */
import type { Transport } from "../packet.js";
import { serviceName } from "../services.js";
import {
  chainsShown,
  defaults,
  hex,
  markText,
  natTo,
  not,
  saveProbability,
  saveRule,
  statesText,
  type ShownChain,
} from "./text.js";
import type { Rule } from "./rule.js";
import type { Match, RuleSet, RuleTarget } from "./syntax.js";
import type { TableName } from "./tables.js";

export interface ListOptions {
  /** One chain. Default: all. */
  chain?: string | undefined;
  /** -n: numbers, not words. */
  numeric?: boolean;
  /** -v: counters and interfaces. */
  verbose?: boolean;
  lineNumbers?: boolean;
}

/** Undefined: there is no such chain. */
export function ruleList(
  rules: RuleSet,
  table: TableName,
  options: ListOptions = {},
): string | undefined {
  const { chain: wanted, verbose, lineNumbers } = options;
  const all = chainsShown(rules, table);
  const shown = wanted === undefined ? all : all.filter(({ name }) => name === wanted);
  if (shown.length === 0) return undefined;
  const counters = verbose ? " 0 packets, 0 bytes" : "";
  const columns = verbose
    ? " pkts bytes target     prot opt in     out     source               destination         "
    : "target     prot opt source               destination         ";
  const header = lineNumbers ? `num  ${columns}` : columns;
  return shown
    .map((chain) => {
      const what =
        chain.policy === "-"
          ? `${referencesTo(chain.name, all)} references`
          : `policy ${chain.policy}${counters}`;
      const rows = chain.rules.map(
        (rule, i) =>
          `${lineNumbers ? `${String(i + 1).padEnd(4)} ` : ""}${row(rule, rules.family, options)}\n`,
      );
      return `Chain ${chain.name} (${what})\n${header}\n${rows.join("")}`;
    })
    .join("\n");
}

const referencesTo = (name: string, chains: readonly ShownChain[]): number =>
  chains.reduce(
    (sum, { rules }) =>
      sum +
      rules.filter(({ target }) => target && "chain" in target && target.chain === name).length,
    0,
  );

const protocolNumbers: Readonly<Record<string, string>> = {
  icmp: "1",
  tcp: "6",
  udp: "17",
  "ipv6-icmp": "58",
  sctp: "132",
};

function row(
  { matches, target }: Rule,
  family: RuleSet["family"],
  { numeric, verbose }: ListOptions,
): string {
  const find = <K extends Match["kind"]>(kind: K): Extract<Match, { kind: K }> | undefined =>
    matches.find((match): match is Extract<Match, { kind: K }> => match.kind === kind);
  const protocol = find("protocol");
  const name = protocol?.protocol ?? "all";
  const number = name === "all" ? "0" : (protocolNumbers[name] ?? name);
  const anywhere = numeric ? (family === "IPv4" ? "0.0.0.0/0" : "::/0") : "anywhere";
  const address = (kind: "source" | "destination"): string => {
    const match = find(kind);
    if (!match || (match.cidr.endsWith("/0") && !match.not)) return ` ${anywhere.padEnd(19)} `;
    const short = match.cidr.replace(/(?<=\..*)\/32$|(?<=:.*)\/128$/, "");
    return `${match.not ? "!" : " "}${short.padEnd(19)} `;
  };
  const device = (kind: "in" | "out"): string => {
    const match = find(kind);
    const any = numeric ? "*" : "any";
    return `${match ? `${match.not ? "!" : ""}${match.interface}` : any}`.padEnd(6);
  };
  const proto = `${protocol?.not ? "!" : ""}${numeric ? number : name}`.padEnd(4);
  const words: Words = { family, numeric: numeric ?? false };
  const details = [
    ...matches.flatMap((match) => matchText(match, matches, words)),
    ...targetText(target, words),
  ];
  return [
    verbose ? "    0     0 " : "",
    `${targetName(target).padEnd(9)}  ${proto} -- `,
    verbose ? ` ${device("in")} ${device("out")} ` : "",
    address("source"),
    address("destination"),
    // what goes on elsewhere is said before anything else (iptables/nft-shared.c)
    target?.kind === "goto" ? "[goto] " : "",
    ...details.map((each) => ` ${each}`),
  ].join("");
}

/** How things are said: numbers or words, and whose. */
interface Words {
  family: RuleSet["family"];
  numeric: boolean;
}

const portText = (port: number, transport: Transport, { numeric }: Words): string =>
  (numeric ? undefined : serviceName(port, transport)) ?? String(port);

function rangeText(low: number, high: number, transport: Transport, words: Words): string {
  const first = portText(low, transport, words);
  return low === high ? first : `${first}:${portText(high, transport, words)}`;
}

const transportOf = (protocol: string | undefined): Transport =>
  (protocol ?? "tcp").toUpperCase() as Transport;

function matchText(match: Match, all: readonly Match[], words: Words): string[] {
  switch (match.kind) {
    case "comment":
      return [`/* ${match.text} */`];
    case "ports":
      return [
        match.protocol,
        ...all.flatMap((each) => portMatchText(each, transportOf(match.protocol), words)),
      ];
    case "addrtype":
      return [`ADDRTYPE match ${match.side}-type ${match.not ? "!" : ""}${match.type}`];
    case "statistic":
      return [
        `statistic mode random probability ${saveProbability(match.numerator, match.denominator)}`,
      ];
    case "mark":
      return [`mark match ${not(match)}${markText(match)}`];
    case "conntrack":
      return [`${not(match)}ctstate ${statesText(match)}`];
    case "recent": {
      const action = { set: "SET", rcheck: "CHECK", update: "UPDATE", remove: "REMOVE" };
      return [
        `${not(match)}recent: ${action[match.action]}`,
        ...(match.seconds === undefined ? [] : [`seconds: ${match.seconds}`]),
        ...(match.reap ? ["reap"] : []),
        `name: ${match.list} side: ${match.side === "rdest" ? "dest" : "source"} mask: ${defaults[words.family].mask}`,
      ];
    }
    case "nfacct":
      return [`nfacct-name  ${match.name}`];
    case "multiport": {
      const protocol = all.find((each) => each.kind === "protocol")?.protocol;
      const ranges = match.ranges.map(([low, high]) =>
        rangeText(low, high, transportOf(protocol), words),
      );
      return [`multiport ${match.side} ${match.not ? " !" : ""}${ranges.join(",")}`];
    }
    default:
      return [];
  }
}

function portMatchText(match: Match, transport: Transport, words: Words): string[] {
  if (match.kind !== "sport" && match.kind !== "dport") return [];
  const name = match.kind === "sport" ? "spt" : "dpt";
  const plural = match.low === match.high ? "" : "s";
  const range = rangeText(match.low, match.high, transport, words);
  return [`${name}${plural}:${match.not ? "!" : ""}${range}`];
}

function targetName(target: RuleTarget | undefined): string {
  if (!target) return "";
  if ("chain" in target) return target.chain;
  return target.kind === "NOTRACK" ? "CT" : target.kind;
}

function targetText(target: RuleTarget | undefined, words: Words): string[] {
  switch (target?.kind) {
    case "REJECT":
      return [`reject-with ${target.with ?? defaults[words.family].reject}`];
    case "DNAT":
    case "SNAT":
      return [`to:${natTo(target)}`, ...(target.randomFully ? ["random-fully"] : [])];
    case "MASQUERADE":
      return [
        ...(target.low === undefined ? [] : [`masq ports: ${natTo(target).slice(1)}`]),
        ...(target.randomFully ? ["random-fully"] : []),
      ];
    case "REDIRECT":
      return [`redir ports ${natTo(target).slice(1)}`];
    case "MARK":
      return [`MARK ${markTargetText(target)}`];
    case "NOTRACK":
      return ["NOTRACK"];
    case "LOG":
      return [logText(target.options ?? "", words)];
    default:
      return [];
  }
}

/** syslog's names. (iptables/xtables.c, xtables_lmap_id2name) */
const levels = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"];
const logFlags = ["tcp-sequence", "tcp-options", "ip-options", "uid", "macdecode"];

/** (extensions/libxt_LOG.c, LOG_print) */
function logText(options: string, { numeric }: Words): string {
  const given = /--log-level (\S+)/.exec(options)?.[1] ?? "warn";
  const level = /^\d$/.test(given)
    ? Number(given)
    : levels.findIndex((name) => given.startsWith(name));
  const flags = logFlags.filter((name) => options.includes(`--log-${name}`));
  const bits = flags.reduce((sum, name) => sum + 2 ** logFlags.indexOf(name), 0);
  const prefix = /--log-prefix ("(?:[^"\\]|\\.)*"|\S+)/.exec(options)?.[1];
  return [
    numeric ? `LOG flags ${bits} level ${level}` : `LOG level ${levels[level] ?? "UNKNOWN"}`,
    ...(numeric ? [] : flags),
    ...(prefix === undefined ? [] : [`prefix ${prefix.startsWith('"') ? prefix : `"${prefix}"`}`]),
  ].join(" ");
}

/** (extensions/libxt_MARK.c, mark_tg_print) */
function markTargetText({ value, mask }: { value: number; mask: number }): string {
  if (value === 0) return `and ${hex(~mask >>> 0)}`;
  if (value === mask) return `or ${hex(value)}`;
  if (mask === 0) return `xor ${hex(value)}`;
  return mask === 0xffffffff ? `set ${hex(value)}` : `xset ${hex(value)}/${hex(mask)}`;
}

/** `iptables -S`: undefined where there is no such chain. */
export function ruleSpecs(rules: RuleSet, table: TableName, wanted?: string): string | undefined {
  const all = chainsShown(rules, table).filter(
    ({ name }) => wanted === undefined || name === wanted,
  );
  if (all.length === 0) return undefined;
  const heads = all.map(({ name, policy }) =>
    policy === "-" ? `-N ${name}\n` : `-P ${name} ${policy}\n`,
  );
  const bodies = all.flatMap((chain) =>
    chain.rules.map((rule) => `${saveRule(rule, chain.name, rules.family)}\n`),
  );
  return [...heads, ...bodies].join("");
}
