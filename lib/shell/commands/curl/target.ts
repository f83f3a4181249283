/** Whom a URL asks, and the code with which curl ends where it cannot. */

/** Ends it with a code of its own. */
export class CurlError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

export interface Target {
  scheme: string;
  host: string;
  port: number;
  path: string;
  /** As the header says it. */
  name: string;
}

/** Connections of the same are used again. */
export const keyOf = ({ host, port }: Target): string => `${host}:${port}`;

/** Throws CurlError. */
export function targetOf(text: string): Target {
  const url = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(url)) throw new CurlError(3, "URL using bad/illegal format or missing URL");
  const { protocol, hostname, port, host, pathname, search } = new URL(url);
  const scheme = protocol.slice(0, -1);
  if (scheme !== "http" && scheme !== "https")
    throw new CurlError(1, `Protocol "${scheme}" not supported or disabled in libcurl`);
  return {
    scheme,
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? (scheme === "http" ? 80 : 443) : Number(port),
    path: pathname + search,
    name: host,
  };
}
