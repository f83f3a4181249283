/** One client's WebSocket (RFC 6455, by ws): opened once the API server has agreed to it. */
import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import type { ApiAnswer, ApiRequest, Asked, Backend, Beginning, Receiver } from "./exchange.js";

/** Bytes of one message. */
const LARGEST = 1024 * 1024;

/** The sub-protocols that a client speaks, as it says; undefined: it asks for no WebSocket. */
export function protocolsOf({ headers }: IncomingMessage): string[] | undefined {
  if (headers.upgrade?.toLowerCase() !== "websocket") return undefined;
  const said = headers["sec-websocket-protocol"] ?? "";
  return said.split(",").map((one) => one.trim());
}

export class SocketReply implements Receiver {
  #asked: Asked | undefined;
  #socket: WebSocket | undefined;
  #over = false;

  constructor(
    private readonly message: IncomingMessage,
    private readonly connection: Socket,
    private readonly head: Buffer,
  ) {
    connection.on("error", () => {}); // "close" follows
    connection.on("close", () => {
      this.#over = true;
      this.#asked?.cancel();
    });
  }

  ask(backend: Backend, request: ApiRequest): void {
    this.#asked = backend.ask(request, this);
    if (this.#over) this.#asked.cancel();
  }

  /** In place of the WebSocket. */
  answer({ code, headers, body }: ApiAnswer): void {
    if (this.#over) return;
    const lines = Object.entries({
      ...headers,
      "Content-Length": body.length,
      Connection: "close",
    }).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((one) => `${name}: ${one}\r\n`),
    );
    this.connection.write(`HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\n${lines.join("")}\r\n`);
    this.connection.end(body);
  }

  begin({ protocol }: Beginning): void {
    if (this.#over) return;
    const server = new WebSocketServer({
      noServer: true,
      maxPayload: LARGEST,
      perMessageDeflate: false,
    });
    // Kubernetes' names are no tokens ("SPDY/3.1+portforward.k8s.io"), which ws insists on
    delete this.message.headers["sec-websocket-protocol"];
    if (protocol)
      server.on("headers", (lines) => lines.push(`Sec-WebSocket-Protocol: ${protocol}`));
    server.handleUpgrade(this.message, this.connection, this.head, (socket) => {
      this.#socket = socket;
      socket.binaryType = "nodebuffer";
      socket.on("error", () => {}); // what is no frame ends it
      socket.on("message", (data: RawData) => this.#asked?.hear(new Uint8Array(data as Buffer)));
    });
  }

  write(chunk: Uint8Array): void {
    this.#socket?.send(chunk, (error) => {
      if (!error) this.#asked?.sent(1);
    });
  }

  end(): void {
    this.#socket?.close(1000);
  }

  cut(): void {
    this.connection.destroy();
  }
}
