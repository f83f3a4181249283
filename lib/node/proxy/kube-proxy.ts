/**
 * kube-proxy on one node: when what its front half decided is written, and what it does beside. How
 * it is written is the mode's business (backend.ts).
 *
 *     const services = { IPv4: new ServiceTable(configFor("IPv4", config)) }; // all nodes share it
 *     const proxy = new KubeProxy({ node, config, clock, kernel, services });
 *     proxy.start();                       // once Services and EndpointSlices have been listed
 *     services.IPv4.setService(…)          // every proxy that is idle plans a sync
 *
 * A change asks for a sync, at most two at once and then one every minSyncPeriod. A partial sync
 * writes what changed; a full one, everything: at the start, every hour, after a failure, and when
 * somebody took away what was written. (pkg/proxy/iptables/proxier.go;
 * pkg/util/async/bounded_frequency_runner.go)
 */
import type { Clock } from "../../api/clock.js";
import type { Family } from "../../net/ip.js";
import type { Kernel } from "../../net/kernel.js";
import { same } from "../../objects/freeze.js";
import type { Node } from "../../objects/types.js";
import type { ProxyBackend, ProxyMode } from "./backend.js";
import { viewOf, type KubeProxyConfiguration, type NodeView } from "./config.js";
import { forgetStaleFlows } from "./conntrack.js";
import type { ServiceState, ServiceTable } from "./frontend.js";
import { proxyMode } from "./modes.js";
import { nothingToRead, type NodeRuleTables } from "./rule-tables.js";

/** Milliseconds between full syncs (proxyutil.FullSyncPeriod). */
const fullSyncPeriod = 3_600_000;
/** Syncs that may follow each other at once (burstSyncs). */
const burst = 2;
/** kube-proxy's own health server: --healthz-bind-address. */
const healthzPort = 10_256;

export interface KubeProxyOptions {
  node: Node;
  config: KubeProxyConfiguration;
  clock: Clock;
  kernel: Kernel;
  /** What to serve: a table for each address family that the node proxies. */
  services: Partial<Record<Family, ServiceTable>>;
  /** How it is written. Default: iptables. */
  mode?: ProxyMode | string | undefined;
}

/** A sync that succeeded. */
export interface Sync {
  version: number;
  /** Milliseconds since the epoch. */
  time: number;
  full: boolean;
  /** The Services that were written; undefined for all. */
  changed: ReadonlySet<string> | undefined;
}

export class KubeProxy {
  readonly #proxiers: Proxier[];
  #node: Node;
  #running = false;
  #closeHealthz = (): void => {};

