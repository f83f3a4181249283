/**
 * What a container has printed, line by line, as a container runtime writes it to a file and a
 * kubelet reads it back. (k8s.io/cri-client: pkg/logs/logs.go)
 */
import { Signal } from "../machinery/act.js";

/** A kubelet keeps 10 MiB of a container's output (containerLogMaxSize). */
const MOST_BYTES = 10 * 1024 * 1024;
/** What an entry weighs beside its bytes. */
const ENTRY_BYTES = 128;
/** A line without an end is written at this length (containerd: max_container_log_line_size). */
const LONGEST_LINE = 16 * 1024;
/** So much is read at a time. */
const CHUNK = 64 * 1024;

export type StreamName = "stdout" | "stderr";

/** Whole lines; or part of one, whose rest follows or never came. */
export interface LogEntry {
  at: number;
  stream: StreamName;
  bytes: string;
}

export class Log {
  /** Something was printed, or the container has ended. */
  readonly changed = new Signal();
  hasEnded = false;
  #all: LogEntry[] = [];
  /** Entries at the front of `#all` that are not kept any more. */
  #gone = 0;
  /** Entries that are in `#all` no more. */
  #removed = 0;
  #size = 0;
  readonly #unfinished = { stdout: "", stderr: "" };

  get entries(): readonly LogEntry[] {
    return this.#all.slice(this.#gone);
  }

  /** Bytes that it takes. */
  get size(): number {
    return this.#size;
  }

  /** Entries have numbers; the oldest that is kept, and the next one that will come. */
  get first(): number {
    return this.#removed + this.#gone;
  }

  get next(): number {
    return this.#removed + this.#all.length;
  }

  at(number: number): LogEntry {
    return this.#all[number - this.#removed]!;
  }

  add(at: number, stream: StreamName, bytes: string): void {
    const text = this.#unfinished[stream] + bytes;
    const end = text.lastIndexOf("\n") + 1;
    const rest = text.slice(end);
    this.#unfinished[stream] = rest;
    if (end > 0) this.#push({ at, stream, bytes: text.slice(0, end) });
    if (rest.length >= LONGEST_LINE) this.#flush(at, stream);
  }

  end(at: number): void {
    this.#flush(at, "stdout");
    this.#flush(at, "stderr");
    this.hasEnded = true;
    this.changed.fire();
  }

  #flush(at: number, stream: StreamName): void {
    const bytes = this.#unfinished[stream];
    this.#unfinished[stream] = "";
    if (bytes !== "") this.#push({ at, stream, bytes });
  }

  /** The oldest go where there are too many, as when a kubelet rotates files. */
  #push(entry: LogEntry): void {
    this.#all.push(entry);
    this.#size += entry.bytes.length + ENTRY_BYTES;
    while (this.#size > MOST_BYTES && this.#gone < this.#all.length - 1)
      this.#size -= this.#all[this.#gone++]!.bytes.length + ENTRY_BYTES;
    if (this.#gone > this.#all.length / 2) {
      this.#removed += this.#gone;
      this.#all = this.#all.slice(this.#gone);
      this.#gone = 0;
    }
    this.changed.fire();
  }
}

/** PodLogOptions. */
export interface LogOptions {
  follow?: boolean | undefined;
  timestamps?: boolean | undefined;
  /** Milliseconds since the epoch. */
  since?: number | undefined;
  tailLines?: number | undefined;
  limitBytes?: number | undefined;
}

/** What there is now in pieces; where one follows, undefined whenever there is nothing new yet. */
export function* read(log: Log, options: LogOptions): Generator<string | undefined, void> {
  const { follow = false, since = -Infinity, tailLines, limitBytes = Infinity } = options;
  let { number, offset } = tailLines === undefined ? start(log) : tail(log, tailLines);
  let [chunk, left, isNewLine] = ["", limitBytes, true];
  for (;;) {
    if (number < log.first) [number, offset] = [log.first, 0];
    if (number === log.next) {
      if (chunk !== "") yield chunk;
      chunk = "";
      // something may have come meanwhile
      if (number !== log.next) continue;
      if (!follow || log.hasEnded) return;
      yield undefined;
      continue;
    }
    const { at, bytes } = log.at(number);
    const text = bytes.slice(offset);
    [number, offset] = [number + 1, 0];
    if (at >= since) {
      chunk += (options.timestamps ? stamped(text, at, isNewLine) : text).slice(
        0,
        left - chunk.length,
      );
      if (chunk.length >= left) return yield chunk;
    }
    isNewLine = text.endsWith("\n");
    if (chunk.length < CHUNK) continue;
    left -= chunk.length;
    yield chunk;
    chunk = "";
  }
}

const start = (log: Log): { number: number; offset: number } => ({ number: log.first, offset: 0 });

/** Where the last lines begin. */
function tail(log: Log, lines: number): { number: number; offset: number } {
  let missing = lines;
  let number = log.next;
  let from = 0;
  while (missing > 0 && number > log.first) {
    const { bytes } = log.at(--number);
    for (from = bytes.length; missing > 0 && from > 0; missing--)
      from = from < 2 ? 0 : bytes.lastIndexOf("\n", from - 2) + 1;
  }
  return { number, offset: from };
}

/** (RFC3339NanoFixed) */
function stamped(text: string, at: number, isNewLine: boolean): string {
  const prefix = `${new Date(at).toISOString().slice(0, -1)}000000Z `;
  const lines = text.replace(/\n(?!$)/g, `\n${prefix}`);
  return isNewLine ? prefix + lines : lines;
}
