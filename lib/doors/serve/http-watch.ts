import type { WatchEvent } from "../../api/client.js";
import type { KindInfo } from "../../objects/kinds.js";
import type { KubeObject } from "../../objects/types.js";
import type { ApiServer } from "../../apiserver/apiserver.js";
import * as errors from "../../api/errors.js";
import { includeObject, listOptions, wantsTable, type Call } from "./http-call.js";
import { table } from "./tables.js";

/**
 * What a watcher may leave unread, in bytes, before its connection is ended; it will list and watch
 * again.
 */
const maxBacklog = 8 * 1024 * 1024;
// milliseconds (apiserver: pkg/storage/cacher, defaultBookmarkFrequency)
const bookmarkEvery = 60_000;
const watchTimeout = 1800; // seconds (kube-apiserver --min-request-timeout)
// an object goes to a thousand watchers, but is written as JSON once
const encoded = new WeakMap<object, string>();

/** Events as they come, one JSON object a line, until somebody ends it. */
export function watch(call: Call): void {
  const {
    apiserver,
    client,
    target: { info },
    query,
    response,
  } = call;
  const asTable = wantsTable(call);
  const { limit: _, continue: __, ...filter } = listOptions(call);
  const everything = query.get("sendInitialEvents") === "true";
  let header = true; // only the first table names its columns
  const send = (event: WatchEvent<KubeObject>) => {
    if (response.writableLength > maxBacklog) return void response.destroy();
    const object =
      asTable && event.type !== "ERROR" && event.type !== "BOOKMARK"
        ? rowOf(call, event.object, header)
        : jsonOf(event.object);
    if (event.type !== "BOOKMARK") header = false;
    response.write(`{"type":"${event.type}","object":${object}}\n`);
  };
  response.writeHead(200, { "Content-Type": "application/json", "Transfer-Encoding": "chunked" });
  response.flushHeaders();
  let stop = () => {};
  try {
    stop = client.watch(
      info.kind,
      { ...filter, resourceVersion: everything ? "" : (query.get("resourceVersion") ?? "") },
      send,
    );
  } catch (error) {
    if (!(error instanceof errors.ApiError)) throw error;
    return void response.end(`{"type":"ERROR","object":${JSON.stringify(error.status)}}\n`);
  }
  const later = [
    scheduled(apiserver, (Number(query.get("timeoutSeconds")) || watchTimeout) * 1000, () =>
      response.end(),
    ),
  ];
  if (query.get("allowWatchBookmarks") === "true")
    later.push(bookmarks(apiserver, info, send, everything));
  response.on("close", () => {
    stop();
    later.forEach((cancel) => cancel());
  });
}

const scheduled = (apiserver: ApiServer, delay: number, run: () => void) =>
  apiserver.clock.schedule(delay, run, { background: true });

/** Bookmarks tell a quiet watcher how far it is, so that it need not list again after a break. */
function bookmarks(
  apiserver: ApiServer,
  info: KindInfo,
  send: (event: WatchEvent<KubeObject>) => void,
  initial: boolean,
): () => void {
  const bookmark = (annotations?: Record<string, string>) =>
    send({
      type: "BOOKMARK",
      object: {
        kind: info.kind,
        apiVersion: info.apiVersion,
        metadata: {
          resourceVersion: apiserver.progress(info.kind),
          ...(annotations && { annotations }),
        },
      },
    });
  let cancel = () => {};
  const next = () => {
    bookmark();
    cancel = scheduled(apiserver, bookmarkEvery, next);
  };
  cancel = scheduled(
    apiserver,
    initial ? 0 : bookmarkEvery,
    initial
      ? () => {
          bookmark({ "k8s.io/initial-events-end": "true" });
          cancel = scheduled(apiserver, bookmarkEvery, next);
        }
      : next,
  );
  return () => cancel();
}

function rowOf(call: Call, object: KubeObject, header: boolean): string {
  const rows = table(
    call.target.info.kind,
    [object],
    call.apiserver.clock.now(),
    includeObject(call.query),
    { resourceVersion: object.metadata.resourceVersion! },
  );
  return JSON.stringify(header ? rows : { ...rows, columnDefinitions: null });
}

function jsonOf(object: object): string {
  let text = encoded.get(object);
  if (text === undefined) encoded.set(object, (text = JSON.stringify(object)));
  return text;
}
