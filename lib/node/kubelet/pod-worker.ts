import { qosClass } from "../../objects/pod-resources.js";
import { condition } from "../../objects/pods.js";
import { stamp } from "../../api/time.js";
import { ignoring, isApiError } from "../../api/errors.js";
import { keyOf } from "../../machinery/informer.js";
import type { Task } from "../../machinery/supervisor.js";
import { frozen, same } from "../../objects/freeze.js";
import type { Condition, Container, ContainerStatus, Pod, Probe } from "../../objects/types.js";
import { needs } from "./needs.js";
import type { Hook } from "./runtime.js";
import { Prober } from "./prober.js";
import { endOf, whyMissing } from "./command.js";
import { ephemeral, type Added } from "./ephemeral-hook.js";
import type { Host } from "./host.js";
import { stoppingOf, type Stopping } from "./stopping.js";

/**
 * From "bound to this node" to "runs": sandbox, network, image and start, about 0.8 s give or take
 * a quarter where the image's layers are near. Not a constant of Kubernetes: its own objective is
 * that 99 % of Pods with pulled images start within 5 s.
 */
export const START_MS = 800;
const START_JITTER = 0.25;
// A container that ends again and again: the first restart comes at once, the next after 10 s, 20
// s, … (pkg/kubelet: MaxContainerBackOff)
const BACKOFF_BASE_MS = 10_000;
const BACKOFF_MAX_MS = 300_000;
const BACKOFF_RESET_MS = 600_000; // after ten good minutes the count begins again

// From a failed pull to the Pod's next sync, which tells of the back-off. Milliseconds.
const PULL_TOLD_MS = 2_000;
// A container whose environment cannot be made is tried again so often: at the Pod's next sync
// after a failed one (pkg/kubelet: backOffPeriod). Milliseconds.
const CONFIG_AGAIN_MS = 10_000;
// A volume that cannot be mounted is tried again after half a second, twice that, … (goroutinemap's
// exponential back-off). Milliseconds.
const MOUNT_BASE_MS = 500;
const MOUNT_MAX_MS = 122_000;
// An init container of whose command nothing is known is taken to end well. Milliseconds.
const INIT_MS = 1_000;
// From the process's end to the kubelet that hears of it. Milliseconds.
const EXIT_MS = 50;
// Who runs for longer than this is waited for by nobody. Milliseconds.
const PATIENCE_MS = 60_000;

/**
 * One Pod's life on a node: started, probed, restarted, stopped; and told to the API server.
 * (pkg/kubelet/pod_workers.go)
 */
export class PodWorker {
  readonly #containers: ContainerState[];
  /** One after the other, before the others; those with restartPolicy Always go on beside them. */
  readonly #inits: ContainerState[];
  /** Those that kubectl debug adds. (ephemeral.ts) */
  readonly #added: Added | undefined;
  #begunAfterInits = false;
  #mountAgain = MOUNT_BASE_MS;
  #ips: string[] = [];
  #stage: "new" | "starting" | "running" | "stopping" | "gone" = "new";
  readonly #startTime: string;
  #cancel: (() => void) | undefined;
  /** When a Pod that stops will have ended. */
  #ends = Infinity;
  readonly #telling: Task;
  readonly #work: { about: string };

