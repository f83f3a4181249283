/**
 * The API server's thread under `stopover serve`: the API server, its store and all components, in
 * real time. It may wait for the store (Atomics.wait), for the front (thread-backend.ts) answers
 * clients meanwhile from a thread of its own.
 */
import { parentPort, workerData } from "node:worker_threads";
import { ignoring } from "../../api/errors.js";
import type { Cluster } from "../../cluster.js";
import { onNewKinds, removeKinds } from "../../objects/kinds.js";
import type { Kind } from "../../objects/types.js";
import { say } from "../terminal.js";
import { EventStream, UnreadEvents } from "./event-stream.js";
import type { ApiAnswer, ApiRequest, LaterAnswer } from "./exchange.js";
import { Exposed } from "./exposed.js";
import { answer } from "./http-handlers.js";
import { kubeletsOf, type Kubelets } from "./kubelets.js";
import { startCluster, type ThreadOptions } from "./serve-cluster.js";
import { StoreHealth } from "./store-health.js";
import type { ToApi, ToFront } from "./thread-messages.js";
import { Tickets } from "./tickets.js";

/** What the thread is given. */
export interface ThreadData {
  options: ThreadOptions;
  tickets: SharedArrayBuffer;
  health: SharedArrayBuffer;
}

// Bytes from which an answer moves to the front instead of being copied.
const LARGE = 16 * 1024;
// Milliseconds between two questions to a store that is away, whether it is back.
const ASK_AGAIN = 1000;

const port = parentPort!;
const { options, ...shared } = workerData as ThreadData;
const tickets = new Tickets(shared.tickets);
const health = new StoreHealth(shared.health);
const unread = new UnreadEvents();
const streams = new Map<number, EventStream>();
/** Requests whose answers come later, and how each is given up. */
const later = new Map<number, () => void>();

function post(message: ToFront, transfer: ArrayBuffer[] = []): void {
  sendChunks(); // what a stream was sent before it ended
  port.postMessage(message, transfer);
}

/** Chunks that wait for the end of what is done now: an event goes to many streams at once. */
let chunks: [bytes: Uint8Array, ids: number[]][] = [];

function addChunk(bytes: Uint8Array, id: number): void {
  if (chunks.length === 0) queueMicrotask(sendChunks);
  const last = chunks.at(-1);
  if (last?.[0] === bytes) last[1].push(id);
  else chunks.push([bytes, [id]]);
}

function sendChunks(): void {
  if (chunks.length === 0) return;
  port.postMessage({ say: "chunks", chunks } satisfies ToFront);
  chunks = [];
}

function ask(cluster: Cluster, kubelets: Kubelets, id: number, request: ApiRequest): void {
  if (!tickets.begin(id)) return; // its client has been answered
  const result = answer(cluster.apiserver, request, kubelets);
  if ("later" in result) return answerLater(id, result);
  if (!("begin" in result)) return postAnswer(id, result);
  const { protocol, type } = result;
  post({ say: "begin", id, how: { protocol, type } });
  const stream = new EventStream(
    {
      write: (bytes) => addChunk(bytes, id),
      end: () => post({ say: "end", id }),
      cut: () => post({ say: "cut", id }),
    },
    unread,
  );
  streams.set(id, stream);
  stream.whenOver(() => streams.delete(id));
  result.begin(stream);
}

function answerLater(id: number, result: LaterAnswer): void {
  post({ say: "later", id });
  const cancel = result.later((answer) => {
    later.delete(id);
    postAnswer(id, answer);
  });
  later.set(id, cancel);
}

function giveUp(id: number): void {
  streams.get(id)?.close();
  later.get(id)?.();
  later.delete(id);
}

function postAnswer(id: number, answer: ApiAnswer): void {
  const { buffer, byteLength } = answer.body;
  const moves = byteLength >= LARGE && byteLength === buffer.byteLength;
  post({ say: "answer", id, answer }, moves ? [buffer as ArrayBuffer] : []);
}

function hear(cluster: Cluster, kubelets: Kubelets, message: ToApi): void {
  switch (message.say) {
    case "ask":
      return ask(cluster, kubelets, message.id, message.request);
    case "cancel":
      return giveUp(message.id);
    case "hear":
      return streams.get(message.id)?.hear(message.message);
    case "sent":
      for (const [id, count] of message.counts) streams.get(id)?.sent(count);
      return;
    case "stop":
      return stop(cluster);
  }
}

let exposed: Exposed | undefined;

function stop(cluster: Cluster): void {
  exposed?.stop();
  for (const manager of cluster.managers) {
    try {
      manager.stop({ release: true });
    } catch {} // a store that is away keeps the lease, which runs out
  }
  cluster.apiserver.store.close();
  post({ say: "stopped" });
}

/** A store that is away is asked now and then, so that it is known when it is back. */
function askAgain({ apiserver: { store } }: Cluster): void {
  setInterval(() => {
    if (health.away === 0) return;
    try {
      store.get("/registry/health");
    } catch {} // noted
  }, ASK_AGAIN).unref();
}

/** What a definition has made known is not told of any more once it is gone. */
function followDefinitions(cluster: Cluster): void {
  const client = cluster.apiserver.client("kube-apiserver");
  const kind = "CustomResourceDefinition" as Kind;
  const told = (name: string, definition: unknown): void => {
    // one that was made anew meanwhile stays
    if (definition || ignoring([404], () => client.get(kind, name))) return;
    removeKinds(name);
    post({ say: "forget", definition: name });
  };
  cluster.follow("kube-apiserver", (informers) => informers.of(kind).onChange(told));
}

onNewKinds((kinds) => post({ say: "kinds", kinds }));

try {
  const cluster = startCluster(options, (store) => health.observe(store));
  const kubelets = kubeletsOf(cluster);
  port.on("message", (message: ToApi) => hear(cluster, kubelets, message));
  askAgain(cluster);
  followDefinitions(cluster);
  if (options.expose) exposed = new Exposed(cluster, say);
  post({ say: "ready" });
} catch (error) {
  post({ say: "failed", message: (error as Error).message });
}
