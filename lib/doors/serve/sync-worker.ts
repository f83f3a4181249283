import {
  MessageChannel,
  receiveMessageOnPort,
  Worker,
  type MessagePort,
} from "node:worker_threads";

/** A question to the thread, under a number; a message without one wants no answer. */
export interface Envelope {
  id?: number;
  question: unknown;
}

interface Answered {
  id: number;
  answer: unknown;
}

/**
 * A worker thread that this thread waits for (Atomics.wait), so that what takes its time looks like
 * a plain call: nobody needs an `await`. The thread's side is `answering()` in sync-worker-side.ts.
 */
export class SyncWorker {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #answered = new Int32Array(new SharedArrayBuffer(4));
  #lastId = 0;

  /** `file` is the thread's program. A process that is done does not wait for the thread. */
  constructor(
    file: URL,
    options: { execArgv?: string[]; stdout?: boolean; stderr?: boolean; onEnd?: () => void } = {},
  ) {
    const { onEnd, ...rest } = options;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(file, {
      ...rest,
      workerData: { port: port2, answered: this.#answered },
      transferList: [port2],
    });
    this.#worker.on("error", () => {}); // "exit" follows
    this.#worker.on("exit", () => onEnd?.());
    this.#worker.unref();
  }

  /** The answer; undefined where none came within so many milliseconds. */
  ask(question: unknown, patience: number): unknown {
    const id = ++this.#lastId;
    Atomics.store(this.#answered, 0, 0);
    this.#port.postMessage({ id, question } satisfies Envelope);
    while (Atomics.wait(this.#answered, 0, 0, patience) !== "timed-out") {
      Atomics.store(this.#answered, 0, 0);
      for (let got = this.#receive(); got; got = this.#receive())
        if (got.id === id) return got.answer; // others were given up
    }
    return undefined;
  }

  #receive(): Answered | undefined {
    return receiveMessageOnPort(this.#port)?.message as Answered | undefined;
  }

  /** Sends what needs no answer. */
  tell(question: unknown, transfer: MessagePort[] = []): void {
    this.#port.postMessage({ question } satisfies Envelope, transfer);
  }

  end(): void {
    this.#port.close();
    void this.#worker.terminate();
  }
}
