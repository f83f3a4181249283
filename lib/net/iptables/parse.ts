/**
 * From text to rules: what iptables-save prints, what iptables-restore reads.
 *
 *     const rules = parseRules(text);                            // { family: "IPv6" }: ip6tables'
 *     const after = parseRules(restoreInput, { onto: rules });   // as iptables-restore --noflush
 *
 * Nothing is skipped in silence: an option that is not known here, a text that ends before COMMIT,
 * a jump to a chain that is not there, or a circle of jumps is a RulesError with its line.
 */
import type { Family } from "../ip.js";
import { RulesError } from "../rules-error.js";
import { parseRule } from "./parse-rule.js";
import { type Rule, Rules } from "./rule.js";
import type { Chain, RuleSet } from "./syntax.js";
import { builtinChains, maxJumps, type TableName } from "./tables.js";
import { Tokens } from "./tokens.js";

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
