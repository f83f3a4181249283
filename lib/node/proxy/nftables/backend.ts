/**
 * The nftables mode: what kube-proxy gives nft. What the rules say is in program.ts.
 *
 * A partial sync writes what changed; a full one, everything. Chains that nothing refers to any
 * more are emptied at once, and deleted by a sync that runs at least a second later: before Linux
 * 6.2 the kernel took a moment to see that no element leads there. (pkg/proxy/nftables/proxier.go,
 * syncProxyRules)
 */
import { ruleSetOf } from "../../../net/nftables/ruleset.js";
import { tableText } from "../../../net/nftables/text.js";
import { nftables } from "../../../net/nftables/walk.js";
import type { ProxyBackend, ProxyMode, Site, SyncOrder } from "../backend.js";
import { nftablesConfigFor } from "../config.js";
import type { ServiceTable } from "../frontend.js";
import type { FamilyTables } from "../rule-tables.js";
import { NodeTable } from "./node-table.js";
import { tableRows } from "./rows.js";
import { sharedRules, type SharedRules } from "./shared.js";
import { changeTexts, transactionText } from "./transaction.js";

export const nftablesMode = (): ProxyMode => (services, site) =>
  new NftablesBackend(services, site);

/** Milliseconds after which an emptied chain may be deleted. */
const settled = 1000;

class NftablesBackend implements ProxyBackend {
  readonly #shared: SharedRules;
  #last: NodeTable | undefined;
  /** Emptied chains, and when a sync last found them so. */
  #stale = new Map<string, number>();
  #serviceCIDRs: readonly string[] = [];
  /** The last sync, as far as it is known what it wrote. */
  #sent: (() => string[]) | undefined;
  /** Comments that elements keep from another Service than theirs; see NodeTable. */
  #comments = new Map<string, string>();

  constructor(
    services: ServiceTable,
    readonly site: Site,
  ) {
    this.#shared = sharedRules(services, () =>
      nftablesConfigFor(services.config.family, site.config, {
        kubernetes: services.config.kubernetes,
      }),
    );
  }

  get periods(): Site["config"]["nftables"] {
    return this.site.config.nftables;
  }

  get tables(): FamilyTables {
    return {
      ...tableRows(() => this.#last),
      text: () => (this.#last ? tableText(this.#last) : ""),
      restoreText: () => (this.#last ? transactionText(this.#last.asFullSync()) : ""),
      sentTexts: () => this.#sent?.(),
      saveText: () => (this.#last ? tableText(this.#last.asFullSync()) : ""),
    };
  }

  /**
   * Nobody looks: where somebody flushed the table, the next partial sync fails, and a full one
   * follows it.
   */
  isIntact(): boolean {
    return true;
  }

  sync(order: SyncOrder): void {
    const { version, view } = order;
    const fresh = new NodeTable(this.#shared, version, view);
    const services = order.changed ?? new Set(this.#last ? this.#servicesOf(this.#last) : []);
    const stale = this.#nextStale(fresh, services);
    const written = order.full ? [...services, ...this.#servicesOf(fresh)] : services;
    const comments = this.#isThere
      ? this.#kept(fresh, new Set(written))
      : new Map<string, string>();
    // nobody is waked by a change of these: a full sync tells them
    if (order.full) this.#serviceCIDRs = this.#shared.table.serviceCIDRs;
    const serviceCIDRs = this.#serviceCIDRs;
    const kept = { stale: stale.keys(), comments, serviceCIDRs };
    const table = new NodeTable(this.#shared, version, view, kept);
    this.#run(table, order.full);
    this.#sent = this.#sentBy(table, order, services, [...stale.keys()]);
    this.#last = table;
    this.#stale = stale;
    this.#comments = comments;
  }

  /** Whether the kernel still holds what was written last. */
  get #isThere(): boolean {
    return [...(nftables(this.site.kernel).rules?.tables() ?? [])].some(
      (each) => each === this.#last,
    );
  }

  /** A full sync leaves alone what it finds, of which nobody here keeps a list. */
  #sentBy(
    table: NodeTable,
    { full }: SyncOrder,
    services: ReadonlySet<string>,
    stale: readonly string[],
  ): (() => string[]) | undefined {
    const last = this.#last;
    if (last === undefined) return () => [transactionText(table)];
    if (full) return undefined;
    const of = (each: NodeTable) => [...services].flatMap((service) => each.programsOf(service));
    const now = this.site.clock.now();
    const deleted = [...this.#stale].flatMap(([name, since]) =>
      now - since < settled ? [] : [name],
    );
    const [before, after] = [of(last), of(table)];
    return () => changeTexts({ table, before, after, stale, deleted });
  }

  /** The table takes the place of the one before; those of others stay. */
  #run(table: NodeTable, isFull: boolean): void {
    const plane = nftables(this.site.kernel);
    const tables = [...(plane.rules?.tables() ?? [])];
    const others = tables.filter(
      ({ family, name }) => family !== table.family || name !== table.name,
    );
    if (!isFull && others.length === tables.length)
      throw new Error("a partial sync refers to a table that is no longer there");
    plane.rules = ruleSetOf(...others, table);
  }

  /** The chains that nothing refers to once this sync has run. */
  #nextStale(next: NodeTable, services: ReadonlySet<string>): Map<string, number> {
    const now = this.site.clock.now();
    const stale = new Map<string, number>();
    // those that this sync finds still there are emptied again, and wait anew
    for (const [name, since] of this.#stale) if (now - since < settled) stale.set(name, now);
    for (const service of services) {
      const after = next.programsOf(service);
      for (const program of this.#last?.programsOf(service) ?? []) {
        const heir = after.find(({ port }) => port.base === program.port.base);
        for (const name of program.goneWith(heir)) stale.set(name, now);
      }
    }
    for (const name of stale.keys()) if (next.uses(name)) stale.delete(name);
    return stale;
  }

  /**
   * A sync leaves alone what it finds as it should be, whatever the comment is.
   * (nftElementStorage, ensureElem)
   */
  #kept(next: NodeTable, services: ReadonlySet<string>): Map<string, string> {
    const comments = new Map(this.#comments);
    for (const service of services)
      for (const table of [this.#last!, next])
        for (const { elements } of table.programsOf(service))
          for (const set of commented)
            for (const { key } of elements[set] ?? []) {
              const now = next.element(set, key, this.#last!.element(set, key));
              const isAsNew = now?.comment === next.element(set, key)?.comment;
              if (isAsNew) comments.delete(`${set} ${key}`);
              else comments.set(`${set} ${key}`, now!.comment!);
            }
    return comments;
  }

  *#servicesOf(table: NodeTable): Generator<string> {
    let before: string | undefined;
    for (const { port } of table.programs()) {
      if (port.info.service !== before) yield port.info.service;
      before = port.info.service;
    }
  }
}

/** The maps whose elements have comments. */
const commented = ["no-endpoint-services", "no-endpoint-nodeports"] as const;
