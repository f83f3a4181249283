// An API server in a thread of its own, for clients that hold theirs while they wait.
import "stopover/internal/apiserver/admission-plugins";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { serve } from "stopover/internal/doors/serve/http";
import { Random } from "stopover/internal/machinery/random";
import { RealClock } from "stopover/internal/machinery/real-clock";

/** Answers its address and how to end it. */
export function apiServerThread(): Promise<{ url: string; end: () => Promise<number> }> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url));
    worker
      .once("message", (url: string) => resolve({ url, end: () => worker.terminate() }))
      .once("error", reject);
  });
}

if (!isMainThread) {
  const { url } = await serve({
    apiserver: new ApiServer({ clock: new RealClock(), random: new Random(1).next }),
    port: 0,
  });
  parentPort!.postMessage(url);
}
