/**
 * From text to rules: what iptables-save prints, what iptables-restore reads.
 *
 *     const rules = parseRules(text);                            // { family: "IPv6" }: ip6tables'
 *     const after = parseRules(restoreInput, { onto: rules });   // as iptables-restore --noflush
 *
 * Nothing is skipped in silence: an option that is not known here, a text that ends before COMMIT,
 * a jump to a chain that is not there, or a circle of jumps is a RulesError with its line.
 */
import { readAddress, readCIDR, type Family } from "../ip.js";
import { RulesError } from "../rules-error.js";
import { quoted, restoreProbability, saveProbability } from "./text.js";
import { connectionStates } from "../passage.js";
import { Rule, Rules } from "./rule.js";
import type { AddressType, Chain, ConnectionState } from "./syntax.js";
import type { Match, RuleSet, RuleTarget } from "./syntax.js";
import { builtinChains, maxJumps, type TableName } from "./tables.js";

export { RulesError };

export interface ParseOptions {
  /** Default: that of `onto`, else IPv4. */
  family?: Family;
  /**
   * The rules that the text changes: chains that it declares are emptied, others stay. Default:
   * none.
   */
  onto?: RuleSet;
}

interface DraftChain {
  policy?: "ACCEPT" | "DROP";
  rules: Rule[];
  /** The line of each rule, for messages. */
  lines: number[];
}
type Draft = Map<TableName, Map<string, DraftChain>>;

/** Reads a whole text. Throws RulesError. */
export function parseRules(
  text: string,
  { onto, family = onto?.family ?? "IPv4" }: ParseOptions = {},
): Rules {
  const tables: Draft = new Map();
  for (const table of Object.keys(builtinChains) as TableName[]) {
    const chains = new Map(
      [...(onto?.chains(table) ?? [])].map(({ name, rules, policy }) => [
        name,
        { ...(policy && { policy }), rules: [...rules], lines: [] },
      ]),
    );
    if (chains.size > 0) tables.set(table, chains);
  }
  let current: { table: TableName; line: number; chains: Map<string, DraftChain> } | undefined;
  const lines = text.split("\n");
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    const number = index + 1;
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("*")) {
      if (current)
        throw new RulesError(
          number,
          `${line} begins before the COMMIT of table ${current.table} (line ${current.line})`,
        );
      current = { ...openTable(line.slice(1), tables, number), line: number };
    } else if (current === undefined)
      throw new RulesError(
        number,
        `got ${JSON.stringify(line)} outside of any table; begin with a line such as *nat`,
      );
    else if (line === "COMMIT") current = undefined;
    else if (line.startsWith(":")) declareChain(line, current.table, current.chains, number);
    else command(line, current.table, current.chains, family, number);
  }
  if (current)
    throw new RulesError(
      lines.length,
      `the text ends without the COMMIT of table ${current.table} (line ${current.line}); it is cut off`,
    );
  for (const [table, chains] of tables) checkJumps(table, chains);
  return new Rules(
    family,
    Object.fromEntries([...tables].map(([table, chains]) => [table, [...chains].map(finished)])),
  );
}

const finished = ([name, { rules, policy }]: [string, DraftChain]): Chain => ({
  name,
  rules,
  ...(policy && { policy }),
});

function openTable(
  name: string,
  tables: Draft,
  line: number,
): { table: TableName; chains: Map<string, DraftChain> } {
  if (!Object.hasOwn(builtinChains, name))
    throw new RulesError(
      line,
      `got table ${JSON.stringify(name)}; known are ${Object.keys(builtinChains).join(", ")}`,
    );
  const table = name as TableName;
  const chains =
    tables.get(table) ??
    new Map<string, DraftChain>(
      builtinChains[table].map((hook) => [hook, { policy: "ACCEPT", rules: [], lines: [] }]),
    );
  tables.set(table, chains);
  return { table, chains };
}

/** `:NAME POLICY [packets:bytes]`: makes the chain, or empties it. */
function declareChain(
  line: string,
  table: TableName,
  chains: Map<string, DraftChain>,
  number: number,
): void {
  const [, name, policy] = /^:(\S+)\s+(ACCEPT|DROP|-)(?:\s+\[\d+:\d+\])?$/.exec(line) ?? [];
  if (name === undefined)
    throw new RulesError(
      number,
      `got ${JSON.stringify(line)}; a chain is declared as ":NAME - [0:0]", a built-in one with ACCEPT or DROP for the "-"`,
    );
  const builtin = (builtinChains[table] as readonly string[]).includes(name);
  if (builtin === (policy === "-"))
    throw new RulesError(
      number,
      builtin
        ? `the built-in chain ${name} needs a policy, ACCEPT or DROP`
        : `chain ${name} is not built into table ${table}; its policy must be "-"`,
    );
  chains.set(name, {
    rules: [],
    lines: [],
    ...(builtin && { policy: policy as "ACCEPT" | "DROP" }),
  });
}

