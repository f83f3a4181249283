/**
 * The thread behind draw.ts: takes one job after the other, answers, and wakes the one who waits.
 */
import { workerData, type MessagePort } from "node:worker_threads";
import type { Job } from "./draw.js";

const { port, done } = workerData as { port: MessagePort; done: Int32Array };
const drawing = import("./render.js").then(async (render) => (await render.warmUp(), render));
drawing.catch(() => {}); // told to whoever asks for a picture

port.on("message", async (job: Job) => {
  try {
    port.postMessage({ result: await perform(job) });
  } catch (error) {
    port.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
});

async function perform(job: Job): Promise<unknown> {
  const { parse, toPng, toSvg } = await drawing;
  return job.task === "check"
    ? parse(job.source)
    : job.task === "svg"
      ? toSvg(job.picture)
      : toPng(job.picture);
}
