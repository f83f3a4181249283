/**
 * What one node's kube-proxy gave its kernel: a table that refers to the rules which all nodes
 * share (shared.ts), as of one version. Chains and elements are put together when somebody looks at
 * them: a packet finds its element and its chains without a search among the Services.
 */
import {
  elementsOf,
  type Chain,
  type Elements,
  type NamedSet,
  type Table,
} from "../../../net/nftables/ruleset.js";
import { inOrder } from "../../../net/nftables/order.js";
import { configOn, type FamilyConfig, type NodeView } from "../config.js";
import type { ServiceState } from "../frontend.js";
import { nodePortSet, sharedChains, sharedSets } from "./base.js";
import { purposeOf, tableName } from "./names.js";
import type { Program, SharedSet } from "./program.js";
import { ip, saysTheSame, type ProxyElement } from "./rules.js";
import type { SharedRules } from "./shared.js";

export interface NodeTableOptions {
  /** Chains that nothing refers to any more, empty, and not yet deleted. */
  stale?: Iterable<string>;
  serviceCIDRs?: readonly string[] | undefined;
  /**
   * Comments of elements that an earlier sync wrote (by set and key): one that stays what it was
   * keeps its comment, whoever claims it now.
   */
  comments?: ReadonlyMap<string, string>;
}

export class NodeTable implements Table {
  readonly name = tableName;
  readonly comment = "rules for kube-proxy";
  readonly family: "ip" | "ip6";
  readonly config: FamilyConfig;
  readonly #stale: ReadonlySet<string>;
  readonly #chains = new Map<string, Chain | undefined>();
  readonly #sets = new Map<string, NamedSet | undefined>();
  readonly #elements = new Map<SharedSet, Elements>();
  #shared: ReadonlyMap<string, Chain> | undefined;

  constructor(
    readonly rules: SharedRules,
    readonly version: number,
    readonly view: NodeView,
    readonly options: NodeTableOptions = {},
  ) {
    this.config = configOn(view, rules.config);
    this.family = ip(this.config.family);
    this.#stale = new Set(options.stale);
  }

  /** All service ports' rules on this node. */
  *programs(
    of: Iterable<ServiceState> = this.rules.table.statesAt(this.version),
  ): Generator<Program> {
    for (const state of of)
      for (const port of this.rules.portsOf(state)) yield port.program(this.view);
  }

  /** The rules of one Service's ports. */
  programsOf(service: string): Program[] {
    return this.rules.portsAt(service, this.version).map((port) => port.program(this.view));
  }

  // ---- chains ----

