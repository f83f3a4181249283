import {
  context,
  guardOf,
  run,
  type Context,
  type Controller,
  type Surroundings,
} from "./controller.js";
import { Informers } from "./informer.js";
import { LeaderElector } from "./leader-election.js";
import type { Guard } from "./supervisor.js";

export interface ManagerOptions extends Surroundings {
  /** The component: "kube-controller-manager". Its Lease in kube-system is called the same. */
  name: string;
  /** Who this replica is; must differ between replicas. Example: "control-plane-1". */
  identity: string;
  /**
   * Makes a controller out of its context. `name` is the source of its events, and its client's
   * name where `who` gives no other.
   */
  controllers: readonly { name: string; who?: string; make: (context: Context) => Controller }[];
}

/**
 * A process full of control loops: kube-controller-manager, cloud-controller-manager,
 * kube-scheduler. Any number of replicas may be started; the one that holds the Lease runs the
 * loops. Caches are filled when it becomes leader and dropped when it stops.
 */
export class Manager {
  readonly #elector: LeaderElector;
  #stops: (() => void)[] = [];

  constructor(private readonly options: ManagerOptions) {
    const { connect, name, identity } = options;
    const guard = guardOf(name, options);
    const loops = guard.task();
    const random = options.random.fork(`${name}/${identity}`);
    const unique = random.text(8, "0123456789abcdef"); // upstream: hostname_uuid
    this.#elector = new LeaderElector({
      clock: guard.clock(),
      random,
      name,
      client: connect(name),
      identity: `${identity}_${unique}`,
      onStarted: () => void loops.run(() => this.#run(guard)),
      onStopped: () => {
        loops.stop();
        this.#halt();
      },
    });
  }

  get name(): string {
    return this.options.name;
  }

  get identity(): string {
    return this.options.identity;
  }

  /** The control loops in it, by name. */
  get controllers(): string[] {
    return this.options.controllers.map(({ name }) => name);
  }

  get leading(): boolean {
    return this.#elector.leading;
  }

  start(): void {
    this.#elector.start();
  }

  /** As if the process were killed; with `release` as on an orderly end. */
  stop(options?: { release?: boolean }): void {
    this.#elector.stop(options);
  }

  #run(guard: Guard): void {
    this.#halt(); // what an attempt that failed has left
    const informers = new Informers(this.options.connect(this.options.name), guard);
    this.#stops = [() => informers.stop()];
    for (const { name, who = name, make } of this.options.controllers) {
      const surroundings = context(name, {
        ...this.options,
        connect: () => this.options.connect(who),
        informers,
      });
      this.#stops.push(run(make(surroundings), surroundings));
    }
    informers.start();
  }

  #halt(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }
}
