/**
 * Draws pictures while the caller waits: the work happens in a worker thread, so that nothing in a
 * notebook needs an `await` and a picture always lands in the cell that asked for it. The worker
 * keeps mermaid's stand-in for a browser away from the reader's globals, and a picture that takes
 * too long costs only the picture.
 */
import {
  MessageChannel,
  receiveMessageOnPort,
  Worker,
  type MessagePort,
} from "node:worker_threads";
import { createRequire } from "node:module";
import type { Chart, Drawn, Mermaid, Svg } from "./picture.js";
import type * as raster from "./raster.js";
import { withoutStyle } from "./svg/look.js";

/** What has pixels. */
export type Drawable = Mermaid | Chart | Svg;

/** What the worker is asked for, and answers. */
export type Job =
  { task: "png" | "svg"; picture: Mermaid | Chart } | { task: "check"; source: string };
type Answer = { result: unknown } | { error: string };

/** How long one picture may take, the first one's start included (about 2 s). */
const patience = 60_000;

/**
 * A picture's pixels. The same picture gives the same bytes, in every process. Throws an Error that
 * says what was wrong with it.
 */
export function png(picture: Drawable): Drawn {
  if (picture.kind !== "svg") return ask({ task: "png", picture }) as Drawn;
  // our own pictures need no mermaid, and so no worker that loads it
  const known = drawn.get(picture.svg);
  if (known) return known;
  const load = createRequire(import.meta.url);
  const { rasterize } = load("./raster.js") as typeof raster;
  const made = rasterize(withoutStyle(picture.svg));
  if (drawn.size > 100) drawn.clear();
  drawn.set(picture.svg, made);
  return made;
}
const drawn = new Map<string, Drawn>();

/** A picture as SVG text, sized in CSS pixels. */
export function svg(picture: Drawable): string {
  return picture.kind === "svg" ? picture.svg : (ask({ task: "svg", picture }) as string);
}
/** Throws mermaid's own complaint where `source` is not its language; answers nothing else. */
export function check(source: string): void {
  ask({ task: "check", source });
}
/**
 * Starts the worker, so that mermaid is loaded by the time the first picture is asked for. Returns
 * at once.
 */
export function warmUp(): void {
  artist ??= hire();
}

interface Artist {
  worker: Worker;
  port: MessagePort;
  done: Int32Array;
}
let artist: Artist | undefined;
const answers = new Map<string, Answer>();

function ask(job: Job): unknown {
  const key = JSON.stringify(job);
  const answer = answers.get(key) ?? askWorker(job);
  if (answers.size > 100) answers.clear();
  answers.set(key, answer);
  if ("error" in answer) throw new Error(answer.error);
  return answer.result;
}

function askWorker(job: Job): Answer {
  const { worker, port, done } = (artist ??= hire());
  Atomics.store(done, 0, 0);
  port.postMessage(job);
  if (Atomics.wait(done, 0, 0, patience) !== "timed-out")
    return receiveMessageOnPort(port)!.message;
  artist = undefined;
  void worker.terminate();
  return {
    error: `drawing took longer than ${patience / 1000} s and was stopped; ask for a smaller picture`,
  };
}

function hire(): Artist {
  const { port1, port2 } = new MessageChannel(),
    done = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./draw-worker.js", import.meta.url), {
    workerData: { port: port2, done },
    transferList: [port2],
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  worker.on("error", () => (artist = undefined));
  worker.unref(); // a process that is done need not wait for it
  return { worker, port: port1, done };
}
