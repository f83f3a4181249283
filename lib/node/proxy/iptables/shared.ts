/**
 * What the nodes of a cluster share of their rules, for one address family: the rules of each
 * service port, and the chains that all Services share, put together for a version.
 *
 *     const shared = sharedRules(services);         // one for each table of Services
 *     new NodeRules(shared, services.version, view)
 */
import type { Rule } from "../../../net/iptables/rule.js";
import type { FamilyConfig, NodeView } from "../config.js";
import type { ServiceState, ServiceTable } from "../frontend.js";
import { usesLocal } from "../topology.js";
import { remembered } from "../remembered.js";
import { PortRules, type ChainChange } from "./program.js";

interface Changes {
  alike: readonly string[];
  others: readonly string[];
}

/** The service ports as of a version; `local`: those with a policy of Local. */
interface PortsAt {
  ports: PortRules[];
  local: PortRules[];
  byHash: Map<string, PortRules> | undefined;
}

const known = new WeakMap<ServiceTable, SharedRules>();
export function sharedRules(table: ServiceTable): SharedRules {
  let shared = known.get(table);
  if (shared === undefined) known.set(table, (shared = new SharedRules(table)));
  return shared;
}

export class SharedRules {
  constructor(readonly table: ServiceTable) {}

  get config(): FamilyConfig {
    return this.table.config;
  }

  /** The rules of a Service's ports. */
  portsOf(state: ServiceState): readonly PortRules[] {
    return state.made(this, () => state.ports.map((port) => new PortRules(this.config, port)));
  }

  /**
   * What tells nodes apart in the chains that all Services share: which Services with a policy of
   * Local have an endpoint there.
   */
  localKey(version: number, nodeName: string): string {
    return this.#portsAt(version)
      .local.map((port) => (port.servesOn(nodeName) ? "1" : "0"))
      .join("");
  }

  /**
   * One of the chains that all Services share, put together for a version. Nodes of the same local
   * key get the same array.
   */
  sharedChain(
    version: number,
    view: NodeView,
    localKey: string,
    table: "nat" | "filter",
    name: string,
  ): readonly Rule[] {
    return remembered(this.#shared, `${version} ${table} ${name} ${localKey}`, () => {
      const { ports } = this.#portsAt(version);
      return ports.flatMap(
        (port) =>
          (port.program(view, false).shared[table] as Record<string, Rule[] | undefined>)[name] ??
          [],
      );
    });
  }
  readonly #shared = new Map<string, readonly Rule[]>();
  readonly #ports = new Map<number, PortsAt>();

  #portsAt(version: number): PortsAt {
    return remembered(this.#ports, version, () => {
      const ports = [...this.table.statesAt(version)].flatMap((state) => this.portsOf(state));
      return { ports, local: ports.filter(({ info }) => usesLocal(info)), byHash: undefined };
    });
  }

  /** The port whose own chains' names (but KUBE-SEP's) end in this hash, as of a version. */
  portOf(hash: string, version: number): { port: PortRules; state: ServiceState } | undefined {
    const all = this.#portsAt(version);
    all.byHash ??= new Map(all.ports.map((each) => [each.hash, each]));
    const port = all.byHash.get(hash);
    const state = port && this.table.stateAt(port.info.service, version);
    return state && { port, state };
  }

  /**
   * The Services that changed; `alike` are those whose rules differ on no node, before and after.
   * Thousands of nodes take the same step.
   */
  changes(from: number, to: number): Changes {
    return remembered(this.#changes, `${from} ${to}`, () => {
      const keys = this.table.changed(from, to);
      const isAlike = (key: string) =>
        [from, to].every((version) => {
          const state = this.table.stateAt(key, version);
          return !state || this.portsOf(state).every(({ sameEverywhere }) => sameEverywhere);
        });
      const alike = [...keys].filter(isAlike);
      const known = new Set(alike);
      return { alike, others: [...keys].filter((key) => !known.has(key)) };
    });
  }

  /** The step of those that are alike, made by the first node that takes it. */
  changeAlike(key: string, make: () => ChainChange): ChainChange {
    return remembered(this.#changesMade, key, make);
  }
  readonly #changes = new Map<string, Changes>();
  readonly #changesMade = new Map<string, ChainChange>();
}
