/**
 * What one node's kube-proxy gave its kernel: a rule set that refers to the rules which all nodes
 * share (shared.ts), as of one version, and adds what is the node's own. Chains are put together
 * when somebody walks or prints them.
 */
import { Rule } from "../../../net/iptables/rule.js";
import type { Chain, Match, RuleSet } from "../../../net/iptables/syntax.js";
import { builtinChains, type Hook, type TableName } from "../../../net/iptables/tables.js";
import { restoreRule, ruleText, saveText } from "../../../net/iptables/text.js";
import { configOn, counters, nodePortIPs, type FamilyConfig, type NodeView } from "../config.js";
import { canary, placeOf, purposeOf, readOwn } from "./names.js";
import { comment, jump, type PortRules, type Program } from "./program.js";
import type { ServiceState } from "../frontend.js";
import type { SharedRules } from "./shared.js";

/**
 * Endpoints of the whole cluster above which kube-proxy drops comments and puts off its cleaning
 * (largeClusterEndpointsThreshold).
 */
export const largeCluster = 1000;

const conntrackNew: Match = { kind: "conntrack", states: ["NEW"] };

/**
 * The jumps from the built-in chains, in the order in which kube-proxy makes sure of them; each is
 * put before those already there.
 */
const jumps: readonly { table: TableName; from: Hook; rule: Rule }[] = (
  [
    [
      "filter",
      "INPUT",
      "KUBE-EXTERNAL-SERVICES",
      "kubernetes externally-visible service portals",
      true,
    ],
    [
      "filter",
      "FORWARD",
      "KUBE-EXTERNAL-SERVICES",
      "kubernetes externally-visible service portals",
      true,
    ],
    ["filter", "INPUT", "KUBE-NODEPORTS", "kubernetes health check service ports", false],
    ["filter", "FORWARD", "KUBE-SERVICES", "kubernetes service portals", true],
    ["filter", "OUTPUT", "KUBE-SERVICES", "kubernetes service portals", true],
    ["filter", "FORWARD", "KUBE-FORWARD", "kubernetes forwarding rules", false],
    ["filter", "INPUT", "KUBE-PROXY-FIREWALL", "kubernetes load balancer firewall", true],
    ["filter", "OUTPUT", "KUBE-PROXY-FIREWALL", "kubernetes load balancer firewall", true],
    ["filter", "FORWARD", "KUBE-PROXY-FIREWALL", "kubernetes load balancer firewall", true],
    ["nat", "OUTPUT", "KUBE-SERVICES", "kubernetes service portals", false],
    ["nat", "PREROUTING", "KUBE-SERVICES", "kubernetes service portals", false],
    ["nat", "POSTROUTING", "KUBE-POSTROUTING", "kubernetes postrouting rules", false],
    ["filter", "INPUT", "KUBE-FIREWALL", "", false],
    ["filter", "OUTPUT", "KUBE-FIREWALL", "", false],
  ] as const
).map(([table, from, chain, text, onlyNew]) => ({
  table,
  from,
  rule: new Rule(
    [...(onlyNew ? [conntrackNew] : []), ...(text ? [comment(text)] : [])],
    jump(chain),
  ),
}));

/** The chains that kube-proxy declares first in each table, in its order. */
const topLevel = {
  filter: [
    "KUBE-SERVICES",
    "KUBE-EXTERNAL-SERVICES",
    "KUBE-FORWARD",
    "KUBE-NODEPORTS",
    "KUBE-PROXY-FIREWALL",
  ],
  nat: ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"],
} as const;

