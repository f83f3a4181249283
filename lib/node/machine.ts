/**
 * One machine of the cluster: a kernel, and the Pods' sandboxes that hang on it. The kubelet asks
 * it to run Pods, the kube-proxy programs its netfilter, and packets meet nothing else of a node.
 *
 *     const machine = new Machine({ name: "node-a", addresses: ["192.168.0.1/16"], clock });
 *     machine.start(pod, ["10.1.1.0/24"]).ips      // ["10.1.1.2"]
 *     machine.sandboxAt("10.1.1.2")?.listens("TCP", 80)
 */
import { hash } from "../machinery/random.js";
import { parseCIDR } from "../net/ip.js";
import { Kernel } from "../net/kernel.js";
import type { Transport } from "../net/packet.js";
import type { Proxy } from "../net/proxy.js";
import type { Routes } from "../net/routes.js";
import { namespacedName } from "../objects/names.js";
import { asksForHostPorts } from "../objects/pods.js";
import type { Pod, Probe } from "../objects/types.js";
import type { CniPlugin, Link } from "./cni/cni.js";
import { PodNetwork } from "./cni/pod-network.js";
import { ptp } from "./cni/ptp.js";
import type { Runtime } from "./kubelet/runtime.js";
import type { Granted } from "./granted.js";
import { Listening, type Answer } from "./listening.js";

export interface MachineOptions {
  name: string;
  /** The addresses of eth0 with their prefix lengths; the first is the node IP. */
  addresses: readonly string[];
  clock: { now(): number };
  /** Where everything goes that no other route knows; default: the link itself. */
  gateway?: string;
  /** The routes to other nodes' Pods, shared by all machines. */
  sharedRoutes?: Routes | undefined;
  /** How Pods hang on it. Default: ptp(). */
  cni?: CniPlugin | undefined;
  /** As far as the API server has told: its store's revision. */
  revision?: () => number;
}

/** When a container began, and what was known by then. */
export interface Began {
  container: string;
  at: number;
  revision: number;
}

export class Machine implements Runtime {
  readonly name: string;
  readonly addresses: readonly string[];
  /** The networks that its addresses are in: "192.168.0.0/16". */
  readonly ranges: readonly string[];
  readonly kernel: Kernel;
  readonly pods: PodNetwork;
  onExit?: () => void;
  /** Hears which Pods' sandboxes come and go here. */
  onSandbox?: (sandbox: Sandbox, there: boolean) => void;
  /** Why nobody knows what rules it has; undefined where somebody does. */
  doubt: { object: string; field: string; sentence: string } | undefined;
  /** A machine that is down answers nothing and forwards nothing. */
  up = true;
  /**
   * The status code with which a node process's HTTP server on `port` answers; undefined where none
   * listens.
   */
  httpStatus: (port: number) => number | undefined = () => undefined;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #hostPorts = new Map<string, HostPort[]>();
  readonly #own: readonly string[];
  readonly #now: () => Omit<Began, "container">;

  constructor(options: MachineOptions) {
    const { name, addresses, clock, gateway, sharedRoutes, cni = ptp() } = options;
    this.name = name;
    this.#now = () => ({ at: clock.now(), revision: options.revision?.() ?? 0 });
    this.addresses = addresses.map((range) => parseCIDR(range).address.text);
    this.ranges = addresses.map((range) => parseCIDR(range).text);
    this.#own = addresses;
    this.kernel = new Kernel({
      name,
      clock,
      forwarding: true,
      interfaces: [{ name: "eth0", addresses }],
      sharedRoutes,
    });
    this.kernel.routes.add({ to: "default", dev: "eth0", ...(gateway && { via: gateway }) });
    if (this.addresses.some((address) => address.includes(":")))
      this.kernel.routes.add({ to: "::/0", dev: "eth0" });
    this.pods = new PodNetwork(this.kernel, cni);
  }

