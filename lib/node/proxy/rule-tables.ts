/** A node's rules as readers meet them: rows with their reasons, and text. */

/** What a node's kernel holds, as rows and as text. */
export interface NodeRuleTables {
  /** The mode of kube-proxy's that wrote them: "iptables", "nftables"; "" where nobody names it. */
  readonly mode: string;
  /**
   * A chain's rules with their reasons; none where there is no such chain. `table`: default "nat".
   */
  chain(name: string, table?: string): RuleRow[];
  /** All chains of a table with what each is for. `table`: default "nat". */
  chains(table?: string): ChainRow[];
  /**
   * All rules for one Service ("default/nginx") or one of its ports ("default/nginx:http"), of all
   * tables, chain by chain.
   */
  of(service: string): RuleRow[];
  /** Where these rules send a Service's connections: "10.1.1.2:80", … */
  endpoints(service: string): string[];
  /** As iptables-save or nft list ruleset prints them. */
  text(family?: "IPv4" | "IPv6"): string;
  /** What kube-proxy gives iptables-restore or nft on a full sync. */
  restoreText(family?: "IPv4" | "IPv6"): string;
  /**
   * What nft was given by the last sync of a family, a text for each transaction: after a change,
   * what changed. undefined after a full sync that found a table, and in other modes.
   */
  sentTexts?(family?: "IPv4" | "IPv6"): readonly string[] | undefined;
  /**
   * What the same tool shows in an empty kernel that was given restoreText (and the jumps): without
   * canaries, others' rules and chains that a change left behind.
   */
  saveText(family?: "IPv4" | "IPv6"): string;
}

/** The same of one address family. */
export interface FamilyTables extends Pick<
  NodeRuleTables,
  "chain" | "chains" | "of" | "endpoints" | "sentTexts"
> {
  text(): string;
  restoreText(): string;
  saveText(): string;
}

/** What there is to read where a mode writes nothing that one could read. */
export const nothingToRead: Pick<NodeRuleTables, "chain" | "chains" | "of" | "endpoints"> = {
  chain: () => [],
  chains: () => [],
  of: () => [],
  endpoints: () => [],
};

/** One rule of a node, with its reason. */
export interface RuleRow {
  table: string;
  chain: string;
  rule: string;
  /** The object that caused it: "Service default/nginx". */
  object?: string;
  /** The field of that object. */
  field?: string;
  /** What it does, in one sentence, and in brackets what it comes from. */
  why: string;
}

/** One chain of a node, in short. */
export interface ChainRow {
  chain: string;
  rules: number;
  /** What it is for; left out where it is none of kube-proxy's or the kernel's. */
  why: string | undefined;
}
