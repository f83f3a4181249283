import { Worker } from "node:worker_threads";
import { serviceUnavailable, timeout, type ApiError } from "../../api/errors.js";
import { kubernetes, type Kubernetes } from "../../objects/kubernetes.js";
import { addKinds, removeKinds } from "../../objects/kinds.js";
import { complain } from "../terminal.js";
import type { ThreadData } from "./api-thread.js";
import type { ApiAnswer, ApiRequest, Asked, Backend, Beginning, Receiver } from "./exchange.js";
import { json } from "./http-call.js";
import type { ThreadOptions } from "./serve-cluster.js";
import { StoreHealth } from "./store-health.js";
import type { ToApi, ToFront } from "./thread-messages.js";
import { Tickets } from "./tickets.js";

// Milliseconds that a client waits for an answer while the store does not answer; one of several
// members may take longer, since the others have to elect a leader first (see etcd.ts).
const PATIENCE = { one: 1500, several: 5300 };
// Milliseconds for which a call to the store may wait before the store counts as silent.
const SILENT = 500;
// Milliseconds that any answer may take (kube-apiserver --request-timeout).
const LONGEST = 60_000;
// Milliseconds between two looks at who has waited for too long.
const LOOK_EVERY = 100;
// Milliseconds before a thread that ended is started again; doubled each time, up to the last.
const RESTART = { first: 1000, last: 30_000 };
// Milliseconds that the thread may take to stop.
const STOP_WITHIN = 2000;

/** A request that has no answer yet. */
interface Waiting {
  receiver: Receiver;
  reads: boolean;
  /** milliseconds, of performance.now() */
  since: number;
  /** It waits for somebody behind the API server, as long as that takes. */
  isLater?: true;
}

/**
 * The API server in a thread of its own. Whatever that thread waits for, clients are answered: as
 * soon as the store is silent for longer than they have patience, by a 503.
 *
 * A real kube-apiserver lets them wait for a minute (--request-timeout) and answers 504. As there,
 * a write that the API server has begun may be done all the same, and the client is told so: only
 * where it certainly is not done does the answer carry Retry-After, upon which clients repeat it.
 */
export class ThreadBackend implements Backend {
  readonly #tickets = new Tickets();
  readonly #health = new StoreHealth();
  readonly #waiting = new Map<number, Waiting>();
  readonly #streams = new Map<number, Receiver>();
  #sent = new Map<number, number>();
  #worker: Worker | undefined;
  #ready = false;
  #stopped = false;
  #lastId = 0;
  #look: NodeJS.Timeout | undefined;
  readonly #patience: number;
  readonly kubernetes: Kubernetes;
  /** Resolved when the thread has ended and is not started again. */
  readonly over: Promise<void>;
  #isOver = () => {};

