/**
 * From text to rules: what `nft list ruleset` prints, and the commands that `nft -f` takes.
 *
 *     const rules = parseNftables(text);
 *     const after = parseNftables("add rule ip t c drop", { onto: rules });    // as nft -f
 *
 * What is no such text is a RulesError with its line, and so is what the kernel would refuse: a
 * jump to a chain that is not there, a circle of jumps, intervals that overlap. What nft knows and
 * is not modelled is kept as text; a packet that meets it has an unknown end.
 */
import { RulesError } from "../rules-error.js";
import { Draft, type DraftChain, type DraftRule, type DraftSet, type DraftTable } from "./draft.js";
import { typesOf } from "./expressions.js";
import { expression, parseRule, readElements, readValue, type Surroundings } from "./parse-rule.js";
import { usualSize } from "./memory.js";
import type { Base, BaseHook, ChainType, RuleSet, SetFlag, TableFamily } from "./ruleset.js";
import { commandsOf, lineOf } from "./json.js";
import { parseTime } from "./time.js";
import { Cursor } from "./tokens.js";
import { withVariables } from "./variables.js";

export interface ParseOptions {
  /** The rules that the text changes. Default: none. */
  onto?: RuleSet | undefined;
}

/** Reads a whole text, or JSON. Throws RulesError. */
export function parseNftables(text: string, options: ParseOptions = {}): RuleSet {
  return /^\s*\{/.test(text) ? parseJSON(text, options) : parseText(text, options);
}

/** Each object is a line of its own while it is read. */
function parseJSON(text: string, options: ParseOptions): RuleSet {
  const commands = commandsOf(text);
  try {
    return parseText(commands.join("\n"), options);
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    const problem = error.message.replace(/^line \d+: /, "");
    throw new RulesError(
      lineOf(text, error.line - 1),
      `object ${error.line} of the list: ${problem}`,
    );
  }
}

function parseText(text: string, { onto }: ParseOptions): RuleSet {
  const draft = new Draft(onto);
  const reader = new Reader(new Cursor(withVariables(text)), draft);
  reader.all();
  return draft.finished();
}

const families: readonly TableFamily[] = ["ip", "ip6", "inet", "arp", "bridge", "netdev"];
const commands = [
  "table",
  "add",
  "create",
  "insert",
  "delete",
  "destroy",
  "flush",
  "replace",
  "rename",
] as const;

/** Where a command is at home. */
interface Target {
  table: DraftTable;
  name: string;
}

class Reader {
  constructor(
    readonly cursor: Cursor,
    readonly draft: Draft,
  ) {}

  all(): void {
    const { cursor } = this;
    for (;;) {
      cursor.skipLines();
      if (cursor.peek().kind === "end") return;
      this.#command();
      if (!cursor.atEnd || cursor.at("}")) cursor.fail("the end of the command");
    }
  }

  #command(): void {
    const { cursor } = this;
    const word = cursor.word(`one of ${commands.join(", ")}`);
    switch (word) {
      case "table":
        return this.#table();
      case "add":
      case "create":
        return this.#add(word);
      case "insert":
        if (!cursor.take("rule")) cursor.fail('"rule"');
        return this.#rule("insert");
      case "delete":
      case "destroy":
        return this.#delete(word === "destroy");
      case "flush":
        return this.#flush();
      default:
        cursor.back(cursor.place - 1);
        return cursor.fail(`one of ${commands.join(", ")}`);
    }
  }

  // ---- names ----

  #family(): TableFamily {
    return families.find((family) => this.cursor.take(family)) ?? "ip";
  }

  #known(): DraftTable {
    const family = this.#family();
    const name = this.cursor.name("a table's name");
    const table = this.draft.table(family, name);
    if (!table) throw this.cursor.error(`there is no table ${family} ${name}`);
    return table;
  }

  #target(what: string): Target {
    return { table: this.#known(), name: this.cursor.name(what) };
  }

  #chain({ table, name }: Target): DraftChain {
    const chain = table.chains.get(name);
    if (chain) return chain;
    throw this.cursor.error(`there is no chain ${name} in table ${table.family} ${table.name}`);
  }

  #set({ table, name }: Target): DraftSet {
    const set = table.sets.get(name);
    if (set) return set;
    throw this.cursor.error(
      `there is no set or map ${name} in table ${table.family} ${table.name}`,
    );
  }

  // ---- add ----

  #add(word: "add" | "create"): void {
    const { cursor } = this;
    if (cursor.take("table")) return this.#table(word === "create");
    if (cursor.take("chain")) return this.#addChain(word === "create");
    if (cursor.take("rule")) return this.#rule("add");
    if (cursor.take("set")) return this.#addSet(false);
    if (cursor.take("map")) return this.#addSet(true);
    if (cursor.take("element")) {
      const set = this.#set(this.#target("a set's name"));
      return this.#addElements(set);
    }
    if (carried.has(cursor.peek().text)) return this.#carried(cursor.place);
    cursor.fail("table, chain, rule, set, map or element");
  }

  /** Objects that are not modelled: nothing is known of them but their text. */
  #carried(start: number): void {
    const { cursor } = this;
    const kind = cursor.next().text;
    const words = kind === "ct" ? [kind, cursor.next().text] : [kind];
    const { table, name } = this.#target("a name");
    const body = cursor.place;
    cursor.skipRest();
    const inside = cursor.place > body ? cursor.since(body) : "{\n}";
    table.others.push(`${words.join(" ")} ${name} ${inside}\n`);
    if (start > cursor.place) cursor.fail("the end");
  }

  #table(isNew = false): void {
    const { cursor } = this;
    const family = this.#family();
    const name = cursor.name("a table's name");
    if (isNew && this.draft.table(family, name))
      throw cursor.error(`table ${family} ${name} is there already`);
    const table = this.draft.addTable(family, name);
    if (!cursor.take("{")) return;
    const rules: (() => void)[] = [];
    this.#block(() => this.#inTable(table, rules));
    // rules may name sets and maps that stand after them
    const end = cursor.place;
    for (const read of rules) read();
    cursor.back(end);
  }

  /** What stands between braces, item by item; the opening one has been read. */
  #block(item: () => void): void {
    const { cursor } = this;
    const { line } = cursor;
    for (;;) {
      cursor.skipLines();
      if (cursor.take("}")) return;
      if (cursor.peek().kind === "end")
        throw cursor.error(`the { of line ${line} is never closed; the text is cut off`);
      item();
    }
  }

  #inTable(table: DraftTable, rules: (() => void)[]): void {
    const { cursor } = this;
    if (cursor.take("comment")) return void (table.comment = cursor.comment());
    if (cursor.take("flags")) return void (table.flags = this.#words("a flag"));
    if (cursor.take("chain")) return this.#chainBlock(table, rules);
    if (cursor.take("set")) return this.#setBlock(table, cursor.name("a set's name"), false);
    if (cursor.take("map")) return this.#setBlock(table, cursor.name("a map's name"), true);
    if (carried.has(cursor.peek().text)) {
      const start = cursor.place;
      cursor.skipRest();
      return void table.others.push(`${carriedText(cursor.since(start))}\n`);
    }
    cursor.fail("chain, set, map, comment or flags");
  }

  #words(what: string): string[] {
    const words = [this.cursor.word(what)];
    while (this.cursor.take(",")) words.push(this.cursor.word(what));
    return words;
  }

  // ---- chains and rules ----

  #addChain(isNew: boolean): void {
    const { cursor } = this;
    const { table, name } = this.#target("a chain's name");
    if (isNew && table.chains.has(name)) throw cursor.error(`chain ${name} is there already`);
    const chain = table.chains.get(named(name, cursor)) ?? { rules: [] };
    table.chains.set(name, chain);
    if (cursor.take("{")) this.#block(() => this.#inChain(table, chain));
  }

  #chainBlock(table: DraftTable, rules: (() => void)[]): void {
    const { cursor } = this;
    const name = named(cursor.name("a chain's name"), cursor);
    const chain: DraftChain = table.chains.get(name) ?? { rules: [] };
    table.chains.set(name, chain);
    cursor.need("{");
    this.#block(() => {
      if (this.#chainHead(chain)) return;
      const start = cursor.place;
      cursor.skipRest();
      rules.push(() => {
        cursor.back(start);
        chain.rules.push(this.#readRule(table));
      });
    });
  }

  #inChain(table: DraftTable, chain: DraftChain): void {
    if (!this.#chainHead(chain)) chain.rules.push(this.#readRule(table));
  }

  /** What a chain says of itself; false: a rule stands here. */
  #chainHead(chain: DraftChain): boolean {
    const { cursor } = this;
    if (cursor.at("comment") && cursor.peek(1).kind === "string") {
      cursor.next();
      chain.comment = cursor.comment();
      return true;
    }
    if (cursor.take("type")) {
      const { base: before } = chain;
      chain.base = this.#base();
      if (before && !isSameHook(before, chain.base))
        throw cursor.error(
          `the chain is there already, of type ${before.type} at hook ${before.hook}, priority ${before.priority}`,
        );
      return true;
    }
    if (cursor.take("policy")) {
      const policy = this.#oneOf("accept", "drop");
      if (!chain.base) throw cursor.error("only a base chain has a policy: write its type first");
      chain.base = { ...chain.base, policy };
      return true;
    }
    return cursor.take("flags", "offload");
  }

  #base(): Base {
    const { cursor } = this;
    const type = this.#oneOf<ChainType>("filter", "nat", "route");
    cursor.need("hook");
    const hook = this.#oneOf<BaseHook>(
      "prerouting",
      "input",
      "forward",
      "output",
      "postrouting",
      "ingress",
      "egress",
    );
    if (type === "nat" && (hook === "forward" || hook === "ingress" || hook === "egress"))
      throw cursor.error(`a chain of type nat cannot be at hook ${hook}`);
    if (type === "route" && hook !== "output")
      throw cursor.error(`a chain of type route can only be at hook output, not ${hook}`);
    const devices = this.#devices();
    cursor.need("priority");
    const priority = this.#priority();
    if (type === "nat" && priority <= tracking)
      throw cursor.error(
        `a chain of type nat comes after conntrack: its priority is more than ${tracking}`,
      );
    return { type, hook, ...(devices && { devices }), priority, policy: "accept" };
  }

  #devices(): string[] | undefined {
    const { cursor } = this;
    if (cursor.take("device")) return [cursor.name("a device")];
    if (!cursor.take("devices")) return undefined;
    cursor.need("=");
    cursor.need("{");
    const names: string[] = [];
    while (!cursor.take("}")) {
      names.push(cursor.name("a device"));
      cursor.take(",");
    }
    return names;
  }

  #priority(): number {
    const { cursor } = this;
    const word = cursor.peek().text;
    const [, name, offset] = /^([a-z]*)([+-]?\d+)?$/.exec(word) ?? [];
    const known = name === undefined || name === "" ? 0 : priorities[name];
    if (name === undefined || known === undefined)
      return cursor.fail(`a priority such as 0, filter or ${Object.keys(priorities).join(", ")}`);
    cursor.next();
    if (offset !== undefined) return known + Number(offset);
    const sign = cursor.take("+") ? 1 : cursor.take("-") ? -1 : 0;
    if (sign !== 0) return known + sign * cursor.number("a number");
    const behind = /^([+-]\d+)$/.exec(cursor.peek().text)?.[1];
    if (behind === undefined) return known;
    cursor.next();
    return known + Number(behind);
  }

  #oneOf<T extends string>(...allowed: readonly T[]): T {
    const found = allowed.find((each) => this.cursor.at(each));
    if (found === undefined) return this.cursor.fail(`one of ${allowed.join(", ")}`);
    this.cursor.next();
    return found;
  }

  #readRule(table: DraftTable): DraftRule {
    const { line } = this.cursor;
    const rule = parseRule(this.cursor, surroundings(table));
    for (const each of rule.statements)
      if (each.kind === "update" || each.kind === "add") makeDynamic(table, each.set);
    return { line, rule };
  }

  /** `add rule T C [handle N | index N] RULE`. */
  #rule(how: "add" | "insert"): void {
    const { cursor } = this;
    const target = this.#target("a chain's name");
    const { rules } = this.#chain(target);
    let at = how === "add" ? rules.length : 0;
    if (cursor.at("handle") || cursor.at("position"))
      throw cursor.error("rules are not known by handles here; write index and a number");
    if (cursor.take("index")) {
      const index = cursor.number("a rule's index");
      if (index >= rules.length)
        throw cursor.error(`chain ${target.name} has ${rules.length} rules; there is no ${index}`);
      at = how === "add" ? index + 1 : index;
    }
    rules.splice(at, 0, this.#readRule(target.table));
  }

  // ---- sets and maps ----

  #addSet(isMap: boolean): void {
    const { table, name } = this.#target("a set's name");
    this.#setBlock(table, name, isMap);
  }

  #setBlock(table: DraftTable, name: string, isMap: boolean): void {
    const { cursor } = this;
    const { line } = cursor;
    named(name, cursor);
    cursor.need("{");
    const set = new SetReader(cursor, table);
    this.#block(() => set.item());
    const draft = set.finished(name, isMap, line);
    const before = table.sets.get(name);
    if (before && (before.data === undefined) === isMap)
      throw new RulesError(line, `${name} is there already, as a ${isMap ? "set" : "map"}`);
    if (before && before.type.join() !== draft.type.join())
      throw new RulesError(line, `set ${name} is there already, with another type`);
    const kept = before ?? draft;
    table.sets.set(name, kept);
    set.readElements(kept);
    if (before) for (const each of draft.elements.values()) before.elements.set(each.key, each);
  }

  #addElements(set: DraftSet): void {
    const { line } = this.cursor;
    for (const element of readElements(this.cursor, set.type, set.data)) addTo(set, element, line);
  }

  // ---- delete and flush ----

  #delete(isForgiving: boolean): void {
    const { cursor } = this;
    const kind = this.#oneOf("table", "chain", "rule", "set", "map", "element");
    if (kind === "rule")
      throw cursor.error("rules are not known by handles here; flush the chain instead");
    if (kind === "table") {
      const family = this.#family();
      const name = cursor.name("a table's name");
      if (!this.draft.tables.delete(`${family} ${name}`) && !isForgiving)
        throw cursor.error(`there is no table ${family} ${name}`);
      return;
    }
    const target = this.#target("a name");
    if (kind === "element") return this.#deleteElements(this.#set(target), isForgiving);
    const all = kind === "chain" ? target.table.chains : target.table.sets;
    if (!all.delete(target.name) && !isForgiving)
      throw cursor.error(`there is no ${kind} ${target.name} in table ${target.table.name}`);
  }

  /** Keys alone; what they were mapped to may stand beside them. */
  #deleteElements(set: DraftSet, isForgiving: boolean): void {
    const { cursor } = this;
    cursor.need("{");
    while (!cursor.take("}")) {
      const key = cursor.take("*") ? "*" : readValue(cursor, set.type, true);
      if (!set.elements.delete(key) && !isForgiving)
        throw cursor.error(`${key} is not in ${set.name}`);
      let open = 0;
      while (open > 0 || !(cursor.at(",") || cursor.at("}"))) {
        if (cursor.peek().kind === "end") cursor.fail('"}"');
        if (cursor.at("{")) open++;
        if (cursor.at("}")) open--;
        cursor.next();
      }
      cursor.take(",");
      while (cursor.peek().kind === "line") cursor.next();
    }
  }

  #flush(): void {
    const kind = this.#oneOf("ruleset", "table", "chain", "set", "map");
    if (kind === "ruleset") {
      const family = families.find((each) => this.cursor.take(each));
      for (const [key, table] of this.draft.tables)
        if (!family || table.family === family) this.draft.tables.delete(key);
      return;
    }
    if (kind === "table") {
      for (const chain of this.#known().chains.values()) chain.rules = [];
      return;
    }
    const target = this.#target("a name");
    if (kind === "chain") this.#chain(target).rules = [];
    else this.#set(target).elements.clear();
  }
}

