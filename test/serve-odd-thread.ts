/**
 * A thread in the place of the API server's, which does what it is told to: it waits for a store,
 * dies, or answers. (Not a test: serve-front.test.ts starts it.)
 */
import { parentPort, workerData } from "node:worker_threads";
import { serviceUnavailable } from "stopover/internal/api/errors";
import type { ThreadData } from "stopover/internal/doors/serve/api-thread";
import type { ApiRequest } from "stopover/internal/doors/serve/exchange";
import { json } from "stopover/internal/doors/serve/http-call";
import { StoreHealth } from "stopover/internal/doors/serve/store-health";
import type { ToApi, ToFront } from "stopover/internal/doors/serve/thread-messages";
import { Tickets } from "stopover/internal/doors/serve/tickets";
import { MemoryStore } from "stopover/internal/store/memory";

const data = workerData as ThreadData;
const tickets = new Tickets(data.tickets);
const post = (message: ToFront) => parentPort!.postMessage(message);
const wait = (milliseconds: number) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

class SlowStore extends MemoryStore {
  override get(key: string): undefined {
    wait(Number(key));
    if (key.endsWith("!")) throw serviceUnavailable("the store is away");
  }
}
const store = new StoreHealth(data.health).observe(new SlowStore());
const begun: string[] = [];

function answer(id: number, { path: [what, argument = ""] }: ApiRequest): void {
  begun.push([what, argument].join(" ").trim());
  if (what === "begun") return post({ say: "answer", id, answer: json(200, begun) });
  if (what === "die") throw new Error("as it was told");
  if (what === "busy") wait(Number(argument));
  if (what === "store") store.get(argument);
  if (what === "watch") {
    post({ say: "begin", id, how: {} });
    post({ say: "chunks", chunks: [[new TextEncoder().encode("first\n"), [id]]] });
    return;
  }
  post({ say: "answer", id, answer: json(200, {}) });
}

parentPort!.on("message", (message: ToApi) => {
  if (message.say === "stop") return post({ say: "stopped" });
  if (message.say === "cancel") begun.push(`cancel ${message.id}`);
  if (message.say === "ask" && tickets.begin(message.id)) answer(message.id, message.request);
});
if (data.options.seed === "cannot start") post({ say: "failed", message: "it cannot start" });
else post({ say: "ready" });
