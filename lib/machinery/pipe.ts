/**
 * Bytes from one act to another, in order. Bytes are texts of characters 0 to 255, one a byte:
 * `bytesOf` and `textOf` go from and to UTF-8.
 */
import { Signal, type Act } from "./act.js";

/** Linux's own (fs/pipe.c, PIPE_DEF_BUFFERS pages). */
const CAPACITY = 65_536;

export class Pipe {
  #chunks: string[] = [];
  #size = 0;
  #ended = false;
  #closed = false;
  readonly #changed = new Signal();

  constructor(private readonly capacity = CAPACITY) {}

  /** Woken whenever there is something to read, or room to write. */
  get changed(): Signal {
    return this.#changed;
  }

  /** Bytes that nobody has read yet. */
  get size(): number {
    return this.#size;
  }

  /** Whether a read would answer at once. */
  get readable(): boolean {
    return this.#size > 0 || this.#ended;
  }

  /** At most `max` bytes, as soon as there are any; "" at the end. */
  *read(max = CAPACITY): Act<string> {
    while (this.#size === 0 && !this.#ended) yield this.#changed.wait;
    return this.take(max);
  }

  /** What is there now, at most `max` bytes. */
  take(max = CAPACITY): string {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : this.#chunks.join("");
    const taken = all.length <= max ? all : all.slice(0, max);
    this.#chunks = all.length <= max ? [] : [all.slice(max)];
    this.#size -= taken.length;
    if (taken !== "") this.#changed.fire();
    return taken;
  }

  /** Waits while the pipe is full. False: nobody will read it. */
  *write(bytes: string): Act<boolean> {
    let rest = bytes;
    while (rest !== "") {
      while (this.#size >= this.capacity && !this.#closed) yield this.#changed.wait;
      if (this.#closed) return false;
      const part = rest.slice(0, this.capacity - this.#size);
      rest = rest.slice(part.length);
      this.push(part);
    }
    return !this.#closed;
  }

  /** Writes at once, however full it is: for a terminal's keys, and for what came by a network. */
  push(bytes: string): void {
    if (this.#closed || this.#ended || bytes === "") return;
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    this.#changed.fire();
  }

  /** The writer has said all. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#changed.fire();
  }

  /** The reader has heard enough. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#chunks = [];
    this.#size = 0;
    this.#changed.fire();
  }
}

/** A text's bytes in UTF-8. */
export function bytesOf(text: string): string {
  if (!/[^\0-\x7f]/.test(text)) return text;
  const bytes = new TextEncoder().encode(text);
  let all = "";
  for (let i = 0; i < bytes.length; i += 8_192)
    all += String.fromCharCode(...bytes.subarray(i, i + 8_192));
  return all;
}

/** The text that bytes are in UTF-8; what is none becomes U+FFFD. */
export function textOf(bytes: string): string {
  if (!/[\x80-\xff]/.test(bytes)) return bytes;
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
}
