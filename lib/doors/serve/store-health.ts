import { ApiError } from "../../api/errors.js";
import type { Store } from "../../store/store.js";

/**
 * Whether a store answers, in memory that two threads share: the one that waits for it cannot say
 * so itself.
 */
export class StoreHealth {
  /** [since when a call waits, since when none was answered]: milliseconds; 0: none. */
  readonly #cells: BigInt64Array;

  /** `memory`: that of the other thread's. */
  constructor(readonly memory = new SharedArrayBuffer(16)) {
    this.#cells = new BigInt64Array(memory);
  }

  /** The same store; what comes of its calls is noted. */
  observe(store: Store): Store {
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => this.#noted(() => value.apply(target, args) as unknown);
      },
    });
  }

  /** Milliseconds for which a call has waited by now; 0: none waits. */
  get waiting(): number {
    return this.#since(0);
  }

  /** Milliseconds since the store was found to be away; 0: it answered last time. */
  get away(): number {
    return this.#since(1);
  }

  #noted<T>(call: () => T): T {
    this.#set(0, Date.now());
    try {
      const answer = call();
      this.#set(1, 0);
      return answer;
    } catch (error) {
      const isAway = error instanceof ApiError && error.code === 503;
      if (!isAway) this.#set(1, 0);
      else if (this.away === 0) this.#set(1, Date.now());
      throw error;
    } finally {
      this.#set(0, 0);
    }
  }

  #set(cell: number, time: number): void {
    Atomics.store(this.#cells, cell, BigInt(time));
  }

  #since(cell: number): number {
    const time = Number(Atomics.load(this.#cells, cell));
    return time === 0 ? 0 : Math.max(1, Date.now() - time);
  }
}
