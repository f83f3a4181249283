import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import * as errors from "../../api/errors.js";
import type { ApiServer } from "../../apiserver/apiserver.js";
import type { ApiAnswer, ApiRequest, AsSent, Backend } from "./exchange.js";
import { kubernetes } from "../../objects/kubernetes.js";
import { aboutItself, isHealth } from "./http-about.js";
import { json } from "./http-call.js";
import { Intake } from "./http-intake.js";
import { Reply, UnreadAnswers } from "./http-reply.js";
import type { Kubelets } from "./kubelets.js";
import { LocalBackend } from "./local-backend.js";
import { statusOf } from "./http-status.js";
import { servedHere } from "./same-thread.js";
import { protocolsOf, SocketReply } from "./web-socket.js";

/**
 * The API server's front for kubectl and client libraries: HTTP on a loopback address, and nothing
 * but the API. It knows connections and their limits; what a request means is the business of the
 * API server behind it (http-handlers.ts), in this thread or in another one.
 */
export interface ListenOptions {
  /** Default 8001, kubectl proxy's; 0 takes a free one. */
  port?: number;
  /** A loopback address; default 127.0.0.1. */
  host?: string;
}

export interface ServeOptions extends ListenOptions {
  apiserver: ApiServer;
  /** Who runs commands in containers; default: nobody. */
  kubelets?: Kubelets;
}

export interface Serving {
  /** "http://127.0.0.1:8001" */
  url: string;
  close(): Promise<void>;
}

const loopback = /^(localhost|127\.0\.0\.1|\[?::1\]?)$/i;

// Milliseconds: for a request's head, for all of it, and how often that is looked at.
const times = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 1000 };

/**
 * An API server of this thread, served by this thread.
 *
 * @throws where the host is not this machine, or the port is taken.
 */
export const serve = ({ apiserver, kubelets, ...options }: ServeOptions): Promise<Serving> =>
  listen(new LocalBackend(apiserver, kubelets), options);

/** The same for an API server that may be elsewhere. */
export async function listen(
  backend: Backend,
  { port = 8001, host = "127.0.0.1" }: ListenOptions = {},
): Promise<Serving> {
  if (!loopback.test(host))
    throw new Error(
      `host: got ${JSON.stringify(host)}; the API has no authentication, so it listens on a loopback address only: 127.0.0.1, ::1 or localhost`,
    );
  const front = new Front(backend);
  const server = createServer(times, (request, response) => void front.take(request, response));
  server.on("clientError", refuseMalformed);
  server.on("upgrade", (message, socket, head) => front.open(message, socket as Socket, head));
  await new Promise<void>((resolve, reject) =>
    server.once("error", reject).listen(port, host.replace(/[[\]]/g, ""), resolve),
  );
  const { address, port: taken } = server.address() as AddressInfo;
  const url = `http://${address.includes(":") ? `[${address}]` : address}:${taken}`;
  const noMore = servedHere(url);
  return {
    url,
    close: () => {
      noMore();
      return close(server);
    },
  };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** What is no HTTP, or did not come in time, is answered as all else is: by a Status. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const { status } = malformed(error.code);
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function malformed(code: string | undefined): errors.ApiError {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return errors.requestTimeout("the request did not come within the allotted time");
    case "HPE_HEADER_OVERFLOW":
      return errors.headersTooLarge("the request's headers are too large");
    default:
      return errors.badRequest(`the request is no HTTP: ${code}`);
  }
}

class Front {
  readonly #intake = new Intake();
  readonly #unread = new UnreadAnswers();

  constructor(private readonly backend: Backend) {}

  async take(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = new Reply(message, response, this.#unread);
    let path: string[] = [];
    try {
      refuseStrangers(message);
      const url = urlOf(message);
      path = segmentsOf(url.pathname);
      const document = this.#document(path, message);
      if (document) return reply.answer(document);
      const body = await this.#bodyOf(message, response);
      reply.ask(this.backend, requestOf(message, path, url, body));
    } catch (error) {
      const method = message.method ?? "";
      reply.answer(refusal(statusOf({ method, path }, error)));
    }
  }

  /** A WebSocket is opened once the API server says so; what it refuses is answered as always. */
  open(message: IncomingMessage, socket: Socket, head: Buffer): void {
    const reply = new SocketReply(message, socket, head);
    let path: string[] = [];
    try {
      refuseStrangers(message);
      const url = urlOf(message);
      path = segmentsOf(url.pathname);
      const request = requestOf(message, path, url, new Uint8Array());
      reply.ask(this.backend, { ...request, protocols: protocolsOf(message) });
    } catch (error) {
      reply.answer(refusal(statusOf({ method: message.method ?? "", path }, error)));
    }
  }

  #document(path: readonly string[], { method, headers }: IncomingMessage): ApiAnswer | undefined {
    if (isHealth(path)) method = "GET"; // whatever is asked of it
    const asker = {
      accept: headers.accept,
      host: headers.host ?? "",
      kubernetes: this.backend.kubernetes ?? kubernetes(),
    };
    const document = aboutItself(path, asker, () => this.backend.problem());
    if (!document || method === "GET" || method === "HEAD") return document;
    throw errors.methodNotAllowed(
      "the server does not allow this method on the requested resource",
    );
  }