  /** `program`: the thread's; another one is for tests. */
  constructor(
    private readonly options: ThreadOptions,
    private readonly program = new URL("./api-thread.js", import.meta.url),
  ) {
    this.kubernetes = kubernetes(options.version);
    const members = options.etcd?.urls.length ?? 0;
    this.#patience = members > 1 ? PATIENCE.several : PATIENCE.one;
    this.over = new Promise((resolve) => (this.#isOver = resolve));
  }

  /** Rejects with the reason where the cluster cannot be started. */
  start(): Promise<void> {
    const data: ThreadData = {
      options: this.options,
      tickets: this.#tickets.memory,
      health: this.#health.memory,
    };
    const worker = new Worker(this.program, { workerData: data });
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      let reason = "it exited";
      worker.on("message", (message: ToFront) => {
        if (message.say === "failed") {
          reason = message.message;
          void worker.terminate();
        } else if (message.say === "ready") {
          this.#ready = true;
          resolve();
        } else this.#hear(message);
      });
      worker.on("error", (error) => (reason = firstLines(error)));
      worker.on("exit", () => {
        if (this.#ready) this.#lost(reason);
        else reject(new Error(reason));
      });
    });
  }

  ask(request: ApiRequest, receiver: Receiver): Asked {
    if (!this.#ready) {
      receiver.answer(unavailable("the API server is starting", true));
      return { cancel: () => {}, sent: () => {}, hear: () => {} };
    }
    const id = (this.#lastId = (this.#lastId % MAX_ID) + 1);
    const reads = request.method === "GET";
    this.#tickets.offer(id);
    this.#waiting.set(id, { receiver, reads, since: performance.now() });
    this.#look ??= setInterval(() => this.#lookAtWaiting(), LOOK_EVERY);
    this.#post({ say: "ask", id, request });
    return {
      cancel: () => this.#cancel(id),
      sent: (chunks) => this.#note(id, chunks),
      hear: (message) => this.#post({ say: "hear", id, message }),
    };
  }

  problem(): string | undefined {
    if (!this.#ready) return "the API server is starting";
    if (this.#health.away > 0) return "the store is away";
    const { waiting } = this.#health;
    return waiting > SILENT ? `the store has been silent for ${seconds(waiting)}` : undefined;
  }

  /** As on an orderly end: leases are given up, if the store lets them. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const worker = this.#worker!;
    const stopped = new Promise<void>((resolve) =>
      worker.on("message", ({ say }: ToFront) => say === "stopped" && resolve()),
    );
    this.#post({ say: "stop" });
    await Promise.race([stopped, this.over, after(STOP_WITHIN)]);
    await worker.terminate();
  }

  #post(message: ToApi): void {
    this.#worker!.postMessage(message);
  }

  // ---- what the thread says ----

  #hear(message: ToFront): void {
    switch (message.say) {
      case "answer":
        return this.#taken(message.id)?.receiver.answer(message.answer);
      case "begin":
        return this.#begin(message.id, message.how);
      case "later":
        return this.#later(message.id);
      case "chunks":
        for (const [bytes, ids] of message.chunks)
          for (const id of ids) this.#streams.get(id)?.write(bytes);
        return;
      case "end":
        this.#streams.get(message.id)?.end();
        return void this.#streams.delete(message.id);
      case "cut":
        this.#streams.get(message.id)?.cut();
        return void this.#streams.delete(message.id);
      case "kinds":
        return addKinds(message.kinds);
      case "forget":
        return removeKinds(message.definition);
      case "ready":
      case "stopped":
      case "failed":
        return; // the start and the end wait for these by themselves
    }
  }

  #begin(id: number, how: Beginning): void {
    const waiting = this.#taken(id);
    if (!waiting) return this.#post({ say: "cancel", id }); // its client has been answered
    this.#streams.set(id, waiting.receiver);
    waiting.receiver.begin(how);
  }

  #later(id: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting) waiting.isLater = true;
    else this.#post({ say: "cancel", id });
  }

  /** Who waits for this answer, if somebody still does. */
  #taken(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  // ---- what clients do ----

  #cancel(id: number): void {
    const waiting = this.#taken(id);
    if (waiting) this.#tickets.withdraw(id);
    if (this.#streams.delete(id) || waiting?.isLater) this.#post({ say: "cancel", id });
  }

  /** Told once for all that the event loop has to say now. */
  #note(id: number, chunks: number): void {
    if (this.#sent.size === 0) setImmediate(() => this.#tellSent());
    this.#sent.set(id, (this.#sent.get(id) ?? 0) + chunks);
  }

  #tellSent(): void {
    this.#post({ say: "sent", counts: [...this.#sent] });
    this.#sent = new Map();
  }

  // ---- when the thread does not answer ----

  #lookAtWaiting(): void {
    const now = performance.now();
    for (const [id, { since, isLater }] of this.#waiting) {
      if (isLater) continue;
      const waited = now - since;
      if (waited > LONGEST) this.#giveUp(id, tooLong);
      else if (waited > this.#patienceNow()) this.#giveUp(id, storeIsAway);
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#look);
    this.#look = undefined;
  }

  #patienceNow(): number {
    if (this.#health.away > 0) return PATIENCE.one;
    return this.#health.waiting > SILENT ? this.#patience : Infinity;
  }

  #giveUp(id: number, answer: (isUndone: boolean) => ApiAnswer): void {
    const { receiver, reads } = this.#taken(id)!;
    receiver.answer(answer(this.#tickets.withdraw(id) || reads));
  }

  /** The thread has ended by itself, which is a fault of this program's. */
  #lost(reason: string): void {
    this.#ready = false;
    for (const [id] of this.#waiting) this.#giveUp(id, threadIsGone);
    for (const receiver of this.#streams.values()) receiver.cut();
    this.#streams.clear();
    if (this.#stopped) return this.#isOver();
    const keeps = this.options.etcd !== undefined;
    complain(
      `stopover: the API server's thread ended: ${reason}; ${keeps ? "it is started again" : "its store is lost with it"}`,
    );
    if (keeps) void this.#restart(RESTART.first);
    else this.#isOver();
  }

  async #restart(wait: number): Promise<void> {
    await after(wait);
    if (this.#stopped) return;
    try {
      await this.start();
    } catch (error) {
      complain(`stopover: the API server's thread cannot be started: ${(error as Error).message}`);
      void this.#restart(Math.min(wait * 2, RESTART.last));
    }
  }
}

const MAX_ID = 2 ** 31 - 1;

/** What went wrong, and where. */
const firstLines = ({ message, stack = message }: Error): string =>
  stack.split(/\n\s*/, 2).join(" ");

const after = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds).unref());

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/** `isUndone`: nothing has come of the request, nor will. */
function refusal({ status }: ApiError, isUndone: boolean): ApiAnswer {
  const answer = json(status.code!, status);
  if (isUndone) answer.headers["Retry-After"] = "1";
  return answer;
}

const unavailable = (why: string, isUndone: boolean): ApiAnswer =>
  refusal(
    serviceUnavailable(isUndone ? why : `${why}; the request may have been done all the same`),
    isUndone,
  );

const storeIsAway = (isUndone: boolean) => unavailable("the store does not answer", isUndone);
const threadIsGone = (isUndone: boolean) => unavailable("the API server ended", isUndone);
const tooLong = (isUndone: boolean) =>
  refusal(timeout("request did not complete within the allotted timeout"), isUndone);
