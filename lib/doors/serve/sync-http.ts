import { MessageChannel, receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import { serviceUnavailable } from "../../api/errors.js";
import {
  withoutSecrets,
  type Asked,
  type Failure,
  type Manners,
  type Remote,
  type Reply,
} from "./remote.js";
import { refuseOwn } from "./same-thread.js";
import type { StreamMessage } from "./sync-http-worker.js";
import { SyncWorker } from "./sync-worker.js";

/**
 * HTTP for synchronous code: a worker thread talks to the server while this thread waits, so that
 * a store or a client over the network looks like one in memory. Streams (watches) come in line by
 * line, through the event loop. All that one thread speaks to share one worker thread.
 *
 * A server in the very thread that waits can never answer: it must have a thread of its own.
 */
export class SyncHttp {
  readonly #thread: HttpThread;
  readonly #id: number;
  readonly #streams = new Set<() => void>();
  #closed = false;

  constructor(
    private readonly remote: Remote,
    private readonly manners: Manners,
  ) {
    this.#thread = HttpThread.shared();
    this.#id = this.#thread.open(remote, manners);
  }

  /** @throws ApiError 503 where no answer comes; who is away is waited for under two seconds. */
  request(asked: Asked): Reply {
    refuseOwn(this.remote.urls);
    if (this.#closed) throw serviceUnavailable("the connection was closed on this side");
    const result = this.#thread.ask(this.#id, asked, this.manners.patience + 2_000);
    if (!("failure" in result)) return result;
    const shown = (this.manners.title ?? "") + this.remote.urls.map(withoutSecrets).join(", ");
    const open = result.unknown && !asked.repeatable;
    throw serviceUnavailable(
      `${shown} cannot be reached: ${result.failure}${open ? "; it is not known whether it did what it was asked for" : ""}`,
    );
  }

  /**
   * A request whose answer never ends: each line as it comes, then `end` once. Answers how to end
   * it.
   */
  stream(asked: Asked, handlers: StreamHandlers): () => void {
    const stop = this.#thread.stream(this.#id, asked, {
      ...handlers,
      end: (why) => {
        this.#streams.delete(stop);
        handlers.end(why);
      },
    });
    this.#streams.add(stop);
    return () => {
      this.#streams.delete(stop);
      stop();
    };
  }

  /** Hands over the lines that have arrived already, without waiting for the event loop. */
  poll(): void {
    this.#thread.poll();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stop of this.#streams) stop();
    this.#thread.close(this.#id);
  }
}

export interface StreamHandlers {
  /** `status`: the HTTP status of the answer that the line is part of. */
  line: (text: string, status: number) => void;
  /** Not called where this side ended it. */
  end: (why: string | undefined) => void;
}

/** The worker thread, and what comes from it. It ends with the last one that needs it. */
class HttpThread {
  static #shared: HttpThread | undefined;
  readonly #worker: SyncWorker;
  readonly #lines: MessagePort;
  readonly #streams = new Map<number, StreamHandlers>();
  readonly #servers = new Map<string, { id: number; users: number }>();
  #lastId = 0;

  static shared(): HttpThread {
    return (HttpThread.#shared ??= new HttpThread());
  }

  private constructor() {
    this.#worker = new SyncWorker(new URL("./sync-http-worker.js", import.meta.url), {
      onEnd: () => this.#ended(),
    });
    const { port1, port2 } = new MessageChannel();
    this.#lines = port1;
    this.#lines.on("message", (message: StreamMessage) => this.#tell(message));
    this.#lines.unref();
    this.#worker.tell({ do: "begin", lines: port2 }, [port2]);
  }

  /** Those who speak to the same server in the same way share its connections. */
  open(remote: Remote, manners: Manners): number {
    const key = JSON.stringify([remote, manners]);
    const server = this.#servers.get(key) ?? { id: ++this.#lastId, users: 0 };
    if (server.users++ === 0) {
      this.#servers.set(key, server);
      this.#worker.tell({ do: "open", id: server.id, remote, manners });
    }
    return server.id;
  }

  ask(server: number, asked: Asked, patience: number): Reply | Failure {
    const answer = this.#worker.ask({ do: "ask", server, asked, since: Date.now() }, patience);
    return (answer as Reply | Failure | undefined) ?? { failure: "no answer", unknown: true };
  }

  stream(server: number, asked: Asked, handlers: StreamHandlers): () => void {
    const id = ++this.#lastId;
    this.#streams.set(id, handlers);
    this.#lines.ref();
    this.#worker.tell({ do: "stream", server, id, asked });
    return () => {
      if (this.#forget(id)) this.#worker.tell({ do: "stop", id });
    };
  }

  poll(): void {
    for (let got = receiveMessageOnPort(this.#lines); got; got = receiveMessageOnPort(this.#lines))
      this.#tell(got.message as StreamMessage);
  }

  close(id: number): void {
    for (const [key, server] of this.#servers) {
      if (server.id !== id || --server.users > 0) continue;
      this.#servers.delete(key);
      this.#worker.tell({ do: "close", id });
    }
    if (this.#servers.size === 0) this.#end();
  }

  #end(): void {
    if (HttpThread.#shared === this) HttpThread.#shared = undefined;
    this.#lines.close();
    this.#worker.end();
  }

  #ended(): void {
    if (HttpThread.#shared === this) HttpThread.#shared = undefined;
    for (const id of [...this.#streams.keys()]) this.#tell({ id, end: "the thread has ended" });
  }

  #tell(message: StreamMessage): void {
    const handlers = this.#streams.get(message.id);
    if (!handlers) return;
    if ("line" in message) return handlers.line(message.line, message.status);
    this.#forget(message.id);
    handlers.end(message.end);
  }

  #forget(id: number): boolean {
    const known = this.#streams.delete(id);
    if (this.#streams.size === 0) this.#lines.unref();
    return known;
  }
}
