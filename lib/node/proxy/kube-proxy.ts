/**
 * kube-proxy on one node: when the rules are written. What they say is in program.ts.
 *
 *     const rules = { IPv4: new ServiceRules(configFor("IPv4", config)) };      // shared by all nodes
 *     const proxy = new KubeProxy({ node, config, clock, kernel, rules });
 *     proxy.start();                    // once Services and EndpointSlices have been listed
 *     rules.IPv4.setService(…)          // every proxy that is idle plans a sync
 *
 * A change asks for a sync, at most two at once and then one every minSyncPeriod. A partial sync
 * writes what changed; a full one, everything: at the start, every hour, after a failure, and when
 * somebody flushed the tables (the canary chain is gone). (pkg/proxy/iptables/proxier.go;
 * pkg/util/async/bounded_frequency_runner.go; pkg/util/iptables/iptables.go, Monitor)
 */
import type { Clock } from "../../api/clock.js";
import type { Family } from "../../net/ip.js";
import { endpoint } from "../../net/ip.js";
import type { Kernel } from "../../net/kernel.js";
import type { Chain } from "../../net/iptables/rule.js";
import { iptables } from "../../net/iptables/walk.js";
import type { Node } from "../../objects/types.js";
import { configOn, viewOf, type KubeProxyConfiguration, type NodeView } from "./config.js";
import { canary } from "./iptables/names.js";
import { largeCluster, NodeRules } from "./iptables/node-rules.js";
import { stepBetween, type Program, type Step } from "./iptables/program.js";
import type { ServiceRules, ServiceState } from "./iptables/service-rules.js";

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
  /** One for each address family that the node proxies. */
  rules: Partial<Record<Family, ServiceRules>>;
  /**
   * What takes the place of iptables-restore; it may throw. Default: the kernel gets the new rules.
   */
  restore?: (sync: Sync) => void;
}

/** One run of iptables-restore. */
export interface Sync {
  rules: NodeRules;
  /** Milliseconds since the epoch. */
  time: number;
  full: boolean;
  /** The Services whose own chains were written; undefined for all. */
  changed: ReadonlySet<string> | undefined;
  /** The chains that were removed. */
  deleted: readonly string[];
}

/**
 * The text that this sync gave iptables-restore. Ask before the next one: then it may be forgotten.
 */
export const restoreText = ({ rules, changed, deleted }: Sync): string =>
  rules.restoreText(changed, deleted);

export class KubeProxy {
  readonly #proxiers: Proxier[];
  #node: Node;
  #running = false;
  #closeHealthz = (): void => {};