/** The rules that no Service causes. */
function fixedRules({
  family,
  masqueradeMark: value,
  localhostNodePorts,
  tcpLiberal,
  nfacct,
  randomFully,
}: FamilyConfig): Readonly<Record<string, readonly Rule[]>> {
  const marked: Match = { kind: "mark", value, mask: value };
  const count: Match[] = nfacct.has(counters.invalid)
    ? [{ kind: "nfacct", name: counters.invalid }]
    : [];
  const localnet: Match[] = [
    { kind: "destination", cidr: "127.0.0.0/8" },
    { kind: "source", cidr: "127.0.0.0/8", not: true },
  ];
  return {
    "nat KUBE-POSTROUTING": [
      new Rule([{ ...marked, not: true }], { kind: "RETURN" }),
      new Rule([], { kind: "MARK", value, mask: 0, written: "xor-mark" }),
      new Rule([comment("kubernetes service traffic requiring SNAT")], {
        kind: "MASQUERADE",
        ...(randomFully && { randomFully }),
      }),
    ],
    "nat KUBE-MARK-MASQ": [new Rule([], { kind: "MARK", value, mask: value, written: "or-mark" })],
    "filter KUBE-FORWARD": [
      ...(tcpLiberal
        ? []
        : [new Rule([{ kind: "conntrack", states: ["INVALID"] }, ...count], { kind: "DROP" })]),
      new Rule([comment("kubernetes forwarding rules"), marked], { kind: "ACCEPT" }),
      new Rule(
        [
          comment("kubernetes forwarding conntrack rule"),
          { kind: "conntrack", states: ["RELATED", "ESTABLISHED"] },
        ],
        { kind: "ACCEPT" },
      ),
    ],
    "filter KUBE-FIREWALL":
      family === "IPv4" && localhostNodePorts
        ? [
            new Rule(
              [
                comment("block incoming localnet connections"),
                ...localnet,
                { kind: "conntrack", states: ["RELATED", "ESTABLISHED", "DNAT"], not: true },
              ],
              { kind: "DROP" },
            ),
          ]
        : [],
  };
}
const fixedByConfig = new WeakMap<FamilyConfig, ReturnType<typeof fixedRules>>();
function fixed(config: FamilyConfig): ReturnType<typeof fixedRules> {
  let rules = fixedByConfig.get(config);
  if (rules === undefined) fixedByConfig.set(config, (rules = fixedRules(config)));
  return rules;
}

/** Which local addresses NodePorts answer on; always the last rules of KUBE-SERVICES. */
function nodePortTail(config: FamilyConfig, view: NodeView): readonly Rule[] {
  const { family, nodePortAddresses, localhostNodePorts } = config;
  const text = comment(
    "kubernetes service nodeports; NOTE: this must be the last rule in this chain",
  );
  const tail = (...matches: Match[]): Rule =>
    new Rule([text, ...matches], jump("KUBE-NODEPORTS"), {
      field: "KubeProxyConfiguration nodePortAddresses",
    });
  if (nodePortAddresses === "all") {
    const notLoopback: Match[] = localhostNodePorts
      ? []
      : [{ kind: "destination", cidr: family === "IPv4" ? "127.0.0.0/8" : "::1/128", not: true }];
    return [tail({ kind: "addrtype", side: "dst", type: "LOCAL" }, ...notLoopback)];
  }
  return nodePortIPs(view, config)
    .filter(({ loopback }) => !loopback || localhostNodePorts)
    .map(({ text }) => tail({ kind: "destination", cidr: text }));
}

export interface NodeRulesOptions {
  /** Since which version Services were written in the large cluster's way; see KubeProxy. */
  large?: readonly { after: number; large: boolean }[];
  /** Chains that no rule refers to any more, and that kube-proxy has not removed yet. */
  stale?: ReadonlyMap<string, Chain>;
  /** Whether KUBE-PROXY-CANARY is there. Default: false. */
  canary?: boolean;
  /** What others put into the same kernel: their rules stand behind kube-proxy's jumps. */
  base?: RuleSet | undefined;
}

export class NodeRules implements RuleSet {
  #localKey: string | undefined;
  readonly #known: Partial<Record<TableName, Map<string, Chain>>> = {};

  constructor(
    readonly shared: SharedRules,
    readonly version: number,
    readonly view: NodeView,
    readonly options: NodeRulesOptions = {},
  ) {}

  get config(): FamilyConfig {
    return configOn(this.view, this.shared.config);
  }

  get family(): FamilyConfig["family"] {
    return this.config.family;
  }

