import { workerData, type MessagePort } from "node:worker_threads";
import type { Envelope } from "./sync-worker.js";

/** The thread's side of a SyncWorker: `answer` must answer every question, failures included. */
export function answering(answer: (question: never) => unknown): void {
  const { port, answered } = workerData as { port: MessagePort; answered: Int32Array };
  port.on("message", async ({ id, question }: Envelope) => {
    const result = await answer(question as never);
    if (id === undefined) return;
    port.postMessage({ id, answer: result });
    Atomics.store(answered, 0, 1);
    Atomics.notify(answered, 0);
  });
}
