/**
 * A whole cluster in one process. createCluster wires it; everything else in the library knows only
 * what it was given.
 *
 *     const cluster = createCluster({ nodes: 3, cloud: aws(), seed: 1 });
 *     cluster.apply(read("manifests/service.yaml"));
 *     cluster.settle();
 *     cluster.request("http://mynginx-app.com:8080/").disposition     // "delivered"
 */
import { ApiServer } from "./apiserver/apiserver.js";
import { duties } from "./apiserver/admission.js";
import { Applied } from "./applied.js";
import { aws } from "./cloud/aws.js";
import { AddressPool, gateway, machineAddresses, machinePrefix } from "./cloud/addresses.js";
import { balancersOf } from "./cloud/balancers.js";
import { runExternalDns, type Domains } from "./cloud/external-dns.js";
import { cloudControllerManager } from "./cloud/manager.js";
import { BaseCloud } from "./cloud/provider.js";
import {
  nodeName,
  nodeSpecs,
  optionChecks,
  rangesFor,
  type ClusterOptions,
  type NodeSpec,
} from "./cluster-options.js";
import { kubeControllerManager, kubeScheduler } from "./controllers/manager.js";
import { DataPath, type RequestOptions } from "./journey/data-path.js";
import { Network } from "./journey/network.js";
import type { BarePacket } from "./journey/travel.js";
import type { Founded, Journey, Outcomes } from "./journey/types.js";
import type { Client, ListOptions } from "./api/client.js";
import type { Clock } from "./api/clock.js";
import { kubernetes, releaseOf, type Kubernetes } from "./objects/kubernetes.js";
import type { Surroundings } from "./machinery/controller.js";
import { duration } from "./machinery/duration.js";
import type { HistoryEntry } from "./api/history.js";
import { Informers } from "./machinery/informer.js";
import type { Manager } from "./machinery/manager.js";
import { Random, Streams } from "./machinery/random.js";
import { Supervisor } from "./machinery/supervisor.js";
import { VirtualClock } from "./machinery/virtual-clock.js";
import { familyOf } from "./net/ip.js";
import { Zone } from "./net/dns.js";
import { printable } from "./net/printable.js";
import { Routes } from "./net/routes.js";
import { runCoreDns } from "./node/dns.js";
import { nodeHandle, podHandle, type NodeHandle, type PodHandle } from "./handles.js";
import { configurations, defaults } from "./node/proxy/config.js";
import { ProxyFleet } from "./node/proxy/fleet.js";
import { Kubelet } from "./node/kubelet/kubelet.js";
import { explaining, whyOf } from "./diagnosis.js";
import { linesOf, type EndpointLine } from "./endpoint-lines.js";
import { film } from "./film.js";
import { nameStream } from "./name-streams.js";
import type { Traceable } from "./traceable.js";
import {
  scriptsIn,
  type RunScript,
  type World as ShellWorld,
  type ShellOptions,
  type ShellResult,
} from "./shells.js";
import { Machine } from "./node/machine.js";
import { runPodRoutes } from "./node/cni/pod-routes.js";
import { count, names } from "./api/summary.js";
import { parse, type Documents } from "./objects/files.js";
import type { AskWhy } from "./why/ask.js";
import type { World } from "./why/types.js";
import { kindInfo } from "./objects/kinds.js";
import type { EndpointSlice, Kind, Kinds, KubeObject } from "./objects/types.js";

export { aws };
export { ptp } from "./node/cni/plugins.js";
export type { ClusterOptions, NodeSpec } from "./cluster-options.js";
export type { Traceable } from "./traceable.js";

/**
 * Makes a cluster and lets it start: the answered one has its nodes ready and waits for manifests.
 */
export function createCluster(options: ClusterOptions = {}): Cluster {
  const cluster = new Cluster(options);
  cluster.start();
  return cluster;
}

/** The article's user owns one domain, and means it for the article's Service. */
export const articleDomains: Domains = { "mynginx-app.com": "default/nginx" };

