/**
 * TLS as far as somebody on the way can tell: a record with the client's hello, one with the
 * server's, and then what they say (RFC 8446, 5.1). Nothing is enciphered, for nobody listens in;
 * certificates are the server's own, which no client trusts by itself.
 */
import type { Act } from "../../machinery/act.js";
import type { Pipe } from "../../machinery/pipe.js";
import type { Listener } from "../../node/socket.js";

/** A record's head: its kind, "3.1", and how long it is. */
const HEAD = 5;
const HANDSHAKE = "\x16";

/** As one of a browser or of Go is long. */
const helloLength = { client: 508, server: 1_234 } as const;

function hello(side: keyof typeof helloLength): string {
  const length = helloLength[side];
  const kind = side === "client" ? "\x01" : "\x02";
  const size = String.fromCharCode(length >> 8, length & 255);
  return `${HANDSHAKE}\x03\x01${size}${kind}${"\0".repeat(length - 1)}`;
}

/** The bytes of one hello; what came in its place where it is none; undefined: it broke off. */
function* readHello(
  input: Pipe,
): Act<{ is: "hello" } | { is: "other"; bytes: string } | undefined> {
  const head = yield* exactly(input, HEAD);
  if (head === "") return undefined;
  if (!head.startsWith(HANDSHAKE)) return { is: "other", bytes: head };
  if (head.length < HEAD) return undefined;
  const length = (head.charCodeAt(3) << 8) | head.charCodeAt(4);
  const body = yield* exactly(input, length);
  return body.length < length ? undefined : { is: "hello" };
}

function* exactly(input: Pipe, length: number): Act<string> {
  let all = "";
  while (all.length < length) {
    const bytes = yield* input.read(length - all.length);
    if (bytes === "") break;
    all += bytes;
  }
  return all;
}

/** What a client has of a connection. */
interface Opened {
  readonly input: Pipe;
  send(bytes: string): Act<boolean>;
}

/** The client's part. Answers why there is no TLS, if so, in the words of Go's client. */
export function* beginTls(connection: Opened): Act<string | undefined> {
  if (!(yield* connection.send(hello("client")))) return "write: connection reset by peer";
  const answer = yield* readHello(connection.input);
  if (answer === undefined) return "EOF";
  if (answer.is === "hello") return undefined;
  return answer.bytes.startsWith("HTTP/")
    ? "http: server gave HTTP response to HTTPS client"
    : "tls: first record does not look like a TLS handshake";
}

/** (net/http: server.go, the answer to somebody who speaks HTTP to a port of HTTPS) */
const plainRequest =
  "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/** A server that speaks TLS first. */
export const overTls = (server: Listener): Listener => ({
  *accept(stream) {
    const { input, output } = stream;
    const first = yield* readHello(input);
    if (first?.is === "other") return void (yield* output.write(plainRequest));
    if (first === undefined || !(yield* output.write(hello("server")))) return;
    if (server.accept) yield* server.accept(stream);
  },
});
