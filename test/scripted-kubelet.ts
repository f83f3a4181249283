/**
 * The kubelet of the recording: a script that writes how Pods stand and runs nothing. It says the
 * same words at about the same pace, so that what the controllers make of them can be compared.
 */
import type { Client } from "stopover/internal/api/client";
import type { Clock } from "stopover/internal/api/clock";
import { stamp } from "stopover/internal/api/time";
import { ignoring } from "stopover/internal/api/errors";
import type { Pod } from "stopover/internal/objects/types";

/** From a Pod's binding to "ContainerCreating", and from there to "Running". Milliseconds. */
const START_MS = 100;
const RUN_MS = 900;
/** From a Pod's deletion to its end, without a hook. */
const STOP_MS = 700;
/** From the last word about it to the Pod's removal. */
const LET_GO_MS = 20;

export class ScriptedKubelet {
  readonly #seen = new Set<string>();
  #next = 2;

  /** `number`: 1 for node-a in zone-a at 192.168.0.1, whose Pods are 10.1.1.2, 10.1.1.3, … */
  constructor(
    private readonly client: Client,
    private readonly clock: Clock,
    private readonly number: number,
  ) {}

  get letter(): string {
    return "abc"[this.number - 1]!;
  }

  start(): void {
    this.#register();
    const fieldSelector = `spec.nodeName=node-${this.letter}`;
    const { items, resourceVersion } = this.client.list("Pod", { fieldSelector });
    items.forEach((pod) => this.#look(pod));
    this.client.watch("Pod", { resourceVersion, fieldSelector }, ({ type, object }) => {
      if (type === "ADDED" || type === "MODIFIED") this.#look(object);
    });
  }

  #register(): void {
    const name = `node-${this.letter}`;
    const resources = { cpu: "4", memory: "16Gi", pods: "110" };
    const labels = {
      "kubernetes.io/hostname": name,
      "kubernetes.io/os": "linux",
      "kubernetes.io/arch": "amd64",
      "topology.kubernetes.io/zone": `zone-${this.letter}`,
    };
    const now = stamp(this.clock.now());
    const times = { lastHeartbeatTime: now, lastTransitionTime: now };
    const conditions = (
      [
        ["MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
        ["DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
        ["PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
      ] as const
    ).map(([type, reason, message]) => ({
      type,
      status: "False" as const,
      ...times,
      reason,
      message,
    }));
    const ready = { type: "Ready", status: "True" as const, ...times, reason: "KubeletReady" };
    const message = "kubelet is posting ready status";
    const addresses = [
      { type: "InternalIP" as const, address: `192.168.0.${this.number}` },
      { type: "Hostname" as const, address: name },
    ];
    const status = {
      capacity: resources,
      allocatable: resources,
      conditions: [...conditions, { ...ready, message }],
      addresses,
      daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
      nodeInfo: Object.fromEntries(unsaid.map((field) => [field, ""])),
    };
    const node = { apiVersion: "v1" as const, kind: "Node" as const, metadata: { name, labels } };
    this.client.create({ ...node, spec: {} });
    this.client.patch("Node", name, undefined, merge({ status }), { subresource: "status" });
    this.#renew(name);
  }

  /** A sign of life every ten seconds. */
  #renew(name: string): void {
    const renewTime = `${stamp(this.clock.now()).slice(0, -1)}.000000Z`;
    const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime };
    const metadata = { name, namespace: "kube-node-lease" };
    const done = ignoring([404], () =>
      this.client.patch("Lease", name, metadata.namespace, merge({ spec })),
    );
    if (!done)
      this.client.create({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec });
    this.clock.schedule(10_000, () => this.#renew(name), { background: true });
  }

  #look(pod: Pod): void {
    const { uid, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp) this.#once(`end ${uid}`, STOP_MS + hookOf(pod), () => this.#end(pod));
    else if (!this.#seen.has(`start ${uid}`))
      this.#once(`start ${uid}`, START_MS, () => this.#create(pod));
    else if (pod.spec.readinessGates && pod.status?.phase === "Running") this.#judge(pod);
  }

  #once(what: string, delay: number, act: () => void): void {
    if (this.#seen.has(what)) return;
    this.#seen.add(what);
    this.clock.schedule(delay, () => void ignoring([404], act));
  }

  #create(pod: Pod): void {
    const hostIP = `192.168.0.${this.number}`;
    const { image } = pod.spec.containers[0]!;
    const isMissing = image!.startsWith("no-such");
    const waiting = { reason: isMissing ? "ErrImagePull" : "ContainerCreating" };
    this.#report(pod, {
      phase: "Pending",
      startTime: stamp(this.clock.now()),
      hostIP,
      hostIPs: [{ ip: hostIP }],
      conditions: this.#conditions(false, false),
      containerStatuses: [containerOf(pod, { waiting }, false)],
    });
    if (!isMissing) this.#once(`run ${pod.metadata.uid}`, RUN_MS, () => this.#run(pod));
  }

  #run(pod: Pod): void {
    const ip = `10.1.${this.number}.${this.#next++}`;
    this.#report(pod, { phase: "Running", podIP: ip, podIPs: [{ ip }], ...this.#running(pod) });
  }

  /** A gate may have opened or closed. */
  #judge(pod: Pod): void {
    const isReady = pod.status!.conditions!.find(({ type }) => type === "Ready")!.status === "True";
    if (isReady !== areGatesOpen(pod)) this.#report(pod, this.#running(pod));
  }

  #running(pod: Pod): object {
    const running = { startedAt: stamp(this.clock.now()) };
    return {
      conditions: this.#conditions(true, areGatesOpen(pod)),
      containerStatuses: [containerOf(pod, { running }, true)],
    };
  }

  /** Only a condition that is false has a reason; the patch leaves an earlier one. */
  #conditions(running: boolean, ready: boolean): object[] {
    const lastTransitionTime = stamp(this.clock.now());
    const of = (type: string, is: boolean, reason: string) => ({
      type,
      status: is ? "True" : "False",
      ...(!is && { reason }),
      lastProbeTime: null,
      lastTransitionTime,
    });
    return [
      of("PodReadyToStartContainers", true, ""),
      of("Initialized", true, ""),
      of("ContainersReady", running, "ContainersNotReady"),
      of("Ready", ready, running ? "ReadinessGatesNotReady" : "ContainersNotReady"),
    ];
  }

  #report({ metadata: { name, namespace } }: Pod, status: object): void {
    const body = { status };
    const patch = { type: "strategic" as const, body };
    this.client.patch("Pod", name, namespace, patch, { subresource: "status" });
  }

  /** It tells the end, and only then lets go of the Pod. */
  #end(pod: Pod): void {
    this.#report(pod, { phase: "Succeeded", conditions: this.#conditions(false, false) });
    this.clock.schedule(LET_GO_MS, () => void ignoring([404], () => this.#letGo(pod)));
  }

  #letGo({ metadata: { name, namespace, uid } }: Pod): void {
    this.client.delete("Pod", name, namespace, { gracePeriodSeconds: 0, uid: uid! });
  }
}

/** What the script does not say of its nodes; Go writes it all the same. */
const unsaid =
  `machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion
  kubeProxyVersion operatingSystem architecture`.split(/\s+/);

const merge = (body: unknown) => ({ type: "merge" as const, body });

const areGatesOpen = ({ spec, status }: Pod): boolean =>
  (spec.readinessGates ?? []).every(({ conditionType }) =>
    status?.conditions?.some(({ type, status }) => type === conditionType && status === "True"),
  );

const hookOf = ({ spec: { containers } }: Pod): number =>
  ((containers[0]!.lifecycle?.preStop as { sleep?: { seconds: number } } | undefined)?.sleep
    ?.seconds ?? 0) * 1_000;

const containerOf = ({ spec: { containers } }: Pod, state: object, ready: boolean): object => ({
  name: containers[0]!.name,
  image: containers[0]!.image,
  imageID: "",
  lastState: {},
  ready,
  restartCount: 0,
  started: ready,
  state,
});
