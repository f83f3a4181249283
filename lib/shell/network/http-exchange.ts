/** One request over a connection that is open, and its answer: what clients that are no curl do. */
import type { Act } from "../../machinery/act.js";
import { headerOf, MessageReader, messageText, type Headers } from "./http.js";
import type { Connection } from "./connection.js";

export interface Asked {
  method: string;
  /** Path and query. */
  target: string;
  headers: Headers;
  /** Default: none, and no word of its length. */
  body?: string;
}

export interface Answered {
  status: number;
  headers: Headers;
  body: string;
}

/** The answer, or why there is none, in the words of Go's client. */
export function* exchange(
  connection: Connection,
  { method, target, headers, body = "" }: Asked,
): Act<Answered | string> {
  if (!(yield* connection.send(messageText(`${method} ${target} HTTP/1.1`, headers, body))))
    return connection.wasReset ? "read: connection reset by peer" : "write: connection timed out";
  const reader = new MessageReader(connection.input);
  const head = yield* reader.head();
  if (head === undefined) return "EOF";
  const status = head === "broken" ? undefined : /^HTTP\/\d\S* (\d{3})/.exec(head.first)?.[1];
  if (head === "broken" || status === undefined) return "malformed HTTP response";
  const hasNone = method === "HEAD" || /^(1\d\d|204|304)$/.test(status);
  const isLast = headerOf(head.headers, "content-length") === undefined;
  const answer = hasNone ? "" : yield* reader.body(head, isLast);
  if (answer === undefined) return "unexpected EOF";
  return { status: Number(status), headers: head.headers, body: answer };
}
