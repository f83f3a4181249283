/** What each sub-command of agnhost is given, as a process or as an image that is asked. */
import type { Clock } from "../../api/clock.js";
import { bytesOf } from "../../machinery/pipe.js";
import type { Listener } from "../../node/socket.js";
import type { Headers, Request, Response } from "../../shell/network/http.js";
import type { Place } from "../../shell/place.js";
import { httpServer, type Handler } from "../http-server.js";

export interface Given {
  readonly clock: Clock;
  readonly hostname: string;
  /** Flags and words after the sub-command. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** When it began: milliseconds. */
  readonly began: number;
  /** Where it runs. */
  readonly place: () => Place;
  /** A line of its log. */
  readonly log: (line: string) => void;
  /** Ends the process. */
  readonly exit: (code: number) => void;
  /** Whether it has been told to end. */
  readonly isEnding: () => boolean;
}

/** Who takes what comes where: "TCP 8080". */
export type Servers = (given: Given) => ReadonlyMap<string, Listener>;

/** A flag's value, of "--name=value" and of "--name value"; a bare one is "true". (cobra) */
export function flag({ words }: Pick<Given, "words">, name: string): string | undefined {
  const at = words.findIndex((word) => word.replace(/=.*$/s, "") === `--${name}`);
  if (at < 0) return undefined;
  if (words[at]!.includes("=")) return words[at]!.split(/=(.*)/s)[1];
  const next = words[at + 1];
  return next === undefined || next.startsWith("--") ? "true" : next;
}

export function portOf(given: Given, name: string, usual: number): number {
  const said = flag(given, name);
  return said === undefined ? usual : Number(said);
}

/** An HTTP server of Go's. */
export const http = (given: Given, handler: Handler): Listener =>
  httpServer(handler, { clock: given.clock });

/** A text, as Go's server answers it: what it is, is seen from its beginning. */
export const text = (body: string, status = 200, headers: Headers = []): Response => ({
  status,
  headers: body === "" ? headers : [["Content-Type", typeOf(body)], ...headers],
  body: bytesOf(body),
});

/** (net/http, Error) */
export const failed = (body: string, status: number): Response => ({
  status,
  headers: [
    ["Content-Type", "text/plain; charset=utf-8"],
    ["X-Content-Type-Options", "nosniff"],
  ],
  body: bytesOf(`${body}\n`),
});

const htmlTags =
  /^\s*<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|!--)[\s>]/i;

/** (net/http, DetectContentType, of the texts that programs here answer) */
const typeOf = (body: string): string =>
  htmlTags.test(body) ? "text/html; charset=utf-8" : "text/plain; charset=utf-8";

/** A line as klog writes it: "I1129 17:28:19.025000       1 log.go:245] GET /". */
export function klogLine(now: number, pid: number, where: string, line: string): string {
  const stamp = new Date(now).toISOString();
  const [date, time] = [stamp.slice(5, 10).replace("-", ""), stamp.slice(11, 23)];
  return `I${date} ${time}000 ${String(pid).padStart(7)} ${where}] ${line}\n`;
}

/** What is asked for by name: of a form that was posted, or else of the query. */
export function formOf({ query, headers, body }: Request): URLSearchParams {
  const isForm = headers.some(
    ([name, value]) =>
      name.toLowerCase() === "content-type" &&
      value.startsWith("application/x-www-form-urlencoded"),
  );
  return isForm ? new URLSearchParams([...new URLSearchParams(body), ...query]) : query;
}
