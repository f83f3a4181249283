import type { Lease } from "../objects/types.js";
import type { Client } from "../api/client.js";
import type { Clock } from "../api/clock.js";
import { stampMicro } from "../api/time.js";
import { isApiError } from "../api/errors.js";
import type { Random } from "./random.js";

// The defaults of kube-controller-manager and cloud-controller-manager, in milliseconds.
// (component-base: config/v1alpha1/defaults.go)
// a standby takes over when the leader was not heard of for so long
export const LEASE_DURATION_MS = 15_000;
export const RENEW_DEADLINE_MS = 10_000; // a leader that cannot renew for so long steps down
export const RETRY_PERIOD_MS = 2_000; // how often each of them looks

/**
 * Of several replicas of a component only one works: the one whose name is in the Lease.
 * (client-go: tools/leaderelection)
 *
 * A candidate does not trust the clocks of others: it counts from when *it* last saw the Lease
 * change.
 */
export class LeaderElector {
  leading = false;
  #observed: { text: string; time: number } | undefined;
  #cancel: (() => void) | undefined;
  #cancelDeadline: (() => void) | undefined;

  constructor(private readonly options: ElectionOptions) {}

  start(): void {
    this.#cancel ??= this.options.clock.schedule(0, () => this.#round());
  }

  /**
   * Stops without a word, as a process that is killed: the Lease runs out. With `release`, it gives
   * the Lease back first.
   */
  stop({ release = false } = {}): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#cancelDeadline?.();
    if (this.leading && release) this.#giveBack();
    this.#lead(false);
  }

  /** Where the API server is away, or somebody was faster, the Lease runs out by itself. */
  #giveBack(): void {
    try {
      this.#write({ holderIdentity: "", leaseDurationSeconds: 1 });
    } catch (error) {
      if (!isApiError(error)) throw error;
    }
  }

  #round(): void {
    const { clock, random } = this.options;
    const holds = this.#acquireOrRenew();
    if (holds) this.#postponeDeadline();
    // The candidates' rounds are jittered so that they do not all knock at the same moment
    // (JitterFactor 1.2).
    const delay =
      holds || this.leading ? RETRY_PERIOD_MS : RETRY_PERIOD_MS * (1 + 1.2 * random.next());
    this.#cancel = clock.schedule(Math.round(delay), () => this.#round(), { background: true });
    if (holds) this.#lead(true);
  }

  /**
   * A timer of its own: whatever becomes of the rounds, who has not renewed for so long does not
   * lead.
   */
  #postponeDeadline(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = this.options.clock.schedule(RENEW_DEADLINE_MS, () => this.#lead(false), {
      background: true,
    });
  }

  #lead(leading: boolean): void {
    if (this.leading === leading) return;
    this.leading = leading;
    if (leading) this.options.onStarted();
    else this.options.onStopped();
  }

  /** Whether the Lease is ours after this. */
  #acquireOrRenew(): boolean {
    const { clock, identity } = this.options;
    try {
      const lease = this.#read();
      if (lease && !this.#free(lease)) return false;
      const same = lease?.spec.holderIdentity === identity;
      const now = stampMicro(clock.now());
      const acquireTime = (same && lease.spec.acquireTime) || now;
      this.#write(
        {
          holderIdentity: identity,
          leaseDurationSeconds: LEASE_DURATION_MS / 1_000,
          renewTime: now,
          acquireTime,
          leaseTransitions: (lease?.spec.leaseTransitions ?? 0) + (lease && !same ? 1 : 0),
        },
        lease,
      );
      return true;
    } catch (error) {
      if (isApiError(error)) return false; // somebody was faster, or the API server is away
      throw error;
    }
  }

  #free({ spec }: Lease): boolean {
    const { clock, identity } = this.options;
    const text = `${spec.holderIdentity} ${spec.renewTime}`;
    if (this.#observed?.text !== text) this.#observed = { text, time: clock.now() };
    return (
      !spec.holderIdentity ||
      spec.holderIdentity === identity ||
      clock.now() - this.#observed.time >= (spec.leaseDurationSeconds ?? 0) * 1_000
    );
  }

  #read(): Lease | undefined {
    try {
      return this.options.client.get("Lease", this.options.name, "kube-system");
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
  }

  #write(spec: Lease["spec"], lease = this.#read()): void {
    const { client, name } = this.options;
    if (lease)
      client.update<Lease>({ ...lease, spec: { ...lease.spec, ...spec } }, { decoded: true });
    else
      client.create<Lease>({
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name, namespace: "kube-system" },
        spec,
      });
  }
}

export interface ElectionOptions {
  clock: Clock;
  random: Random;
  client: Client;
  /** The Lease's name, the component's: "kube-controller-manager". */
  name: string;
  /** Who this replica is: "control-plane-1_6a3f…". */
  identity: string;
  onStarted(): void;
  onStopped(): void;
}
