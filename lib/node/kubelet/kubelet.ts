import type { Client } from "../../api/client.js";
import { guardOf, type Surroundings } from "../../machinery/controller.js";
import { stamp, stampMicro } from "../../api/time.js";
import { EventRecorder } from "../../machinery/events.js";
import { kubernetes, releaseOf } from "../../objects/kubernetes.js";
import { every, type Clock } from "../../api/clock.js";
import { ignoring } from "../../api/errors.js";
import { Informer } from "../../machinery/informer.js";
import type { Random } from "../../machinery/random.js";
import type { Guard, Task } from "../../machinery/supervisor.js";
import { firstOfEachFamily } from "../../net/ip.js";
import { frozen, same } from "../../objects/freeze.js";
import type { Condition, Lease, Node, Pod, Taint } from "../../objects/types.js";
import { isMissing } from "./command.js";
import type { Host } from "./host.js";
import { PodWorker } from "./pod-worker.js";
import type { Runtime } from "./runtime.js";

// Milliseconds. (pkg/kubelet/apis/config/v1beta1/defaults.go)
const STATUS_UPDATE_MS = 10_000; // nodeStatusUpdateFrequency: the status is worked out so often,
// nodeStatusReportFrequency: and written when it changed, or so often
const STATUS_REPORT_MS = 300_000;
const LEASE_RENEW_MS = 10_000; // a quarter of nodeLeaseDurationSeconds
const LEASE_SECONDS = 40;
// genericPlegRelistPeriod: until the kubelet has noticed that a container ended
const RELIST_MS = 1_000;

export interface KubeletOptions extends Surroundings {
  /** The Node's name. */
  name: string;
  runtime: Runtime;
  /** Default: the usual one's. */
  version?: string | undefined;
  /**
   * The machine's addresses, the node IP first. With an external cloud provider the cloud's
   * controller writes them into the Node, without one the kubelet does.
   */
  addresses: readonly string[];
  labels?: Record<string, string>;
  /** `--register-with-taints` */
  taints?: readonly Taint[];
  /** Default: 4 CPUs, 16 GiB, 110 Pods. */
  capacity?: { cpu?: string; memory?: string; pods?: string } | undefined;
  /**
   * `--cloud-provider=external`: the Node is tainted until the cloud-controller-manager has
   * initialised it. Default false.
   */
  externalCloudProvider?: boolean;
  /** Whether ConfigMaps and Secrets that are not there keep Pods from starting. Default false. */
  needsConfig?: boolean;
  /** Images that no registry has, beside those that `isMissing` knows. */
  missingImages?: readonly string[] | undefined;
}

/**
 * The agent on a node: registers it, says every few seconds that it lives, and runs the Pods that
 * are bound to it. `stop()` is the end of a machine: it falls silent, and the rest of the cluster
 * has to find out. (kubernetes: pkg/kubelet)
 */
export class Kubelet {
  readonly #client: Client;
  readonly #events: EventRecorder;
  readonly #random: Random;
  readonly #host: Host;
  readonly #guard: Guard;
  readonly #clock: Clock;
  readonly #boot: Task;
  #hostStatus: ReturnType<Host["hostStatus"]> = {};
  readonly #workers = new Map<string, PodWorker>();
  /** Pods that ran when the kubelet stopped. */
  #left: Pod[] = [];
  #self: Informer<Node> | undefined;
  #pods: Informer<Pod> | undefined;
  readonly #timers = new Map<string, () => void>();
  #reported = 0;

  /** From its start to its stop, registered or not. */
  running = false;

  constructor(private readonly options: KubeletOptions) {
    this.#client = options.connect(`kubelet/${options.name}`);
    this.#guard = guardOf(`kubelet/${options.name}`, options);
    this.#clock = this.#guard.clock();
    this.#boot = this.#guard.task({ about: `Node ${options.name}` });
    this.#events = new EventRecorder(this.#client, this.#clock, "kubelet", options.name);
    this.#random = options.random.fork(`kubelet/${options.name}`);
    this.#host = this.#makeHost();
    options.runtime.onExit = () => this.#exited();
  }

  get name(): string {
    return this.options.name;
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.#boot.run(() => this.#begin(this.#register()));
  }

