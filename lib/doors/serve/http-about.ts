import { notAcceptable, unknownPath } from "../../api/errors.js";
import type { Kubernetes } from "../../objects/kubernetes.js";
import type { ApiAnswer } from "./exchange.js";
import { content, json } from "./http-call.js";
import {
  coreVersions,
  group,
  groupList,
  openapi,
  openapiIndex,
  resourceList,
  rootPaths,
  versionInfo,
} from "./openapi.js";
import { openapiV2, openapiV2Type } from "./openapi-v2.js";

/** What the server tells of itself, which takes no store: version, health, discovery, OpenAPI. */
export interface Asker {
  accept: string | undefined;
  host: string;
  kubernetes: Kubernetes;
}

/**
 * Answers undefined where the path is none of these. `problem`: what keeps the API server from
 * answering.
 */
export function aboutItself(
  path: readonly string[],
  asker: Asker,
  problem: () => string | undefined,
): ApiAnswer | undefined {
  const [first] = path;
  switch (first) {
    case "livez":
    case "healthz":
      return path.length === 1 || checks.has(path.slice(1).join("/"))
        ? text(200, "ok")
        : text(404, "404 page not found\n");
    case "readyz":
      return readiness(problem());
    default: {
      const document = documentAt(path, asker);
      return document instanceof Uint8Array
        ? content(200, openapiV2Type, document)
        : document && json(200, document);
    }
  }
}

/** What can be asked after by itself. */
const checks = new Set(["ping", "log", "etcd"]);

export const isHealth = ([first = ""]: readonly string[]): boolean =>
  ["healthz", "livez", "readyz"].includes(first);

const text = (code: number, words: string): ApiAnswer =>
  content(code, "text/plain; charset=utf-8", words);

/**
 * As kube-apiserver writes it, but with 503 in place of 500, since that is what requests get.
 * (apiserver: pkg/server/healthz/healthz.go)
 */
const readiness = (problem: string | undefined): ApiAnswer =>
  problem === undefined
    ? text(200, "ok")
    : text(503, `[+]ping ok\n[-]etcd failed: ${problem}\nreadyz check failed\n`);

function documentAt(path: readonly string[], asker: Asker): object | undefined {
  const [first, ...more] = path;
  const rest = more.join("/");
  switch (first) {
    case undefined:
    case "index.html":
      return rootPaths();
    case "version":
      if (asker.accept && !/json|\*\/\*/.test(asker.accept))
        throw notAcceptable("406: Not Acceptable\n\nAvailable representations: application/json");
      return rest === "" ? versionInfo(asker.kubernetes) : undefined;
    case "openapi":
      return openapiAt(rest, asker);
    case "api":
      if (more.length > 1) return undefined;
      return rest === "" ? coreVersions(asker.host) : known(resourceList(rest));
    case "apis":
      if (more.length > 2) return undefined;
      if (rest === "") return groupList();
      return known(more.length === 1 ? group(rest) : resourceList(rest));
    default:
      return undefined;
  }
}

function openapiAt(rest: string, { accept }: Asker): object | undefined {
  if (rest === "v3") return openapiIndex();
  if (rest.startsWith("v3/")) return known(openapi(rest.slice("v3/".length)));
  if (rest === "v2" && accept?.includes("proto-openapi.spec.v2")) return openapiV2();
  return undefined;
}

function known(document: object | undefined): object {
  if (!document) throw unknownPath();
  return document;
}