  constructor(readonly options: KubeProxyOptions) {
    const { services, config, kernel, node } = options;
    this.#node = node;
    this.#proxiers = (["IPv4", "IPv6"] as const).flatMap((family) => {
      const table = services[family];
      return table ? [new Proxier(family, table, options)] : [];
    });
    kernel.conntrack.tcpLiberal ||= config.conntrack.tcpBeLiberal;
  }

  /** The process begins; nothing happens where it runs already. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#closeHealthz = this.options.kernel.listen("TCP", healthzPort);
    this.#proxiers.forEach((each) => each.start());
  }

  /** The process ends, and with it its sockets; the kernel keeps the rules that it has. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#closeHealthz();
    this.#proxiers.forEach((each) => each.stop());
  }

  /** The machine is gone for good: nobody needs the states that its kernel still used. */
  remove(): void {
    this.stop();
    this.#proxiers.forEach((each) => each.remove());
  }

  /** The Node as it is now: its addresses, Pod ranges and zone. A change brings a full sync. */
  setNode(node: Node): void {
    this.#node = node;
    this.#proxiers.forEach((each) => each.setNode(node));
  }

  /** Whether its process runs. */
  get running(): boolean {
    return this.#running;
  }

  /** What was written into the node, to be read: the rows are those of IPv4. */
  get tables(): NodeRuleTables {
    const of = (family: Family = "IPv4") =>
      this.#proxiers.find((each) => each.family === family)?.backend.tables;
    const { mode = "iptables" } = this.options;
    return {
      mode: typeof mode === "string" ? mode : "",
      ...(of("IPv4") ?? nothingToRead),
      sentTexts: (family) => of(family)?.sentTexts?.(),
      text: (family) => of(family)?.text() ?? "",
      restoreText: (family) => of(family)?.restoreText() ?? "",
      saveText: (family) => of(family)?.saveText() ?? "",
    };
  }

  /** The last successful sync of a family. */
  lastSync(family: Family = "IPv4"): Sync | undefined {
    return this.#proxiers.find((each) => each.family === family)?.last;
  }

  /** Why the last sync of a family failed; undefined after one that succeeded. */
  lastError(family: Family = "IPv4"): Error | undefined {
    return this.#proxiers.find((each) => each.family === family)?.error;
  }

  /** Whether changes wait for a sync. */
  get pending(): boolean {
    return this.#proxiers.some((each) => each.pending);
  }

  /** Whether the kernel's rules for a Service ("namespace/name") are older than the Service is. */
  isBehind(service: string): boolean {
    return this.#proxiers.some((each) => each.isBehind(service));
  }

  /**
   * The status code with which its own HTTP servers answer on this port: its health port, or a
   * Service's healthCheckNodePort; undefined where none listens.
   */
  httpStatus(port: number): number | undefined {
    if (!this.#running) return undefined;
    return port === healthzPort ? (this.#serves ? 200 : 503) : this.health(port)?.status;
  }

  /**
   * What the health server answers on a Service's healthCheckNodePort; undefined where it does not
   * listen.
   */
  health(port: number): HealthAnswer | undefined {
    const answers = this.#proxiers
      .map((each) => each.health.get(port))
      .filter((each) => each !== undefined);
    if (answers.length === 0) return undefined;
    const localEndpoints = Math.max(...answers.map((each) => each.localEndpoints));
    const [namespace, name] = answers[0]!.service.split("/") as [string, string];
    const serviceProxyHealthy = this.#isHealthy;
    return {
      status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
      body: { service: { namespace, name }, localEndpoints, serviceProxyHealthy },
    };
  }

  /** Whether changes reach the kernel (pkg/proxy/healthcheck/proxy_health.go). */
  get #isHealthy(): boolean {
    const now = this.options.clock.now();
    return this.#proxiers.every(
      ({ waitingSince, periods }) => (waitingSince ?? Infinity) > now - 2 * periods.syncPeriod,
    );
  }

  /** /healthz also tells load balancers to leave a node that is about to go (KEP-3836). */
  get #serves(): boolean {
    const { metadata, spec } = this.#node;
    const leaves =
      metadata.deletionTimestamp !== undefined ||
      spec.taints?.some(({ key }) => key === "ToBeDeletedByClusterAutoscaler");
    return this.#isHealthy && !leaves;
  }
}

/** (pkg/proxy/healthcheck/service_health.go) */
export interface HealthAnswer {
  status: 200 | 503;
  body: {
    service: { namespace: string; name: string };
    localEndpoints: number;
    serviceProxyHealthy: boolean;
  };
}

/** kube-proxy runs one of these for each address family. */
class Proxier {
  readonly backend: ProxyBackend;
  readonly periods: NonNullable<ProxyBackend["periods"]>;
  last: Sync | undefined;
  error: Error | undefined;
  readonly health = new Map<
    number,
    { service: string; localEndpoints: number; close: () => void }
  >();
  #view: NodeView;
  #needsFull = true;
  #viewChanged = false;
  #lastFull = -Infinity;
  #running = false;
  #planned: { time: number; background: boolean; cancel: () => void } | undefined;
  #watchTimer: (() => void) | undefined;
  // The token bucket: how many syncs may run at once, as of the last one.
  #tokens = burst;
  #lastRun = -Infinity;