/** NF_IP_PRI_CONNTRACK */
const tracking = -200;

const isSameHook = (x: Base, y: Base): boolean =>
  x.type === y.type && x.hook === y.hook && x.priority === y.priority;

const priorities: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
};

/** Objects of a table that are not modelled. */
const carried: ReadonlySet<string> = new Set([
  "counter",
  "quota",
  "limit",
  "ct",
  "flowtable",
  "secmark",
  "synproxy",
  "meter",
]);

/** A set that packets add to is bounded, and made for it (src/evaluate.c, stmt_evaluate_set). */
function makeDynamic(table: DraftTable, name: string): void {
  const set = table.sets.get(name)!;
  const { flags = [], size = usualSize } = set;
  if (set.line === 0 || (flags.includes("dynamic") && set.size !== undefined)) return;
  const dynamic = flags.includes("dynamic") ? flags : ([...flags, "dynamic"] as const);
  table.sets.set(name, { ...set, size, flags: dynamic });
}

/** NFT_NAME_MAXLEN, less the end; the scanner knows ASCII alone. */
const longestName = 255;

function named(name: string, cursor: Cursor): string {
  if (name.length > longestName)
    throw cursor.error(`a name has ${name.length} characters; at most ${longestName} are allowed`);
  if (!/^[\x21-\x7e]+$/.test(name))
    throw cursor.error(
      `${JSON.stringify(name)} is no name: write letters, digits, and any of / - _ .`,
    );
  return name;
}