  #begin(registered: Node): void {
    const { name } = this.options;
    const node = { fieldSelector: `metadata.name=${name}` };
    const here = { fieldSelector: `spec.nodeName=${name}` };
    this.#self = new Informer<Node>(this.#client, "Node", this.#guard, node);
    this.#pods = new Informer<Pod>(this.#client, "Pod", this.#guard, here);
    this.#self.onChange((_key, node) => node && this.#nodeChanged());
    this.#pods.onChange((key, pod) => this.#podChanged(key, pod));
    this.#pods.whenSynced(() => this.#forgetDeleted());
    this.#self.startFrom(registered);
    this.#events.normal(this.#node()!, "Starting", "Starting kubelet.");
    const lease = this.#guard.task({ about: `Lease kube-node-lease/${name}` });
    lease.run(() => this.#renewLease());
    this.#timers.set("first lease", () => lease.stop());
    this.#every("lease", LEASE_RENEW_MS, () => this.#renewLease());
    this.#every("status", STATUS_UPDATE_MS, () => this.#reportStatus());
  }

  stop(): void {
    if (!this.running) return;
    this.running = false;
    this.#boot.stop();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    for (const worker of this.#workers.values()) worker.halt();
    this.#left = [...this.#left, ...[...this.#workers.values()].map(({ pod }) => pod)];
    this.#workers.clear();
    this.#self?.stop();
    this.#pods?.stop();
    this.#self = this.#pods = undefined;
  }

  // ---- the node

  #register(): Node {
    const { name, externalCloudProvider, labels, taints = [] } = this.options;
    const pending: Taint[] = externalCloudProvider
      ? [
          {
            key: "node.cloudprovider.kubernetes.io/uninitialized",
            value: "true",
            effect: "NoSchedule",
          },
        ]
      : [];
    // The API server's TaintNodesByCondition admission adds the second one to each new Node.
    const initial: Taint[] = [
      ...taints,
      ...pending,
      { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" },
    ];
    const node: Node = {
      apiVersion: "v1",
      kind: "Node",
      spec: { taints: initial },
      metadata: {
        name,
        labels: {
          "kubernetes.io/hostname": name,
          "kubernetes.io/os": "linux",
          "kubernetes.io/arch": "amd64",
          // older manifests still select by these (pkg/kubelet/kubelet_node_status.go)
          "beta.kubernetes.io/os": "linux",
          "beta.kubernetes.io/arch": "amd64",
          ...labels,
        },
      },
    };
    const created = ignoring([409], () =>
      this.#client.create<Node>({ ...node, status: this.#status(node) }),
    );
    // where it is registered already, the kubelet was only away
    this.#reported = created ? this.#clock.now() : 0;
    return created ?? this.#client.get("Node", name);
  }