  constructor(
    readonly family: Family,
    readonly services: ServiceTable,
    readonly options: KubeProxyOptions,
  ) {
    const { node, kernel, clock, config, mode } = options;
    this.#view = viewOf(node, family);
    this.backend = proxyMode(mode).mode(services, { kernel, clock, config, view: this.#view });
    this.periods = this.backend.periods ?? config.iptables;
  }

  start(): void {
    this.#running = true;
    this.#request();
    this.#watch();
  }

  stop(): void {
    this.#running = false;
    this.#planned?.cancel();
    this.#planned = undefined;
    this.#watchTimer?.();
    this.services.forget(this.#request);
    for (const port of this.health.keys()) this.#closeHealth(port);
    this.waitingSince = undefined;
    this.#needsFull = true; // a process that starts again knows nothing of the one before
  }

  remove(): void {
    this.stop();
    this.services.use(this.last?.version, undefined);
    this.last = undefined;
  }

  setNode(node: Node): void {
    const view = viewOf(node, this.family);
    if (same(view, this.#view)) return;
    this.#view = view;
    this.#needsFull = this.#viewChanged = true;
    if (this.#running) this.#request();
  }

  get pending(): boolean {
    return this.#planned?.background === false;
  }

  isBehind(service: string): boolean {
    const { last, services } = this;
    const known = last && services.stateAt(service, last.version);
    return known !== services.stateAt(service, services.version);
  }

  // ---- when (pkg/util/async/bounded_frequency_runner.go) ----

  /** Since when a change waits for a sync that succeeds. */
  waitingSince: number | undefined;

  readonly #request = (): void => {
    const { minSyncPeriod } = this.periods;
    const now = this.options.clock.now();
    this.waitingSince ??= now;
    this.#plan(this.#tokensAt(now) >= 1 ? 0 : this.#lastRun + minSyncPeriod - now);
  };

  /** How many syncs may run at once. */
  #tokensAt(now: number): number {
    const { minSyncPeriod } = this.periods;
    return Math.min(burst, this.#tokens + (now - this.#lastRun) / minSyncPeriod);
  }

  #plan(delay: number, background = false): void {
    const { clock } = this.options;
    const time = clock.now() + delay;
    if (this.#planned && this.#planned.time <= time && (background || !this.#planned.background))
      return;
    this.#planned?.cancel();
    const cancel = clock.schedule(
      delay,
      () => {
        this.#planned = undefined;
        this.#run();
      },
      { background },
    );
    this.#planned = { time, background, cancel };
  }

  #run(): void {
    const now = this.options.clock.now();
    this.#tokens = Math.max(0, this.#tokensAt(now) - 1);
    this.#lastRun = now;
    const done = this.#sync(now);
    if (!this.#planned) this.#plan(done ? fullSyncPeriod : this.periods.syncPeriod, true);
    this.services.onNextChange(this.#request);
  }

  /** Looks every syncPeriod whether somebody took away what was written. */
  #watch(): void {
    this.#watchTimer = this.options.clock.schedule(
      this.periods.syncPeriod,
      () => {
        if (this.last && !this.backend.isIntact()) {
          this.#needsFull = true;
          this.#request();
        }
        this.#watch();
      },
      { background: true },
    );
  }

  // ---- what ----

  /** False: it failed, and a full sync follows. */
  #sync(now: number): boolean {
    const { services, last } = this;
    const { version } = services;
    const isDue = now - this.#lastFull >= fullSyncPeriod && !this.backend.avoidsFull;
    const full = this.#needsFull || last === undefined || isDue;
    const changed =
      last === undefined || (full && this.#viewChanged)
        ? undefined
        : services.changed(last.version, version);
    try {
      this.backend.sync({ version, view: this.#view, full, changed });
    } catch (error) {
      this.error = error as Error;
      this.#needsFull = true;
      return false;
    }
    this.error = undefined;
    this.waitingSince = undefined;
    this.#needsFull = this.#viewChanged = false;
    if (full) this.#lastFull = now;
    this.last = { version, time: now, full, changed: full ? undefined : changed };
    services.use(last?.version, version);
    this.#updateHealth();
    forgetStaleFlows(
      this.options.kernel.conntrack,
      () => (changed ? this.#statesOf(changed) : services.statesAt(version)),
      services.config.kubernetes,
    );
    return true;
  }

  #statesOf(keys: ReadonlySet<string>): ServiceState[] {
    const { services } = this;
    return [...keys].flatMap((key) => services.stateAt(key, services.version) ?? []);
  }

  // ---- beside the rules ----

  #updateHealth(): void {
    const ports = new Set<number>();
    for (const key of this.services.healthChecked) {
      const state = this.services.stateAt(key, this.services.version);
      const port = state?.ports[0]?.info.healthCheckNodePort ?? 0;
      if (port === 0) continue;
      ports.add(port);
      const ready = state!.ports.flatMap(({ endpoints }) =>
        endpoints
          .filter((each) => each.ready && each.nodeName === this.#view.name)
          .map(({ address }) => address),
      );
      const close = this.health.get(port)?.close ?? this.options.kernel.listen("TCP", port);
      this.health.set(port, { service: key, localEndpoints: new Set(ready).size, close });
    }
    for (const port of this.health.keys()) if (!ports.has(port)) this.#closeHealth(port);
  }

  #closeHealth(port: number): void {
    this.health.get(port)?.close();
    this.health.delete(port);
  }
}
