/**
 * What a request is on its way through the API server, and what its answer is on the way back:
 * headers of a connection stay with it, and links lead through the API server again.
 * (net/http/httputil: reverseproxy.go; k8s.io/apimachinery: pkg/util/proxy/transport.go)
 */
import * as errors from "../../api/errors.js";
import { headerOf, type Headers } from "../../shell/network/http.js";
import type { Answered } from "../../shell/network/http-exchange.js";
import type { ApiAnswer } from "./exchange.js";
import { json } from "./http-call.js";
import type { Passage } from "./passage.js";
import { withLinks } from "./proxied-links.js";

/** Path and query as they are sent. */
export const targetOf = ({ path, query }: Passage): string =>
  `${escaped(path === "" ? "/" : path)}${query === "" ? "" : `?${query}`}`;

/** (Go: net/url, EscapedPath) */
const escaped = (path: string): string =>
  encodeURIComponent(path)
    .replace(/%(24|26|2B|2C|2F|3A|3B|3D|40)/g, (code) => decodeURIComponent(code))
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** Of one connection only, and not of the request. (RFC 9110, 7.6.1) */
const ofConnection = new Set(
  "connection proxy-connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade".split(
    " ",
  ),
);

function withoutConnection(headers: Headers): Headers {
  const named = headers
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.toLowerCase().split(/\s*,\s*/));
  const isOfConnection = (name: string): boolean =>
    ofConnection.has(name.toLowerCase()) || named.includes(name.toLowerCase());
  return headers.filter(([name]) => !isOfConnection(name));
}

/** Written by the API server itself, or none of a Pod's business. */
const ownHeaders = new Set([
  "host",
  "user-agent",
  "content-length",
  "authorization",
  "x-stopover-client",
  "x-forwarded-for",
  "x-forwarded-uri",
]);

/** In the order in which Go's client writes them. */
export function headersFor(passage: Passage): Headers {
  const { headers, body, method, client, prefix } = passage;
  const kept = withoutConnection(headers).filter(([name]) => !ownHeaders.has(name.toLowerCase()));
  const said = (name: string) =>
    headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  const agent = said("user-agent")[0];
  const [path = ""] = targetOf({ ...passage, query: "" }).split("?");
  const others: [string, string][] = [
    ...kept.map(([name, value]): [string, string] => [canonical(name), value]),
    ["X-Forwarded-For", [...said("x-forwarded-for"), client].join(", ")],
    ["X-Forwarded-Uri", `${prefix.replace(/\/$/, "")}${path}`],
  ];
  const hasBody = body.length > 0 || ["POST", "PUT", "PATCH"].includes(method);
  return [
    ["Host", said("host")[0] ?? ""],
    ...(agent === undefined ? [] : [["User-Agent", agent] as const]),
    ...(hasBody ? [["Content-Length", String(body.length)] as const] : []),
    ...others.sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0)),
  ];
}

/** "x-forwarded-for" -> "X-Forwarded-For" (Go: net/textproto) */
const canonical = (name: string): string =>
  name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());

const corsHeaders = new Set(
  ["credentials", "headers", "methods", "origin"].map((one) => `access-control-allow-${one}`),
);

/** What the client is told. `isUpgrade`: it has asked for another protocol. */
export function answerOf(passage: Passage, answer: Answered, isUpgrade: boolean): ApiAnswer {
  if (isUpgrade && answer.status < 400) {
    const why = `invalid upgrade response: status code ${answer.status}`;
    const { status } = errors.internal(why);
    return json(status.code!, status);
  }
  const { headers, body } = withLinks(passage, answer);
  const all: Record<string, string[]> = { "Cache-Control": ["no-cache, private"] };
  for (const [name, value] of withoutConnection(headers)) {
    if (corsHeaders.has(name.toLowerCase()) || name.toLowerCase() === "content-length") continue;
    (all[canonical(name)] ??= []).push(value);
  }
  const length = headerOf(headers, "content-length");
  // of a HEAD's answer it is the length of what a GET gets
  if (passage.method === "HEAD" && length !== undefined) all["Content-Length"] = [length];
  return { code: answer.status, headers: all, body: Uint8Array.from(Buffer.from(body, "latin1")) };
}
