/**
 * What packets leave behind in a kernel's nftables: elements of sets, marks of connections, the
 * place of a numgen that counts. (net/netfilter/nft_dynset.c, nft_ct.c, nft_numgen.c)
 */
import type { Connection } from "../conntrack.js";
import type { Element, Expression, NamedSet, RuleSet, Table } from "./ruleset.js";

type Undo = (() => void)[] | undefined;

/** What a set holds at most that packets add to, unless it says so. (src/evaluate.c) */
export const usualSize = 65_535;

export class Memory {
  /** Set -> key -> when it expires, in milliseconds. */
  readonly #sets = new Map<string, Map<string, number>>();
  readonly #marks = new WeakMap<Connection, number>();
  readonly #counts = new WeakMap<Expression, number>();

  constructor(readonly clock: { now(): number }) {}

  /** An element that a packet put there, and that has not expired. */
  element(table: Table, set: NamedSet, key: string): Element | undefined {
    if (this.#sets.size === 0) return undefined;
    const expires = this.#sets.get(nameOf(table, set.name))?.get(key);
    return expires !== undefined && expires > this.clock.now() ? { key } : undefined;
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
    const name = nameOf(table, set.name);
    const entries = this.#sets.get(name) ?? new Map<string, number>();
    this.#sets.set(name, entries);
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
    const entries = this.#sets.get(nameOf(table, set.name));
    const before = entries?.get(key);
    if (entries === undefined || before === undefined) return;
    undo?.push(() => entries.set(key, before));
    entries.delete(key);
  }

  /** Forgets the sets that are not there any more. */
  keepWhatIsIn(rules: RuleSet | undefined): void {
    if (this.#sets.size === 0) return;
    const kept = new Set<string>();
    for (const table of rules?.tables() ?? [])
      for (const name of this.#namesIn(table)) if (table.set(name)) kept.add(nameOf(table, name));
    for (const name of this.#sets.keys()) if (!kept.has(name)) this.#sets.delete(name);
  }

  *#namesIn(table: Table): Generator<string> {
    const start = nameOf(table, "");
    for (const name of this.#sets.keys())
      if (name.startsWith(start)) yield name.slice(start.length);
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

/** Names hold no line break. */
const nameOf = ({ family, name }: Table, set: string): string => `${family}\n${name}\n${set}`;
