/**
 * nftables' rules as data: a rule set holds tables, a table holds chains, sets and maps, a chain
 * holds rules, a rule holds statements. Text is one rendering of them (text.ts), a packet's walk
 * another (walk.ts).
 *
 *     const port = payload("th", "dport");
 *     const key = concat(payload("ip", "daddr"), meta("l4proto"), port);
 *     new Rule([{ kind: "vmap", key, map: { name: "web" } }]);        // … vmap @web
 *     new Rule([{ kind: "match", left: payload("ip", "saddr"), right: "10.0.0.0/8" }, accept]);
 *
 * Values are text, as nft prints them: "10.1.0.0/16", "tcp", "80-90", "0x00004000", "\"eth0\"",
 * "established,related"; those of a concatenation are joined by " . ".
 */
import type { Purpose, ShownRule } from "../dataplane.js";
import { compile, type Compiled } from "./compile.js";
import { ruleText } from "./text.js";

export type TableFamily = "ip" | "ip6" | "inet" | "arp" | "bridge" | "netdev";

/** What is compared: something of the packet, or made of it. */
export type Expression =
  /** ip daddr, tcp dport; `header` th: of whatever transport protocol. */
  | { readonly kind: "payload"; readonly header: string; readonly field: string }
  | { readonly kind: "meta"; readonly key: string }
  | {
      readonly kind: "ct";
      readonly key: string;
      readonly direction?: "original" | "reply" | undefined;
    }
  | { readonly kind: "fib"; readonly from: readonly string[]; readonly result: string }
  | {
      readonly kind: "numgen";
      readonly mode: "random" | "inc";
      readonly modulus: number;
      readonly offset?: number | undefined;
      /** Written as "meta random", without a mask or with that of 31 bits. */
      readonly isMeta?: true;
    }
  | { readonly kind: "concat"; readonly parts: readonly Expression[] }
  | {
      readonly kind: "bitwise";
      readonly op: "&" | "|" | "^";
      readonly left: Expression;
      readonly right: string;
    }
  /** What a map says of a key. */
  | { readonly kind: "map"; readonly key: Expression; readonly map: SetRef }
  | { readonly kind: "value"; readonly text: string };

/** A set or map of the table, or one that stands in the rule itself. */
export type SetRef =
  | { readonly name: string }
  /** isMany: more than one element was given, though they may be one interval now. */
  | { readonly elements: readonly Element[]; readonly isMany?: boolean };

export interface Element {
  readonly key: string;
  /** Maps only: what the key is mapped to. */
  readonly data?: Verdict | string | undefined;
  readonly comment?: string | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  readonly expires?: number | undefined;
  readonly counter?: Counted | undefined;
  /** What it is in the set for; a rule that finds it is for the same. */
  readonly purpose?: Purpose | undefined;
}

export interface Counted {
  readonly packets: number;
  readonly bytes: number;
}

export type Verdict =
  | { readonly kind: "accept" | "drop" | "return" | "continue" }
  | { readonly kind: "jump" | "goto"; readonly chain: string };

/** !: none of these flags. */
export type Operator = "==" | "!=" | "<" | ">" | "<=" | ">=" | "!";

export type NatFlag = "random" | "fully-random" | "persistent";

export type Statement =
  | Verdict
  | {
      readonly kind: "match";
      readonly left: Expression;
      /** Left out where nft prints none: equal, in the set, or one of the flags. */
      readonly op?: Operator | undefined;
      readonly right: string | SetRef;
    }
  | { readonly kind: "vmap"; readonly key: Expression; readonly map: SetRef }
  /** meta mark set … */
  | { readonly kind: "set"; readonly what: Expression; readonly to: Expression }
  | {
      readonly kind: "dnat" | "snat";
      /** As it stands in the text; in a table of one family it is that one. */
      readonly family?: "ip" | "ip6" | undefined;
      /** An address, a range of them, or what a map says (with a port, or without). */
      readonly address?: Expression | undefined;
      readonly port?: Expression | undefined;
      readonly flags?: readonly NatFlag[] | undefined;
    }
  | {
      readonly kind: "masquerade" | "redirect";
      readonly port?: Expression | undefined;
      readonly flags?: readonly NatFlag[] | undefined;
    }
  /** with: "tcp reset", "icmp host-unreachable"; default: a port that is not reachable. */
  | { readonly kind: "reject"; readonly with?: string | undefined }
  | ({ readonly kind: "counter" } & Counted)
  | {
      readonly kind: "update" | "add" | "delete";
      readonly set: string;
      readonly key: Expression;
      /** Milliseconds. Default: the set's. */
      readonly timeout?: number | undefined;
      readonly counter?: boolean | undefined;
    }
  | { readonly kind: "notrack" }
  | { readonly kind: "log"; readonly options?: string | undefined }
  /** Nothing that is modelled: nobody knows what becomes of the packet that meets it. */
  | { readonly kind: "unknown"; readonly text: string; readonly line?: number | undefined };

export class Rule implements ShownRule {
  #compiled: Compiled | undefined;

  constructor(
    readonly statements: readonly Statement[],
    readonly comment?: string,
    readonly purpose?: Purpose,
  ) {}