  /** This node's rules of one service port. */
  program(port: PortRules, state: ServiceState): Program {
    return port.program(this.view, this.#isLarge(state));
  }

  #isLarge({ version }: ServiceState): boolean {
    return (
      this.options.large?.findLast(({ after }) => version > after)?.large ??
      this.shared.table.endpoints > largeCluster
    );
  }

  /** All service ports' rules, in the order in which kube-proxy writes them. */
  *programs(
    of: Iterable<ServiceState> = this.shared.table.statesAt(this.version),
  ): Generator<Program> {
    for (const state of of)
      for (const port of this.shared.portsOf(state)) yield this.program(port, state);
  }

  chain(table: TableName, name: string): Chain | undefined {
    const known = (this.#known[table] ??= new Map<string, Chain>());
    let chain = known.get(name);
    if (chain === undefined && (chain = this.#find(table, name))) known.set(name, chain);
    return chain;
  }

  #find(table: TableName, name: string): Chain | undefined {
    if ((builtinChains[table] as readonly string[]).includes(name))
      return this.#hasTable(table) ? this.#builtin(table, name) : undefined;
    if (name === canary)
      return this.options.canary && table !== "raw"
        ? { name, rules: [], purpose: purposeOf("canary") }
        : undefined;
    const rules = this.#topLevel(table, name);
    if (rules) return { name, rules, purpose: purposeOf(placeOf(table, name)) };
    const ours = table === "nat" ? this.#portChain(name) : undefined;
    return (
      ours ??
      (table === "nat" ? this.options.stale?.get(name) : undefined) ??
      this.options.base?.chain(table, name)
    );
  }

  /** Tables come into being with what is first put into them. */
  #hasTable(table: TableName): boolean {
    return (
      table === "nat" ||
      table === "filter" ||
      (table === "mangle" && this.options.canary === true) ||
      this.options.base?.chains(table)[Symbol.iterator]().next().done === false
    );
  }

  #builtin(table: TableName, name: string): Chain {
    const base = this.options.base?.chain(table, name);
    const there = new Set(base?.rules.map((rule) => ruleText(rule, this.family)));
    const isThere = (rule: Rule) => there.size > 0 && there.has(ruleText(rule, this.family));
    const ours = jumps
      .filter((each) => each.table === table && each.from === name && !isThere(each.rule))
      .map(({ rule }) => rule);
    return {
      name,
      rules: [...ours.reverse(), ...(base?.rules ?? [])],
      policy: base?.policy ?? "ACCEPT",
    };
  }

  #topLevel(table: TableName, name: string): readonly Rule[] | undefined {
    const fixedChain = fixed(this.config)[`${table} ${name}`];
    if (fixedChain) return fixedChain;
    if (table !== "nat" && table !== "filter") return undefined;
    if (!(topLevel[table] as readonly string[]).includes(name)) return undefined;
    const rules = this.shared.sharedChain(
      this.version,
      this.view,
      (this.#localKey ??= this.shared.localKey(this.version, this.view.name)),
      table,
      name,
    );
    return table === "nat" && name === "KUBE-SERVICES"
      ? [...rules, ...nodePortTail(this.config, this.view)]
      : rules;
  }

