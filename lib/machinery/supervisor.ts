/**
 * One component's mistake is that component's. Whatever it does, it does under a guard: a
 * reconcile, an informer's handler, a timer, the beginning of a list. An exception ends that one
 * piece of work and nothing else; it is told with the names of the component and of the object, and
 * the work is tried again, later and later, until it goes well. (apimachinery: util/runtime,
 * HandleCrash; client-go: util/workqueue)
 *
 *     const guard = supervisor.of("kubelet/node-a");
 *     guard.clock().schedule(800, startPod, { about: "Pod default/web" }); // again if it fails
 *     guard.task({ about: "Node node-a" }).run(register); // now, and again until it goes well
 *
 * What is told, and how, is the supervisor's policy: in virtual time settle() or advance() throws
 * it when it has come to its end; in `serve` it is a line in the log. It is told once, and again
 * only when the reason changes or the work went well in between.
 * What the API server refuses, or a cloud, is no mistake: it is tried again without a word.
 */
import { throwSoon, type Clock, type ScheduleOptions } from "../api/clock.js";
import { isApiError } from "../api/errors.js";
import { componentBackOff, waitAfter } from "./back-off.js";

/**
 * The world outside the API server did not do what was asked; it is asked again, later and later.
 */
export class TransientError extends Error {}

/** What went wrong in a component. `cause` is the exception itself. */
export class ComponentError extends Error {
  constructor(
    /** "replicaset-controller", "kubelet/node-a" */
    readonly component: string,
    /** What it was at work on: "ReplicaSet default/web". */
    readonly object: string | undefined,
    cause: unknown,
  ) {
    super(`${object === undefined ? component : `${component}, ${object}`}: ${reasonOf(cause)}`, {
      cause,
    });
    this.name = "ComponentError";
  }
}

/** Where the guards of all components report to. */
export class Supervisor {
  readonly #onFailure: (failure: ComponentError) => void;

  /** `onFailure`: what becomes of a mistake. Default: the clock throws it. */
  constructor(
    private readonly clock: Clock,
    onFailure?: (failure: ComponentError) => void,
  ) {
    this.#onFailure = onFailure ?? ((failure) => throwSoon(clock, failure));
  }

  /** The guard of the component that is called so. */
  of(component: string): Guard {
    return new Guard(component, this.clock, this.#onFailure);
  }

  /** For what is not tried again: a callback of somebody who only watches. */
  report(component: string, object: string, error: unknown): void {
    this.#onFailure(new ComponentError(component, object, error));
  }
}

/** Under which one component works. */
export class Guard {
  /** Mistakes that were told and are not mended, each with how many pieces of work make it. */
  #told: Map<string, number> | undefined;

  constructor(
    readonly component: string,
    private readonly time: Clock,
    private readonly onFailure: (failure: ComponentError) => void,
  ) {}

  /** Work that has to go well in the end. */
  task(options: ScheduleOptions = {}): Task {
    return new Task(this, this.time, options);
  }

  /** The clock as the component sees it: what it schedules and what then fails is tried again. */
  clock(): Clock {
    const { component: who, time } = this;
    // by what is run: a loop, which schedules the same function again and again, is one task
    let failing: Map<() => void, Task> | undefined;
    const retried = (run: () => void) => () => {
      run();
      failing?.delete(run);
    };
    const plain = { who };
    return {
      now: () => time.now(),
      schedule: (delay, run, options) => {
        let task: Task | undefined;
        const start = () => {
          task = failing?.get(run);
          if (task) return void task.run(retried(run));
          try {
            run();
          } catch (error) {
            (failing ??= new Map<() => void, Task>()).set(run, (task = this.task(options)));
            task.failed(error, retried(run));
          }
        };
        const cancel = time.schedule(delay, start, options ? { ...options, who } : plain);
        return () => {
          cancel();
          // work that cancels itself, because it plans its next time, is none that was given up
          if (!task || task.running) return;
          task.stop();
          failing?.delete(run);
        };
      },
    };
  }

  /**
   * Tells of a mistake about `object`, unless it was told and lasts. Answers what to pass as
   * `before` the next time, and to `mended` in the end. For who tries again by himself.
   */
  tell(object: string | undefined, error: unknown, before?: string): string | undefined {
    if (isApiError(error) || error instanceof TransientError) return before;
    const failure = new ComponentError(this.component, object, error);
    const { message } = failure;
    if (message === before) return before;
    this.mended(before);
    const told = (this.#told ??= new Map<string, number>());
    const makers = told.get(message) ?? 0;
    told.set(message, makers + 1);
    if (makers === 0) this.onFailure(failure);
    return message;
  }

  /** The work that made this mistake went well: the next time it is news. */
  mended(mistake: string | undefined): void {
    if (mistake === undefined) return;
    const makers = (this.#told?.get(mistake) ?? 1) - 1;
    if (makers > 0) this.#told?.set(mistake, makers);
    else this.#told?.delete(mistake);
  }
}

/** Work that is tried until it goes well, of which there is one version at a time: the newest. */
export class Task {
  /** Whether the work is being done at this moment. */
  running = false;
  #failures = 0;
  #told: string | undefined;
  #cancel: (() => void) | undefined;

  constructor(
    private readonly guard: Guard,
    private readonly clock: Clock,
    private readonly options: ScheduleOptions,
  ) {}

  /** Runs `work` now, in place of what still waits; true where it went well at once. */
  run(work: () => void): boolean {
    this.#cancel?.();
    this.#cancel = undefined;
    this.running = true;
    try {
      work();
      this.#wentWell();
      return true;
    } catch (error) {
      this.failed(error, work);
      return false;
    } finally {
      this.running = false;
    }
  }

  /** Gives up what waits to be tried again. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#wentWell();
  }

  #wentWell(): void {
    this.guard.mended(this.#told);
    [this.#failures, this.#told] = [0, undefined];
  }

  /** The work was begun elsewhere and failed: `again` is run in its place, later and later. */
  failed(error: unknown, again: () => void): void {
    const { guard, options } = this;
    this.#told = guard.tell(options.about, error, this.#told);
    const { delay, background } = waitAfter(++this.#failures, componentBackOff);
    this.#cancel = this.clock.schedule(delay, () => void this.run(again), {
      ...options,
      background: background || (options.background ?? false),
      who: guard.component,
    });
  }
}

const reasonOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);
