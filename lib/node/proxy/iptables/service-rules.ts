/**
 * All Services' rules of one address family, shared by the kube-proxies of a whole cluster.
 *
 * Every node's rules say the same of a Service, only not at the same moment: node-a may have synced
 * and node-b not yet. So each Service keeps the states that some node still uses, by version
 * (versions.ts), and a node holds no rules but a version number. A change costs one new state of one Service, whatever the number of nodes and Services.
 *
 *     const rules = new ServiceRules(config);
 *     rules.setService("default/nginx", service);
 *     rules.setEndpointSlice("default/nginx-x7k2p", slice);
 *     rules.statesAt(rules.version)
 */
import type { EndpointSlice, Service } from "../../../objects/types.js";
import type { FamilyConfig, NodeView } from "../config.js";
import type { Rule } from "../../../net/iptables/rule.js";
import { PortState, type Step } from "./program.js";
import { endpointsOf, portsOf, usesLocal } from "../services.js";
import { Versions } from "../versions.js";

interface Changes {
  keys: ReadonlySet<string>;
  alike: readonly string[];
  others: readonly string[];
}

/** The service ports as of a version; `local`: those with a policy of Local. */
interface PortsAt {
  ports: PortState[];
  local: PortState[];
  byHash: Map<string, PortState> | undefined;
}

/** One Service at one moment. What it means in rules is worked out when somebody asks. */
export class ServiceState {
  #ports: readonly PortState[] | undefined;
  /** Endpoints times ports, as kube-proxy counts them for its large-cluster mode. */
  readonly size: number;

  constructor(
    readonly version: number,
    readonly service: Service | undefined,
    readonly slices: ReadonlyMap<string, EndpointSlice>,
    readonly config: FamilyConfig,
    readonly warn?: (problem: string) => void,
  ) {
    this.size = service === undefined ? 0 : this.#count();
  }

  #count(): number {
    let size = 0;
    for (const { addressType, endpoints, ports } of this.slices.values())
      if (addressType === this.config.family) size += endpoints.length * (ports?.length ?? 0);
    return size;
  }

  get ports(): readonly PortState[] {
    return (this.#ports ??=
      this.service === undefined
        ? []
        : portsOf(this.service, this.config.family).map((info) => {
            const portName = info.name.slice(info.service.length + 1);
            return new PortState(
              this.config,
              info,
              endpointsOf(portName, this.slices.values(), this.config.family, this.warn),
            );
          }));
  }
}

export class ServiceRules {
  /** Endpoints of all Services now. */
  endpoints = 0;
  /** The Services that have a healthCheckNodePort. */
  readonly healthChecked = new Set<string>();
  readonly #states = new Versions<ServiceState>();
  readonly #sliceOwner = new Map<string, string>();
  readonly #waiting = new Set<() => void>();

  /** `warn` hears of what kube-proxy ignores in a manifest. */
  constructor(
    readonly config: FamilyConfig,
    readonly warn?: (problem: string) => void,
  ) {}

  /** Counts the changes. */
  get version(): number {
    return this.#states.version;
  }

  /** A Service as it is now; undefined: it is gone. `key`: "namespace/name". */
  setService(key: string, service: Service | undefined): void {
    const slices = this.#states.latest(key)?.slices ?? new Map<string, EndpointSlice>();
    this.#change(key, service, slices);
  }

  /**
   * An EndpointSlice as it is now; undefined: it is gone. Its label kubernetes.io/service-name says
   * whose it is.
   */
  setEndpointSlice(key: string, slice: EndpointSlice | undefined): void {
    const owner =
      slice &&
      `${slice.metadata.namespace ?? "default"}/${slice.metadata.labels?.["kubernetes.io/service-name"] ?? ""}`;
    const before = this.#sliceOwner.get(key);
    if (before !== undefined && before !== owner) this.#withSlice(before, key, undefined);
    if (owner === undefined) this.#sliceOwner.delete(key);
    else {
      this.#sliceOwner.set(key, owner);
      this.#withSlice(owner, key, slice);
    }
  }