  /** `pod` is the newest version that is known. */
  constructor(
    private readonly host: Host,
    public pod: Pod,
  ) {
    this.#startTime = pod.status?.startTime ?? stamp(host.clock.now());
    this.#work = { about: `Pod ${keyOf(pod)}` };
    this.#telling = host.guard.task(this.#work);
    const { containers, initContainers = [] } = pod.spec;
    const first = initContainers.length > 0 ? "PodInitializing" : "ContainerCreating";
    const known = [
      ...(pod.status?.containerStatuses ?? []),
      ...(pod.status?.initContainerStatuses ?? []),
    ];
    const stateOf = (spec: Container): ContainerState =>
      new ContainerState(
        spec,
        known.find(({ name }) => name === spec.name),
        first,
      );
    this.#containers = containers.map(stateOf);
    this.#inits = initContainers.map(stateOf);
    for (const init of this.#inits) init.isInit = true;
    this.#added = ephemeral.containers?.(host, () => this.#report());
  }

  get uid(): string {
    return this.pod.metadata.uid!;
  }

  /** Takes in the newest version of the Pod and does what it asks for. */
  sync(pod: Pod): void {
    if (this.#stage === "gone") return;
    if (
      this.#stage !== "new" &&
      Number(pod.metadata.resourceVersion) <= Number(this.pod.metadata.resourceVersion)
    )
      return; // older news, or of what was written here
    const before = this.pod;
    this.pod = pod;
    try {
      this.#follow();
    } catch (error) {
      this.pod = before; // so that the same version may be tried again
      throw error;
    }
  }

  #follow(): void {
    if (this.pod.metadata.deletionTimestamp) return this.#terminate();
    if (this.#stage === "new") this.#begin();
    if (this.#stage === "running") {
      this.#added?.sync(this.pod);
      this.host.runtime.sync?.(this.pod);
    }
    this.#report();
  }

  /** The Pod is gone from the API server: what is left of it goes too. */
  remove(): void {
    if (this.#stage !== "gone" && this.#stage !== "new") this.host.runtime.stop(this.pod);
    this.halt();
  }

  /**
   * Lets go of everything without a word, as when the kubelet dies: containers are left as they
   * are.
   */
  halt(): void {
    this.#stage = "gone";
    this.#cancel?.();
    this.#telling.stop();
    for (const container of this.#all()) container.halt();
    this.#added?.halt();
  }

  /** Looks whether the containers still run. (PLEG, pkg/kubelet/pleg/generic.go) */
  relist(): void {
    if (this.#stage !== "running") return;
    const { runtime } = this.host;
    for (const container of this.#all())
      if (container.running && !runtime.running(this.pod, container.name))
        this.#exited(container, runtime.exitCode?.(this.pod, container.name) ?? 1);
    this.#added?.relist();
  }

  // ---- starting

  #begin(): void {
    if (this.pod.status?.phase === "Succeeded" || this.pod.status?.phase === "Failed")
      return void (this.#stage = "gone");
    // the kubelet was away; the Pod was not
    if (this.pod.status?.phase === "Running") return this.#launch(true);
    this.#stage = "starting";
    for (const init of this.#inits) init.forget("PodInitializing");
    const { clock, random, events } = this.host;
    const latency = Math.round(START_MS * (1 + START_JITTER * (2 * random.next() - 1)));
    for (const { spec } of this.#inits.length > 0 ? this.#inits.slice(0, 1) : this.#containers)
      if (this.#needsPull(spec)) events.normal(this.pod, "Pulling", wordsOn(spec).pulling);
    this.#cancel = clock.schedule(latency, () => this.#launch(false, latency), this.#work);
  }

  #launch(adopted: boolean, latency = 0): void {
    this.#cancel = undefined;
    const { runtime, events, clock, client, needsConfig } = this.host;
    if (!adopted && this.#lacks(latency)) return;
    const granted = () => needs.granted(this.pod, client, needsConfig);
    try {
      this.#ips = runtime.start(this.pod, this.host.podCIDRs(), granted).ips;
    } catch (error) {
      events.warning(
        this.pod,
        "FailedCreatePodSandBox",
        `Failed to create pod sandbox: ${(error as Error).message}`,
      );
      this.#cancel = clock.schedule(BACKOFF_BASE_MS, () => this.#launch(adopted, latency), {
        background: true,
        ...this.#work,
      });
      return;
    }
    this.#stage = "running";
    this.#added?.sync(this.pod);
    if (!adopted) return this.#proceed(latency);
    this.#begunAfterInits = true;
    for (const container of this.#all()) {
      if (container.running) this.#started(container);
      else if (this.host.isMissing(container.spec.image ?? "")) this.#pullFailed(container);
      // an earlier run of the kubelet knew how long it was to wait
      else if (this.#isRestarted(container)) this.#restart(container);
    }
    this.#report();
    this.relist();
  }

  /** Init containers and all others. */
  #all(): ContainerState[] {
    return this.#inits.length > 0 ? [...this.#inits, ...this.#containers] : this.#containers;
  }

  /** Tells of a volume that cannot be mounted, or whatever is in the way, and comes again. */
  #lacks(latency: number): boolean {
    const { client, needsConfig, events, clock } = this.host;
    const lacking = needs.pod(this.pod, client, needsConfig);
    if (!lacking) return false;
    events.warning(this.pod, lacking.reason, lacking.message);
    const again = this.#mountAgain;
    this.#mountAgain = Math.min(2 * again, MOUNT_MAX_MS);
    this.#cancel = clock.schedule(again, () => this.#launch(false, latency), {
      background: true,
      ...this.#work,
    });
    this.#report();
    return true;
  }

  /**
   * Starts the next init container, or all others once these are through. (pkg/kubelet/
   * kuberuntime: computeInitContainerActions)
   */
  #proceed(latency: number): void {
    for (const init of this.#inits.filter(({ isThrough }) => !isThrough)) {
      if (init.isNew) this.#startOne(init, latency);
      if (!init.isThrough) return this.#waitForInits();
    }
    if (!this.#begunAfterInits) {
      this.#begunAfterInits = true;
      for (const container of this.#containers) this.#startOne(container, latency);
    }
    this.#report();
  }

  /** Until then nobody of the others runs. */
  #waitForInits(): void {
    for (const { name } of this.#containers) this.host.runtime.end(this.pod, name);
    this.#report();
  }

  /** Begins a container if its image and its environment are to be had. */
  #startOne(container: ContainerState, latency: number): void {
    if (this.host.isMissing(container.spec.image ?? "")) return this.#pullFailed(container);
    this.#run(container, latency);
  }

  /** Tells that the container cannot be made, and comes again. */
  #lacksConfig(container: ContainerState, latency: number): boolean {
    const { client, needsConfig } = this.host;
    const lacking = needs.container(container.spec, this.pod, client, needsConfig);
    if (!lacking) return false;
    this.host.runtime.end(this.pod, container.name);
    container.wait(lacking.reason, lacking.message);
    this.host.events.warning(this.pod, "Failed", `Error: ${lacking.message}`);
    container.restarting = this.host.clock.schedule(
      CONFIG_AGAIN_MS,
      () => {
        this.#run(container, latency);
        this.#proceed(latency);
      },
      { background: true, ...this.#work },
    );
    this.#report();
    return true;
  }

  /** It is asked for again later and later; in between, the back-off is told of. */
  #pullFailed(container: ContainerState): void {
    const { events, clock } = this.host;
    const { image = "" } = container.spec;
    const why = whyMissing(image);
    this.host.runtime.end(this.pod, container.name);
    events.warning(this.pod, "Failed", `Failed to pull image "${image}": ${why}`);
    events.warning(this.pod, "Failed", "Error: ErrImagePull");
    container.wait("ErrImagePull", why);
    const delay = container.backOff ?? BACKOFF_BASE_MS;
    container.backOff = Math.min(2 * delay, BACKOFF_MAX_MS);
    const background = { background: true, ...this.#work };
    const tells = clock.schedule(PULL_TOLD_MS, () => this.#pullBacksOff(container), background);
    const again = clock.schedule(delay, () => this.#pullAgain(container), background);
    container.restarting = () => (tells(), again());
    this.#report();
  }

  #pullBacksOff(container: ContainerState): void {
    const message = `Back-off pulling image "${container.spec.image}"`;
    this.host.events.normal(this.pod, "BackOff", message);
    this.host.events.warning(this.pod, "Failed", "Error: ImagePullBackOff");
    container.wait(
      "ImagePullBackOff",
      `${message}: ErrImagePull: ${whyMissing(container.spec.image ?? "")}`,
    );
    this.#report();
  }

  #pullAgain(container: ContainerState): void {
    const { image } = container.spec;
    this.host.events.normal(this.pod, "Pulling", `Pulling image "${image}"`);
    this.#pullFailed(container);
  }

  #needsPull({ image = "", imagePullPolicy }: Container): boolean {
    return (
      imagePullPolicy !== "Never" &&
      (imagePullPolicy !== "IfNotPresent" || !this.host.images.has(image))
    );
  }

  /** Its process begins: the sandbox may be an earlier kubelet's, and what ran in it has ended. */
  #run(container: ContainerState, latency: number): void {
    if (this.#lacksConfig(container, latency)) return;
    const { runtime, clock } = this.host;
    runtime.run(this.pod, container.name);
    container.startedAt = clock.now();
    this.#tellStart(container.spec, latency);
    if (!this.#hook(container, "PostStart")) this.#started(container);
  }

  /** False: it has no such hook, or none that is run here. */
  #hook(container: ContainerState, name: Hook): boolean | undefined {
    return this.host.runtime.hook?.(this.pod, container.spec, name, (ok) =>
      this.#hooked(container, name, ok),
    );
  }

  /** Until a container's first hook is over, it is none that runs. */
  #hooked(container: ContainerState, name: Hook, ok: boolean): void {
    if (!ok) this.host.events.warning(this.pod, `Failed${name}Hook`, `${name}Hook failed`);
    if (this.#stage !== "running") return;
    if (!ok) return this.#ended(container, 137, "Error");
    this.#started(container);
    this.#proceed(START_MS);
    this.relist();
  }

  #tellStart(container: Container, latency: number): void {
    const { events, images } = this.host;
    const words = wordsOn(container);
    const took = Math.round(latency * 0.75); // the rest is the sandbox's and the start's
    events.normal(
      this.pod,
      "Pulled",
      this.#needsPull(container)
        ? [words.pulled, " in ", took, "ms (", took, "ms including waiting)"].join("")
        : words.present,
    );
    images.add(container.image ?? "");
    events.normal(this.pod, "Created", words.created);
    events.normal(this.pod, "Started", words.started);
  }

  #started(container: ContainerState): void {
    const { clock, runtime } = this.host;
    container.begin(clock.now());
    const isWaitedFor = container.isInit && !container.isSidecar;
    const end =
      !runtime.exitCode &&
      (endOf(container.spec) ?? (isWaitedFor && { after: INIT_MS, exitCode: 0 }));
    if (end)
      container.ending = clock.schedule(
        end.after + EXIT_MS,
        () => this.#exited(container, end.exitCode),
        // a long sleep keeps nobody waiting
        { background: end.after > PATIENCE_MS, ...this.#work },
      );
    const { startupProbe } = container.spec;
    if (!startupProbe) return this.#probe(container);
    this.#prober("Startup", container, startupProbe, (ok) => {
      if (!ok) return this.#unhealthy(container, "startup");
      container.started = container.hasStarted = true;
      container.ready = !container.spec.readinessProbe;
      this.#probe(container);
      if (container.isInit) this.#proceed(START_MS);
      this.#report();
    });
  }

  /** Liveness and readiness are asked for once the container has started up. */
  #probe(container: ContainerState): void {
    const { livenessProbe, readinessProbe } = container.spec;
    if (livenessProbe)
      this.#prober(
        "Liveness",
        container,
        livenessProbe,
        (ok) => !ok && this.#unhealthy(container, "liveness"),
      );
    if (readinessProbe)
      this.#prober("Readiness", container, readinessProbe, (ok) => this.#setReady(container, ok));
  }

  #prober(
    name: "Startup" | "Liveness" | "Readiness",
    container: ContainerState,
    probe: Probe,
    onChange: (ok: boolean) => void,
  ): void {
    const { clock, runtime, events } = this.host;
    container.probers.push(
      new Prober({
        clock,
        probe,
        ...this.#work,
        onChange,
        since: container.startedAt,
        once: name === "Startup",
        background: name === "Liveness",
        run: (...later) => runtime.probe(this.pod, container.name, probe, ...later),
        onFailure: (message, how = "failed") =>
          events.warning(this.pod, "Unhealthy", `${name} probe ${how}: ${message}`),
      }),
    );
  }

  #setReady(container: ContainerState, ready: boolean): void {
    container.ready = ready;
    this.#report();
  }

  // ---- ending and starting again

  #unhealthy(container: ContainerState, probe: "liveness" | "startup"): void {
    if (this.#stage !== "running") return;
    this.host.events.normal(
      this.pod,
      "Killing",
      `Container ${container.name} failed ${probe} probe, will be restarted`,
    );
    this.#ended(container, 137, "Error"); // SIGKILL
  }

  /** By itself. */
  #exited(container: ContainerState, exitCode: number): void {
    if (this.#stage !== "running" || !container.running) return;
    this.#ended(container, exitCode, exitCode === 0 ? "Completed" : "Error");
  }

  #ended(container: ContainerState, exitCode: number, reason: string): void {
    const { clock } = this.host;
    const ran = clock.now() - container.startedAt;
    container.end(exitCode, reason, clock.now());
    this.host.runtime.end(this.pod, container.name);
    if (container.isThrough && !container.isSidecar) return this.#proceed(START_MS);
    if (!this.#isRestarted(container)) return this.#leaveEnded();
    if (ran > BACKOFF_RESET_MS) container.backOff = undefined;
    const delay = container.backOff;
    container.backOff = delay === undefined ? BACKOFF_BASE_MS : Math.min(2 * delay, BACKOFF_MAX_MS);
    if (delay === undefined) return this.#restart(container);
    const pod = `${this.pod.metadata.name}_${this.pod.metadata.namespace}(${this.uid})`;
    container.wait(
      "CrashLoopBackOff",
      `back-off ${delay >= 60_000 ? `${Math.floor(delay / 60_000)}m${(delay % 60_000) / 1000}s` : `${delay / 1000}s`} restarting failed container=${container.name} pod=${pod}`,
    );
    this.host.events.warning(
      this.pod,
      "BackOff",
      `Back-off restarting failed container ${container.name} in pod ${pod}`,
    );
    container.restarting = clock.schedule(delay, () => this.#restart(container), {
      background: true,
      ...this.#work,
    });
    this.#report();
  }

  /** Whether one that has ended runs again. */
  #isRestarted(container: ContainerState): boolean {
    const { restartPolicy } = this.pod.spec;
    const exitCode =
      container.state.terminated?.exitCode ?? container.lastState?.terminated?.exitCode;
    if (container.isSidecar) return true;
    if (container.isInit) return restartPolicy !== "Never" && exitCode !== 0;
    return restartPolicy !== "Never" && !(restartPolicy === "OnFailure" && exitCode === 0);
  }

  /** Where all have ended for good, the sandbox goes; the Pod stays, to be looked at. */
  #leaveEnded(): void {
    const phase = this.#phase();
    if (phase === "Succeeded" || phase === "Failed") {
      for (const sidecar of this.#inits)
        if (sidecar.running) sidecar.end(0, "Completed", this.host.clock.now());
      this.host.runtime.stop(this.pod);
    }
    this.#report();
  }

  #restart(container: ContainerState): void {
    container.restarts++;
    this.#run(container, START_MS);
    this.#report();
  }

  // ---- stopping

  /**
   * Each container's hook, SIGTERM, and SIGKILL when the grace period is over. Readiness is still
   * probed: a Pod that ends may serve until its process hears of it. Asked again, with a shorter
   * grace period, it ends sooner. (pkg/kubelet/pod_workers.go, calculateEffectiveGracePeriod)
   */
  #terminate(): void {
    if (this.#stage === "new" || this.#stage === "starting") return this.#finish();
    const { clock } = this.host;
    const stopping = this.#all().map((container) => ({
      container,
      ...this.#stopping(container),
    }));
    const ends = clock.now() + Math.max(...stopping.map(({ ends }) => ends));
    if (ends >= this.#ends) return;
    if (this.#stage === "running") this.#beginToStop();
    this.#stage = "stopping";
    this.#ends = ends;
    this.#cancel?.();
    const cancels = stopping.map(({ container, closes }) =>
      this.#later(closes, () => this.#close(container)),
    );
    cancels.push(this.#later(ends - clock.now(), () => this.#finish()));
    this.#cancel = () => cancels.forEach((cancel) => cancel());
  }

  #stopping({ spec }: ContainerState): Stopping {
    return stoppingOf(spec, (this.pod.metadata.deletionGracePeriodSeconds ?? 30) * 1_000);
  }

  #later(ms: number, act: () => void): () => void {
    return this.host.clock.schedule(ms, act, this.#work);
  }

  #close(container: ContainerState): void {
    this.host.runtime.close(this.pod, container.name);
  }

  #beginToStop(): void {
    for (const container of this.#all()) {
      container.restarting?.();
      if (!container.running) continue;
      this.host.events.normal(this.pod, "Killing", `Stopping container ${container.name}`);
      this.#hook(container, "PreStop");
    }
  }

  #finish(): void {
    const { runtime, clock } = this.host;
    if (this.#stage !== "gone") this.#stage = "stopping";
    this.#cancel?.();
    for (const container of this.#all())
      if (container.running) container.end(0, "Completed", clock.now());
    runtime.stop(this.pod); // also what an earlier run of the kubelet started
    this.#report();
    this.halt();
    this.#telling.run(() => this.#takeAway());
  }

  /** The Pod's end, told until the API server has heard it. */
  #takeAway(): void {
    const { name, namespace } = this.pod.metadata;
    const options = { gracePeriodSeconds: 0, uid: this.uid };
    ignoring([404], () => this.host.client.delete("Pod", name, namespace, options));
  }

  // ---- telling

  #report(): void {
    this.#telling.run(() => this.#writeStatus());
  }

  #writeStatus(): void {
    if (this.#stage === "gone") return;
    const status = this.#status();
    if (same(status, this.pod.status)) return;
    try {
      this.pod = this.host.client.updateStatus<Pod>({ ...this.pod, status }, { decoded: true });
    } catch (error) {
      // where somebody wrote in between, the notification of that comes, or the task tries again
      if (!isApiError(error, 404)) throw error;
    }
  }

  #status(): NonNullable<Pod["status"]> {
    const phase = this.#phase();
    return {
      ...this.pod.status,
      phase,
      conditions: this.#conditions(phase),
      startTime: this.#startTime,
      // (pkg/apis/core/v1/helper/qos, GetPodQOS)
      qosClass: this.pod.status?.qosClass ?? qosClass(this.pod),
      ...this.host.hostStatus(),
      ...(this.#ips.length > 0 && {
        podIP: this.#ips[0]!,
        podIPs: this.#ips.map((ip) => ({ ip })),
      }),
      containerStatuses: this.#containers.map((container) => container.status()),
      ...(this.#inits.length > 0 && {
        initContainerStatuses: this.#inits.map((container) => container.status()),
      }),
      ...this.#added?.status(),
    };
  }

  #phase(): NonNullable<NonNullable<Pod["status"]>["phase"]> {
    const { restartPolicy } = this.pod.spec;
    if (this.#inits.some(({ isThrough }) => !isThrough) && !this.#begunAfterInits)
      return restartPolicy === "Never" && this.#inits.some(({ hasFailed }) => hasFailed)
        ? "Failed"
        : "Pending";
    const ended = this.#containers.filter(({ state }) => state.terminated);
    if (
      ended.length === this.#containers.length &&
      (restartPolicy !== "Always" || this.#stage === "stopping")
    )
      return ended.some(({ state }) => state.terminated!.exitCode !== 0) ? "Failed" : "Succeeded";
    // (pkg/kubelet/kubelet_pods.go, getPhase)
    return this.#containers.some(({ state, lastState }) => state.waiting && !lastState)
      ? "Pending"
      : "Running";
  }

  #conditions(phase: string): Condition[] {
    const containersReady = this.#containersReady(phase);
    const ready =
      containersReady === yes && this.pod.spec.readinessGates
        ? this.#gatesOpen(this.pod.spec.readinessGates)
        : containersReady;
    const conditions = [
      this.#condition("PodReadyToStartContainers", this.#ips.length > 0 ? yes : no()),
      this.#condition("Initialized", this.#initialized()),
      this.#condition("Ready", ready),
      this.#condition("ContainersReady", containersReady),
      this.#condition("PodScheduled", yes),
    ];
    for (const other of this.pod.status?.conditions ?? [])
      if (!ownTypes.has(other.type)) conditions.push(other);
    return conditions;
  }

  #initialized(): Omit<Condition, "type"> {
    if (this.#begunAfterInits || this.#inits.length === 0) return yes;
    const left = this.#inits.filter(({ isThrough }) => !isThrough).map(({ name }) => name);
    if (left.length === 0) return yes;
    return no("ContainersNotInitialized", `containers with incomplete status: [${left.join(" ")}]`);
  }

  #containersReady(phase: string): Omit<Condition, "type"> {
    const all =
      this.#inits.length === 0
        ? this.#containers
        : this.#all().filter(({ isInit, isSidecar }) => !isInit || isSidecar);
    if (all.every(({ ready }) => ready)) return yes;
    if (phase === "Succeeded" || phase === "Failed") return no("PodCompleted");
    const unready = all.filter(({ ready }) => !ready).map(({ name }) => name);
    return no("ContainersNotReady", `containers with unready status: [${unready.join(" ")}]`);
  }

  #gatesOpen(gates: NonNullable<Pod["spec"]["readinessGates"]>): Omit<Condition, "type"> {
    const shut = gates
      .filter(({ conditionType }) => condition(this.pod, conditionType)?.status !== "True")
      .map(({ conditionType }) => gateMessage(this.pod, conditionType));
    if (shut.length === 0) return yes;
    return no("ReadinessGatesNotReady", shut.length === 1 ? shut[0] : `[${shut.join(", ")}]`);
  }

  /**
   * With the time of its last change of status; the very object from before where nothing changed.
   */
  #condition(type: string, next: Omit<Condition, "type">): Condition {
    const before = condition(this.pod, type);
    if (
      before &&
      before.status === next.status &&
      before.reason === next.reason &&
      before.message === next.message
    )
      return before;
    const time =
      before?.status === next.status ? before.lastTransitionTime! : stamp(this.host.clock.now());
    return since(type, next, time);
  }
}

