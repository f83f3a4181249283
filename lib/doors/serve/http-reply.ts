import type { IncomingMessage, ServerResponse } from "node:http";
import type { ApiAnswer, ApiRequest, Asked, Backend, Beginning, Receiver } from "./exchange.js";

// Bytes that a connection's buffers take, whether the client reads or not.
const SMALL = 64 * 1024;
// Bytes of answers that their clients have not read, all together.
const UNREAD_BY_ALL = 256 * 1024 * 1024;
// Milliseconds without any progress, after which a client that does not read its answer is left.
const UNREAD_FOR = 60_000;
// Milliseconds that a watch which is over may take to go out.
const LINGER = 5_000;

/** One connection's way back: the answer to one request. */
export class Reply implements Receiver {
  #asked: Asked | undefined;

  constructor(
    message: IncomingMessage,
    private readonly response: ServerResponse,
    private readonly unread: UnreadAnswers,
  ) {
    // A client that goes away is no fault of anybody's; "close" follows.
    message.on("error", () => {});
    response.on("error", () => {});
    response.on("close", () => this.#asked?.cancel());
  }

  ask(backend: Backend, request: ApiRequest): void {
    if (!this.#over) this.#asked = backend.ask(request, this);
  }

  answer({ code, headers, body }: ApiAnswer): void {
    if (this.#over || this.response.headersSent) return;
    this.response.writeHead(code, { "Content-Length": body.length, ...headers });
    // As bytes: Node would join a text to the headers, and write those of a Warning as letters.
    this.response.end(body);
    if (body.length <= SMALL) return;
    this.unread.add(this.response, body.length);
    this.response.setTimeout(UNREAD_FOR, () => this.response.destroy());
  }

  begin({ type = "application/json" }: Beginning): void {
    if (this.#over) return;
    this.response.writeHead(200, {
      "Content-Type": type,
      "Transfer-Encoding": "chunked",
    });
    this.response.flushHeaders();
  }

  write(chunk: Uint8Array): void {
    if (!this.#over) this.response.write(chunk, this.#sent);
  }

  /** As a client that reads nothing would hold it for ever, it has a while to go out. */
  end(): void {
    this.response.end();
    const given = setTimeout(() => this.cut(), LINGER);
    this.response.once("close", () => clearTimeout(given));
  }

  cut(): void {
    this.response.destroy();
  }

  get #over(): boolean {
    return this.response.destroyed || this.response.writableEnded;
  }

  readonly #sent = (error?: Error | null): void => {
    if (!error) this.#asked?.sent(1);
  };
}

/** Answers that are not read: where they are too much together, the oldest is given up. */
export class UnreadAnswers {
  readonly #sizes = new Map<ServerResponse, number>();
  #bytes = 0;

  add(response: ServerResponse, size: number): void {
    this.#sizes.set(response, size);
    this.#bytes += size;
    response.once("close", () => this.#forget(response));
    while (this.#bytes > UNREAD_BY_ALL && this.#sizes.size > 1) {
      const [oldest] = this.#sizes.keys();
      this.#forget(oldest!);
      oldest!.destroy();
    }
  }

  #forget(response: ServerResponse): void {
    this.#bytes -= this.#sizes.get(response) ?? 0;
    this.#sizes.delete(response);
  }
}
