/**
 * What packets leave behind in a kernel's nftables: elements of sets, marks of connections, the
 * place of a numgen that counts. (net/netfilter/nft_dynset.c, nft_ct.c, nft_numgen.c)
 */
import type { Connection } from "../conntrack.js";
import type { Element, Expression, NamedSet, RuleSet, Table } from "./ruleset.js";

type Entries = Map<string, Map<string, number>>;
type Undo = (() => void)[] | undefined;

/** What a set holds at most that packets add to, unless it says so. (src/evaluate.c) */
export const usualSize = 65_535;

export class Memory {
  /** Table -> set -> key -> when it expires, in milliseconds. */
  readonly #tables = new Map<string, Entries>();
  /** The same by the table that asks: a name is put together once. */
  #known = new WeakMap<Table, Entries>();
  readonly #marks = new WeakMap<Connection, number>();
  readonly #counts = new WeakMap<Expression, number>();

  constructor(readonly clock: { now(): number }) {}

  /** An element that a packet put there, and that has not expired. */
  element(table: Table, { name }: NamedSet, key: string): Element | undefined {
    if (this.#tables.size === 0) return undefined;
    const expires = this.#of(table).get(name)?.get(key);
    return expires !== undefined && expires > this.clock.now() ? { key } : undefined;
  }

  /** Whether no packet put anything into a set. */
  hasNothingFor(table: Table, { name }: NamedSet): boolean {
    return this.#tables.size === 0 || !this.#of(table).has(name);
  }

  #of(table: Table): Entries {
    let entries = this.#known.get(table);
    if (entries) return entries;
    const name = nameOf(table);
    entries = this.#tables.get(name) ?? new Map<string, Map<string, number>>();
    this.#tables.set(name, entries);
    this.#known.set(table, entries);
    return entries;
  }

  /** `add` leaves an element as it is, `update` gives it its time anew. False: the set is full. */
  put(
    table: Table,
    set: NamedSet,
    key: string,
    how: "add" | "update",
    timeout: number | undefined,
    undo: Undo,
  ): boolean {
    const all = this.#of(table);
    const entries = all.get(set.name) ?? new Map<string, number>();
    all.set(set.name, entries);
    const before = entries.get(key);
    const isThere = before !== undefined && before > this.clock.now();
    if (isThere && how === "add") return true;
    if (!isThere && set.elements.get(key)) return true;
    if (!isThere && this.#isFull(set, entries)) return false;
    undo?.push(() => (before === undefined ? entries.delete(key) : entries.set(key, before)));
    entries.set(key, this.clock.now() + (timeout ?? set.timeout ?? Infinity));
    return true;
  }

  #isFull({ size = usualSize, elements }: NamedSet, entries: Map<string, number>): boolean {
    if (elements.size + entries.size < size) return false;
    for (const [key, expires] of entries) if (expires <= this.clock.now()) entries.delete(key);
    return elements.size + entries.size >= size;
  }

  take(table: Table, set: NamedSet, key: string, undo: Undo): void {
    const entries = this.#of(table).get(set.name);
    const before = entries?.get(key);
    if (entries === undefined || before === undefined) return;
    undo?.push(() => entries.set(key, before));
    entries.delete(key);
  }

  /** Forgets the sets that are not there any more. */
  keepWhatIsIn(rules: RuleSet | undefined): void {
    if (this.#tables.size === 0) return;
    this.#known = new WeakMap();
    const tables = new Map(Array.from(rules?.tables() ?? [], (table) => [nameOf(table), table]));
    for (const [name, entries] of this.#tables) {
      const table = tables.get(name);
      if (!table) this.#tables.delete(name);
      else for (const set of entries.keys()) if (!table.set(set)) entries.delete(set);
    }
  }

  connectionMark(connection: Connection): number {
    return this.#marks.get(connection) ?? 0;
  }

  mark(connection: Connection, mark: number, undo: Undo): void {
    const before = this.connectionMark(connection);
    undo?.push(() => this.#marks.set(connection, before));
    this.#marks.set(connection, mark);
  }

  /** 0, 1 … modulus - 1, and again. */
  count(expression: Expression, modulus: number, undo: Undo): number {
    const next = this.#counts.get(expression) ?? 0;
    undo?.push(() => this.#counts.set(expression, next));
    this.#counts.set(expression, (next + 1) % modulus);
    return next;
  }
}

const nameOf = ({ family, name }: Table): string => `${family} ${name}`;