/** What is told of a container's start, in the words of the kubelet. */
interface Words {
  pulling: string;
  pulled: string;
  present: string;
  created: string;
  started: string;
}

// by container: Pods of one template share theirs, and so what is told of them
const wordsOf = new WeakMap<Container, Words>();

function wordsOn(container: Container): Words {
  let words = wordsOf.get(container);
  if (words) return words;
  const { name, image = "" } = container;
  words = {
    pulling: `Pulling image "${container.image}"`,
    pulled: `Successfully pulled image "${image}"`,
    present: `Container image "${image}" already present on machine`,
    created: `Created container: ${name}`,
    started: `Started container ${name}`,
  };
  wordsOf.set(container, words);
  return words;
}

/** The conditions that the kubelet writes; others are somebody else's. */
const ownTypes: ReadonlySet<string> = new Set([
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
]);

const lastTrue = new Map<string, Condition>();
const lastFalse = new Map<string, Condition>();

/** Thousands of Pods become ready in the same second: they share the object that says so. */
function since(type: string, next: Omit<Condition, "type">, time: string): Condition {
  const last = next === yes ? lastTrue : lastFalse;
  const known = last.get(type);
  if (
    known?.lastTransitionTime === time &&
    known.reason === next.reason &&
    known.message === next.message &&
    known.status === next.status
  )
    return known;
  const made = Object.freeze({ type, ...next, lastTransitionTime: time });
  last.set(type, made);
  return made;
}

