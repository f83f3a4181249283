/**
 * Rules as people paste them: with a prompt before them, of one table alone, as `iptables -S` lists
 * them, or what `grep` left of them. What comes out can be parsed; what had to be made up or cannot
 * be modelled is said.
 */
import type { Family } from "../../../net/ip.js";
import { parseRules } from "../../../net/iptables/parse.js";
import { builtinChains, type TableName } from "../../../net/iptables/tables.js";

export interface PastedText {
  text: string;
  warnings: string[];
  /** Marker -> the rule that is not modelled: the packet that meets it is lost to us. */
  unmodelled: ReadonlyMap<string, string>;
}

/** What changes no packet's way, whatever it matches; and so does a rule without a target. */
const harmless = new Set(
  " LOG CHECKSUM TCPMSS NFLOG ULOG CONNMARK CONNSECMARK SECMARK DSCP TOS TTL HL AUDIT CLASSIFY IDLETIMER LED RATEEST SET".split(
    " ",
  ),
);

/** @throws RulesError where there is nothing to be made of it. */
export function pastedText(given: string, family: Family): PastedText {
  const reading = new Reading(family);
  given.split(/\r?\n/).forEach((line, i) => reading.line(line.trim(), i + 1));
  return reading.result(given);
}

interface Table {
  policies: Map<string, string>;
  chains: Set<string>;
  rules: string[];
}

class Reading {
  readonly #warnings: string[] = [];
  readonly #unmodelled = new Map<string, string>();
  readonly #tables = new Map<TableName, Table>();
  #current: TableName | undefined;
  /** Rules came without the chains that they are in. */
  #isExtract = false;
  #skipped = 0;

  constructor(private readonly family: Family) {}

  line(line: string, number: number): void {
    if (line === "" || line.startsWith("#")) return;
    if (line.startsWith("*")) return this.#begin(line.slice(1));
    if (line === "COMMIT") return void (this.#current = undefined);
    const declared = /^:(\S+)\s+(ACCEPT|DROP|-)/.exec(line);
    if (declared) return this.#declare(declared[1]!, declared[2]!);
    const [, command = "", chain = "", rest = ""] =
      /^(?:\[\d+:\d+\]\s+)?-(P|N|A)\s+(\S+)\s*(.*)$/.exec(line) ?? [];
    if (command === "") {
      this.#skipped++;
      if (this.#skipped === 1) this.#warnings.push(`line ${number} is no rule, and is left out`);
      return;
    }
    const table = this.#current ?? tableOf(chain, rest);
    if (command === "P") this.#table(table).policies.set(chain, rest);
    else if (command === "N") this.#table(table).chains.add(chain);
    else this.#add(table, chain, rest);
  }

  #begin(name: string): void {
    if (Object.hasOwn(builtinChains, name)) this.#current = name as TableName;
    else this.#warnings.push(`table ${name} is not modelled, and is left out`);
  }

  #declare(chain: string, policy: string): void {
    const table = this.#table(this.#current ?? tableOf(chain, ""));
    if (policy === "-") table.chains.add(chain);
    else table.policies.set(chain, policy);
  }