  #node(): Node | undefined {
    return this.#self?.get(this.name);
  }

  #nodeChanged(): void {
    this.#reportStatus();
    const own = (this.#node()?.status?.addresses ?? [])
      .filter(({ type }) => type === "InternalIP")
      .map(({ address }) => address);
    // (component-helpers: node/util, GetNodeHostIPs)
    const ips = firstOfEachFamily(own).map((ip) => ({ ip }));
    this.#hostStatus = frozen(ips.length > 0 ? { hostIP: ips[0]!.ip, hostIPs: ips } : {});
    if (this.#podCIDRs().length === 0) return; // without a network no Pod can be started
    this.#pods!.start();
  }

  /** Pods that were deleted while the kubelet was away: their sandboxes go too. */
  #forgetDeleted(): void {
    for (const pod of this.#left) {
      const { namespace, name, uid } = pod.metadata;
      const present = this.#pods!.get(`${namespace}/${name}`);
      if (present?.metadata.uid !== uid) this.options.runtime.stop(pod);
    }
    this.#left = [];
  }

  #podCIDRs(): readonly string[] {
    const { podCIDRs, podCIDR } = this.#node()?.spec ?? {};
    return podCIDRs ?? (podCIDR ? [podCIDR] : []);
  }

  /** Written where it changed, or where it was not written for five minutes. */
  #reportStatus(): void {
    const node = this.#node();
    if (!node) return;
    const now = this.#clock.now();
    const status = this.#status(node);
    if (same(quiet(status), quiet(node.status ?? {})) && now - this.#reported < STATUS_REPORT_MS)
      return;
    // refused because somebody else wrote: next time, then
    const written = ignoring([404, 409], () =>
      this.#client.updateStatus<Node>({ ...node, status }, { decoded: true }),
    );
    this.#reported = written ? now : 0;
    if (!written) return;
    if (!isReady(node) && isReady(written))
      this.#events.normal(node, "NodeReady", `Node ${this.name} status is now: NodeReady`);
    this.#self!.learn(written);
  }

  #status(node: Node): NonNullable<Node["status"]> {
    const { capacity, externalCloudProvider, addresses, name } = this.options;
    const resources = { cpu: "4", memory: "16Gi", pods: "110", ...capacity };
    const own = [
      ...addresses.map((address) => ({ type: "InternalIP" as const, address })),
      { type: "Hostname" as const, address: name },
    ];
    return {
      ...node.status,
      // extended resources are somebody else's to count
      capacity: { ...node.status?.capacity, ...resources },
      allocatable: { ...node.status?.allocatable, ...resources },
      ...(!externalCloudProvider && { addresses: own }),
      conditions: this.#conditions(node),
      nodeInfo: {
        kubeletVersion: this.options.version ?? releaseOf(kubernetes()),
        // nobody has told it since 1.33
        kubeProxyVersion: "",
        operatingSystem: "linux",
        architecture: "amd64",
        osImage: "Debian GNU/Linux 12 (bookworm)",
        kernelVersion: "6.1.0",
        containerRuntimeVersion: "containerd://1.7.24",
        machineID: "",
        systemUUID: "",
        bootID: "",
      },
    };
  }

  #conditions(node: Node): Condition[] {
    const now = stamp(this.#clock.now());
    const enough = ([type, reason, message]: readonly [string, string, string]) => ({
      type,
      status: "False" as const,
      reason,
      message,
    });
    const ready =
      this.#podCIDRs().length > 0
        ? {
            type: "Ready",
            status: "True" as const,
            reason: "KubeletReady",
            message: "kubelet is posting ready status",
          }
        : {
            type: "Ready",
            status: "False" as const,
            reason: "KubeletNotReady",
            message:
              "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
          };
    return [...pressures.map(enough), ready].map((next) => {
      const before = node.status?.conditions?.find(({ type }) => type === next.type);
      return {
        ...next,
        lastHeartbeatTime: now,
        lastTransitionTime: before?.status === next.status ? before.lastTransitionTime! : now,
      };
    });
  }

  #renewLease(): void {
    const { name } = this.options;
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: stampMicro(this.#clock.now()),
    };
    const patch = { type: "merge", body: { spec } } as const;
    const renewed = ignoring([404], () =>
      this.#client.patch("Lease", name, "kube-node-lease", patch),
    );
    if (!renewed) this.#createLease(spec);
  }

  #createLease(spec: Lease["spec"]): void {
    const uid = this.#node()?.metadata.uid;
    const ownerReferences =
      uid === undefined ? [] : [{ apiVersion: "v1", kind: "Node", name: this.name, uid }];
    this.#client.create<Lease>({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: this.name, namespace: "kube-node-lease", ownerReferences },
      spec,
    });
  }

  /** A random first delay keeps thousands of kubelets from speaking at the same moment. */
  #every(what: string, period: number, run: () => void): void {
    const first = this.#random.between(1, period);
    this.#timers.set(what, every(this.#clock, period, run, { first }));
  }

  // ---- the Pods

  #podChanged(key: string, pod: Pod | undefined): void {
    let worker = this.#workers.get(key);
    if (worker && worker.uid !== pod?.metadata.uid) {
      worker.remove();
      this.#workers.delete(key);
      worker = undefined;
    }
    if (!pod) return;
    if (!worker) this.#workers.set(key, (worker = new PodWorker(this.#host, pod)));
    worker.sync(pod);
  }

  /** Something ended: looks at all containers a little later. */
  #exited(): void {
    if (!this.running || this.#timers.has("relist")) return;
    this.#timers.set(
      "relist",
      this.#clock.schedule(RELIST_MS, () => {
        this.#timers.delete("relist");
        for (const worker of this.#workers.values()) worker.relist();
      }),
    );
  }

  /** What its workers share. */
  #makeHost(): Host {
    return {
      clock: this.#clock,
      guard: this.#guard,
      runtime: this.options.runtime,
      images: new Set(),
      isMissing: (image) => isMissing(image) || !!this.options.missingImages?.includes(image),
      needsConfig: this.options.needsConfig ?? false,
      client: this.#client,
      events: this.#events,
      random: this.#random,
      podCIDRs: () => this.#podCIDRs(),
      hostStatus: () => this.#hostStatus,
    };
  }
}

const pressures = [
  ["MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
  ["DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
  ["PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
] as const;

const isReady = (node: Node): boolean =>
  node.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";

/** The status without the time of its heartbeats. */
const quiet = (status: NonNullable<Node["status"]>): object => ({
  ...status,
  conditions: status.conditions?.map(({ lastHeartbeatTime: _, ...rest }) => rest),
});