const yes: Omit<Condition, "type"> = Object.freeze({ status: "True" });
const no = (reason?: string, message?: string): Omit<Condition, "type"> => ({
  status: "False",
  ...(reason && { reason }),
  ...(message && { message }),
});

function gateMessage(pod: Pod, gate: string): string {
  const found = condition(pod, gate);
  return found
    ? `the status of pod readiness gate "${gate}" is not "True", but ${found.status}`
    : `corresponding condition of pod readiness gate "${gate}" does not exist.`;
}

const waiting = new Map<string, ContainerStatus["state"] & object>();
let lastRunning = { startedAt: "", state: {} as ContainerStatus["state"] & object };

/** Of the two reasons for which a container has not begun. Pods share what says so. */
function waitingFor(reason: string): ContainerStatus["state"] & object {
  let state = waiting.get(reason);
  if (!state) waiting.set(reason, (state = frozen({ waiting: { reason } })));
  return state;
}

function runningSince(startedAt: string): ContainerStatus["state"] & object {
  if (lastRunning.startedAt !== startedAt)
    lastRunning = { startedAt, state: frozen({ running: { startedAt } }) };
  return lastRunning.state;
}

class ContainerState {
  state: NonNullable<ContainerStatus["state"]>;
  lastState: ContainerStatus["lastState"];
  ready = false;
  started = false;
  restarts = 0;
  startedAt = 0;
  /** How long the next restart waits; undefined before the first. */
  backOff: number | undefined;
  restarting: (() => void) | undefined;
  /** Of a process that ends by itself. */
  ending: (() => void) | undefined;
  probers: Prober[] = [];
  isInit = false;
  /** Whether it was started up once. */
  hasStarted = false;