/** A cluster that lives in virtual time: apply manifests, let it settle, ask where requests go. */
export class Cluster implements Traceable {
  readonly clock: Clock;
  readonly apiserver: ApiServer;
  readonly network: Network;
  readonly cloud: BaseCloud | undefined;
  /** The control plane's processes; of each manager two replicas, of which one leads. */
  readonly managers: readonly Manager[];
  /** Which Kubernetes it is. */
  readonly kubernetes: Kubernetes;
  readonly #warned = new Set<string>();
  /** The names that the internet knows: the cloud's, and the users' own. */
  readonly dns = new Zone();
  readonly #kubectl: Client;
  readonly #path: DataPath;
  readonly #kubelets = new Map<string, Kubelet>();
  readonly #random: Random;
  readonly #supervisor: Supervisor;
  readonly #run: RunScript;
  /** What shells need of it; who runs commands asks shell/places.ts for the places in it. */
  readonly shellWorld: ShellWorld;
  readonly #podRoutes = new Routes();
  readonly #proxies: ProxyFleet;
  readonly #applied: Applied;
  /** For machines that come without one. */
  readonly #addresses = new AddressPool(machineAddresses());
  /** What #stored answered, and as of which revision. */
  readonly #listed = new Map<string, { revision: number; items: readonly KubeObject[] }>();