const surroundings = (table: DraftTable): Surroundings => ({
  family: table.family,
  set: (name) => table.sets.get(name),
});

/** A block without the tab that stood before each of its lines; an empty one has two. */
const carriedText = (text: string): string =>
  text.replace(/\n\t/g, "\n").replace(/\{\s*\}$/, "{\n}");

function addTo(
  set: DraftSet,
  element: Parameters<DraftSet["elements"]["set"]>[1],
  line: number,
): void {
  const before = set.elements.get(element.key);
  const isOther = before && JSON.stringify(before.data) !== JSON.stringify(element.data);
  if (isOther)
    throw new RulesError(
      line,
      `${element.key} is in ${set.name} already, mapped to something else`,
    );
  if (before) return;
  const counted = set.counter && !element.counter ? { counter: { packets: 0, bytes: 0 } } : {};
  set.elements.set(element.key, { ...element, ...counted });
}

/** What stands in a set's braces. */
class SetReader {
  readonly #found: { -readonly [K in keyof DraftSet]?: DraftSet[K] } = {};
  #elements: number | undefined;

  constructor(
    readonly cursor: Cursor,
    readonly table: DraftTable,
  ) {}

  item(): void {
    const { cursor } = this;
    const found = this.#found;
    if (cursor.take("type")) {
      found.type = this.#typeNames();
      if (cursor.take(":")) found.data = this.#data();
    } else if (cursor.take("typeof")) this.#typeof();
    else if (cursor.take("flags")) {
      const flags = [cursor.word("a flag")];
      while (cursor.take(",")) flags.push(cursor.word("a flag"));
      found.flags = flags.map((flag) => this.#flag(flag));
    } else if (cursor.take("timeout")) found.timeout = parseTime(cursor);
    else if (cursor.take("gc-interval")) found.gcInterval = parseTime(cursor);
    else if (cursor.take("size")) found.size = cursor.number("a size");
    else if (cursor.take("policy")) {
      if (cursor.word("memory or performance") === "memory") found.policy = "memory";
    } else if (cursor.take("auto-merge")) found.autoMerge = true;
    else if (cursor.take("counter")) found.counter = true;
    else if (cursor.take("comment")) found.comment = cursor.comment();
    else if (cursor.take("elements")) {
      cursor.need("=");
      this.#elements = cursor.place;
      if (!cursor.at("{")) cursor.fail('"{"');
      cursor.skipRest();
    } else cursor.fail("type, typeof, flags, timeout, size, comment or elements");
  }

  #flag(word: string): SetFlag {
    const flags = ["constant", "dynamic", "interval", "timeout"] as const;
    const found = flags.find((each) => each === word);
    if (found) return found;
    throw this.cursor.error(`got the flag ${word}; known are ${flags.join(", ")}`);
  }

