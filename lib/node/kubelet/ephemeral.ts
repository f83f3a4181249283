/**
 * The containers that kubectl debug adds to a Pod that runs: each is begun once and never again,
 * listens nowhere, and nobody waits for it. (KEP-277; pkg/kubelet/kuberuntime)
 */
import { stamp } from "../../api/time.js";
import type { Container, ContainerStatus, Pod } from "../../objects/types.js";
import { endOf, whyMissing } from "./command.js";
import { ephemeral, type Added } from "./ephemeral-hook.js";
import type { Host } from "./host.js";

// From the process's end to the kubelet that hears of it. Milliseconds.
const EXIT_MS = 50;
// Who runs for longer than this is waited for by nobody. Milliseconds.
const PATIENCE_MS = 60_000;

class EphemeralContainers implements Added {
  /** As last heard of. */
  #pod: Pod | undefined;
  readonly #statuses = new Map<string, ContainerStatus>();
  readonly #endings = new Set<() => void>();

  constructor(
    private readonly host: Host,
    private readonly report: () => void,
  ) {}

  sync(pod: Pod): void {
    this.#pod = pod;
    const known = pod.status?.ephemeralContainerStatuses ?? [];
    for (const container of pod.spec.ephemeralContainers ?? []) {
      if (this.#statuses.has(container.name)) continue;
      const before = known.find(({ name }) => name === container.name);
      if (before?.state?.terminated) this.#end(pod, before);
      else if (this.host.isMissing(container.image ?? "")) this.#fail(pod, container);
      else this.#begin(pod, container, before);
    }
  }

  relist(): void {
    const { runtime } = this.host;
    const pod = this.#pod!;
    for (const container of pod.spec.ephemeralContainers ?? []) {
      const running = this.#statuses.get(container.name)?.state?.running;
      if (running && !runtime.running(pod, container.name))
        this.#ended(
          pod,
          container,
          running.startedAt!,
          runtime.exitCode?.(pod, container.name) ?? 1,
        );
    }
  }

  status(): Partial<NonNullable<Pod["status"]>> {
    const all = [...this.#statuses.values()];
    return all.length > 0 ? { ephemeralContainerStatuses: all } : {};
  }

  halt(): void {
    for (const end of this.#endings) end();
  }

  #end(pod: Pod, status: ContainerStatus): void {
    this.host.runtime.end(pod, status.name);
    this.#statuses.set(status.name, status);
  }

  #tell({ name, image = "" }: Container, state: NonNullable<ContainerStatus["state"]>): void {
    const status = { name, image, state, ready: false, restartCount: 0, imageID: "" };
    this.#statuses.set(name, status);
  }

  #fail(pod: Pod, container: Container): void {
    const why = whyMissing(container.image!);
    const { events } = this.host;
    events.warning(pod, "Failed", `Failed to pull image "${container.image}": ${why}`);
    events.warning(pod, "Failed", "Error: ErrImagePull");
    this.host.runtime.end(pod, container.name);
    this.#tell(container, { waiting: { reason: "ErrImagePull", message: why } });
  }

  #begin(pod: Pod, container: Container, before: ContainerStatus | undefined): void {
    const { clock, events } = this.host;
    const { name, image = "" } = container;
    const running = before?.state?.running ?? { startedAt: stamp(clock.now()) };
    if (!before) {
      const has = this.host.images.has(image) ? "already present on machine" : "pulled";
      events.normal(pod, "Pulled", `Container image "${image}" ${has}`);
      events.normal(pod, "Created", `Created container: ${name}`);
      events.normal(pod, "Started", `Started container ${name}`);
      this.host.images.add(image);
    }
    this.#tell(container, { running });
    const { runtime } = this.host;
    if (!before) runtime.run(pod, name);
    const end = !runtime.exitCode && endOf(container);
    if (end) this.#endAfter(pod, container, running.startedAt!, end);
  }

  #ended(pod: Pod, container: Container, startedAt: string, exitCode: number): void {
    this.host.runtime.end(pod, container.name);
    const reason = exitCode === 0 ? "Completed" : "Error";
    const finishedAt = stamp(this.host.clock.now());
    this.#tell(container, { terminated: { exitCode, reason, startedAt, finishedAt } });
    this.report();
  }

  #endAfter(
    pod: Pod,
    container: Container,
    startedAt: string,
    { after, exitCode }: { after: number; exitCode: number },
  ): void {
    const { clock } = this.host;
    const cancel = clock.schedule(
      after + EXIT_MS,
      () => {
        this.#endings.delete(cancel);
        this.#ended(pod, container, startedAt, exitCode);
      },
      { background: after > PATIENCE_MS },
    );
    this.#endings.add(cancel);
  }
}

ephemeral.containers = (host, report) => new EphemeralContainers(host, report);
