/**
 * Rules as text, three ways:
 *
 *     restoreRule(rule, "WEB")   "-A WEB …" as the rule was written, for iptables-restore
 *     saveRule(rule, "WEB")      the same as iptables-save prints it (iptables 1.8)
 *     saveText(rules)            a whole rule set, as iptables-save prints it
 *
 * parse.ts reads them back.
 */
import { printable } from "../printable.js";
import { endpoint, parseCIDR, type Family } from "../ip.js";
import type { Chain, ConnectionState, Match, Rule, RuleSet, RuleTarget } from "./syntax.js";
import { builtinChains, type TableName } from "./tables.js";

export const hex = (mark: number): string => `0x${mark.toString(16)}`;
/** In eight digits, as some write it: "0x00004000". */
const longHex = (mark: number): string => `0x${mark.toString(16).padStart(8, "0")}`;

/**
 * "Where to" of a DNAT or SNAT rule as iptables writes it: "10.1.1.2:80", ":53", "10.1.1.2:80-90".
 */
export function natTo({
  address,
  low,
  high,
}: {
  address?: string;
  low?: number;
  high?: number;
}): string {
  const ports = low === undefined ? "" : portRange(low, high ?? low).replace(":", "-");
  if (address === undefined) return `:${ports}`;
  return ports === "" ? address : endpoint(address, 0).slice(0, -1) + ports;
}

export const not = (match: { not?: boolean }): string => (match.not ? "! " : "");

/** "80", "80:90" */
export const portRange = (low: number, high: number): string =>
  low === high ? `${low}` : `${low}:${high}`;

/**
 * %.10f of 1/n, as Go's and C's programs write it. C and Go round a half to even where JavaScript
 * rounds it up; only powers of two meet it.
 */
export function restoreProbability(numerator: number, denominator: number): string {
  const known = numerator === 1 ? shares[denominator] : undefined;
  if (known !== undefined) return known;
  const scaled = (numerator / denominator) * 1e10;
  const half = numerator === 1 && (denominator & (denominator - 1)) === 0 && scaled % 1 === 0.5;
  const text = (half ? (2 * Math.round(scaled / 2)) / 1e10 : numerator / denominator).toFixed(10);
  if (numerator === 1 && denominator < 1000) shares[denominator] = text;
  return text;
}
/** The texts of 1/n, which a large node's rules repeat ten thousand times. */
const shares: string[] = [];

/**
 * The kernel keeps probabilities in 31 bits; iptables-save prints 11 decimals of what it kept
 * (libxt_statistic.c).
 */
export const saveProbability = (numerator: number, denominator: number): string =>
  (Math.round(Number(restoreProbability(numerator, denominator)) * 2 ** 31) / 2 ** 31).toFixed(11);

// ---- as it was written --------------------------------------------------------------------------