  /** What the walk does; made on first use, since most rules never see a packet. */
  get compiled(): Compiled {
    return (this.#compiled ??= compile(this.statements));
  }

  /** As `nft list ruleset` prints it. */
  text(): string {
    return ruleText(this);
  }
}

export type ChainType = "filter" | "nat" | "route";
export type BaseHook =
  "prerouting" | "input" | "forward" | "output" | "postrouting" | "ingress" | "egress";

/** Where a base chain sees packets, and when. */
export interface Base {
  readonly type: ChainType;
  readonly hook: BaseHook;
  /** Of the hooks that belong to a device. */
  readonly devices?: readonly string[] | undefined;
  readonly priority: number;
  /** What happens to a packet that reaches the end. Default: accept. */
  readonly policy?: "accept" | "drop" | undefined;
}

export interface Chain {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly comment?: string | undefined;
  readonly base?: Base | undefined;
  readonly purpose?: Purpose | undefined;
}

export type SetFlag = "constant" | "dynamic" | "interval" | "timeout";

/** A named set; with `data`, a map. */
export interface NamedSet {
  readonly name: string;
  /** The types of what is concatenated: ["ipv4_addr", "inet_proto", "inet_service"]. */
  readonly type: readonly string[];
  /** Where the type was given by example: what follows `typeof`. */
  readonly typeof?: string | undefined;
  /** Maps only: the types of what is found, or "verdict". */
  readonly data?: "verdict" | readonly string[] | undefined;
  /** Whether what is found may be ranges: `: interval ipv4_addr`. */
  readonly dataIntervals?: boolean | undefined;
  readonly flags?: readonly SetFlag[] | undefined;
  readonly size?: number | undefined;
  readonly policy?: "memory" | undefined;
  readonly autoMerge?: boolean | undefined;
  /** Each element counts its packets. */
  readonly counter?: boolean | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  readonly gcInterval?: number | undefined;
  readonly comment?: string | undefined;
  readonly elements: Elements;
  /**
   * Of a set that holds the machine's own addresses: which of them, by their places. Where they are
   * the same places on two machines, their sets say the same.
   */
  readonly own?: readonly number[] | undefined;
}

/** Elements in the order in which they are listed, found by their key. */
export interface Elements {
  readonly size: number;
  /** Whether `size` looks at them all, so that it costs less to ask for one. */
  readonly isUncounted?: boolean;
  get(key: string): Element | undefined;
  values(): Iterable<Element>;
}

export interface Table {
  readonly family: TableFamily;
  readonly name: string;
  readonly comment?: string | undefined;
  /** dormant: its base chains see no packets. */
  readonly flags?: readonly string[] | undefined;
  /** Blocks that are only carried along, as text without the tabs before them. */
  readonly others?: readonly string[] | undefined;
  chain(name: string): Chain | undefined;
  /** In the order in which they are listed. */
  chains(): Iterable<Chain>;
  set(name: string): NamedSet | undefined;
  sets(): Iterable<NamedSet>;
  /** Those of its chains that are base chains, where that is known without a look at them all. */
  baseChains?(): Iterable<Chain>;
}

/**
 * What a kernel holds, of all families. It does not change: a new one takes its place, all at once,
 * as a transaction does. What packets put into sets is not in it, but in the dataplane.
 */
export interface RuleSet {
  tables(): Iterable<Table>;
}

/** What a table of given parts is made of. */
export interface TableParts extends Pick<
  Table,
  "family" | "name" | "comment" | "flags" | "others"
> {
  chains?: Iterable<Chain>;
  sets?: Iterable<NamedSet>;
}

/** A table of given chains, sets and maps. */
export class PlainTable implements Table {
  readonly family: TableFamily;
  readonly name: string;
  readonly comment: string | undefined;
  readonly flags: readonly string[] | undefined;
  readonly others: readonly string[] | undefined;
  readonly #chains: ReadonlyMap<string, Chain>;
  readonly #sets: ReadonlyMap<string, NamedSet>;
  #bases: readonly Chain[] | undefined;

  constructor({ family, name, comment, flags, others, chains = [], sets = [] }: TableParts) {
    this.family = family;
    this.name = name;
    this.comment = comment;
    this.flags = flags;
    this.others = others;
    this.#chains = new Map([...chains].map((chain) => [chain.name, chain]));
    this.#sets = new Map([...sets].map((set) => [set.name, set]));
  }

  chain(name: string): Chain | undefined {
    return this.#chains.get(name);
  }

  chains(): Iterable<Chain> {
    return this.#chains.values();
  }

  baseChains(): Iterable<Chain> {
    return (this.#bases ??= [...this.#chains.values()].filter(({ base }) => base));
  }

  set(name: string): NamedSet | undefined {
    return this.#sets.get(name);
  }

  sets(): Iterable<NamedSet> {
    return this.#sets.values();
  }
}

/** The rule set of these tables. */
export const ruleSetOf = (...tables: readonly Table[]): RuleSet => ({ tables: () => tables });

/** These elements, by their keys. */
export const elementsOf = (elements: Iterable<Element>): Elements =>
  new Map(Array.from(elements, (each) => [each.key, each]));

// ---- short forms for whoever writes rules -------------------------------------------------------

export const payload = (header: string, field: string): Expression => ({
  kind: "payload",
  header,
  field,
});
export const meta = (key: string): Expression => ({ kind: "meta", key });
export const concat = (...parts: readonly Expression[]): Expression => ({ kind: "concat", parts });
export const value = (text: string): Expression => ({ kind: "value", text });

export const accept: Verdict = { kind: "accept" };
export const drop: Verdict = { kind: "drop" };
export const jump = (chain: string): Verdict => ({ kind: "jump", chain });
export const goto = (chain: string): Verdict => ({ kind: "goto", chain });
