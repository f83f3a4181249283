/**
 * One side of a SPDY/3.1 session, as far as clients of Kubernetes speak it: streams with headers,
 * bytes both ways, their ends. What clients send through a WebSocket, tunnelled, are these frames.
 * There is no flow control. (SPDY/3.1; KEP-4006; github.com/moby/spdystream)
 */
import { HeaderReader, HeaderWriter } from "./spdy-headers.js";

/** Types of control frames. */
const [SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY] = [1, 2, 3, 6, 7];
const FIN = 1;
const PROTOCOL_ERROR = 1;
const CANCEL = 5;
/** Bytes of one frame: clients send 32 KiB at a time. */
const LARGEST = 1024 * 1024;

/** What a session tells of. */
export interface Streams {
  /** A stream begins. Answers whether it is welcome. */
  begins(id: number, headers: ReadonlyMap<string, string>): boolean;
  data(id: number, bytes: Buffer): void;
  /** The client has said all on this stream. */
  ends(id: number): void;
  /** The client gives it up. */
  breaks(id: number): void;
}

export class SpdySession {
  readonly #reader = new HeaderReader();
  readonly #writer = new HeaderWriter();
  #rest: Buffer = Buffer.alloc(0);

  constructor(
    private readonly send: (frame: Buffer) => void,
    private readonly streams: Streams,
  ) {}

  /** Bytes as they come. @throws where they are no SPDY */
  hear(bytes: Buffer): void {
    let all = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    while (all.length >= 8) {
      const length = all.readUIntBE(5, 3);
      if (length > LARGEST) throw new RangeError(`a frame of ${length} bytes`);
      if (all.length < 8 + length) break;
      this.#frame(all.subarray(0, 8), all.subarray(8, 8 + length));
      all = all.subarray(8 + length);
    }
    this.#rest = Buffer.from(all);
  }

  data(id: number, bytes: Buffer, isLast = false): void {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(id);
    head.writeUIntBE(((isLast ? FIN : 0) << 24) | bytes.length, 4, 4);
    this.send(Buffer.concat([head, bytes]));
  }

  end(id: number): void {
    this.data(id, Buffer.alloc(0), true);
  }

  /** It is given up. */
  reset(id: number, status = CANCEL): void {
    this.#control(RST_STREAM, numbers(id, status));
  }

  #frame(head: Buffer, body: Buffer): void {
    const flags = head[4]!;
    if ((head[0]! & 0x80) === 0) return this.#heardData(head.readUInt32BE(), flags, body);
    const type = head.readUInt16BE(2);
    if (type === SYN_STREAM) return this.#began(flags, body);
    if (type === PING) return this.#control(PING, body);
    if (type === RST_STREAM) this.streams.breaks(body.readUInt32BE());
    // what is left is settings, windows and the session's end, which the connection's end says, too
  }

  #began(flags: number, body: Buffer): void {
    const id = body.readUInt32BE() & 0x7fffffff;
    // also of one that is not welcome: the compressor goes on
    const headers = this.#reader.read(body.subarray(10));
    if (!this.streams.begins(id, headers)) return this.reset(id, PROTOCOL_ERROR);
    this.#control(SYN_REPLY, Buffer.concat([numbers(id), this.#writer.none()]));
    if (flags & FIN) this.streams.ends(id);
  }

  #heardData(id: number, flags: number, bytes: Buffer): void {
    if (bytes.length > 0) this.streams.data(id, bytes);
    if (flags & FIN) this.streams.ends(id);
  }

  /** No new streams: the session is over. */
  leave(lastId: number): void {
    this.#control(GOAWAY, numbers(lastId, 0));
  }

  #control(type: number, body: Buffer): void {
    const head = Buffer.alloc(8);
    head.writeUInt16BE(0x8003);
    head.writeUInt16BE(type, 2);
    head.writeUInt32BE(body.length, 4);
    this.send(Buffer.concat([head, body]));
  }
}

function numbers(...all: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * all.length);
  for (const [i, each] of all.entries()) bytes.writeUInt32BE(each, 4 * i);
  return bytes;
}