  /** `known`: what an earlier run of the kubelet told of it. */
  constructor(
    readonly spec: Container,
    known: ContainerStatus | undefined,
    reason: string,
  ) {
    this.state = known?.state ?? waitingFor(reason);
    if (!known) return;
    this.restarts = known.restartCount;
    this.lastState = known.lastState;
  }

  get name(): string {
    return this.spec.name;
  }

  get running(): boolean {
    return this.state.running !== undefined;
  }

  /** Of an init container: one that goes on beside the others. (KEP-753) */
  get isSidecar(): boolean {
    return this.spec.restartPolicy === "Always";
  }

  /** Of an init container: whether the next one may begin. */
  get isThrough(): boolean {
    return this.isSidecar ? this.hasStarted : this.#endedWith === 0;
  }

  get hasFailed(): boolean {
    return !this.isSidecar && (this.#endedWith ?? 0) !== 0;
  }

  /** Neither begun nor waiting for anything but its turn. */
  get isNew(): boolean {
    return (
      this.restarting === undefined &&
      (this.state.waiting?.reason === "PodInitializing" ||
        this.state.waiting?.reason === "ContainerCreating")
    );
  }

  get #endedWith(): number | undefined {
    return this.state.terminated?.exitCode;
  }

  begin(now: number): void {
    this.halt();
    this.startedAt = now;
    if (!this.running) this.state = runningSince(stamp(now));
    this.started = !this.spec.startupProbe;
    this.ready = this.started && !this.spec.readinessProbe;
    this.hasStarted ||= this.started;
  }

  /** What an earlier run of the kubelet had begun and nobody has seen the end of. */
  forget(reason: string): void {
    if (!this.state.terminated) this.state = { waiting: { reason } };
  }

  end(exitCode: number, reason: string, now: number): void {
    this.halt();
    this.state = this.lastState = {
      terminated: { exitCode, reason, startedAt: stamp(this.startedAt), finishedAt: stamp(now) },
    };
    // of an init container that ended well it is said that it is ready
    this.ready = this.isInit && exitCode === 0 && !this.isSidecar;
    this.started = false;
  }

  wait(reason: string, message: string): void {
    this.state = { waiting: { reason, message } };
  }

  halt(): void {
    this.restarting?.();
    this.ending?.();
    for (const prober of this.probers) prober.stop();
    this.probers = [];
  }

  status(): ContainerStatus {
    const { name, ready, started, restarts, state, lastState, spec } = this;
    return {
      name,
      ready,
      started,
      restartCount: restarts,
      image: spec.image ?? "",
      state,
      ...(lastState && !state.terminated && { lastState }),
      imageID: "", // always there: a string without omitempty in Go
    };
  }
}
