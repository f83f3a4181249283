/** HTTP/1.1 as bytes: heads are read and written, bodies by their length or in chunks. */
import type { Act } from "../../machinery/act.js";
import type { Pipe } from "../../machinery/pipe.js";

/** Names as they came; several of one name stay several. */
export type Headers = readonly (readonly [name: string, value: string])[];

export const headerOf = (headers: Headers, name: string): string | undefined =>
  headers.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];

export interface Head {
  /** "GET / HTTP/1.1", "HTTP/1.1 200 OK" */
  first: string;
  headers: Headers;
  /** As it came, with the empty line. */
  text: string;
}

/** So long a head may be. */
const LONGEST_HEAD = 65_536;

/** Reads a connection message by message. */
export class MessageReader {
  #rest = "";

  constructor(private readonly input: Pipe) {}

  *#more(): Act<boolean> {
    const bytes = yield* this.input.read();
    this.#rest += bytes;
    return bytes !== "";
  }

  /** Undefined: the connection ends before another one begins. */
  *head(): Act<Head | undefined | "broken"> {
    let end: RegExpExecArray | null;
    while ((end = /\r?\n\r?\n/.exec(this.#rest)) === null) {
      if (this.#rest.length > LONGEST_HEAD) return "broken";
      // what does not begin like one will not become one
      if (/^[^!-~\r\n]/.test(this.#rest)) return "broken";
      const line = /^(.*)\n/.exec(this.#rest)?.[1];
      if (line !== undefined && !/HTTP\/\d/.test(line)) return "broken";
      if (!(yield* this.#more())) return this.#rest === "" ? undefined : "broken";
    }
    const text = this.#rest.slice(0, end.index + end[0].length);
    this.#rest = this.#rest.slice(text.length);
    const [first = "", ...lines] = text.trimEnd().split(/\r?\n/);
    const headers = lines.map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1).trim()] as const;
    });
    return { first, headers, text };
  }

  /** `isLast`: without a length it goes to the connection's end. Undefined: it broke off. */
  *body({ headers }: Head, isLast: boolean): Act<string | undefined> {
    if (/\bchunked\b/i.test(headerOf(headers, "transfer-encoding") ?? ""))
      return yield* this.#chunks();
    const given = headerOf(headers, "content-length");
    if (given !== undefined) return yield* this.#exactly(Number(given) || 0);
    if (!isLast) return "";
    while (yield* this.#more());
    const all = this.#rest;
    this.#rest = "";
    return all;
  }

  *#exactly(length: number): Act<string | undefined> {
    while (this.#rest.length < length) if (!(yield* this.#more())) return undefined;
    const taken = this.#rest.slice(0, length);
    this.#rest = this.#rest.slice(length);
    return taken;
  }

  *#line(): Act<string | undefined> {
    let at: number;
    while ((at = this.#rest.indexOf("\n")) < 0) if (!(yield* this.#more())) return undefined;
    const line = this.#rest.slice(0, at).trimEnd();
    this.#rest = this.#rest.slice(at + 1);
    return line;
  }

  *#chunks(): Act<string | undefined> {
    let all = "";
    for (;;) {
      const size = parseInt((yield* this.#line()) ?? "", 16);
      if (Number.isNaN(size)) return undefined;
      const part = yield* this.#exactly(size);
      if (part === undefined) return undefined;
      all += part;
      if ((yield* this.#line()) === undefined) return undefined;
      if (size === 0) return all;
    }
  }
}

/** What is asked, as a program gets it. */
export interface Request {
  method: string;
  /** Path and query, as they were asked for: "/hostname?x=1". */
  target: string;
  /** The path alone, decoded. */
  path: string;
  query: URLSearchParams;
  headers: Headers;
  /** The header Host. */
  host: string;
  body: string;
  /** "10.1.1.3:40000" of the client, as this side sees it. */
  client: { address: string; port: number };
}

export interface Response {
  status: number;
  /** Default: that of the status. */
  reason?: string;
  headers?: Headers;
  body?: string;
  /** Milliseconds until it is there. */
  after?: number;
}

export const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  204: "No Content",
  301: "Moved Permanently",
  302: "Found",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** A head and a body as bytes. */
export function messageText(first: string, headers: Headers, body: string): string {
  return `${first}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
}
