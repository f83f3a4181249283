import {
  MessageChannel,
  receiveMessageOnPort,
  Worker,
  type MessagePort,
} from "node:worker_threads";
import type { Answer, Asked, StreamMessage } from "./sync-http-worker.js";

/**
 * HTTP for synchronous code: a worker thread talks to the server while this thread waits
 * (Atomics.wait), so that a store or a client over the network looks like one in memory. Streams
 * (watches) come in line by line, through the event loop.
 */
export class SyncHttp {
  readonly #worker: Worker;
  readonly #answers: MessagePort;
  readonly #lines: MessagePort;
  readonly #ready = new Int32Array(new SharedArrayBuffer(4));
  readonly #streams = new Map<number, StreamHandlers>();
  #lastId = 0;

  /**
   * `url`: "http://127.0.0.1:2379". `timeout`: milliseconds that a request may take; default
   * 30,000.
   */
  constructor(
    readonly url: string,
    readonly timeout = 30_000,
  ) {
    if (!URL.canParse(url) || new URL(url).protocol !== "http:")
      throw new Error(
        `got ${JSON.stringify(url)}; an address like http://127.0.0.1:2379 is needed`,
      );
    const [answers, lines] = [new MessageChannel(), new MessageChannel()];
    [this.#answers, this.#lines] = [answers.port1, lines.port1];
    this.#worker = new Worker(new URL("./sync-http-worker.js", import.meta.url), {
      workerData: { url, ready: this.#ready.buffer, answers: answers.port2, lines: lines.port2 },
      transferList: [answers.port2, lines.port2],
    });
    this.#worker.unref();
    this.#lines.on("message", (message: StreamMessage) => this.#tell(message));
    this.#lines.unref();
  }

  /** @throws where the server cannot be reached, or is silent for too long. */
  request(asked: Omit<Asked, "id">): Answer {
    const id = ++this.#lastId;
    Atomics.store(this.#ready, 0, 0);
    this.#worker.postMessage({ ...asked, id });
    for (;;) {
      if (Atomics.wait(this.#ready, 0, 0, this.timeout) === "timed-out")
        throw new Error(
          `${this.url} did not answer ${asked.method} ${asked.path} within ${this.timeout / 1000} s`,
        );
      Atomics.store(this.#ready, 0, 0);
      const answer = (receiveMessageOnPort(this.#answers) as { message: Answer } | undefined)
        ?.message;
      if (answer?.id !== id) continue; // the late answer to a request that was given up
      if (answer.failure) throw new Error(`${this.url} cannot be reached: ${answer.failure}`);
      return answer;
    }
  }

  /**
   * A request whose answer never ends: each line as it comes, then `end` once. Answers how to end
   * it.
   */
  stream(asked: Omit<Asked, "id" | "stream">, handlers: StreamHandlers): () => void {
    const id = ++this.#lastId;
    this.#streams.set(id, handlers);
    this.#lines.ref();
    this.#worker.postMessage({ ...asked, id, stream: true });
    return () => {
      if (this.#forget(id)) this.#worker.postMessage({ id, cancel: true });
    };
  }

  /** Hands over the lines that have arrived already, without waiting for the event loop. */
  poll(): void {
    for (let got = receiveMessageOnPort(this.#lines); got; got = receiveMessageOnPort(this.#lines))
      this.#tell(got.message as StreamMessage);
  }

  close(): void {
    this.#streams.clear();
    this.#lines.close();
    this.#answers.close();
    void this.#worker.terminate();
  }

  #tell({ id, line, end, status }: StreamMessage): void {
    const handlers = this.#streams.get(id);
    if (!handlers) return;
    if (line !== undefined) return handlers.line(line, status);
    this.#forget(id);
    handlers.end(end);
  }

  #forget(id: number): boolean {
    const known = this.#streams.delete(id);
    if (this.#streams.size === 0) this.#lines.unref();
    return known;
  }
}

export interface StreamHandlers {
  /** `status`: the HTTP status of the answer that the line is part of. */
  line: (text: string, status: number) => void;
  /** Not called where this side ended it. */
  end: (why: string | undefined) => void;
}
