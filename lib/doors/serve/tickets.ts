/**
 * Which requests a thread may still begin, in memory that two threads share: the front withdraws
 * one that has waited for too long, and then knows that it is never begun. A message could not say
 * so, for the other thread reads none while it waits for the store.
 */
export class Tickets {
  readonly #cells: Int32Array;

  /** `memory`: that of the other thread's tickets. */
  constructor(readonly memory = new SharedArrayBuffer(4 * PLACES)) {
    this.#cells = new Int32Array(memory);
  }

  /** The front asks. `id`: from 1 on, 2^31 at most. */
  offer(id: number): void {
    Atomics.store(this.#cells, id % PLACES, id);
  }

  /** The API server's thread begins: whether it may. */
  begin(id: number): boolean {
    return this.#exchange(id);
  }

  /** The front gives up: whether the request was not begun, and never will be. */
  withdraw(id: number): boolean {
    return this.#exchange(id);
  }

  #exchange(id: number): boolean {
    return Atomics.compareExchange(this.#cells, id % PLACES, id, 0) === id;
  }
}

// Requests that may wait at once; of more, the oldest are withdrawn by the newest.
const PLACES = 16_384;
