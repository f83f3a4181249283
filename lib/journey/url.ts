import type { HttpRequest } from "../net/proxy.js";

/** What of a URL decides where its request goes. */
export type Goal =
  | {
      host: string;
      port: number;
      /** "host:port", as the URL writes the host. */
      text: string;
      /** What is then asked for. */
      request: HttpRequest;
    }
  | { failure: string };

/** The last URL that was read: a thousand requests ask for the same. */
let last: { url: string; goal: Goal } | undefined;

/** A URL's host and port, or why it has none. */
export function readURL(url: string): Goal {
  if (last?.url !== url) last = { url, goal: goalOf(url) };
  return last.goal;
}

function goalOf(url: string): Goal {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url))
    return {
      failure: `"${url}" is no URL with a scheme, so there is no name to look up; write http://${url || "mynginx-app.com:8080"}${url.includes("/") ? "" : "/"}`,
    };
  if (!URL.canParse(url))
    return { failure: `"${url}" is no valid URL; one looks like http://mynginx-app.com:8080/` };
  const { protocol, hostname, port, host, pathname, search } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:")
    return {
      failure: `the scheme of "${url}" is ${protocol.slice(0, -1)}; http and https are understood`,
    };
  if (port === "0") return { failure: `the port of "${url}" is 0, which is no port` };
  const number = port ? Number(port) : protocol === "http:" ? 80 : 443;
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: number,
    text: `${hostname}:${number}`,
    request: { host, path: pathname + search },
  };
}