  /**
   * A chain of some port. KUBE-SEP chains are searched for: packets get there from their port's
   * rules, only readers ask by name.
   */
  #portChain(name: string): Chain | undefined {
    const own = readOwn(name);
    if (own === undefined) return undefined;
    if (own.word !== "SEP") {
      const found = this.shared.portOf(own.hash, this.version);
      return found && this.program(found.port, found.state).chain(name);
    }
    for (const program of this.programs())
      for (const each of program.chainNames()) if (each === name) return program.chain(name);
    return undefined;
  }

  *chains(table: TableName): Generator<Chain> {
    const names = new Set<string>(this.#hasTable(table) ? builtinChains[table] : []);
    if (table === "nat" || table === "filter") topLevel[table].forEach((name) => names.add(name));
    if (table === "filter") names.add("KUBE-FIREWALL");
    if (this.options.canary && table !== "raw") names.add(canary);
    for (const { name } of this.options.base?.chains(table) ?? [])
      if (!readOwn(name)) names.add(name);
    for (const name of names) yield this.chain(table, name)!;
    if (table !== "nat") return;
    for (const program of this.programs()) yield* program.chains.values();
    yield* this.options.stale?.values() ?? [];
  }

  /**
   * The rules that a full sync would leave in an empty kernel: every Service written in one way (in
   * a large cluster, without comments), nothing stale, nobody else's rules, and not the canary,
   * which is no part of what kube-proxy gives iptables-restore.
   */
  asFullSync(): NodeRules {
    const large = this.options.large?.at(-1)?.large ?? this.shared.table.endpoints > largeCluster;
    return new NodeRules(this.shared, this.version, this.view, { large: [{ after: -1, large }] });
  }

  /** As iptables-save prints it, once the kernel holds it. */
  saveText(): string {
    return saveText(this);
  }

  /**
   * What kube-proxy gives iptables-restore, byte for byte. `changed`: the Services whose own chains
   * a partial sync writes; left out: all, a full sync. `deleted`: the chains to remove.
   */
  restoreText(changed?: ReadonlySet<string>, deleted: Iterable<string> = []): string {
    const rules = changed ? this : this.asFullSync();
    return restoreFilter(rules) + restoreNat(rules, changed, [...deleted]);
  }
}

const chainLine = (name: string): string => `:${name} - [0:0]\n`;
const table = (name: string, chains: string, rules: string): string =>
  `*${name}\n${chains}${rules}COMMIT\n`;
const write = (rules: readonly Rule[], chain: string): string => {
  let text = "";
  for (const rule of rules) text += `${restoreRule(rule, chain)}\n`;
  return text;
};

function restoreFilter(node: NodeRules): string {
  const own = fixed(node.config);
  const firewall = own["filter KUBE-FIREWALL"]!;
  const chains =
    topLevel.filter.map(chainLine).join("") +
    (firewall.length > 0 ? chainLine("KUBE-FIREWALL") : "");
  let rules = write(firewall, "KUBE-FIREWALL");
  for (const {
    shared: { filter },
  } of node.programs()) {
    const external = filter["KUBE-EXTERNAL-SERVICES"];
    // these come before the firewall's, the others after
    const first = external.filter(({ purpose }) =>
      purpose!.field!.startsWith("spec.externalIPs"),
    ).length;
    rules +=
      write(filter["KUBE-SERVICES"], "KUBE-SERVICES") +
      write(external.slice(0, first), "KUBE-EXTERNAL-SERVICES");
    rules +=
      write(filter["KUBE-PROXY-FIREWALL"], "KUBE-PROXY-FIREWALL") +
      write(external.slice(first), "KUBE-EXTERNAL-SERVICES");
    rules += write(filter["KUBE-NODEPORTS"], "KUBE-NODEPORTS");
  }
  return table("filter", chains, rules + write(own["filter KUBE-FORWARD"]!, "KUBE-FORWARD"));
}

function restoreNat(
  node: NodeRules,
  changed: ReadonlySet<string> | undefined,
  deleted: readonly string[],
): string {
  const own = fixed(node.config);
  let chains = topLevel.nat.map(chainLine).join("");
  let rules =
    write(own["nat KUBE-POSTROUTING"]!, "KUBE-POSTROUTING") +
    write(own["nat KUBE-MARK-MASQ"]!, "KUBE-MARK-MASQ");
  for (const program of node.programs()) {
    const { nat } = program.shared;
    rules +=
      write(nat["KUBE-SERVICES"], "KUBE-SERVICES") + write(nat["KUBE-NODEPORTS"], "KUBE-NODEPORTS");
    if (changed && !changed.has(program.state.info.service)) continue;
    const first = program.masqueradeFirst;
    if (first) rules += write(program.chains.get(first)!.rules.slice(0, 1), first);
    for (const { name, rules: all } of program.chains.values()) {
      chains += chainLine(name);
      rules += write(name === first ? all.slice(1) : all, name);
    }
  }
  for (const name of deleted) chains += chainLine(name);
  for (const name of deleted) rules += `-X ${name}\n`;
  return table("nat", chains, rules + write(nodePortTail(node.config, node.view), "KUBE-SERVICES"));
}