  /** Gives eth0 these addresses beside its own, and no others. */
  bind(addresses: readonly string[]): void {
    this.kernel.setInterface({ name: "eth0", addresses: [...this.#own, ...addresses] });
  }

  get sandboxes(): Iterable<Sandbox> {
    return this.#sandboxes.values();
  }

  sandbox(key: string): Sandbox | undefined {
    return this.#sandboxes.get(key);
  }

  sandboxAt(address: string): Sandbox | undefined {
    return this.#sandboxOf(this.pods.at(address));
  }

  /** The interface by which a Pod's packets arrive here. */
  deviceOf({ key }: Sandbox): string {
    return this.pods.portOf(key)?.device ?? "lo";
  }

  /**
   * Who gets a packet that leaves by a device towards an address: a Pod, or nobody for a reason;
   * undefined where no Pods hang on it. `from`: the Pod by whose port it came.
   */
  behind(
    device: string,
    address: string,
    from?: Sandbox,
  ): { sandbox: Sandbox } | { lost: string } | undefined {
    const found = this.pods.behind(device, address, from?.key);
    if (!found || "lost" in found) return found;
    return { sandbox: this.#sandboxOf(found.link)! };
  }

  /** The Pod that gets a Pod's packet past the kernel's hooks, where a bridge does so. */
  bridged({ key }: Sandbox, address: string): Sandbox | undefined {
    return this.#sandboxOf(this.pods.bridged(key, address));
  }

  #sandboxOf(link: Link | undefined): Sandbox | undefined {
    return link && this.#sandboxes.get(link.key);
  }

  /**
   * A hostNetwork Pod whose process takes what arrives at the node's own port. `takes`: of one that
   * might, whether it does.
   */
  processOn(
    protocol: Transport,
    port: number,
    takes?: (pod: Sandbox) => boolean | undefined,
  ): Sandbox | undefined {
    for (const sandbox of this.#sandboxes.values())
      if (sandbox.hostNetwork && sandbox.listens(protocol, port) && takes?.(sandbox) !== false)
        return sandbox;
    return undefined;
  }

  /**
   * The Pod that asks for this port of the node by hostPort, and the field that does; the plugin
   * portmap leads connections there in life. A Pod in the node's own network needs no such help.
   */
  hostPort(protocol: Transport, address: string, port: number): HostPort | undefined {
    return this.#hostPorts
      .get(`${protocol} ${port}`)
      ?.find(({ hostIP }) => hostIP === undefined || hostIP === address);
  }

  start(pod: Pod, podCIDRs: readonly string[], granted?: () => Granted[]): { ips: string[] } {
    const key = namespacedName(pod);
    const present = this.#sandboxes.get(key);
    if (present) return { ips: [...present.ips] };
    const ips = pod.spec.hostNetwork ? [...this.addresses] : this.pods.allocate(key, podCIDRs);
    this.attach(pod, ips, podCIDRs).started = granted;
    return { ips };
  }

  /**
   * Gives the Pod these addresses as they are: for a Pod that has them already (a snapshot).
   * `ranges`: the node's parts of the Pods' network, as far as they are known.
   */
  attach(pod: Pod, ips: readonly string[], ranges: readonly string[] = []): Sandbox {
    const sandbox = new Sandbox(pod, ips);
    this.#sandboxes.set(sandbox.key, sandbox);
    this.onSandbox?.(sandbox, true);
    if (sandbox.hostNetwork) return sandbox;
    for (const each of hostPortsOf(sandbox))
      this.#hostPorts.set(each.key, [...(this.#hostPorts.get(each.key) ?? []), each]);
    this.pods.add(sandbox, ranges);
    return sandbox;
  }

  stop(pod: Pod): void {
    const sandbox = this.#sandboxes.get(namespacedName(pod));
    if (!sandbox || sandbox.pod.metadata.uid !== pod.metadata.uid) return;
    this.#sandboxes.delete(sandbox.key);
    this.onSandbox?.(sandbox, false);
    if (sandbox.hostNetwork) return;
    for (const { key } of hostPortsOf(sandbox)) this.#forgetHostPort(key, sandbox);
    this.pods.remove(sandbox.key);
  }

  probe(pod: Pod, container: string, probe: Probe): { ok: boolean; message: string } {
    const sandbox = this.#sandboxes.get(namespacedName(pod));
    if (!sandbox?.runs(container)) return { ok: false, message: "container not running" };
    if (sandbox.sick)
      return {
        ok: false,
        message: probe.httpGet
          ? "HTTP probe failed with statuscode: 503"
          : "command failed with exit code 1",
      };
    const spec = pod.spec.containers.find(({ name }) => name === container);
    const wanted = probe.httpGet?.port ?? probe.tcpSocket?.port;
    // on what a sidecar listens nobody looks
    if (!spec || wanted === undefined) return { ok: true, message: "" };
    const port =
      typeof wanted === "number"
        ? wanted
        : spec.ports?.find(({ name }) => name === wanted)?.containerPort;
    const host = probe.httpGet?.host ?? probe.tcpSocket?.host ?? "";
    // the kubelet asks from the node's network: the loopback address is the node's own
    const isLoopback = /^(127\.|localhost$|::1$)/.test(host);
    const listens =
      port !== undefined &&
      (isLoopback && !sandbox.hostNetwork
        ? this.processOn("TCP", port) !== undefined
        : sandbox.listens("TCP", port) ||
          (host !== "" && !isLoopback && !sandbox.ips.includes(host)));
    if (listens) return { ok: true, message: "" };
    const address = `${host || sandbox.ips[0]}:${port ?? wanted}`;
    return {
      ok: false,
      message: probe.httpGet
        ? `Get "http://${address}${probe.httpGet.path ?? "/"}": dial tcp ${address}: connect: connection refused`
        : `dial tcp ${address}: connect: connection refused`,
    };
  }

  running(pod: Pod, container: string): boolean {
    return this.#sandboxes.get(namespacedName(pod))?.runs(container) ?? false;
  }

  /** A container's process ends, and the kubelet is told that something did. */
  crash(sandbox: Sandbox, container: string): void {
    sandbox.crash(container);
    this.onExit?.();
  }

  run(pod: Pod, container: string): void {
    const sandbox = this.#sandboxes.get(namespacedName(pod));
    if (!sandbox) return;
    sandbox.begin(pod, container, this.#now());
  }

  end(pod: Pod, container: string): void {
    this.#sandboxes.get(namespacedName(pod))?.crash(container);
  }

  close(pod: Pod, container: string): void {
    this.#sandboxes.get(namespacedName(pod))?.close(container);
  }

  #forgetHostPort(key: string, sandbox: Sandbox): void {
    const others = this.#hostPorts.get(key)?.filter((each) => each.sandbox !== sandbox) ?? [];
    if (others.length > 0) this.#hostPorts.set(key, others);
    else this.#hostPorts.delete(key);
  }
}

/** A port of the node that a Pod asks for. */
export interface HostPort {
  sandbox: Sandbox;
  /** "spec.containers[0].ports[0].hostPort" */
  field: string;
  /** The port of the Pod that it leads to. */
  containerPort: number;
  /** Only at this address of the node; undefined: at all. */
  hostIP: string | undefined;
}

function hostPortsOf(sandbox: Sandbox): readonly (HostPort & { key: string })[] {
  if (!asksForHostPorts(sandbox.pod.spec)) return [];
  return sandbox.pod.spec.containers.flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort, containerPort, hostIP, protocol = "TCP" }, j) => {
      if (!hostPort) return [];
      const anywhere = !hostIP || hostIP === "0.0.0.0" || hostIP === "::";
      return {
        key: `${protocol} ${hostPort}`,
        sandbox,
        containerPort,
        field: `spec.containers[${i}].ports[${j}].hostPort`,
        hostIP: anywhere ? undefined : hostIP,
      };
    }),
  );
}