  /** The chains that all Services share. */
  get sharedChains(): ReadonlyMap<string, Chain> {
    return (this.#shared ??= sharedChains(this.config, this.options.serviceCIDRs ?? [], this.view));
  }

  chain(name: string): Chain | undefined {
    const known = this.#chains.get(name);
    if (known !== undefined || this.#chains.has(name)) return known;
    const chain = this.#findChain(name);
    this.#chains.set(name, chain);
    return chain;
  }

  #findChain(name: string): Chain | undefined {
    const shared = this.sharedChains.get(name);
    if (shared) return shared;
    for (const port of this.rules.portsFor(name, this.version)) {
      const chain = port.program(this.view).chain(name);
      if (chain) return chain;
    }
    return this.#stale.has(name) ? emptied(name) : undefined;
  }

  /** Whether a service port has a chain of this name. */
  uses(name: string): boolean {
    return this.rules
      .portsFor(name, this.version)
      .some((port) => port.program(this.view).names.has(name));
  }

  *baseChains(): Generator<Chain> {
    for (const chain of this.sharedChains.values()) if (chain.base) yield chain;
  }

  /** The shared ones, then each port's in the order in which a full sync makes them. */
  *chains(): Generator<Chain> {
    yield* this.sharedChains.values();
    for (const program of this.programs()) yield* program.chains();
    for (const name of this.#stale) yield emptied(name);
  }

  // ---- sets and maps ----

  set(name: string): NamedSet | undefined {
    const known = this.#sets.get(name);
    if (known !== undefined || this.#sets.has(name)) return known;
    const set = this.#findSet(name);
    this.#sets.set(name, set);
    return set;
  }

  #findSet(name: string): NamedSet | undefined {
    const shared = this.#sharedSets().find((each) => each.name === name);
    if (shared) return shared;
    for (const port of this.rules.portsFor(name, this.version)) {
      const set = port.program(this.view).sets.get(name);
      if (set) return set;
    }
    return undefined;
  }

  #sharedSets(): NamedSet[] {
    return sharedSets(this.config).map((set) =>
      set.name === "nodeport-ips"
        ? { ...set, ...nodePortSet(this.view, this.config) }
        : { ...set, elements: this.#elementsOf(set.name as SharedSet) },
    );
  }

  /** Nodes that see the same share them, but for what earlier syncs left behind. */
  #elementsOf(set: SharedSet): Elements {
    const make = (): Elements => new SharedElements(this, set);
    if (this.options.comments?.size || set === "hairpin-connections") return make();
    this.#alike ??= this.rules.alikeKey(this.version, this.view);
    return this.rules.shared(`${this.version} ${set} ${this.#alike}`, make);
  }
  #alike: string | undefined;

  *sets(): Generator<NamedSet> {
    yield* this.#sharedSets();
    for (const program of this.programs()) yield* program.sets.values();
  }

  /** An element of one of the shared sets; `held`: what was there before, and stays if it may. */
  element(set: SharedSet, key: string, held?: ProxyElement): ProxyElement | undefined {
    let found: ProxyElement | undefined;
    for (const service of this.rules.ownersOf(key, this.version))
      for (const program of this.programsOf(service))
        for (const each of this.elementsIn(program, set) ?? [])
          if (each.key === key) found = written(found ?? held, each);
    return found && this.#asWritten(set, found);
  }

  /** What a port has in a set. Hairpins differ from node to node, whatever else is the same. */
  elementsIn(program: Program, set: SharedSet): readonly ProxyElement[] | undefined {
    if (set === "hairpin-connections") return program.hairpins(this.view.name);
    return program.elements[set];
  }

  #asWritten(set: SharedSet, element: ProxyElement): ProxyElement {
    const comment = this.options.comments?.get(`${set} ${element.key}`);
    return comment === undefined ? element : { ...element, comment };
  }

  /** All elements of one of the shared sets, in the order in which they are listed. */
  elements(set: SharedSet): Elements {
    let elements = this.#elements.get(set);
    if (elements === undefined) {
      const all = new Map<string, ProxyElement>();
      for (const program of this.programs())
        for (const element of this.elementsIn(program, set) ?? [])
          all.set(element.key, written(all.get(element.key), element));
      if (this.options.comments?.size)
        for (const [key, element] of all) all.set(key, this.#asWritten(set, element));
      this.#elements.set(set, (elements = elementsOf(inOrder(all.values(), this.#types(set)))));
    }
    return elements;
  }

  #types(name: SharedSet): readonly string[] {
    return sharedSets(this.config).find((set) => set.name === name)!.type;
  }

  /** The same without what is left of earlier syncs. */
  asFullSync(): NodeTable {
    const { serviceCIDRs } = this.options;
    return new NodeTable(this.rules, this.version, this.view, { serviceCIDRs });
  }
}

/**
 * Of two that claim a key, the one that is written later has it; where they say the same, nothing
 * is written, and the comment stays. (nftElementStorage, ensureElem)
 */
const written = (held: ProxyElement | undefined, next: ProxyElement): ProxyElement =>
  held !== undefined && saysTheSame(held, next) ? held : next;

/**
 * From so many endpoints on, to count elements costs more than a packet saves by it; and no more
 * elements are remembered.
 */
const many = 1000;

/** The elements of a shared set, of which a packet asks for one. */
class SharedElements implements Elements {
  constructor(
    private readonly table: NodeTable,
    private readonly set: SharedSet,
  ) {}

  get size(): number {
    return (this.#size ??= this.table.elements(this.set).size);
  }
  #size: number | undefined;

  get isUncounted(): boolean {
    return this.table.rules.table.endpoints > many;
  }

  get(key: string): ProxyElement | undefined {
    const found = this.#found.get(key);
    return found === undefined ? this.#find(key) : (found ?? undefined);
  }
  /** Those that packets asked for: most ask again. null: there is none. */
  readonly #found = new Map<string, ProxyElement | null>();

  #find(key: string): ProxyElement | undefined {
    const element = this.table.element(this.set, key);
    if (this.#found.size >= many) this.#found.clear();
    this.#found.set(key, element ?? null);
    return element;
  }

  values(): ReturnType<Elements["values"]> {
    return this.table.elements(this.set).values();
  }
}

const emptied = (name: string): Chain => ({ name, rules: [], purpose: purposeOf(name) });
