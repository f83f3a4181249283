import type { Family } from "../../net/ip.js";
import type { Kernel } from "../../net/kernel.js";
import type { NodeRuleTables } from "./rule-tables.js";

/** A node's rules as text told them, whichever tool printed it; and what they tell of the node. */
export interface OpenedRules {
  install(kernel: Kernel): void;
  readonly rows: Pick<NodeRuleTables, "chain" | "chains" | "of" | "endpoints">;
  text(): string;
  /** Where rules send packets: the endpoints, as far as the text tells. */
  readonly goals: ReadonlySet<string>;
  /** Ranges that rules take for Pods'. */
  readonly podRanges: readonly string[];
  /** What rules take for Services' addresses: nobody has them. */
  readonly services: ReadonlySet<string>;
  /** The node's own addresses, where rules name them. */
  readonly addresses: readonly string[];
  /** Device that rules ask for -> the ranges that they name beside it: "docker0", "cali+". */
  readonly devices: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether it is a rule of kube-proxy's, of which it is known what it is for. */
  isOwn?(chain: string, rule: string): boolean;
  /** What was no rule, or had to be made up. */
  readonly warnings: readonly string[];
  /** Marker -> the rule that is not modelled: the packet that meets it is lost to us. */
  readonly unmodelled: ReadonlyMap<string, string>;
}

/** Who reads the rules of one tool. */
export interface RulesReader {
  isMine(text: string): boolean;
  /** Throws a RulesError with the line where the text is no such rules. */
  open(text: string, family: Family): OpenedRules;
}

const readers: RulesReader[] = [];

/** From now on it is asked before those that came earlier. */
export const addReader = (reader: RulesReader): void => void readers.unshift(reader);

/** Who reads this text; undefined: nobody says that it is his. */
export const readerOf = (text: string): RulesReader | undefined =>
  readers.find((reader) => reader.isMine(text));

/** What one rule tells of a device: its name, and the ranges that the rule names beside it. */
export type Told = readonly [device: string, ranges: readonly string[]];

export function byDevice(told: Iterable<Told>): OpenedRules["devices"] {
  const found = new Map<string, Set<string>>();
  for (const [device, ranges] of told) {
    const all = found.get(device) ?? new Set();
    for (const range of ranges) all.add(range);
    found.set(device, all);
  }
  return found;
}