  constructor(readonly options: KubeProxyOptions) {
    const { rules, config, kernel, node } = options;
    this.#node = node;
    this.#proxiers = (["IPv4", "IPv6"] as const)
      .filter((family) => rules[family])
      .map((family) => new Proxier(family, rules[family]!, options));
    if (rules.IPv4 && configOn(viewOf(node, "IPv4"), rules.IPv4.config).localhostNodePorts)
      kernel.routeLocalnet = true;
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
    const patience = 2 * this.options.config.iptables.syncPeriod;
    const oldest = this.options.clock.now() - patience;
    return this.#proxiers.every(({ waitingSince }) => (waitingSince ?? Infinity) > oldest);
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
  #lastCleanup = -Infinity;
  #large: { after: number; large: boolean }[] = [];
  #stale = new Map<string, Chain>();
  #running = false;
  #planned: { time: number; background: boolean; cancel: () => void } | undefined;
  #canaryTimer: (() => void) | undefined;
  // The token bucket: how many syncs may run at once, as of the last one.
  #tokens = burst;
  #lastRun = -Infinity;

  constructor(
    readonly family: Family,
    readonly rules: ServiceRules,
    readonly options: KubeProxyOptions,
  ) {
    this.#view = viewOf(options.node, family);
  }

  start(): void {
    this.#running = true;
    this.#request();
    this.#watchCanary();
  }

  stop(): void {
    this.#running = false;
    this.#planned?.cancel();
    this.#planned = undefined;
    this.#canaryTimer?.();
    this.rules.forget(this.#request);
    for (const port of this.health.keys()) this.#closeHealth(port);
    this.waitingSince = undefined;
    this.#needsFull = true; // a process that starts again knows nothing of the one before
  }

  remove(): void {
    this.stop();
    this.rules.use(this.last?.rules.version, undefined);
    this.last = undefined;
  }

  setNode(node: Node): void {
    const view = viewOf(node, this.family);
    if (JSON.stringify(view) === JSON.stringify(this.#view)) return;
    this.#view = view;
    this.#needsFull = this.#viewChanged = true;
    if (this.#running) this.#request();
  }

  get pending(): boolean {
    return this.#planned?.background === false;
  }

  // ---- when (pkg/util/async/bounded_frequency_runner.go) ----

  /** Since when a change waits for a sync that succeeds. */
  waitingSince: number | undefined;

  readonly #request = (): void => {
    const { minSyncPeriod } = this.options.config.iptables;
    const now = this.options.clock.now();
    this.waitingSince ??= now;
    const tokens =
      minSyncPeriod === 0
        ? burst
        : Math.min(burst, this.#tokens + (now - this.#lastRun) / minSyncPeriod);
    this.#plan(tokens >= 1 ? 0 : this.#lastRun + minSyncPeriod - now);
  };

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
    const {
      clock,
      config: { iptables },
    } = this.options;
    const now = clock.now();
    this.#tokens =
      iptables.minSyncPeriod === 0
        ? burst
        : Math.max(
            0,
            Math.min(burst, this.#tokens + (now - this.#lastRun) / iptables.minSyncPeriod) - 1,
          );
    this.#lastRun = now;
    const done = this.#sync(now);
    if (!this.#planned) this.#plan(done ? fullSyncPeriod : iptables.syncPeriod, true);
    this.rules.onNextChange(this.#request);
  }

  /** Looks every syncPeriod whether somebody flushed the tables. */
  #watchCanary(): void {
    const { clock, kernel, config } = this.options;
    this.#canaryTimer = clock.schedule(
      config.iptables.syncPeriod,
      () => {
        if (this.last && !iptables(kernel).rules[this.family]?.chain("mangle", canary)) {
          this.#needsFull = true;
          this.#request();
        }
        this.#watchCanary();
      },
      { background: true },
    );
  }

  // ---- what ----

  /** False: it failed, and a full sync follows. */
  #sync(now: number): boolean {
    const { rules, last } = this;
    const { kernel, restore = ({ rules }) => void (iptables(kernel).rules[this.family] = rules) } =
      this.options;
    const full = this.#needsFull || last === undefined || now - this.#lastFull >= fullSyncPeriod;
    const changed =
      last === undefined || (full && this.#viewChanged)
        ? undefined
        : rules.changedBetween(last.rules.version, rules.version);
    const large = this.#nextLarge(full);
    const stale = this.#nextStale(changed, large);
    const cleans =
      !isLarge(large) || now - this.#lastCleanup > this.options.config.iptables.syncPeriod;
    const held = iptables(kernel).rules[this.family];
    const next: Sync = {
      time: now,
      full,
      changed: full ? undefined : changed,
      deleted: cleans ? [...stale.keys()] : [],
      rules: new NodeRules(rules, rules.version, this.#view, {
        large,
        stale: cleans ? none : stale,
        canary: true,
        base: held instanceof NodeRules ? held.options.base : held,
      }),
    };
    try {
      if (!full && !held?.chain("nat", "KUBE-MARK-MASQ"))
        throw new Error("a partial sync refers to chains that are no longer there");
      restore(next);
    } catch (error) {
      this.error = error as Error;
      this.#needsFull = true;
      return false;
    }
    this.error = undefined;
    this.waitingSince = undefined;
    this.#needsFull = this.#viewChanged = false;
    if (full) this.#lastFull = now;
    if (cleans) this.#lastCleanup = now;
    this.#large = large;
    this.#stale = cleans ? none : stale;
    this.last = next;
    rules.use(last?.rules.version, rules.version);
    this.#updateHealth();
    this.#cleanConntrack(changed ?? undefined);
    return true;
  }

  /**
   * Which Services were written in which way: all of them in a full sync, else those that changed
   * since the last one.
   */
  #nextLarge(full: boolean): { after: number; large: boolean }[] {
    const large = this.rules.endpoints > largeCluster;
    if (full || this.last === undefined) return [{ after: -1, large }];
    return isLarge(this.#large) === large
      ? this.#large
      : [...this.#large, { after: this.last.rules.version, large }];
  }

  /**
   * The chains that nothing refers to once this sync has run: those of before that the changed
   * Services no longer have.
   */
  #nextStale(
    changed: ReadonlySet<string> | undefined,
    large: { after: number; large: boolean }[],
  ): Map<string, Chain> {
    const { rules, last } = this;
    if (last === undefined || (changed?.size === 0 && this.#stale.size === 0)) return none;
    const stale = new Map(this.#stale);
    const next = new NodeRules(rules, rules.version, this.#view, { large });
    const step = (keys: Iterable<string> | undefined): Step => {
      const of = (version: number): Iterable<ServiceState> =>
        keys
          ? [...keys]
              .map((key) => rules.stateAt(key, version))
              .filter((state) => state !== undefined)
          : rules.statesAt(version);
      return stepOf(last.rules.programs(of(last.rules.version)), next.programs(of(rules.version)));
    };
    const take = ({ gone, came }: Step): void => {
      for (const chain of gone) stale.set(chain.name, chain);
      for (const name of stale.keys()) if (came.has(name)) stale.delete(name);
    };
    if (!changed) take(step(undefined));
    else {
      const { alike, others } = rules.changes(last.rules.version, rules.version);
      take(
        rules.stepAlike(
          `${last.rules.version} ${rules.version} ${JSON.stringify([last.rules.options.large, large])}`,
          () => step(alike),
        ),
      );
      take(step(others));
    }
    return stale;
  }

  // ---- beside the rules ----

  #updateHealth(): void {
    const ports = new Set<number>();
    for (const key of this.rules.healthChecked) {
      const state = this.rules.stateAt(key, this.rules.version);
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

  /**
   * A UDP flow goes on to the endpoint that it was given, for as long as it speaks: flows to
   * endpoints that are gone must be forgotten (pkg/proxy/conntrack/cleanup.go).
   */
  #cleanConntrack(changed: ReadonlySet<string> | undefined): void {
    const { conntrack } = this.options.kernel;
    if (conntrack.udpConnections().next().done) return;
    const serving = new Map<string, Set<string>>();
    const { rules } = this;
    const states = changed
      ? [...changed].map((key) => rules.stateAt(key, rules.version))
      : rules.statesAt(rules.version);
    for (const state of states) {
      for (const { info, endpoints } of state?.ports ?? []) {
        if (info.protocol !== "udp") continue;
        const alive = new Set(endpoints.filter((each) => each.serving).map(({ text }) => text));
        for (const address of [info.clusterIP, ...info.externalIPs, ...info.loadBalancerIPs])
          serving.set(endpoint(address, info.port), alive);
        if (info.nodePort !== 0) serving.set(`nodePort ${info.nodePort}`, alive);
      }
    }
    for (const connection of conntrack.udpConnections()) {
      const { original, reply } = connection;
      const alive =
        serving.get(endpoint(original.destination, original.destinationPort)) ??
        serving.get(`nodePort ${original.destinationPort}`);
      if (alive && !alive.has(endpoint(reply.source, reply.sourcePort)))
        conntrack.delete(connection);
    }
  }
}

/**
 * From one set of programs to another, port by port: the port's hash is in the name of each of its
 * chains, so ports do not mix.
 */
function stepOf(before: Iterable<Program>, after: Iterable<Program>): Step {
  const now = new Map([...after].map((program) => [program.state.hash, program]));
  const gone: Chain[] = [];
  const came = new Set<string>();
  for (const program of before) {
    const next = now.get(program.state.hash);
    const step = next ? program.stepTo(next) : stepBetween(program, undefined);
    gone.push(...step.gone);
    for (const name of step.came) came.add(name);
    now.delete(program.state.hash);
  }
  for (const program of now.values()) for (const name of program.names) came.add(name);
  return { gone, came };
}

const none = new Map<string, Chain>();
const isLarge = (toggles: readonly { large: boolean }[]): boolean => toggles.at(-1)?.large ?? false;