  async #bodyOf(message: IncomingMessage, response: ServerResponse): Promise<Uint8Array> {
    const hasBody = message.method !== "GET" && message.method !== "HEAD";
    return hasBody ? this.#intake.read(message, response) : new Uint8Array();
  }
}

const refusal = (status: errors.ApiError["status"]): ApiAnswer => {
  const answer = json(status.code!, status);
  if (status.code === 408) answer.headers["Connection"] = "close"; // RFC 9110, 15.5.9
  if (status.code === 429) answer.headers["Retry-After"] = "1";
  return answer;
};

const requestOf = (
  message: IncomingMessage,
  path: string[],
  url: URL,
  body: Uint8Array,
): ApiRequest => {
  const { method = "", headers } = message;
  return {
    method,
    path,
    query: url.search.slice(1),
    accept: headers.accept,
    // without parameters, in small letters (RFC 9110, 8.3.1)
    contentType: headers["content-type"]?.split(";")[0]!.trim().toLowerCase(),
    who: whoAsks(headers),
    body,
    ...(path.includes("proxy") && { asSent: asSent(message, url) }),
  };
};

/** For a request that is passed on. */
function asSent({ rawHeaders, socket }: IncomingMessage, { pathname }: URL): AsSent {
  const headers: [string, string][] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) headers.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
  return { path: decodedPath(pathname), headers, client: socket.remoteAddress ?? "" };
}

/** "kubectl" out of "kubectl/v1.32.4 (linux/amd64) …": the name in the history. */
function whoAsks(headers: IncomingMessage["headers"]): string {
  const agent = (headers["user-agent"] ?? "http").split(/[/ ]/)[0];
  return String(headers["x-stopover-client"] ?? agent).slice(0, 100);
}

/**
 * A page on the web may make this browser send requests here, under a name of its own (DNS
 * rebinding): refused by Host and Origin.
 */
function refuseStrangers({ headers, headersDistinct }: IncomingMessage): void {
  // RFC 9112, 3.2: which of two would be meant?
  if ((headersDistinct["host"] ?? []).length > 1) throw errors.badRequest("too many Host headers");
  const host = headers.host ?? "";
  if (!loopback.test(host.replace(/:\d+$/, ""))) throw strangeHost(host);
  const origin = headers.origin;
  if (origin !== undefined && !(URL.canParse(origin) && loopback.test(new URL(origin).hostname)))
    throw errors.forbidden(
      { kind: "", plural: "origin", group: "" },
      origin,
      "web pages of other origins may not call this API",
    );
}

const strangeHost = (host: string) =>
  errors.forbidden(
    { kind: "", plural: "host", group: "" },
    host,
    "this server answers to localhost, 127.0.0.1 and [::1] only",
  );

/** Of "/api/v1/pods", or of a whole URL, as a proxy is sent: its host counts like a Host header. */
function urlOf({ url: target = "/" }: IncomingMessage): URL {
  const text = target.startsWith("/") ? `http://localhost${target}` : target;
  if (!URL.canParse(text)) throw errors.badRequest("the request's path is no URL");
  const url = new URL(text);
  if (!loopback.test(url.hostname)) throw strangeHost(url.host);
  return url;
}

/** Decoded first, as Go does: "a%2Fb" are two. What begins or ends it is no segment. */
function segmentsOf(pathname: string): string[] {
  const text = decodedPath(pathname).replace(/^\/|\/$/g, "");
  return text === "" ? [] : text.split("/");
}

function decodedPath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw errors.badRequest(
      `the path holds ${JSON.stringify(text)}, which is no valid percent-encoding`,
    );
  }
}
