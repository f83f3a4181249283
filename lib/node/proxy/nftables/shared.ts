/**
 * What the nodes of a cluster share of their tables, for one address family: the rules of each
 * service port, and which Services an address or a NodePort may belong to.
 *
 *     const shared = sharedRules(services, config);     // one for each table of Services
 *     new NodeTable(shared, services.version, view)
 */
import type { Elements } from "../../../net/nftables/ruleset.js";
import type { FamilyConfig, NodeView } from "../config.js";
import type { ServiceState, ServiceTable } from "../frontend.js";
import { remembered } from "../remembered.js";
import { serviceIn } from "./names.js";
import { PortRules } from "./program.js";

const known = new WeakMap<ServiceTable, SharedRules>();
export function sharedRules(table: ServiceTable, config: () => FamilyConfig): SharedRules {
  let shared = known.get(table);
  if (shared === undefined) known.set(table, (shared = new SharedRules(table, config())));
  return shared;
}

export class SharedRules {
  readonly #owners = new Map<string, string | Set<string>>();
  /** The version up to which owners are known; it is kept in use, so that changes since are. */
  #known: number | undefined;

  constructor(
    readonly table: ServiceTable,
    readonly config: FamilyConfig,
  ) {}

  /** The rules of a Service's ports. */
  portsOf(state: ServiceState): readonly PortRules[] {
    return state.made(this, () => state.ports.map((port) => new PortRules(this.config, port)));
  }

  /** The ports of a Service as of a version; none where it was not there. */
  portsAt(service: string, version: number): readonly PortRules[] {
    const state = this.table.stateAt(service, version);
    return state ? this.portsOf(state) : [];
  }

  /** The ports of the Service that a chain's or a set's name tells of. */
  portsFor(name: string, version: number): readonly PortRules[] {
    const service = serviceIn(name);
    return service === undefined ? [] : this.portsAt(service, version);
  }

  /** What tells nodes apart as of a version: those with the same text have the same of all. */
  alikeKey(version: number, view: NodeView): string {
    this.#knowAllOf(version);
    const differing = remembered(this.#differing, version, () =>
      [...this.#everDiffering]
        .flatMap((service) => this.portsAt(service, version))
        .filter(({ sameEverywhere }) => !sameEverywhere),
    );
    return differing.map((port) => port.variant(view)).join("\n");
  }
  readonly #differing = new Map<number, readonly PortRules[]>();
  /** The Services of which some node ever had something else than others. */
  readonly #everDiffering = new Set<string>();

  /** What nodes that are alike share. */
  shared(key: string, make: () => Elements): Elements {
    return remembered(this.#elements, key, make);
  }
  readonly #elements = new Map<string, Elements>();

  /**
   * The Services to which the key of an element ever belonged, sorted: who looks at a packet asks
   * few of them, however many there are.
   */
  ownersOf(key: string, version: number): readonly string[] {
    this.#knowAllOf(version);
    const owners = this.#owners.get(key);
    if (owners === undefined) return [];
    return typeof owners === "string" ? [owners] : [...owners].sort();
  }

  #knowAllOf(version: number): void {
    if (this.#known === undefined || version > this.#known) this.#learn(version);
  }

  #learn(version: number): void {
    const states =
      this.#known === undefined
        ? this.table.statesAt(version)
        : [...this.table.changed(this.#known, version)].flatMap(
            (key) => this.table.stateAt(key, version) ?? [],
          );
    for (const state of states)
      for (const port of this.portsOf(state)) {
        if (!port.sameEverywhere) this.#everDiffering.add(port.info.service);
        for (const key of port.keys()) this.#own(key, port.info.service);
      }
    this.table.use(this.#known, version);
    this.#known = version;
  }

  #own(key: string, service: string): void {
    const owners = this.#owners.get(key);
    if (owners === undefined) this.#owners.set(key, service);
    else if (typeof owners === "string") {
      if (owners !== service) this.#owners.set(key, new Set([owners, service]));
    } else owners.add(service);
  }
}
