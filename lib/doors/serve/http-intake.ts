import type { IncomingMessage, ServerResponse } from "node:http";
import * as errors from "../../api/errors.js";

// Bytes (apiserver: pkg/server/config.go, MaxRequestBodyBytes).
const LARGEST = 3 * 1024 * 1024;
// Milliseconds in which nothing more of a body comes, after which it is given up.
const IDLE = 10_000;
// Bytes of all bodies that are held, from their first byte until they are answered.
const HELD_BY_ALL = 64 * 1024 * 1024;

type Refuse = (error: errors.ApiError) => void;

/**
 * Bodies on their way in: none too large, none that stops half-way, and not too much of all of them
 * together. Where room is wanted, the half-sent body that has been silent for longest makes it.
 */
export class Intake {
  #held = 0;
  /** Bodies of which more is to come; the one that has been silent for longest is the first. */
  readonly #halfSent = new Map<IncomingMessage, Refuse>();

  constructor(private readonly limit = HELD_BY_ALL) {}

  /** The whole body. Rejects with what the client is to be told. */
  async read(request: IncomingMessage, response: ServerResponse): Promise<Uint8Array> {
    const body = new Body(request);
    let held = 0;
    const release = () => {
      this.#held -= held;
      held = 0;
    };
    response.once("close", release);
    const take = (size: number) => {
      held += size;
      this.#held += size;
      this.#halfSent.delete(request);
      this.#halfSent.set(request, refuse);
      this.#makeRoom();
    };
    const refuse: Refuse = (error) => {
      release();
      this.#halfSent.delete(request);
      body.refuse(error);
    };
    try {
      return await body.read(take);
    } finally {
      this.#halfSent.delete(request);
    }
  }

  #makeRoom(): void {
    while (this.#held > this.limit) {
      const [silent] = this.#halfSent.values();
      if (!silent) return;
      silent(errors.tooManyRequests("too much is being sent at once, please try again later"));
    }
  }
}

/** One body, until it is whole or refused. */
class Body {
  #chunks: Buffer[] = [];
  #size = 0;
  #settle: { resolve: (bytes: Uint8Array) => void; reject: Refuse } | undefined;

  constructor(private readonly request: IncomingMessage) {}

  /** `take`: hears of the size of each part that comes. */
  read(take: (size: number) => void): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      const silence = setTimeout(() => this.refuse(silent()), IDLE);
      this.request
        .on("data", (chunk: Buffer) => {
          silence.refresh();
          this.#add(chunk, take);
        })
        .on("end", () => this.#whole())
        .on("close", () => {
          clearTimeout(silence);
          this.refuse(errors.badRequest("the connection ended before the body did"));
        });
    });
  }

  #add(chunk: Buffer, take: (size: number) => void): void {
    if (!this.#settle) return; // what still comes of a body that was refused
    this.#size += chunk.length;
    if (this.#size > LARGEST) return this.refuse(tooLarge());
    this.#chunks.push(chunk);
    take(chunk.length);
  }

  #whole(): void {
    this.#settle?.resolve(Buffer.concat(this.#chunks));
    this.#settle = undefined;
  }

  refuse(error: errors.ApiError): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
    this.#chunks = [];
  }
}

const silent = () => errors.requestTimeout(`nothing more of the body came for ${IDLE / 1000} s`);
const tooLarge = () => errors.tooLarge(`Request entity too large: limit is ${LARGEST}`);