  constructor(private readonly options: ClusterOptions) {
    optionChecks.cluster(options);
    const specs = nodeSpecs(options.nodes ?? 3);
    const spoken = new Set(specs.flatMap(({ addresses }) => addresses ?? []));
    const { seed = 1, cloud } = options;
    const { clusterCIDR, serviceCIDR } = rangesFor(options);
    this.kubernetes = kubernetes(options.version);
    this.#random = new Random(seed);
    this.clock = options.clock ?? new VirtualClock();
    this.#supervisor = new Supervisor(this.clock, options.onFailure);
    const first = options.first ?? { clusterIP: "10.2.1.1", nodePort: 30519 };
    const names = new Streams(this.#random, (who) => nameStream(this.#random, who));
    this.apiserver = new ApiServer({
      clock: this.#clockOf("kube-apiserver"),
      onWatcherFailure: (who, object, error) => this.#supervisor.report(who, object, error),
      random: this.#random.fork("apiserver/numbers").next,
      randomFor: (who) => names.of(who).next,
      store: options.store,
      kubernetes: this.kubernetes,
      serviceCIDRs: serviceCIDR.split(","),
      first,
      historyLimit: options.historyLimit,
      addressObjects: options.systemObjects || undefined,
      enableAdmissionPlugins: [
        ...(options.systemObjects ? ["ServiceAccount"] : []),
        // one that lives in real time is served; in virtual time a node is ready at once
        ...(this.clock instanceof VirtualClock ? [] : ["TaintNodesByCondition"]),
      ],
      // kube-apiserver --etcd-compaction-interval; virtual time may be looked back upon
      ...(!(this.clock instanceof VirtualClock) && { compactEvery: 300_000 }),
    });
    this.#kubectl = this.apiserver.client("kubectl");
    this.#applied = new Applied(this.#kubectl, (text) => this.#warn(text));

    this.network = new Network(
      this.#podRoutes,
      this.dns,
      new Zone(),
      balancersOf(() => this.cloud),
    );
    this.network.fault = options.faults?.network;
    this.network.strangers.push((address) => this.#outside(address));
    this.network.learn((kind) => this.#stored(kind));
    this.#path = new DataPath(
      this.network,
      this.#random.fork("requests").next,
      this.#random.fork("health checks").next,
      explaining(() => this.#world()),
    );
    this.cloud = cloud?.({
      clock: this.#clockOf("cloud"),
      random: this.#random.fork("cloud"),
      check: (target, check, balancer) => this.#path.healthy(target, check, balancer),
      dns: this.dns,
      bind: (node, addresses) => this.network.machines.get(node)?.bind(addresses),
    });
    if (cloud && !(this.cloud instanceof BaseCloud))
      throw new Error("createCluster: cloud made no cloud provider; did you mean aws() or gcp()?");
    this.shellWorld = {
      apiserver: this.apiserver,
      network: this.network,
      clock: this.clock,
      random: this.#random.fork("shells"),
      serviceCIDR,
    };
    this.#run = scriptsIn(this.shellWorld);
    this.#proxies = new ProxyFleet({
      clock: this.#clockOf("kube-proxy"),
      config: options.kubeProxy
        ? configurations.read(options.kubeProxy, this.kubernetes)
        : { ...defaults, clusterCIDR },
      mode: options.proxyMode,
      features: {
        nfacct: options.nfacct,
        randomFully: options.randomFully,
        kubernetes: this.kubernetes,
      },
    });
    this.#proxies.warnings.forEach((text) => this.#warn(text));
    // kube-apiserver makes a ServiceCIDR of its own range (KEP-1880); where objects are kept of
    // ranges, these count as soon as they are there
    this.#proxies.setServiceCIDRs(serviceCIDR.split(","));
    for (const spec of specs) this.#launch(spec, (address) => spoken.has(address));
    this.managers = this.#controlPlane(clusterCIDR);
  }

  /**
   * Boots everything, in the order in which a cluster's parts usually come up; each of them waits
   * by itself for what it needs.
   */
  start(): void {
    if (this.options.systemObjects) this.#publish();
    for (const manager of this.managers) manager.start();
    for (const kubelet of this.#kubelets.values()) kubelet.start();
    const withRanges = this.options.systemObjects ?? false;
    this.follow("kube-proxy", (informers) => this.#proxies.follow(informers, withRanges));
    this.follow("coredns", (informers) => runCoreDns(informers, this.network.clusterDns));
    this.follow("cni", (informers) => runPodRoutes(informers, this.#podRoutes));
    this.follow("external-dns", (informers) =>
      runExternalDns(informers, this.dns, this.options.domains ?? articleDomains),
    );
    if (this.clock instanceof VirtualClock) this.settle();
  }

  /** The way to the API server for Pods. */
  #publish(): void {
    const [client, clock] = [this.#connect("kube-apiserver"), this.#clockOf("kube-apiserver")];
    for (const begin of duties) begin(client, clock, rangesFor(this.options).serviceCIDR);
  }

  // ---- what a user does ----

  /**
   * As `kubectl apply`: makes what is not there, changes what is there to what the manifest says.
   * Answers the objects as stored.
   */
  apply(what: Documents | KubeObject | string): KubeObject[];
  // an object written out in a notebook's cell
  apply(what: KubeObject & Record<string, unknown>): KubeObject[];
  apply(what: Documents | KubeObject | string): KubeObject[] {
    const { version } = this.kubernetes;
    if (typeof what === "string") return this.apply(parse(what, { version }));
    if ("manifests" in what) return what.manifests.map(({ object }) => this.#applied.apply(object));
    // an object at hand, other than a text, is of this cluster: an old one is a conflict
    const { resourceVersion } = what.metadata ?? {};
    return parse(JSON.stringify(what), { version }).manifests.map(({ object }) =>
      this.#applied.apply(object, resourceVersion),
    );
  }

  /** One object, as `kubectl get -o yaml` shows it. Throws ApiError where there is none. */
  get<K extends Kind>(kind: K, name: string, namespace = "default"): Kinds[K] {
    return this.#kubectl.get(kind, name, namespace);
  }

  /** All objects of a kind, of all namespaces unless one is named. */
  list<K extends Kind>(kind: K, options: ListOptions = {}): readonly Kinds[K][] {
    return this.#kubectl.list(kind, options).items;
  }

  /** Who may answer for a Service, as its EndpointSlices say: a line for each address. */
  endpoints(service: string, namespace = "default"): EndpointLine[] {
    const labelSelector = `kubernetes.io/service-name=${service}`;
    return linesOf(this.list("EndpointSlice", { namespace, labelSelector }));
  }

  /**
   * As `kubectl delete`; what the object owns goes with it, and a Pod ends after its grace period.
   */
  delete(kind: Kind, name: string, namespace = "default"): void {
    this.#kubectl.delete(kind, name, namespace);
    this.#applied.forget(kind, namespace, name);
  }

  /** As `kubectl scale --replicas`. */
  scale(
    kind: "Deployment" | "ReplicaSet",
    name: string,
    replicas: number,
    namespace = "default",
  ): void {
    this.#kubectl.patch(
      kind,
      name,
      namespace,
      { type: "merge", body: { spec: { replicas } } },
      { subresource: "scale" },
    );
  }

  /**
   * A merge patch (RFC 7396): `cluster.patch("Service", "nginx", { spec: { externalTrafficPolicy:
   * "Local" } })`.
   */
  patch<K extends Kind>(kind: K, name: string, body: unknown, namespace = "default"): Kinds[K] {
    return this.#kubectl.patch(kind, name, namespace, { type: "merge", body });
  }

  /**
   * A machine joins: its kubelet registers it, and the rest follows by itself. `node`: a name, or
   * more of it; default: the next free name, "node-d" after three.
   *
   *     cluster.addNode({ name: "node-d", zone: "ap-south-1b" });
   *     cluster.settle();
   */
  addNode(node: string | NodeSpec = this.#freeName()): NodeHandle {
    const spec = typeof node === "string" ? { name: node } : node;
    const machines = [...this.network.machines.values()];
    optionChecks.node(spec, machines, this.options);
    const taken = new Set(machines.flatMap(({ addresses }) => addresses));
    this.#launch(spec, (address) => taken.has(address)).start();
    return this.node(spec.name);
  }

  /**
   * A machine is gone for good, and what ran on it. In a cloud its Node goes once the
   * cloud-node-lifecycle-controller has asked for the machine; without a cloud it stays, not ready,
   * until somebody deletes it.
   */
  removeNode(name: string): void {
    const node = this.node(name);
    node.stop();
    this.#kubelets.delete(name);
    this.#proxies.remove(name);
    this.network.removeMachine(name);
    this.cloud?.terminate(name);
    for (const address of node.machine.addresses) this.#addresses.putBack(address);
  }

  #freeName(): string {
    for (let i = 0; ; i++) if (!this.network.machines.has(nodeName(i))) return nodeName(i);
  }

  // ---- time ----

  /** The moment it is in the cluster. */
  get now(): Date {
    return new Date(this.clock.now());
  }

  /** Runs until nobody has anything left to do; time moves on as needed. */
  settle(): void {
    this.#virtual("settle").settle();
  }

  /** Lets time pass: "400ms", "40s", "5m", or milliseconds. */
  advance(time: string | number): void {
    this.#virtual("advance").advance(duration(time));
  }

  /**
   * Lets time pass and looks every now and then (default: every 100 ms); answers what it saw first
   * and each time it saw something else.
   *
   *     cluster.film("5s", () => cluster.shares("http://mynginx-app.com:8080/"))      // [{ seconds: 0, "default/nginx-…": 1, … }, …]
   */
  film<T extends object>(
    time: string | number,
    look: () => T,
    every: string | number = "100ms",
  ): ({ seconds: number } & T)[] {
    return film(this, look, time, every);
  }

  #virtual(verb: string): VirtualClock {
    if (this.clock instanceof VirtualClock) return this.clock;
    throw new Error(`${verb}: this cluster runs in real time, which passes by itself`);
  }

  // ---- what can be looked at ----

  /**
   * A node's insides: its machine, its kubelet, its kube-proxy and the rules that its kernel holds.
   */
  node(name: string): NodeHandle {
    const [machine, kubelet] = [this.network.machines.get(name), this.#kubelets.get(name)];
    if (!machine || !kubelet)
      throw new Error(
        printable(
          `there is no node "${name}"; the nodes are ${[...this.network.machines.keys()].slice(0, 10).join(", ")}`,
        ),
      );
    return nodeHandle(
      machine,
      kubelet,
      () => this.#proxies.get(name),
      () => this.#proxies.tables(name),
      this.#run,
    );
  }

  /**
   * The processes of a Pod, to be crashed or made ill, and a shell in it. `name`: "client", or with
   * its namespace "default/client".
   */
  pod(name: string, namespace = "default"): PodHandle {
    return podHandle(this.network, name.includes("/") ? name : `${namespace}/${name}`, this.#run);
  }

  /** The client on the internet: `await cluster.internet.sh("curl -s http://mynginx-app.com:8080")`. */
  get internet(): { sh(script: string, options?: ShellOptions): Promise<ShellResult> } {
    return { sh: (script, options) => this.#run("internet", script, options) };
  }

  /** The journey of the packet that a command sent last; undefined: none has sent any. */
  lastJourney(): Founded<Journey> | undefined {
    return this.network.lastJourney;
  }

  /**
   * The API server's door under another name: what a second user, or a component of your own, sees
   * and may do.
   */
  as(who: string): Client {
    return this.apiserver.client(who);
  }

  /**
   * Who read, watched and wrote what, when. `only`: those that have these values: `history({ verb:
   * "create", kind: "Pod" })`.
   */
  history(only: Partial<HistoryEntry> = {}): readonly HistoryEntry[] {
    const wanted = Object.entries(only) as [keyof HistoryEntry, unknown][];
    return this.apiserver
      .history()
      .filter((entry) => wanted.every(([field, value]) => entry[field] === value));
  }

  /**
   * The cluster's objects as they were at a revision of the store (an object's resourceVersion):
   * nothing is ever changed in place.
   */
  at(revision: number | string): {
    get<K extends Kind>(kind: K, name: string, namespace?: string): Kinds[K] | undefined;
    list<K extends Kind>(kind: K, options?: ListOptions): readonly Kinds[K][];
  } {
    const list = <K extends Kind>(kind: K, options: ListOptions = {}) =>
      this.apiserver.list(kind, { ...options, revision: Number(revision) })
        .items as readonly Kinds[K][];
    return {
      list,
      get: (kind, name, namespace = "default") =>
        list(kind).find(
          ({ metadata }) =>
            metadata.name === name && (metadata.namespace ?? namespace) === namespace,
        ),
    };
  }

  /**
   * The replica of a control-plane component that leads: "kube-controller-manager",
   * "kube-scheduler", "cloud-controller-manager".
   */
  leader(component: string): Manager | undefined {
    return this.managers.find((manager) => manager.name === component && manager.leading);
  }

  // ---- packets ----

  /** Sends one request and follows it to the Pod and back. */
  request(url: string, options?: RequestOptions): Founded<Journey> {
    return this.#path.request(url, options);
  }

  /** Every way the request can go now, with its exact probability. */
  outcomes(url: string, options?: RequestOptions): Founded<Outcomes> {
    return this.#path.outcomes(url, options);
  }

  /** Where a request ends now, in short: Pod, or disposition, -> its exact probability. */
  shares(url: string, options?: RequestOptions): Record<string, number> {
    return this.#path.shares(url, options);
  }

  /** Where `times` requests end: Pod, or disposition, -> how often. */
  spread(url: string, times: number, options?: RequestOptions): Record<string, number> {
    return this.#path.spread(url, times, options);
  }

  /**
   * Follows one bare packet that arrives at a node, or leaves it where `from` is one of the node's
   * own addresses.
   */
  packet(bare: BarePacket): Founded<Journey> {
    return this.#path.packet(bare);
  }

  /** Every way that packet can go, with its exact probability. */
  packetOutcomes(bare: BarePacket): Founded<Outcomes> {
    return this.#path.packetOutcomes(bare);
  }

  /**
   * Why a Service does not answer: each of its doors tried in every way, and of those that fail
   * the first cause, the field to change and the command that shows it.
   *
   *     cluster.why("web"); // a Service; "prod/web" in a namespace
   *     cluster.why("http://web/", { from: "pod/default/client" }); // what a URL leads to
   *     cluster.why("web", { since: revision }); // and what has changed since
   *     cluster.why(); // all Services, failing ones first
   */
  readonly why: AskWhy = whyOf(
    () => this.#world(),
    (revision) => (kind) => this.at(revision).list(kind),
  );

  #world(): World {
    return {
      network: this.network,
      list: (kind) => this.apiserver.list(kind, {}).items as never,
      domains: this.options.domains ?? articleDomains,
      kubeProxy: this.#proxies.config,
      makesBalancers: this.cloud !== undefined,
      cloud: this.cloud,
      proxy: (node) => this.#proxies.progress(node),
    };
  }

  /** What it says of itself where it is printed. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const counted = (["Service", "Deployment", "Pod"] as const)
      .map((kind) => count(this.list(kind).length, kind))
      .join(", ");
    const nodes = [...this.network.machines.values()];
    return [
      `a cluster at ${this.now.toISOString()}, ${this.cloud ? `in the cloud ${this.cloud.name}` : "without a cloud"}`,
      `  ${count(nodes.length, "node")}: ${names(nodes.map(({ name, up }) => (up ? name : `${name} (down)`)))}`,
      `  ${counted}`,
      '  .apply(manifest)  .request(url)  .outcomes(url)  .why("service")  .node("name")  .pod("name")  .list("kind")',
    ].join("\n");
  }

  /**
   * Starts something that only watches: `run` says what of, and hears of it until the informers
   * that this answers are stopped.
   */
  follow(who: string, run: (informers: Informers) => void): Informers {
    const informers = new Informers(this.#connect(who), this.#supervisor.of(who));
    run(informers);
    informers.start();
    return informers;
  }

  // ---- wiring ----

  #warn(text: string): void {
    if (!this.#warned.has(text)) this.options.onWarning?.(text);
    this.#warned.add(text);
  }

  /** The client of a component; users have one that never fails. */
  #connect(who: string): Client {
    const client = this.apiserver.client(who);
    return this.options.faults?.client?.(client, who, this.#clockOf(who)) ?? client;
  }

  #clockOf(component: string): Clock {
    return this.#supervisor.of(component).clock();
  }

  #surroundings(label: string): Surroundings {
    return {
      clock: this.clock,
      supervisor: this.#supervisor,
      random: this.#random.fork(label),
      connect: (who) => this.#connect(who),
    };
  }

  #controlPlane(clusterCIDR: string): Manager[] {
    const { cloud } = this;
    return ["control-plane-1", "control-plane-2"].flatMap((identity) => {
      const surroundings = { ...this.#surroundings(identity), identity };
      return [
        kubeControllerManager({
          ...surroundings,
          clusterCIDRs: clusterCIDR.split(","),
          firstPart: 1,
          withoutSystemObjects: !this.options.systemObjects,
        }), // node-a gets 10.1.1.0/24, as in the article's figures
        kubeScheduler(surroundings),
        ...(cloud ? [cloudControllerManager({ ...surroundings, provider: cloud })] : []),
      ];
    });
  }

  /** A machine with all that runs on it; nothing of it has started yet. */
  #launch(
    { name, addresses: wanted, zone, labels, capacity, proxyMode }: NodeSpec,
    isTaken: (address: string) => boolean,
  ): Kubelet {
    const addresses = wanted ?? [this.#addresses.take(isTaken)!];
    const machine = new Machine({
      name,
      addresses: addresses.map((each) => `${each}/${machinePrefix[familyOf(each)]}`),
      clock: this.clock,
      gateway,
      sharedRoutes: this.#podRoutes,
      cni: this.options.cni,
      revision: () => this.apiserver.store.revision,
    });
    // it may refuse an address, and then nothing has been made
    this.cloud?.launch({ name, addresses: machine.addresses, zone });
    this.network.addMachine(machine);
    const kubelet = new Kubelet({
      ...this.#surroundings("kubelet"),
      name,
      version: releaseOf(this.kubernetes),
      runtime: this.options.runtime?.(machine, this.shellWorld) ?? machine,
      addresses: machine.addresses,
      capacity,
      externalCloudProvider: this.cloud?.hasMachines ?? false,
      // manifests at hand are seldom all that there are
      needsConfig: this.options.systemObjects ?? false,
      missingImages: this.options.missingImages,
      labels: {
        ...(zone && !this.cloud?.hasMachines && { "topology.kubernetes.io/zone": zone }),
        ...labels,
      },
    });
    this.#kubelets.set(name, kubelet);
    this.#proxies.add(machine, proxyMode);
    return kubelet;
  }

  /** An endpoint that somebody wrote by hand: for a host outside of the cluster. */
  #outside(address: string): string | undefined {
    const isMeant = this.apiserver
      .list("EndpointSlice")
      .items.some((slice) =>
        (slice as EndpointSlice).endpoints.some(
          ({ addresses, targetRef, nodeName }) =>
            !targetRef && nodeName === undefined && addresses.includes(address),
        ),
      );
    return isMeant ? address : undefined;
  }

  /** Objects of a kind that may not be known here; looked up anew only after somebody wrote. */
  #stored(kind: string): readonly KubeObject[] {
    const { revision } = this.apiserver.store;
    const known = this.#listed.get(kind);
    if (known?.revision === revision) return known.items;
    const info = kindInfo(kind);
    const items = info ? this.apiserver.list(info.key).items : [];
    this.#listed.set(kind, { revision, items });
    return items;
  }
}
