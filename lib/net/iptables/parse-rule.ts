/** One rule of iptables' text: what it asks of a packet. (iptables: extensions/) */
import type { Family } from "../ip.js";
import { parseTarget } from "./parse-target.js";
import {
  cidr,
  portList,
  ports,
  probability,
  protocol,
  states,
  valueAndMask,
} from "./parse-values.js";
import { Rule } from "./rule.js";
import type { AddressType, Match, RuleTarget } from "./syntax.js";
import type { TableName } from "./tables.js";
import type { Tokens } from "./tokens.js";

/** What follows "-A CHAIN". */
export function parseRule(tokens: Tokens, table: TableName, family: Family): Rule {
  const matches: Match[] = [];
  let target: RuleTarget | undefined;
  let module = "";
  while (tokens.peek() !== undefined) {
    const not = tokens.take("!");
    const option = tokens.next("an option");
    if (not && !canBeTurnedRound(option))
      throw tokens.error(`the ! before ${option} means nothing`);
    if (option === "-j" || option === "-g" || option === "--jump" || option === "--goto") {
      if (target) throw tokens.error(`got a second target with ${option}; a rule has one`);
      target = parseTarget(option, tokens, table, family);
    } else if (option === "-m" || option === "--match") {
      module = tokens.next("a module's name");
      if (!modules.has(module))
        throw tokens.error(`got -m ${module}; known modules are ${[...modules].join(", ")}`);
      if (module === "tcp" || module === "udp" || module === "sctp")
        matches.push({ kind: "ports", protocol: module });
      else if (module === "recent") matches.push(parseRecent(tokens));
    } else {
      const match = parseMatch(option, tokens, family, module);
      if (match.kind === "dport" || match.kind === "sport") namePortModule(matches, option, tokens);
      matches.push(not ? ({ ...match, not } as Match) : match);
    }
  }
  return new Rule(matches, target);
}

const canBeTurnedRound = (option: string): boolean =>
  !/^(-[jgm]|--(jump|goto|match|comment|mode|nfacct-name))$/.test(option);

/** `-p tcp --dport 80` without -m tcp: iptables loads the module by itself. */
function namePortModule(matches: Match[], option: string, tokens: Tokens): void {
  if (matches.some(({ kind }) => kind === "ports")) return;
  const protocol = matches.find((match) => match.kind === "protocol")?.protocol;
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp")
    throw tokens.error(`${option} needs -p tcp, -p udp or -p sctp before it`);
  matches.push({ kind: "ports", protocol });
}

const modules: ReadonlySet<string> = new Set([
  "comment",
  "tcp",
  "udp",
  "sctp",
  "addrtype",
  "statistic",
  "mark",
  "conntrack",
  "state",
  "recent",
  "nfacct",
  "multiport",
]);

function parseMatch(option: string, tokens: Tokens, family: Family, module: string): Match {
  switch (option) {
    case "-s":
    case "--source":
    case "--src":
      return { kind: "source", cidr: cidr(tokens, family) };
    case "-d":
    case "--destination":
    case "--dst":
      return { kind: "destination", cidr: cidr(tokens, family) };
    case "-i":
    case "--in-interface":
      return { kind: "in", interface: tokens.next("an interface") };
    case "-o":
    case "--out-interface":
      return { kind: "out", interface: tokens.next("an interface") };
    case "-p":
    case "--protocol":
      return { kind: "protocol", protocol: protocol(tokens) };
    case "--dport":
    case "--destination-port":
      return { kind: "dport", ...ports(tokens, ":") };
    case "--sport":
    case "--source-port":
      return { kind: "sport", ...ports(tokens, ":") };
    case "--dports":
    case "--sports":
    case "--ports":
      return { kind: "multiport", side: option.slice(2) as "dports", ranges: portList(tokens) };
    case "--comment":
      return { kind: "comment", text: tokens.next("a text") };
    case "--dst-type":
    case "--src-type":
      return {
        kind: "addrtype",
        side: option === "--dst-type" ? "dst" : "src",
        type: tokens.oneOf<AddressType>("LOCAL", "UNICAST", "BROADCAST", "MULTICAST"),
      };
    case "--mode": {
      tokens.oneOf("random");
      if (!tokens.take("--probability"))
        throw tokens.error("-m statistic --mode random needs --probability");
      return { kind: "statistic", ...probability(tokens) };
    }
    case "--mark":
      return { kind: "mark", ...valueAndMask(tokens) };
    case "--ctstate":
    case "--state":
      return { kind: "conntrack", states: states(tokens) };
    case "--nfacct-name":
      return { kind: "nfacct", name: tokens.next("a counter's name") };
    default:
      throw tokens.error(
        `got the option ${option}${module ? ` after -m ${module}` : ""}, which is not known here; no rule is skipped, so it must be taken out or modelled`,
      );
  }
}

/** `-m recent` takes its options in any order. */
function parseRecent(tokens: Tokens): Match {
  const match: {
    kind: "recent";
    list: string;
    action?: "set" | "rcheck" | "update" | "remove";
    seconds?: number;
    reap?: boolean;
    side?: "rdest";
    not?: boolean;
  } = { kind: "recent", list: "DEFAULT" };
  for (let more = true; more;) {
    const not =
      tokens.peek() === "!" &&
      /^--(set|rcheck|update|remove)$/.test(tokens.peek(1) ?? "") &&
      tokens.take("!");
    switch (tokens.peek()) {
      case "--set":
      case "--rcheck":
      case "--update":
      case "--remove":
        match.action = tokens.next("").slice(2) as "set";
        if (not) match.not = true;
        break;
      case "--name":
        tokens.next("");
        match.list = tokens.next("a list's name");
        break;
      case "--seconds":
        tokens.next("");
        match.seconds = tokens.number(2 ** 31, "a number of seconds");
        break;
      case "--reap":
        tokens.next("");
        match.reap = true;
        break;
      case "--rsource":
        tokens.next("");
        break;
      case "--rdest":
        tokens.next("");
        match.side = "rdest";
        break;
      case "--mask": {
        tokens.next("");
        const mask = tokens.next("a mask");
        if (!/^(255\.){3}255$|^(f{4}:){7}f{4}$/.test(mask))
          tokens.fail(mask, "the mask of a whole address: lists of ranges are not modelled");
        break;
      }
      default:
        more = false;
    }
  }
  const { action } = match;
  if (action === undefined)
    throw tokens.error("-m recent needs one of --set, --rcheck, --update, --remove");
  return { ...match, action };
}