/** `-A CHAIN …` and the few other commands that restore inputs hold. */
function command(
  line: string,
  table: TableName,
  chains: Map<string, DraftChain>,
  family: Family,
  number: number,
): void {
  const tokens = new Tokens(line.replace(/^\[\d+:\d+\]\s+/, ""), number);
  const option = tokens.next("a command");
  const name = tokens.next("a chain's name");
  const chain = chains.get(name);
  const builtin = (builtinChains[table] as readonly string[]).includes(name);
  if (option === "-N") {
    if (chain) throw new RulesError(number, `chain ${name} is there already`);
    return void chains.set(name, { rules: [], lines: [] });
  }
  if (chain === undefined)
    throw new RulesError(
      number,
      `there is no chain ${name} in table ${table}; declare it first, with ":${name} - [0:0]"`,
    );
  switch (option) {
    case "-A":
    case "-I": {
      const at = option === "-A" ? chain.rules.length : placeIn(chain, tokens);
      chain.rules.splice(at, 0, parseRule(tokens, table, family));
      chain.lines.splice(at, 0, number);
      return;
    }
    case "-F":
      return void ((chain.rules.length = 0), (chain.lines.length = 0));
    case "-X":
      if (builtin) throw new RulesError(number, `the built-in chain ${name} cannot be deleted`);
      if (chain.rules.length > 0)
        throw new RulesError(
          number,
          `chain ${name} is not empty; only an empty chain can be deleted`,
        );
      return void chains.delete(name);
    case "-P":
      if (!builtin)
        throw new RulesError(number, `chain ${name} is not built in, and has no policy`);
      chain.policy = tokens.oneOf("ACCEPT", "DROP");
      return;
    default:
      throw new RulesError(number, `got the command ${option}; known are -A, -I, -N, -F, -X, -P`);
  }
}

/** Where `-I CHAIN [NUMBER]` puts its rule, from 0. */
function placeIn({ rules }: DraftChain, tokens: Tokens): number {
  if (!tokens.peek()?.match(/^\d+$/)) return 0;
  const text = tokens.next("");
  const place = Number(text);
  return place >= 1 && place <= rules.length + 1
    ? place - 1
    : tokens.fail(text, `a place from 1 to ${rules.length + 1}`);
}

/** Words of a line; "quoted words" are one, with \ before what is meant literally. */
class Tokens {
  readonly #words: string[] = [];
  #next = 0;

  constructor(
    text: string,
    readonly line: number,
  ) {
    for (const [, quoted, open, plain] of text.matchAll(/"((?:[^"\\]|\\.)*)"|(")|(\S+)/g)) {
      if (open !== undefined)
        throw this.error('a quotation mark is never closed; write --comment "text"');
      this.#words.push(quoted === undefined ? plain! : quoted.replace(/\\(.)/g, "$1"));
    }
  }

  peek(ahead = 0): string | undefined {
    return this.#words[this.#next + ahead];
  }

  next(what: string): string {
    const word = this.#words[this.#next++];
    if (word === undefined)
      throw this.error(
        `the line ends where ${what} should follow${this.#next > 1 ? ` ${this.#words[this.#next - 2]}` : ""}`,
      );
    return word;
  }

  take(word: string): boolean {
    if (this.peek() !== word) return false;
    this.#next++;
    return true;
  }

  oneOf<T extends string>(...allowed: readonly T[]): T {
    const word = this.next(`one of ${allowed.join(", ")}`);
    return allowed.find((each) => each === word) ?? this.fail(word, `one of ${allowed.join(", ")}`);
  }

  number(high: number, what: string): number {
    const word = this.next(what);
    const value = /^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : NaN;
    return value <= high ? value : this.fail(word, `${what}, at most ${high}`);
  }

  fail(came: string, expected: string): never {
    throw this.error(
      `got ${JSON.stringify(came)} for ${this.#words[this.#next - 2]}; expected ${expected}`,
    );
  }

  error(problem: string): RulesError {
    return new RulesError(this.line, problem);
  }
}

// ---- one rule -----------------------------------------------------------------------------------

