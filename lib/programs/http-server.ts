/** A server of HTTP/1.1: several requests on one connection, until one side has enough. */
import { sleep, type Act } from "../machinery/act.js";
import type { Clock } from "../api/clock.js";
import type { Ends, Listener, Stream } from "../node/socket.js";
import { dated } from "../shell/dates.js";
import {
  headerOf,
  MessageReader,
  messageText,
  reasons,
  type Head,
  type Headers,
  type Request,
  type Response,
} from "../shell/network/http.js";

/** Answers a request; what takes time yields. */
export type Handler = (request: Request, ends: Ends) => Response | Act<Response>;

export interface ServerOptions {
  clock: Clock;
  /** "nginx/1.27.2"; none: no such header. */
  server?: string;
}

/** Takes TCP connections and answers requests over them. */
export const httpServer = (handler: Handler, options: ServerOptions): Listener => ({
  accept: (stream) => serve(handler, options, stream),
});

function* serve(handler: Handler, { clock, server }: ServerOptions, stream: Stream): Act<void> {
  const reader = new MessageReader(stream.input);
  for (;;) {
    const head = yield* reader.head();
    if (head === undefined) return;
    const request = head === "broken" ? undefined : yield* requestOf(reader, head, stream);
    const response: Response = request
      ? yield* answered(handler, request, stream)
      : { status: 400, headers: [["Connection", "close"]], body: "400 Bad Request" };
    if (response.after) yield* sleep(clock, response.after);
    const isLast = !request || wantsEnd(head as Head, response);
    yield* stream.output.write(textOf(response, request?.method ?? "GET", isLast, server, clock));
    if (isLast) return;
  }
}

function* answered(handler: Handler, request: Request, stream: Stream): Act<Response> {
  const answer = handler(request, stream);
  return "next" in answer ? yield* answer : answer;
}

function* requestOf(reader: MessageReader, head: Head, { peer }: Ends): Act<Request | undefined> {
  const [, method, target] = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/.exec(head.first) ?? [];
  const host = headerOf(head.headers, "host");
  if (method === undefined || target === undefined) return undefined;
  if (host === undefined && head.first.endsWith("1.1")) return undefined;
  const body = yield* reader.body(head, false);
  if (body === undefined) return undefined;
  const [path = "/", query] = target.replace(/^http:\/\/[^/]*/, "").split(/\?(.*)/s, 2);
  return {
    method,
    target,
    path: decoded(path),
    query: new URLSearchParams(query ?? ""),
    headers: head.headers,
    host: host ?? "",
    body,
    client: peer,
  };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function wantsEnd({ first, headers }: Head, response: Response): boolean {
  const asked = (headerOf(headers, "connection") ?? "").toLowerCase();
  const said = (headerOf(response.headers ?? [], "connection") ?? "").toLowerCase();
  if (said === "close" || asked === "close") return true;
  return first.endsWith("1.0") && asked !== "keep-alive";
}

/** The last second's text: many answers are given in one. */
let last = { second: NaN, text: "" };
function dateHeader(now: number): string {
  const second = Math.floor(now / 1_000);
  if (last.second !== second) last = { second, text: dated("%a, %d %b %Y %H:%M:%S GMT", now) };
  return last.text;
}

function textOf(
  { status, reason, headers = [], body = "" }: Response,
  method: string,
  isLast: boolean,
  server: string | undefined,
  clock: Clock,
): string {
  const has = (name: string): boolean => headerOf(headers, name) !== undefined;
  const all: Headers = [
    ...(server === undefined ? [] : [["Server", server] as const]),
    ["Date", dateHeader(clock.now())],
    ...(has("content-type") || body === ""
      ? []
      : [["Content-Type", "text/plain; charset=utf-8"] as const]),
    ...(status === 204 ? [] : [["Content-Length", String(body.length)] as const]),
    ...(has("connection") ? [] : isLast ? [["Connection", "close"] as const] : []),
    ...headers,
  ];
  const first = `HTTP/1.1 ${status} ${reason ?? reasons[status] ?? ""}`.trimEnd();
  return messageText(first, all, method === "HEAD" ? "" : body);
}
