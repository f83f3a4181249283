/** The request that curl sends. */
import { messageText } from "../../network/http.js";
import type { Wish } from "./options.js";
import type { Target } from "./target.js";

export interface CurlRequest {
  method: string;
  /** Its first line and its headers, as they are sent. */
  head: string;
  body: string | undefined;
}

export function requestFor(wish: Wish, target: Target): CurlRequest {
  const body = wish.data.length > 0 && !wish.isGet ? wish.data.join("&") : undefined;
  const method =
    wish.method ?? (wish.flags.has("head") ? "HEAD" : body === undefined ? "GET" : "POST");
  const path =
    wish.isGet && wish.data.length > 0
      ? `${target.path}${target.path.includes("?") ? "&" : "?"}${wish.data.join("&")}`
      : target.path;
  const version = wish.flags.has("http1.0") ? "1.0" : "1.1";
  const own = (name: string): boolean =>
    wish.headers.some(([each]) => each.toLowerCase() === name.toLowerCase());
  const headers: [string, string][] = [
    ...(own("host") ? [] : [["Host", target.name] as [string, string]]),
    ...(wish.user === undefined
      ? []
      : [["Authorization", `Basic ${btoa(wish.user)}`] as [string, string]]),
    ...(own("user-agent") || wish.agent === ""
      ? []
      : [["User-Agent", wish.agent] as [string, string]]),
    ...(own("accept") ? [] : [["Accept", "*/*"] as [string, string]]),
    ...wish.headers.filter(([, value]) => value !== ""),
    ...(body === undefined || own("content-length")
      ? []
      : [["Content-Length", String(body.length)] as [string, string]]),
    ...(body === undefined || own("content-type")
      ? []
      : [["Content-Type", "application/x-www-form-urlencoded"] as [string, string]]),
  ];
  const host = headers.findIndex(([name]) => name.toLowerCase() === "host");
  if (host > 0) headers.unshift(...headers.splice(host, 1));
  const request = `${method} ${path} HTTP/${version}`;
  return { method, head: messageText(request, headers, ""), body };
}