// What most Pods never have, so that they need not each have an empty one.
const nobody: ReadonlySet<string> = new Set();
const none: ReadonlyMap<string, object> = new Map();

/** A Pod's network namespace and the processes in it. */
export class Sandbox implements Link {
  readonly key: string;
  readonly hostNetwork: boolean;
  /** The host's end of its veth pair. */
  readonly veth: string;
  /** Each container that runs, or ran last. */
  began: readonly Began[] = [];
  /** Containers whose process has ended. */
  crashed = nobody;
  /** Containers whose process is ending and takes no new connections. */
  closed = nobody;
  /** Its processes run and listen, but say that they are not ready. */
  sick = false;
  /** What its process does where it passes requests on instead of answering them. */
  proxy?: Proxy;

  /** Sockets that its processes have opened by themselves: "TCP 8080" -> who takes what comes. */
  sockets: ReadonlyMap<string, object> = none;

  /** Whether those are all: its processes are run, and nothing need be taken from its spec. */
  knowsSockets = false;

  /** What was taken for granted so that it could be started, as it is now. */
  started: (() => Granted[]) | undefined;

  readonly #listening: Listening;

  /** `pod`: as it was when a container of it was last begun. */
  constructor(
    public pod: Pod,
    readonly ips: readonly string[],
  ) {
    this.#listening = new Listening(pod);
    this.key = namespacedName(pod);
    this.hostNetwork = pod.spec.hostNetwork ?? false;
    this.veth = `veth${hash(`${this.key}/${pod.metadata.uid ?? ""}`)
      .toString(16)
      .padStart(8, "0")}`;
  }

  /** A container of the Pod, as it is now, begins. */
  begin(pod: Pod, container: string, now: Omit<Began, "container">): void {
    this.pod = pod;
    this.began = [
      ...this.began.filter((each) => each.container !== container),
      { container, ...now },
    ];
    if (this.crashed.has(container))
      this.crashed = new Set([...this.crashed].filter((one) => one !== container));
  }

  /** A container's process has ended. */
  crash(container: string): void {
    this.crashed = new Set([...this.crashed, container]);
  }

  /** A container's process takes no new connections any more. */
  close(container: string): void {
    this.closed = new Set([...this.closed, container]);
  }

  runs(container: string): boolean {
    return !this.crashed.has(container);
  }

  /** A process opens a socket; answers how it closes it. */
  open(socket: string, listener: object): () => void {
    this.sockets = new Map([...this.sockets, [socket, listener]]);
    return () => {
      this.sockets = new Map([...this.sockets].filter(([key]) => key !== socket));
    };
  }

  /** Whether a process of the Pod listens, as far as its spec tells. */
  listens(protocol: Transport, port: number): boolean {
    if (this.sockets.size > 0 && this.sockets.has(`${protocol} ${port}`)) return true;
    return !this.knowsSockets && this.#listening.on(protocol, port, this.#serves);
  }

  /**
   * What is taken for granted where somebody asks it on this port: what it got through to be
   * running and ready, and on what it listens.
   */
  assumed(protocol: Transport, port: number): readonly Granted[] {
    const { isCertain, field, words } = this.explainListening(protocol, port);
    const granted = this.started?.() ?? [];
    return isCertain ? granted : [...granted, { field, sentence: words }];
  }

  /** The same with its reasons. */
  explainListening(protocol: Transport, port: number): Answer {
    return this.#listening.explain(protocol, port, this.#serves);
  }

  readonly #serves = (container: string): boolean =>
    this.runs(container) && !this.closed.has(container);
}
