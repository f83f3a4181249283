/**
 * The rules that the kernel of the place holds: iptables, iptables-save, nft. A Pod's kernel is its
 * own namespace, and has none.
 */
import type { Act } from "../../machinery/act.js";
import type { Family } from "../../net/ip.js";
import { ruleList, ruleSpecs } from "../../net/iptables/list.js";
import { Rules } from "../../net/iptables/rule.js";
import type { RuleSet } from "../../net/iptables/syntax.js";
import { builtinChains, type TableName } from "../../net/iptables/tables.js";
import { saveText } from "../../net/iptables/text.js";
import { Iptables } from "../../net/iptables/walk.js";
import type { Kernel } from "../../net/kernel.js";
import { listText, tableText } from "../../net/nftables/text.js";
import { Nftables } from "../../net/nftables/walk.js";
import type { Command, Context } from "../place.js";
import { complain, optionsOf, refuse } from "./common.js";
import { machineOf } from "./interfaces.js";

function rulesOf(context: Context, family: Family): RuleSet {
  const kernel = machineOf(context)?.kernel;
  for (const dataplane of kernel?.dataplanes ?? [])
    if (dataplane instanceof Iptables) {
      const rules = dataplane.rules[family];
      if (rules) return rules;
    }
  return new Rules(family);
}

const familyBy = ({ name }: Context): Family => (name.startsWith("ip6") ? "IPv6" : "IPv4");

/** What nobody knows of a dump's node is said, not shown as nothing. */
function* doubted(context: Context): Act<void> {
  const doubt = machineOf(context)?.doubt;
  if (doubt) yield* refuse(context, 1, doubt.sentence);
}

function* iptablesSave(context: Context): Act<number> {
  const { flags } = yield* optionsOf(context, {
    letters: "t:c",
    long: { table: "t:", counters: "c" },
  });
  yield* doubted(context);
  const text = saveText(rulesOf(context, familyBy(context)));
  const wanted = flags.get("t");
  if (wanted === undefined) yield* context.out(text);
  else
    for (const block of text.match(/^\*[^]*?^COMMIT\n/gm) ?? [])
      if (block.startsWith(`*${wanted}\n`)) yield* context.out(block);
  return 0;
}

function* iptables(context: Context): Act<number> {
  const args = [...context.args];
  let table: string = "filter";
  let [action, chain]: [string | undefined, string | undefined] = [undefined, undefined];
  const flags = new Set<string>();
  while (args.length > 0) {
    const word = args.shift()!;
    const next = (): string | undefined => (/^[^-]/.test(args[0] ?? "") ? args.shift() : undefined);
    if (word === "-t" || word === "--table") table = args.shift() ?? "";
    else if (word === "--line-numbers") flags.add("numbers");
    else if (word === "-w" || word === "--wait") next();
    else if (word === "--list" || word === "--list-rules") {
      action = word === "--list" ? "L" : "S";
      chain = next();
    } else if (/^-[LSnvxw]+$/.test(word)) {
      for (const letter of word.slice(1))
        if (letter === "L" || letter === "S") action = letter;
        else flags.add(letter);
      if (/[LS]/.test(word)) chain = next();
    } else
      return yield* refuse(
        context,
        2,
        `${word}: rules are kube-proxy's to write here; -L and -S show them`,
      );
  }
  const { name } = context;
  if (action === undefined) {
    yield* context.err(
      `${name} v1.8.9 (nf_tables): no command specified\nTry \`${name} -h' or '${name} --help' for more information.\n`,
    );
    return 2;
  }
  if (!(table in builtinChains)) {
    yield* context.err(
      `${name} v1.8.9 (nf_tables): table '${table}' does not exist\nPerhaps iptables or your kernel needs to be upgraded.\n`,
    );
    return 3;
  }
  yield* doubted(context);
  const rules = rulesOf(context, familyBy(context));
  const text =
    action === "S"
      ? ruleSpecs(rules, table as TableName, chain)
      : ruleList(rules, table as TableName, {
          chain,
          numeric: flags.has("n"),
          verbose: flags.has("v"),
          lineNumbers: flags.has("numbers"),
        });
  if (text === undefined) {
    yield* context.err(
      `${name} v1.8.9 (nf_tables): chain \`${chain}' in table \`${table}' is incompatible, use 'nft' tool.\n`,
    );
    return 1;
  }
  if (flags.has("v")) yield* complain(context, "packets are not counted here: counters are 0");
  yield* context.out(text);
  return 0;
}

function* nft(context: Context): Act<number> {
  const words = context.args.filter((word) => !word.startsWith("-"));
  const [verb, what, family, name] = words;
  if (verb !== "list")
    return yield* refuse(
      context,
      1,
      `${verb ?? ""}: rules are kube-proxy's to write here; list shows them`,
    );
  yield* doubted(context);
  const kernel: Kernel | undefined = machineOf(context)?.kernel;
  const found = [...(kernel?.dataplanes ?? [])].find((each) => each instanceof Nftables);
  const rules = found instanceof Nftables ? found.rules : undefined;
  const tables = rules ? [...rules.tables()] : [];
  switch (what) {
    case "ruleset":
      if (rules) yield* context.out(listText(rules));
      return 0;
    case "tables":
      for (const table of tables) yield* context.out(`table ${table.family} ${table.name}\n`);
      return 0;
    case "table": {
      const table = tables.find((each) => each.family === family && each.name === name);
      if (table) {
        yield* context.out(tableText(table));
        return 0;
      }
      yield* context.err(
        `Error: No such file or directory\nlist table ${family ?? ""} ${name ?? ""}\n           ^\n`,
      );
      return 1;
    }
    default:
      return yield* refuse(
        context,
        1,
        `list ${what ?? ""}: not modelled here; list ruleset, tables and table are`,
      );
  }
}

export const rules: Readonly<Record<string, Command>> = {
  iptables,
  ip6tables: iptables,
  "iptables-save": iptablesSave,
  "ip6tables-save": iptablesSave,
  nft,
};