  #withSlice(service: string, key: string, slice: EndpointSlice | undefined): void {
    const last = this.#states.latest(service);
    const slices = new Map(last?.slices);
    if (slice) slices.set(key, slice);
    else slices.delete(key);
    this.#change(service, last?.service, slices);
  }

  #change(
    key: string,
    service: Service | undefined,
    slices: ReadonlyMap<string, EndpointSlice>,
  ): void {
    const before = this.#states.latest(key);
    const version = this.version + 1;
    const state = new ServiceState(version, service, slices, this.config, this.warn);
    this.endpoints += state.size - (before?.size ?? 0);
    this.#states.set(key, service === undefined && slices.size === 0 ? undefined : state);
    if (service?.spec.healthCheckNodePort) this.healthChecked.add(key);
    else this.healthChecked.delete(key);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    waiting.forEach((wake) => wake());
  }

  /**
   * Calls `wake` once, at the next change. A kube-proxy that has a sync ahead need not hear of more
   * changes.
   */
  onNextChange(wake: () => void): void {
    this.#waiting.add(wake);
  }

  forget(wake: () => void): void {
    this.#waiting.delete(wake);
  }

  /**
   * A node moves from one version (undefined: none) to another (undefined: it leaves); states that
   * nobody uses any more go.
   */
  use(from: number | undefined, to: number | undefined): void {
    if (to !== undefined) this.#states.use(to);
    if (from !== undefined) this.#states.release(from);
  }

  /** The Service's state as of a version. */
  stateAt(key: string, version: number): ServiceState | undefined {
    return this.#states.at(key, version);
  }

  /** All Services as of a version, sorted by namespace and name. */
  *statesAt(version: number): Generator<ServiceState> {
    for (const state of this.#states.all(version)) if (state.service !== undefined) yield state;
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
      const ports = [...this.statesAt(version)].flatMap((state) => state.ports);
      return { ports, local: ports.filter(({ info }) => usesLocal(info)), byHash: undefined };
    });
  }

  /** The port whose own chains' names (but KUBE-SEP's) end in this hash, as of a version. */
  portOf(hash: string, version: number): { port: PortState; state: ServiceState } | undefined {
    const all = this.#portsAt(version);
    all.byHash ??= new Map(all.ports.map((each) => [each.hash, each]));
    const port = all.byHash.get(hash);
    const state = port && this.stateAt(port.info.service, version);
    return state && { port, state };
  }

  /** The Services that changed after `from`, up to `to`. */
  changedBetween(from: number, to: number): ReadonlySet<string> {
    return this.changes(from, to).keys;
  }

  /**
   * As changedBetween; `alike` are those whose rules differ on no node, before and after. Thousands
   * of nodes take the same step.
   */
  changes(from: number, to: number): Changes {
    return remembered(this.#changes, `${from} ${to}`, () => {
      const keys = this.#states.changed(from, to);
      const isAlike = (key: string) =>
        [from, to].every(
          (version) =>
            this.stateAt(key, version)?.ports.every(({ sameEverywhere }) => sameEverywhere) ?? true,
        );
      const alike = [...keys].filter(isAlike);
      const known = new Set(alike);
      return { keys, alike, others: [...keys].filter((key) => !known.has(key)) };
    });
  }

  /** The step of those that are alike, made by the first node that takes it. */
  stepAlike(key: string, make: () => Step): Step {
    return remembered(this.#steps, key, make);
  }
  readonly #changes = new Map<string, Changes>();
  readonly #steps = new Map<string, Step>();
}

/**
 * Looks up or makes a value. These memories serve what is walked now: they forget all when they
 * have grown.
 */
function remembered<K, V>(memory: Map<K, V>, key: K, make: () => V): V {
  let value = memory.get(key);
  if (value === undefined) {
    value = make();
    if (memory.size >= 64) memory.clear();
    memory.set(key, value);
  }
  return value;
}