  #table(name: TableName): Table {
    let table = this.#tables.get(name);
    if (!table)
      this.#tables.set(name, (table = { policies: new Map(), chains: new Set(), rules: [] }));
    return table;
  }

  #add(name: TableName, chain: string, rest: string): void {
    const table = this.#table(name);
    if (!this.#isBuiltIn(name, chain) && !table.chains.has(chain)) {
      table.chains.add(chain);
      this.#isExtract = true;
    }
    table.rules.push(`-A ${chain} ${rest}`);
  }

  readonly #isBuiltIn = (table: TableName, chain: string): boolean =>
    (builtinChains[table] as readonly string[]).includes(chain);

  result(given: string): PastedText {
    const isCutOff = this.#current !== undefined;
    const isEmpty = [...this.#tables.values()].every(({ rules }) => rules.length === 0);
    if (isCutOff || isEmpty) parseRules(given, { family: this.family }); // says what is wrong
    if (this.#isExtract) this.#complete();
    const texts = [...this.#tables].map(([name, table]) => this.#tableText(name, table));
    return {
      text: texts.join(""),
      warnings: this.#warnings,
      unmodelled: this.#unmodelled,
    };
  }

  /** What kube-proxy writes on every node, and an extract lacks. */
  #complete(): void {
    this.#warnings.push(
      "these rules are an extract: chains that kube-proxy has on every node are added where they are missing",
    );
    const nat = this.#table("nat");
    const has = (start: string) => nat.rules.some((rule) => rule.startsWith(start));
    for (const chain of ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-MARK-MASQ"])
      nat.chains.add(chain);
    for (const hook of ["PREROUTING", "OUTPUT"])
      if (!nat.rules.some((rule) => rule.startsWith(`-A ${hook} `) && /KUBE-SERVICES/.test(rule)))
        nat.rules.push(`-A ${hook} -j KUBE-SERVICES`);
    if (!nat.rules.some((rule) => /-A KUBE-SERVICES .*-j KUBE-NODEPORTS/.test(rule)))
      nat.rules.push("-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS");
    if (!has("-A KUBE-MARK-MASQ")) nat.rules.push("-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000");
    if (!has("-A KUBE-POSTROUTING")) {
      nat.chains.add("KUBE-POSTROUTING");
      nat.rules.push("-A KUBE-POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE");
    }
    if (!nat.rules.some((rule) => /-A POSTROUTING .*KUBE-POSTROUTING/.test(rule)))
      nat.rules.push("-A POSTROUTING -j KUBE-POSTROUTING");
  }

  #tableText(name: TableName, { policies, chains, rules }: Table): string {
    const declared = [
      ...builtinChains[name].map((hook) => `:${hook} ${policies.get(hook) ?? "ACCEPT"}`),
      ...[...chains].map((chain) => `:${chain} -`),
    ];
    const known = new Set(chains);
    const text = rules.flatMap((rule) => this.#modelled(name, rule, known));
    return [`*${name}`, ...declared, ...text, "COMMIT", ""].join("\n");
  }

  /** The rule, or what stands for it where something in it is not modelled. */
  #modelled(table: TableName, rule: string, chains: ReadonlySet<string>): string[] {
    const [chain = "", ...groups] = groupsOf(rule.slice("-A ".length));
    const targetAt = groups.findIndex((group) => /^-(j|g|-jump|-goto)\s/.test(group));
    const target = targetAt < 0 ? "" : groups[targetAt]!;
    const name = target.split(/\s+/)[1] ?? "";
    if (this.#parses(table, rule, chains)) return [rule];
    const matches = groups.filter((_, i) => i !== targetAt);
    const protocol = matches.filter((group) => /^(! )?(-p|--protocol)\s/.test(group));
    const known = matches.filter(
      (group) =>
        protocol.includes(group) ||
        this.#parses(table, `-A ${chain} ${[...protocol, group].join(" ")} -j RETURN`, chains),
    );
    if (harmless.has(name)) return [];
    const isTargetKnown = this.#parses(
      table,
      `-A ${chain} ${protocol.join(" ")} ${target}`,
      chains,
    );
    if (known.length === matches.length && isTargetKnown) return [rule];
    const marker = `not modelled ${this.#unmodelled.size + 1}`;
    this.#unmodelled.set(marker, `${table}: ${rule}`);
    // its own comment goes: a rule is known by the first one
    const asks = known.filter((group) => !/^(-m|--match) comment\s/.test(group));
    return [`-A ${chain} ${asks.join(" ")} -m comment --comment "${marker}" -j DROP`];
  }

  #parses(table: TableName, rule: string, chains: ReadonlySet<string>): boolean {
    const hooks = builtinChains[table].map((hook) => `:${hook} ACCEPT`);
    const own = [...chains].map((chain) => `:${chain} -`);
    try {
      parseRules([`*${table}`, ...hooks, ...own, rule, "COMMIT"].join("\n"), {
        family: this.family,
      });
      return true;
    } catch {
      return false;
    }
  }
}

/** The chain, and then each option with its values: "-m tcp --dport 80", "! -s 10.0.0.0/8". */
function groupsOf(text: string): string[] {
  const groups: string[] = [];
  for (const word of text.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []) {
    const begins = /^(!|-[a-zA-Z]|--(jump|goto|match|source|destination|protocol))$/.test(word);
    const last = groups.at(-1);
    if (last === undefined || (begins && last !== "!")) groups.push(word);
    else groups[groups.length - 1] = `${last} ${word}`;
  }
  return groups;
}

/** The table of a rule that does not say in which one it is. */
function tableOf(chain: string, rest: string): TableName {
  if (/^(PREROUTING|POSTROUTING|KUBE-(SVC|SVL|SEP|EXT|FW|XLB|MARK|POSTROUTING))/.test(chain))
    return "nat";
  if (
    /-j (DNAT|SNAT|MASQUERADE|REDIRECT|KUBE-(SVC|SVL|SEP|EXT|FW|XLB|MARK|NODEPORTS|POSTROUTING))/.test(
      rest,
    )
  )
    return "nat";
  return "filter";
}
