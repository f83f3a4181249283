import type { Clock } from "../api/clock.js";
import type { HealthCheck, LoadBalancer, Target } from "../net/load-balancer.js";

interface Balancers {
  readonly loadBalancers: ReadonlyMap<string, LoadBalancer>;
  readonly targets: ReadonlyMap<string, readonly Target[]>;
  healthChanged(balancer: string): void;
}

/**
 * A load balancer sends nothing to a target before it answered its health check a few times in a
 * row, and stops when it failed it a few times. So a node that is lost or drained still gets
 * traffic for a while.
 */
export class HealthChecks {
  readonly #rounds = new Map<string, () => void>();
  readonly #runs = new WeakMap<Target, { ok: boolean; count: number; total: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly check: (
      target: Target,
      healthCheck: HealthCheck,
      loadBalancer: LoadBalancer,
    ) => boolean,
    private readonly balancers: Balancers,
  ) {}

  /** Checks a load balancer's targets from now on. New targets are checked at once. */
  watch(name: string): void {
    this.#rounds.get(name)?.();
    this.#rounds.set(
      name,
      this.clock.schedule(0, () => this.#round(name)),
    );
  }

  forget(name: string): void {
    this.#rounds.get(name)?.();
    this.#rounds.delete(name);
  }

  #round(name: string): void {
    const balancer = this.balancers.loadBalancers.get(name);
    const targets = this.balancers.targets.get(name) ?? [];
    const healthCheck = balancer?.healthCheck;
    const before = targets.map(({ healthy }) => healthy);
    for (const target of targets)
      if (healthCheck) this.#look(target, healthCheck, balancer);
      else target.healthy = true; // nobody looks
    if (targets.some(({ healthy }, i) => healthy !== before[i])) this.balancers.healthChanged(name);
    if (!healthCheck) return;
    // Somebody waits until each target has had its chance, and while one is on its way up; then the
    // checks go on by themselves.
    const waitedFor = targets.some((target) => {
      const { ok, total } = this.#runs.get(target)!;
      return total < healthCheck.healthyThreshold || (ok && !target.healthy);
    });
    this.#rounds.set(
      name,
      this.clock.schedule(healthCheck.intervalSeconds * 1_000, () => this.#round(name), {
        background: !waitedFor,
      }),
    );
  }

  #look(target: Target, healthCheck: HealthCheck, balancer: LoadBalancer): void {
    const ok = this.check(target, healthCheck, balancer);
    const before = this.#runs.get(target);
    const run = {
      ok,
      count: before?.ok === ok ? before.count + 1 : 1,
      total: (before?.total ?? 0) + 1,
    };
    this.#runs.set(target, run);
    if (run.count >= (ok ? healthCheck.healthyThreshold : healthCheck.unhealthyThreshold))
      target.healthy = ok;
  }
}
