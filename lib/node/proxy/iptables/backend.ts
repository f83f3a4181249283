/**
 * The iptables mode: what kube-proxy gives iptables-restore. What the rules say is in program.ts.
 *
 * A partial sync writes what changed; a full one, everything. In a large cluster chains that
 * nothing refers to any more stay for a while. (pkg/proxy/iptables/proxier.go, syncProxyRules;
 * pkg/util/iptables/iptables.go, Monitor)
 */
import type { Chain, RuleSet } from "../../../net/iptables/syntax.js";
import { iptables } from "../../../net/iptables/walk.js";
import { fewFullSyncs } from "../../../objects/kubernetes-features.js";
import type { ProxyBackend, ProxyMode, Site, SyncOrder } from "../backend.js";
import { configOn } from "../config.js";
import type { ServiceTable } from "../frontend.js";
import type { FamilyTables } from "../rule-tables.js";
import { canary } from "./names.js";
import { largeCluster, NodeRules } from "./node-rules.js";
import { changeBetween, type Program, type ChainChange } from "./program.js";
import { ruleRows } from "./rows.js";
import { sharedRules, type SharedRules } from "./shared.js";

/** One run of iptables-restore. */
export interface Restore {
  rules: NodeRules;
  full: boolean;
  /** The Services whose own chains were written; undefined for all. */
  changed: ReadonlySet<string> | undefined;
  /** The chains that were removed. */
  deleted: readonly string[];
}

export interface IptablesOptions {
  /** What takes the place of iptables-restore; it may throw. Default: the kernel gets the rules. */
  restore?: (run: Restore) => void;
}

export const iptablesMode =
  (options: IptablesOptions = {}): ProxyMode =>
  (services, site) =>
    new IptablesBackend(services, site, options);

/**
 * The text that this run gave iptables-restore. Ask before the next one: then it may be forgotten.
 */
export const restoreText = ({ rules, changed, deleted }: Restore): string =>
  rules.restoreText(changed, deleted);

/** From this version on, Services were written in the large cluster's way, or no longer. */
interface Toggle {
  after: number;
  large: boolean;
}

class IptablesBackend implements ProxyBackend {
  readonly #shared: SharedRules;
  #last: NodeRules | undefined;
  #lastCleanup = -Infinity;
  #large: Toggle[] = [];
  #stale = new Map<string, Chain>();

  constructor(
    services: ServiceTable,
    readonly site: Site,
    readonly options: IptablesOptions,
  ) {
    this.#shared = sharedRules(services);
    const { kernel, view } = site;
    if (configOn(view, services.config).localhostNodePorts) kernel.routeLocalnet = true;
  }

  get tables(): FamilyTables {
    return {
      ...ruleRows(() => this.#held),
      text: () => this.#last?.saveText() ?? "",
      restoreText: () => this.#last?.restoreText() ?? "",
      saveText: () => this.#last?.asFullSync().saveText() ?? "",
    };
  }

  /** As of the last sync. */
  get avoidsFull(): boolean {
    return this.#shared.config.kubernetes.has(fewFullSyncs) && isLarge(this.#large);
  }

  /** The rules that the kernel holds, whoever wrote them. */
  get #held(): RuleSet | undefined {
    return iptables(this.site.kernel).rules[this.#shared.config.family];
  }

  /** Not where somebody flushed the tables. */
  isIntact(): boolean {
    return this.#held?.chain("mangle", canary) !== undefined;
  }

  sync(order: SyncOrder): void {
    const { full, changed, version, view } = order;
    const now = this.site.clock.now();
    const large = this.#nextLarge(full);
    const stale = this.#nextStale(order, large);
    const cleans =
      !isLarge(large) || now - this.#lastCleanup > this.site.config.iptables.syncPeriod;
    const held = this.#held;
    const rules = new NodeRules(this.#shared, version, view, {
      large,
      stale: cleans ? none : stale,
      canary: true,
      base: held instanceof NodeRules ? held.options.base : held,
    });
    if (!full && !held?.chain("nat", "KUBE-MARK-MASQ"))
      throw new Error("a partial sync refers to chains that are no longer there");
    this.#restore({
      rules,
      full,
      changed: full ? undefined : changed,
      deleted: cleans ? [...stale.keys()] : [],
    });
    if (cleans) this.#lastCleanup = now;
    this.#large = large;
    this.#stale = cleans ? none : stale;
    this.#last = rules;
  }

  #restore(run: Restore): void {
    if (this.options.restore) this.options.restore(run);
    else iptables(this.site.kernel).rules[run.rules.family] = run.rules;
  }

  /**
   * Which Services were written in which way: all of them in a full sync, else those that changed
   * since the last one.
   */
  #nextLarge(full: boolean): Toggle[] {
    const large = this.#shared.table.endpoints > largeCluster;
    if (full || this.#last === undefined) return [{ after: -1, large }];
    return isLarge(this.#large) === large
      ? this.#large
      : [...this.#large, { after: this.#last.version, large }];
  }

  /**
   * The chains that nothing refers to once this sync has run: those of before that the changed
   * Services no longer have.
   */
  #nextStale({ version, view, changed }: SyncOrder, large: Toggle[]): Map<string, Chain> {
    const last = this.#last;
    if (last === undefined || (changed?.size === 0 && this.#stale.size === 0)) return none;
    const stale = new Map(this.#stale);
    const take = ({ gone, came }: ChainChange): void => {
      for (const chain of gone) stale.set(chain.name, chain);
      for (const name of stale.keys()) if (came.has(name)) stale.delete(name);
    };
    const next = new NodeRules(this.#shared, version, view, { large });
    if (!changed) {
      take(changeOf(last.programs(), next.programs()));
      return stale;
    }
    const of = (node: NodeRules, keys: readonly string[]) =>
      node.programs(keys.flatMap((key) => this.#shared.table.stateAt(key, node.version) ?? []));
    const changeIn = (keys: readonly string[]): ChainChange =>
      changeOf(of(last, keys), of(next, keys));
    const { alike, others } = this.#shared.changes(last.version, version);
    const taken = `${last.version} ${version} ${JSON.stringify([last.options.large, large])}`;
    take(this.#shared.changeAlike(taken, () => changeIn(alike)));
    take(changeIn(others));
    return stale;
  }
}

/**
 * From one set of programs to another, port by port: the port's hash is in the name of each of its
 * chains, so ports do not mix.
 */
function changeOf(before: Iterable<Program>, after: Iterable<Program>): ChainChange {
  const now = new Map([...after].map((program) => [program.state.hash, program]));
  const gone: Chain[] = [];
  const came = new Set<string>();
  for (const program of before) {
    const next = now.get(program.state.hash);
    const change = next ? program.changeTo(next) : changeBetween(program, undefined);
    gone.push(...change.gone);
    for (const name of change.came) came.add(name);
    now.delete(program.state.hash);
  }
  for (const program of now.values()) for (const name of program.names) came.add(name);
  return { gone, came };
}

const none = new Map<string, Chain>();
const isLarge = (toggles: readonly { large: boolean }[]): boolean => toggles.at(-1)?.large ?? false;
