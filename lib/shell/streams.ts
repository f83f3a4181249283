/** What a process's descriptors lead to. Several processes may share one; the last closes it. */
import type { Act } from "../machinery/act.js";
import { Pipe } from "../machinery/pipe.js";
import { FileError, type Device, type Files, type Made, type Regular } from "./files.js";

/** A read asks for so many bytes unless it says another number. */
export const CHUNK = 65_536;

export abstract class Stream {
  #users = 1;
  readonly isTerminal: boolean = false;

  /** At most `max` bytes, as soon as there are any; "" at the end. */
  *read(_max = CHUNK): Act<string> {
    throw new FileError("EBADF");
  }

  /** Gives back what was read and is not wanted yet. */
  unread(_bytes: string): void {}

  /** False: nobody will read it. */
  *write(_bytes: string): Act<boolean> {
    throw new FileError("EBADF");
  }

  protected close(): void {}

  /** One more uses it. */
  retain(): this {
    this.#users++;
    return this;
  }

  release(): void {
    if (--this.#users === 0) this.close();
  }
}

export class PipeReader extends Stream {
  #back = "";

  constructor(readonly pipe: Pipe) {
    super();
  }

  override *read(max = CHUNK): Act<string> {
    if (this.#back === "") return yield* this.pipe.read(max);
    const taken = this.#back.slice(0, max);
    this.#back = this.#back.slice(max);
    return taken;
  }

  override unread(bytes: string): void {
    this.#back = bytes + this.#back;
  }

  protected override close(): void {
    this.pipe.close();
  }
}

export class PipeWriter extends Stream {
  constructor(readonly pipe: Pipe) {
    super();
  }

  override *write(bytes: string): Act<boolean> {
    return yield* this.pipe.write(bytes);
  }

  protected override close(): void {
    this.pipe.end();
  }
}

/** Both ends of a new pipe. */
export function pipe(): { reader: PipeReader; writer: PipeWriter } {
  const between = new Pipe();
  return { reader: new PipeReader(between), writer: new PipeWriter(between) };
}

/** What a text says, as standard input; "": nothing is said. */
export function inputOf(bytes: string): Stream {
  const { reader, writer } = pipe();
  writer.pipe.push(bytes);
  writer.release();
  return reader;
}

/** Keeps what is written, in the order in which it came; `limit`: bytes. */
export class Sink extends Stream {
  readonly #parts: string[] = [];
  size = 0;

  constructor(
    readonly limit: number,
    private readonly onWrite: (bytes: string) => void = () => {},
    private readonly onFull: () => void = () => {},
  ) {
    super();
  }

  override *write(bytes: string): Act<boolean> {
    const kept = bytes.slice(0, this.limit - this.size);
    if (kept !== "") {
      this.#parts.push(kept);
      this.size += kept.length;
      this.onWrite(kept);
    }
    if (kept.length < bytes.length) this.onFull();
    return kept.length === bytes.length;
  }

  get bytes(): string {
    return this.#parts.join("");
  }
}

/** An open file. */
export class FileStream extends Stream {
  #at = 0;
  /** What it read, where it is made when it is opened. */
  readonly #made: string | undefined;

  constructor(
    private readonly files: Files,
    private readonly entry: Regular | Made | Device,
    private readonly mode: "read" | "write" | "append" | "both",
  ) {
    super();
    this.#made = entry.kind === "made" ? entry.make() : undefined;
  }

  override *read(max = CHUNK): Act<string> {
    if (this.mode === "write" || this.mode === "append") throw new FileError("EBADF");
    if (this.entry.kind === "device") return this.entry.read(max);
    const all = this.entry.kind === "file" ? this.entry.bytes : this.#made!;
    const bytes = all.slice(this.#at, this.#at + max);
    this.#at += bytes.length;
    return bytes;
  }

  override unread(bytes: string): void {
    if (this.entry.kind !== "device") this.#at -= bytes.length;
  }

  override *write(bytes: string): Act<boolean> {
    if (this.mode === "read" || this.entry.kind === "made") throw new FileError("EBADF");
    if (this.entry.kind === "device") {
      if (!this.entry.write(bytes)) throw new FileError("ENOSPC");
      return true;
    }
    const at = this.mode === "append" ? this.entry.bytes.length : this.#at;
    this.#at = this.files.put(this.entry, at, bytes);
    return true;
  }
}