/** What follows "-A CHAIN". */
function parseRule(tokens: Tokens, table: TableName, family: Family): Rule {
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

function cidr(tokens: Tokens, family: Family): string {
  const text = tokens.next("an address");
  const range = readCIDR(text);
  if (range?.family !== family) return tokens.fail(text, `an ${family} address or CIDR`);
  return text.includes("/") ? range.text : range.address.text;
}

function protocol(tokens: Tokens): string {
  const name = tokens.next("a protocol").toLowerCase();
  return /^(tcp|udp|sctp|icmp|icmpv6|ipv6-icmp|all|\d{1,3})$/.test(name)
    ? name
    : tokens.fail(name, "tcp, udp, sctp, icmp, ipv6-icmp, all or a number");
}

function ports(tokens: Tokens, separator: string): { low: number; high: number } {
  const text = tokens.next("a port");
  const [low, high] =
    portsIn(text, separator) ??
    tokens.fail(text, `a port from 0 to 65535, or a range such as 80${separator}90`);
  return { low, high };
}

function portList(tokens: Tokens): [number, number][] {
  const text = tokens.next("ports");
  return text
    .split(",")
    .map((part) => portsIn(part, ":") ?? tokens.fail(text, "ports such as 80,443,8000:8080"));
}

/** "80" or "80:90". */
function portsIn(text: string, separator: string): [low: number, high: number] | undefined {
  const parts = text.split(separator).map((part) => (/^\d+$/.test(part) ? Number(part) : NaN));
  const [low = NaN, high = low] = parts;
  return parts.length <= 2 && low <= high && high <= 65535 ? [low, high] : undefined;
}

/**
 * The exact fraction that the text stands for: 1/n where n is what a program (or iptables-save)
 * writes so, else the decimal itself.
 */
function probability(tokens: Tokens): { numerator: number; denominator: number } {
  const text = tokens.next("a probability");
  const value = /^(?:\d+|\d*\.\d+)$/.test(text) ? Number(text) : NaN;
  if (!(value >= 0 && value <= 1)) return tokens.fail(text, "a number from 0 to 1");
  const n = Math.round(1 / value);
  if (value > 0 && (restoreProbability(1, n) === text || saveProbability(1, n) === text))
    return { numerator: 1, denominator: n };
  const digits = Math.min(15, text.split(".")[1]?.length ?? 0);
  return { numerator: Math.round(value * 10 ** digits), denominator: 10 ** digits };
}

function valueAndMask(tokens: Tokens): { value: number; mask: number } {
  const text = tokens.next("a mark");
  const parts = text
    .split("/")
    .map((part) => (/^(0x[0-9a-f]+|\d+)$/i.test(part) ? Number(part) : NaN));
  const [value = NaN, mask = 0xffffffff] = parts;
  return parts.length <= 2 && value <= 0xffffffff && mask <= 0xffffffff
    ? { value, mask }
    : tokens.fail(text, "a mark such as 0x4000/0x4000");
}

function states(tokens: Tokens): ConnectionState[] {
  const text = tokens.next("states");
  return text
    .split(",")
    .map(
      (state) =>
        connectionStates.find((each) => each === state) ??
        tokens.fail(text, `states out of ${connectionStates.join(", ")}, with commas between`),
    );
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

function parseTarget(option: string, tokens: Tokens, table: TableName, family: Family): RuleTarget {
  const name = tokens.next("a target");
  if (option === "-g" || option === "--goto") return { kind: "goto", chain: name };
  const only = (needed: TableName): void => {
    if (table !== needed)
      throw tokens.error(`target ${name} works in table ${needed} only, not in ${table}`);
  };
  switch (name) {
    case "ACCEPT":
    case "DROP":
    case "RETURN":
      return { kind: name };
    case "TRACE":
      return { kind: name };
    case "LOG":
      return { kind: name, ...logOptions(tokens) };
    case "NOTRACK":
      only("raw");
      return { kind: "NOTRACK" };
    case "CT":
      only("raw");
      if (!tokens.take("--notrack")) throw tokens.error("-j CT is known with --notrack only");
      return { kind: "NOTRACK" };
    case "REJECT":
      only("filter");
      return tokens.take("--reject-with")
        ? { kind: "REJECT", with: tokens.next("an ICMP message") }
        : { kind: "REJECT" };
    case "MARK":
      return parseMark(tokens);
    case "DNAT":
      only("nat");
      return parseNat("DNAT", "--to-destination", tokens, family);
    case "SNAT":
      only("nat");
      return parseNat("SNAT", "--to-source", tokens, family);
    case "MASQUERADE":
      only("nat");
      return {
        kind: "MASQUERADE",
        ...(tokens.take("--to-ports") && ports(tokens, "-")),
        ...randomFully(tokens),
      };
    case "REDIRECT":
      only("nat");
      if (!tokens.take("--to-ports")) throw tokens.error("-j REDIRECT needs --to-ports");
      return { kind: "REDIRECT", ...ports(tokens, "-") };
    default:
      if (tokens.peek()?.startsWith("--"))
        throw tokens.error(`got the target ${name} with ${tokens.peek()}, which is not known here`);
      return { kind: "jump", chain: name };
  }
}

/** LOG changes nothing for a packet: its options are kept as text. */
function logOptions(tokens: Tokens): { options?: string } {
  const words: string[] = [];
  while (tokens.peek()?.startsWith("--log-")) {
    const option = tokens.next("");
    words.push(
      /^--log-(prefix|level)$/.test(option)
        ? `${option} ${quoted(tokens.next("a value"))}`
        : option,
    );
  }
  return words.length > 0 ? { options: words.join(" ") } : {};
}

const randomFully = (tokens: Tokens): { randomFully?: true } =>
  tokens.take("--random-fully") || tokens.take("--random") ? { randomFully: true } : {};

function parseNat(
  kind: "DNAT" | "SNAT",
  option: string,
  tokens: Tokens,
  family: Family,
): RuleTarget {
  if (!tokens.take(option)) throw tokens.error(`-j ${kind} needs ${option}`);
  const text = tokens.next("an address");
  const [, host = text, low, high] = /^(\[.*\]|[^:[\]]*)(?::(\d+)(?:-(\d+))?)?$/.exec(text) ?? [];
  const address = host === "" ? undefined : readAddress(host.replace(/^\[|\]$/g, ""));
  const isRange = low === undefined || portsIn(`${low}-${high ?? low}`, "-");
  if ((host !== "" && address?.family !== family) || !isRange)
    return tokens.fail(
      text,
      `an ${family} address, a port or both, as in ${family === "IPv4" ? "10.1.1.2:80" : "[fd00::2]:80"}`,
    );
  return {
    kind,
    ...(address && { address: address.text }),
    ...(low !== undefined && { low: Number(low), high: Number(high ?? low) }),
    ...randomFully(tokens),
  };
}

function parseMark(tokens: Tokens): RuleTarget {
  const option = tokens.oneOf("--set-xmark", "--set-mark", "--or-mark", "--xor-mark", "--and-mark");
  const { value, mask } = valueAndMask(tokens);
  switch (option) {
    case "--or-mark":
      return { kind: "MARK", value, mask: value, written: "or-mark" };
    case "--xor-mark":
      return { kind: "MARK", value, mask: 0, written: "xor-mark" };
    case "--and-mark":
      return { kind: "MARK", value: 0, mask: ~value >>> 0 };
    case "--set-mark":
      return { kind: "MARK", value, mask: (value | mask) >>> 0 };
    case "--set-xmark":
      return { kind: "MARK", value, mask };
  }
}

// ---- jumps --------------------------------------------------------------------------------------

/** The kernel refuses jumps to nowhere, in a circle, or too deep. */
function checkJumps(table: TableName, chains: Map<string, DraftChain>): void {
  const depths = new Map<string, number>();
  const depth = (name: string, path: readonly string[]): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    const { rules, lines } = chains.get(name)!;
    if (path.length > maxJumps)
      throw new RulesError(
        lines[0] ?? 0,
        `table ${table}: from chain ${path[0]}, jumps are more than ${maxJumps} deep`,
      );
    let deepest = 0;
    rules.forEach(({ target }, i) => {
      if (target?.kind !== "jump" && target?.kind !== "goto") return;
      const line = lines[i] ?? 0;
      if (!chains.has(target.chain))
        throw new RulesError(
          line,
          `table ${table}: chain ${name} jumps to ${target.chain}, which is neither a chain of this table nor a known target`,
        );
      if (target.chain === name || path.includes(target.chain))
        throw new RulesError(
          line,
          `table ${table}: the jumps go in a circle: ${[...path.slice(path.indexOf(target.chain)), name, target.chain].join(" -> ")}`,
        );
      deepest = Math.max(deepest, 1 + depth(target.chain, [...path, name]));
    });
    if (deepest > maxJumps)
      throw new RulesError(
        lines[0] ?? 0,
        `table ${table}: from chain ${name}, jumps are more than ${maxJumps} deep`,
      );
    depths.set(name, deepest);
    return deepest;
  };
  for (const name of chains.keys()) depth(name, []);
}
