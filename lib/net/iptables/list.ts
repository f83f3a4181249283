/** Rules as `iptables -L` shows them, 1.8.9; and as `iptables -S` does. (iptables/nft-ipv4.c) */
import { natTo, hex, portRange, saveProbability, saveRule } from "./text.js";
import type { Chain, Match, Rule, RuleSet, RuleTarget } from "./rule.js";
import { builtinChains, type TableName } from "./tables.js";

export interface ListOptions {
  /** One chain. Default: all. */
  chain?: string | undefined;
  /** -n: numbers, not words. */
  numeric?: boolean;
  /** -v: counters and interfaces. */
  verbose?: boolean;
  lineNumbers?: boolean;
}

/** Built-in chains first, the others by name. */
function chainsOf(rules: RuleSet, table: TableName): Chain[] {
  const chains = [...rules.chains(table)];
  const builtin: readonly string[] = builtinChains[table];
  const known = builtin.map(
    (name): Chain =>
      chains.find((chain) => chain.name === name) ?? { name, rules: [], policy: "ACCEPT" },
  );
  const own = chains.filter(({ name }) => !builtin.includes(name));
  return [...known, ...own.sort((x, y) => (x.name < y.name ? -1 : 1))];
}

/** Undefined: there is no such chain. */
export function ruleList(
  rules: RuleSet,
  table: TableName,
  options: ListOptions = {},
): string | undefined {
  const { chain: wanted, verbose, lineNumbers } = options;
  const all = chainsOf(rules, table);
  const shown = wanted === undefined ? all : all.filter(({ name }) => name === wanted);
  if (shown.length === 0) return undefined;
  const builtin: readonly string[] = builtinChains[table];
  const counters = verbose ? " 0 packets, 0 bytes" : "";
  const columns = verbose
    ? " pkts bytes target     prot opt in     out     source               destination         "
    : "target     prot opt source               destination         ";
  const header = lineNumbers ? `num  ${columns}` : columns;
  return shown
    .map((chain) => {
      const what = builtin.includes(chain.name)
        ? `policy ${chain.policy ?? "ACCEPT"}${counters}`
        : `${referencesTo(chain.name, all)} references`;
      const rows = chain.rules.map(
        (rule, i) =>
          `${lineNumbers ? `${String(i + 1).padEnd(4)} ` : ""}${row(rule, rules.family, options)}\n`,
      );
      return `Chain ${chain.name} (${what})\n${header}\n${rows.join("")}`;
    })
    .join("\n");
}

const referencesTo = (name: string, chains: readonly Chain[]): number =>
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
  const option = family === "IPv4" ? "--" : "  ";
  const details = [...matches.flatMap((match) => matchText(match, matches)), ...targetText(target)];
  return [
    verbose ? "    0     0 " : "",
    `${targetName(target).padEnd(9)}  ${proto} ${option} `,
    verbose ? ` ${device("in")} ${device("out")} ` : "",
    address("source"),
    address("destination"),
    ...details.map((each) => ` ${each}`),
  ].join("");
}

const not = ({ not }: { not?: boolean }): string => (not ? "! " : "");

function matchText(match: Match, all: readonly Match[]): string[] {
  switch (match.kind) {
    case "comment":
      return [`/* ${match.text} */`];
    case "ports":
      return [match.protocol, ...all.flatMap(portText)];
    case "addrtype":
      return [`ADDRTYPE match ${match.side}-type ${match.not ? "!" : ""}${match.type}`];
    case "statistic":
      return [
        `statistic mode random probability ${saveProbability(match.numerator, match.denominator)}`,
      ];
    case "mark":
      return [
        `mark match ${not(match)}${hex(match.value)}${match.mask === 0xffffffff ? "" : `/${hex(match.mask)}`}`,
      ];
    case "conntrack": {
      const order = ["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT"];
      const states = order.filter((state) => (match.states as readonly string[]).includes(state));
      return [`${not(match)}ctstate ${states.join(",")}`];
    }
    case "recent": {
      const action = { set: "SET", rcheck: "CHECK", update: "UPDATE", remove: "REMOVE" };
      return [
        `${not(match)}recent: ${action[match.action]}`,
        ...(match.seconds === undefined ? [] : [`seconds: ${match.seconds}`]),
        ...(match.reap ? ["reap"] : []),
        `name: ${match.list} side: ${match.side === "rdest" ? "dest" : "source"} mask: 255.255.255.255`,
      ];
    }
    case "nfacct":
      return [`nfacct-name  ${match.name}`];
    case "multiport":
      return [
        `multiport ${match.side} ${not(match)}${match.ranges.map(([low, high]) => portRange(low, high)).join(",")}`,
      ];
    default:
      return [];
  }
}

function portText(match: Match): string[] {
  if (match.kind !== "sport" && match.kind !== "dport") return [];
  const name = match.kind === "sport" ? "spt" : "dpt";
  const plural = match.low === match.high ? "" : "s";
  return [`${name}${plural}:${match.not ? "!" : ""}${portRange(match.low, match.high)}`];
}

function targetName(target: RuleTarget | undefined): string {
  if (!target) return "";
  if ("chain" in target) return target.chain;
  return target.kind === "NOTRACK" ? "CT" : target.kind;
}

function targetText(target: RuleTarget | undefined): string[] {
  switch (target?.kind) {
    case "goto":
      return ["[goto] "];
    case "REJECT":
      return [`reject-with ${target.with ?? "icmp-port-unreachable"}`];
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
      return [`MARK ${markText(target)}`];
    case "NOTRACK":
      return ["NOTRACK"];
    case "LOG":
      return ["LOG flags 0 level 4"];
    default:
      return [];
  }
}

/** (extensions/libxt_MARK.c, mark_tg_print) */
function markText({ value, mask }: { value: number; mask: number }): string {
  if (value === 0) return `and ${hex(~mask >>> 0)}`;
  if (value === mask) return `or ${hex(value)}`;
  if (mask === 0) return `xor ${hex(value)}`;
  return mask === 0xffffffff ? `set ${hex(value)}` : `xset ${hex(value)}/${hex(mask)}`;
}

/** `iptables -S`: undefined where there is no such chain. */
export function ruleSpecs(rules: RuleSet, table: TableName, wanted?: string): string | undefined {
  const all = chainsOf(rules, table).filter(({ name }) => wanted === undefined || name === wanted);
  if (all.length === 0) return undefined;
  const builtin: readonly string[] = builtinChains[table];
  const heads = all.map(({ name, policy }) =>
    builtin.includes(name) ? `-P ${name} ${policy ?? "ACCEPT"}\n` : `-N ${name}\n`,
  );
  const bodies = all.flatMap((chain) =>
    chain.rules.map((rule) => `${saveRule(rule, chain.name, rules.family)}\n`),
  );
  return [...heads, ...bodies].join("");
}