const quotedIfSpaced = (text: string): string =>
  /[\s"\\]/.test(text) || text === "" ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;

const recentAction = (match: Match & { kind: "recent" }): string =>
  `${not(match)}--${match.action}${match.seconds === undefined ? "" : ` --seconds ${match.seconds}`}${match.reap ? " --reap" : ""}`;

function restoreMatch(match: Match): string {
  switch (match.kind) {
    case "comment":
      return `-m comment --comment ${quotedIfSpaced(printable(match.text))}`;
    case "ports":
      return `-m ${match.protocol}`;
    case "protocol":
      return `${not(match)}-p ${match.protocol}`;
    case "source":
      return `${not(match)}-s ${match.cidr}`;
    case "destination":
      return `${not(match)}-d ${match.cidr}`;
    case "dport":
      return `${not(match)}--dport ${portRange(match.low, match.high)}`;
    case "sport":
      return `${not(match)}--sport ${portRange(match.low, match.high)}`;
    case "in":
      return `${not(match)}-i ${match.interface}`;
    case "out":
      return `${not(match)}-o ${match.interface}`;
    case "statistic":
      return `-m statistic --mode random --probability ${restoreProbability(match.numerator, match.denominator)}`;
    case "addrtype":
      return `-m addrtype ${not(match)}--${match.side}-type ${match.type}`;
    case "mark":
      return `-m mark ${not(match)}--mark ${longHex(match.value)}/${longHex(match.mask)}`;
    case "conntrack":
      return `-m conntrack ${not(match)}--ctstate ${match.states.join(",")}`;
    case "recent":
      return `-m recent --name ${match.list} ${recentAction(match)}${match.side ? " --rdest" : ""}`;
    case "nfacct":
      return `-m nfacct --nfacct-name ${match.name}`;
    case "multiport":
      return `-m multiport ${not(match)}--${match.side} ${match.ranges.map(([low, high]) => portRange(low, high)).join(",")}`;
  }
}

function restoreTarget(target: RuleTarget): string {
  switch (target.kind) {
    case "jump":
      return `-j ${target.chain}`;
    case "goto":
      return `-g ${target.chain}`;
    case "DNAT":
      return `-j DNAT --to-destination ${natTo(target)}${random(target)}`;
    case "SNAT":
      return `-j SNAT --to-source ${natTo(target)}${random(target)}`;
    case "MASQUERADE":
      return `-j MASQUERADE${target.low === undefined ? "" : ` --to-ports ${natTo(target).slice(1)}`}${random(target)}`;
    case "REDIRECT":
      return `-j REDIRECT --to-ports ${natTo(target).slice(1)}`;
    case "REJECT":
      return `-j REJECT${target.with ? ` --reject-with ${target.with}` : ""}`;
    case "MARK":
      return `-j MARK --${target.written === undefined ? `set-xmark ${hex(target.value)}/${hex(target.mask)}` : `${target.written} ${longHex(target.value)}`}`;
    case "NOTRACK":
      return "-j CT --notrack";
    case "LOG":
      return `-j LOG${target.options ? ` ${target.options}` : ""}`;
    default:
      return `-j ${target.kind}`;
  }
}

const random = ({ randomFully }: { randomFully?: boolean }): string =>
  randomFully ? " --random-fully" : "";

/** "-A CHAIN …" with everything in the order in which it was written. */
export function restoreRule(rule: Rule, chain: string): string {
  let text = `-A ${chain}`;
  for (const match of rule.matches) text += ` ${restoreMatch(match)}`;
  return printable(rule.target ? `${text} ${restoreTarget(rule.target)}` : text);
}

// ---- as iptables-save prints it -----------------------------------------------------------------

/** libxtables' xtables_save_string: plain where only letters, digits, - and _ are in it. */
export const quoted = (text: string): string =>
  /^[\w-]+$/.test(text) ? text : `"${text.replace(/["\\']/g, "\\$&")}"`;

/** libxt_conntrack prints states in this order, whatever was written. */
const stateOrder: readonly ConnectionState[] = [
  "INVALID",
  "NEW",
  "RELATED",
  "ESTABLISHED",
  "UNTRACKED",
  "SNAT",
  "DNAT",
];
export const statesText = ({ states }: Match & { kind: "conntrack" }): string =>
  stateOrder.filter((state) => states.includes(state)).join(",");

export const markText = ({ value, mask }: { value: number; mask: number }): string =>
  `${hex(value)}${mask === 0xffffffff ? "" : `/${hex(mask)}`}`;

/** What each family has where nothing is said: REJECT's answer, and the mask of -m recent. */
export const defaults = {
  IPv4: { reject: "icmp-port-unreachable", mask: "255.255.255.255" },
  IPv6: { reject: "icmp6-port-unreachable", mask: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
} as const;

function saveModule(match: Match, family: Family): string {
  switch (match.kind) {
    case "comment":
      return `-m comment --comment ${quoted(printable(match.text))}`;
    case "statistic":
      return `-m statistic --mode random --probability ${saveProbability(match.numerator, match.denominator)}`;
    case "mark":
      return `-m mark ${not(match)}--mark ${markText(match)}`;
    case "conntrack":
      return `-m conntrack ${not(match)}--ctstate ${statesText(match)}`;
    case "recent":
      return `-m recent ${recentAction(match)} --name ${match.list} --mask ${defaults[family].mask} --${match.side ?? "rsource"}`;
    case "nfacct":
      return `-m nfacct --nfacct-name  ${match.name}`; // iptables 1.8 does print two spaces
    default:
      return restoreMatch(match);
  }
}

/** The mask is always printed; a range that holds every address is not kept at all. */
function saveAddress(match: Match & { kind: "source" | "destination" }): string {
  const { cidr, not } = match;
  if (cidr.endsWith("/0") && !not) return "";
  return restoreMatch({ ...match, cidr: parseCIDR(cidr).text });
}

function saveTarget(target: RuleTarget, family: Family): string {
  if (target.kind === "REJECT")
    return restoreTarget({ kind: "REJECT", with: target.with ?? defaults[family].reject });
  if (target.kind === "MARK") return `-j MARK --set-xmark ${hex(target.value)}/${hex(target.mask)}`;
  return restoreTarget(target);
}

/** "-A CHAIN …" as iptables-save (ip6tables-save for IPv6) prints the rule. */
export function saveRule(rule: Rule, chain: string, family: Family = "IPv4"): string {
  return `-A ${printable(chain)}${saveBody(rule, family)}`;
}

/** The rule as iptables-save prints it, without "-A" and its chain. */
export const ruleText = (rule: Rule, family: Family = "IPv4"): string =>
  saveBody(rule, family).trimStart();

/**
 * Source, destination, interfaces and protocol come first; then the modules as they were written, a
 * port beside its module.
 */
function saveBody({ matches, target }: Rule, family: Family): string {
  const header = { source: "", destination: "", in: "", out: "", protocol: "" };
  const port = { sport: "", dport: "" };
  let before = "";
  let after: string | undefined; // what comes behind the module that the ports belong to
  for (const match of matches) {
    switch (match.kind) {
      case "source":
      case "destination":
        header[match.kind] = spaced(saveAddress(match));
        break;
      case "in":
      case "out":
      case "protocol":
        header[match.kind] = spaced(restoreMatch(match));
        break;
      case "sport":
      case "dport":
        port[match.kind] = spaced(restoreMatch(match));
        break;
      default: {
        const text = spaced(saveModule(match, family));
        if (after === undefined) before += text;
        else after += text;
        if (match.kind === "ports") after ??= "";
      }
    }
  }
  const text =
    header.source +
    header.destination +
    header.in +
    header.out +
    header.protocol +
    before +
    port.sport +
    port.dport +
    (after ?? "");
  return printable(target ? `${text} ${saveTarget(target, family)}` : text);
}

const spaced = (text: string): string => text && ` ${text}`;

/**
 * A whole rule set as iptables-save prints it; tables that hold nothing are left out. The text
 * loads into an empty namespace as it is.
 */
export function saveText(rules: RuleSet): string {
  let text = "";
  for (const table of ["mangle", "raw", "filter", "nat"] as const)
    if ([...rules.chains(table)][0]) text += saveTable(table, rules);
  return text;
}

/** A chain as it is shown; the policy of one that users made is "-". */
export type ShownChain = Pick<Chain, "name" | "rules"> & { policy: string };

/** A table's chains as they are shown: built-in ones first, there or not, the others by name. */
export function chainsShown(rules: RuleSet, table: TableName): ShownChain[] {
  const builtin: readonly string[] = builtinChains[table];
  const names = Array.from(rules.chains(table), ({ name }) => name);
  return [...builtin, ...names.filter((name) => !builtin.includes(name)).sort()].map((name) => {
    const chain = rules.chain(table, name);
    const policy = builtin.includes(name) ? (chain?.policy ?? "ACCEPT") : "-";
    return { name, rules: chain?.rules ?? [], policy };
  });
}

function saveTable(table: TableName, rules: RuleSet): string {
  const all = chainsShown(rules, table);
  let text = `*${table}\n`;
  for (const { name, policy } of all) text += `:${printable(name)} ${policy} [0:0]\n`;
  for (const chain of all)
    for (const rule of chain.rules) text += `${saveRule(rule, chain.name, rules.family)}\n`;
  return `${text}COMMIT\n`;
}
