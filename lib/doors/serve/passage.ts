/** A request on its way through the API server to somebody else, and the paths of such. */
import type { Headers } from "../../shell/network/http.js";

export interface Passage {
  /** Where it goes: "10.1.1.2:80". */
  to: string;
  method: string;
  /** Of whom it is passed on to, decoded: "" or "/…". */
  path: string;
  /** Without the question mark. */
  query: string;
  /** What goes before that path here: "/api/v1/namespaces/default/pods/web/proxy". */
  prefix: string;
  headers: Headers;
  /** The address of who asks. */
  client: string;
  body: Uint8Array;
}

/** Without ".", ".." and what is empty. (Go: path.Clean) */
function cleaned(parts: readonly string[]): string[] {
  const left: string[] = [];
  for (const part of parts) {
    if (part === "..") left.pop();
    else if (part !== "" && part !== ".") left.push(part);
  }
  return left;
}

/** (Go: path.Join, with the slash at the end kept) */
export const cleanPath = (path: string): string =>
  `/${cleaned(path.split("/")).join("/")}${path.endsWith("/") ? "/" : ""}`;

/**
 * The path below /proxy, as it is asked for: "" where nothing is, and a slash at the end only where
 * there was one. (k8s.io/apiserver: pkg/endpoints/handlers/rest.go, getRequestOptions)
 */
export function pathBelow(whole: string, below: readonly string[]): string {
  const path = cleaned(below)
    .map((part) => `/${part}`)
    .join("");
  return whole.endsWith("/") ? `${path}/` : path;
}