  #typeNames(): string[] {
    const names = [this.cursor.word("a type")];
    while (this.cursor.take(".")) names.push(this.cursor.word("a type"));
    return names;
  }

  #data(): "verdict" | string[] {
    if (this.cursor.take("interval")) this.#found.dataIntervals = true;
    const names = this.#typeNames();
    return names[0] === "verdict" ? "verdict" : names;
  }

  /** By example: the types are those of expressions. */
  #typeof(): void {
    const { cursor } = this;
    const start = cursor.place;
    const around = surroundings(this.table);
    const types = (): readonly string[] => {
      const place = cursor.place;
      try {
        return typesOf(expression(cursor, around));
      } catch (error) {
        if (error instanceof RulesError) throw error;
        cursor.back(place); // nothing that is modelled
        while (!cursor.atEnd && !cursor.at(":")) cursor.next();
        return ["unknown"];
      }
    };
    this.#found.type = types();
    if (cursor.take(":")) {
      if (cursor.take("interval")) this.#found.dataIntervals = true;
      this.#found.data = cursor.take("verdict") ? "verdict" : types();
    }
    this.#found.typeof = cursor.since(start);
  }

  finished(name: string, isMap: boolean, line: number): DraftSet {
    const { type, data } = this.#found;
    if (!type) throw new RulesError(line, `set ${name} has no type`);
    if (isMap && data === undefined)
      throw new RulesError(line, `map ${name} does not say what it maps to: type KEY : VALUE`);
    if (!isMap && data !== undefined)
      throw new RulesError(line, `set ${name} maps its elements; write map instead of set`);
    return { ...this.#found, name, type, line, elements: new Map() };
  }

  /** Read when the set is known, whatever stood first. */
  readElements(set: DraftSet): void {
    if (this.#elements === undefined) return;
    const { cursor } = this;
    const end = cursor.place;
    cursor.back(this.#elements);
    const { line } = cursor;
    for (const each of readElements(cursor, set.type, set.data)) addTo(set, each, line);
    cursor.back(end);
  }
}
