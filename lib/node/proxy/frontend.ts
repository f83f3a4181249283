/**
 * The front half of kube-proxy: what to serve, for one address family. All the kube-proxies of a
 * cluster share it; a mode (backend.ts) writes it into their nodes.
 *
 * Every node serves the same, only not at the same moment: node-a may have synced and node-b not
 * yet. So each Service keeps the states that some node still uses, by version (versions.ts), and a
 * node remembers no more than a version number. A change costs one new state of one Service,
 * whatever the number of nodes and Services.
 *
 *     const services = new ServiceTable(config);
 *     services.setService("default/nginx", service);
 *     services.setEndpointSlice("default/nginx-x7k2p", slice);
 *     services.statesAt(services.version)
 */
import { same } from "../../objects/freeze.js";
import type { EndpointSlice, Service } from "../../objects/types.js";
import type { FamilyConfig } from "./config.js";
import { endpointsOf, portsOf, type ServicePortInfo, type ServicePortState } from "./services.js";
import { Versions } from "./versions.js";

const none: readonly ServicePortInfo[] = [];

/** One Service at one moment. Its endpoints are worked out when somebody asks. */
export class ServiceState {
  #ports: readonly ServicePortState[] | undefined;
  #made: Map<object, unknown> | undefined;
  /** Endpoints times ports, as kube-proxy counts them for its large-cluster mode. */
  readonly size: number;

  constructor(
    readonly version: number,
    readonly service: Service | undefined,
    readonly infos: readonly ServicePortInfo[],
    readonly slices: ReadonlyMap<string, EndpointSlice>,
    readonly config: FamilyConfig,
    readonly warn?: (problem: string) => void,
  ) {
    this.size = service === undefined ? 0 : this.#count();
  }

  #count(): number {
    let size = 0;
    for (const { endpoints, ports } of this.slices.values())
      size += endpoints.length * (ports?.length ?? 0);
    return size;
  }

  get ports(): readonly ServicePortState[] {
    return (this.#ports ??= this.infos.map((info) => {
      const endpoints = endpointsOf(
        this.service!.spec.ports![info.index]!,
        this.slices.values(),
        this.config.family,
        this.warn,
      );
      return { info, endpoints };
    }));
  }

  /** What somebody (a mode) made of this state: made once, and gone with it. */
  made<T>(by: object, make: () => T): T {
    this.#made ??= new Map();
    let made = this.#made.get(by) as T | undefined;
    if (made === undefined) this.#made.set(by, (made = make()));
    return made;
  }
}

export class ServiceTable {
  /** Endpoints of all Services now. */
  endpoints = 0;
  /** Where ClusterIPs come from, as far as ServiceCIDR objects say; told in a full sync. */
  serviceCIDRs: readonly string[] = [];
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

  /**
   * A Service as it is now; undefined: it is gone. `key`: "namespace/name". Where its ports of this
   * family are what they were, nobody hears of it. (pkg/proxy/servicechangetracker.go, Update)
   */
  setService(key: string, service: Service | undefined): void {
    const last = this.#states.latest(key);
    const infos = service ? portsOf(service, this.config.family) : none;
    if (!same(infos, last?.infos ?? none)) this.#change(key, service, infos, last?.slices);
  }

  /**
   * An EndpointSlice as it is now; undefined: it is gone. Its label kubernetes.io/service-name says
   * whose it is. Those of another family change nothing. (pkg/proxy/endpointschangetracker.go)
   */
  setEndpointSlice(key: string, slice: EndpointSlice | undefined): void {
    const owner =
      slice?.addressType === this.config.family
        ? `${slice.metadata.namespace ?? "default"}/${slice.metadata.labels?.["kubernetes.io/service-name"] ?? ""}`
        : undefined;
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
    this.#change(service, last?.service, last?.infos, slices);
  }

  #change(
    key: string,
    service: Service | undefined,
    infos: readonly ServicePortInfo[] = none,
    slices: ReadonlyMap<string, EndpointSlice> = new Map(),
  ): void {
    const before = this.#states.latest(key);
    const version = this.version + 1;
    const served = infos.length > 0 ? service : undefined;
    const state = new ServiceState(version, served, infos, slices, this.config, this.warn);
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
   * The Services that changed after `from`, up to `to`: both in use, or `to` the present version.
   */
  changed(from: number, to: number): Set<string> {
    return this.#states.changed(from, to);
  }
}
