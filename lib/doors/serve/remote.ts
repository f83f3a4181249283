import { readFileSync } from "node:fs";

/** A server elsewhere: where it is, and how this side proves who it is. Texts are PEM. */
export interface Remote {
  /** "https://10.0.0.1:6443"; several where each of them serves the same state. */
  urls: readonly string[];
  /** Whose certificates are trusted; default: those that Node.js trusts. */
  ca?: string;
  /** The client's certificate and its private key. */
  cert?: string;
  key?: string;
  /** The name that the server's certificate must be for; default: the URL's host. */
  serverName?: string;
  /** Trust whatever certificate the server shows. */
  insecureSkipTLSVerify?: boolean;
  /** A bearer token, or the file it is in, which is read again every now and then. */
  token?: string;
  tokenFile?: string;
  username?: string;
  password?: string;
}

/** What is asked of a server. */
export interface Asked {
  method: string;
  /** Below the server's address: "/api/v1/pods?limit=5". */
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** To ask twice does not do it twice. */
  repeatable: boolean;
}

/** How a server is spoken to beyond its address: what must be known to wait for it well. */
export interface Manners {
  /** What it is called before its address where it fails: "etcd at ". */
  title?: string;
  /** A path that whoever is alive answers at once, whatever else it is busy with. */
  alivePath: string;
  /** Milliseconds that an answer may take from a server that is known to be alive. */
  patience: number;
}

export interface Reply {
  status: number;
  body: string;
}

/** Why there is no answer. */
export interface Failure {
  failure: string;
  /** The request may have been processed all the same. */
  unknown: boolean;
}

/** @throws where an address is none, in words that hold no password. */
export function checked(remote: Remote, example: string): Remote {
  if (remote.urls.length === 0) throw new Error(`an address like ${example} is needed`);
  for (const url of remote.urls) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new Error(
        `got ${JSON.stringify(withoutSecrets(url))}; an address like ${example} is needed`,
      );
    if (new URL(url).username || new URL(url).password)
      throw new Error(
        `the address of ${withoutSecrets(url)} holds a name and a password; give them as options of their own`,
      );
  }
  return remote;
}

/** An address as it may be shown. */
export const withoutSecrets = (url: string): string => url.replace(/\/\/[^/@]*@/, "//");

/** The Authorization header, if there is one. */
export function authorization({
  token,
  tokenFile,
  username,
  password,
}: Remote): string | undefined {
  // client-go: rest/config.go: the file wins
  const bearer = tokenFile === undefined ? token : readFileSync(tokenFile, "utf8").trim();
  if (bearer !== undefined && bearer !== "") return `Bearer ${bearer}`;
  if (username === undefined) return undefined;
  return `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}`;
}
