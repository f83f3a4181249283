import type { ListOptions, WatchEvent } from "../../api/client.js";
import { converted } from "../../objects/convert.js";
import { kindInfo } from "../../objects/kinds.js";
import type { KubeObject } from "../../objects/types.js";
import type { EventStream } from "./event-stream.js";
import { includeObject, listOptions, utf8, wantsTable, type Call } from "./http-call.js";
import { whole } from "./http-options.js";
import { statusOf } from "./http-status.js";
import { table } from "./tables.js";

// milliseconds (apiserver: pkg/storage/cacher, defaultBookmarkFrequency)
const BOOKMARK_EVERY = 60_000;
// seconds (kube-apiserver --min-request-timeout)
const WATCH_TIMEOUT = 1800;
// Milliseconds in which a client may read the rest, once its watch's time is over.
const LINGER = 5_000;
// What there is at the beginning goes in pieces of about so many characters.
const BATCH = 64 * 1024;

type Event = WatchEvent<KubeObject>;
/** An event as one line of the answer. */
type Line = (event: Event) => string;

/** Events as they come, one JSON object a line, until somebody ends it. */
export function watch(call: Call): (stream: EventStream) => void {
  const line = wantsTable(call) ? tableLines(call) : linesOf(call);
  const { limit: _, continue: __, ...filter } = listOptions(call);
  const seconds = Math.max(0, whole(call.query, "timeoutSeconds") ?? 0) || WATCH_TIMEOUT;
  return (stream) =>
    guarded(call, stream, () => {
      const begunAt = begin(call, filter, stream, line);
      if (call.query.get("allowWatchBookmarks") === "true") bookmarks(call, stream, begunAt);
      endInTime(call, stream, seconds);
    });
}

/** Answers the revision with which the events begin. */
function begin(call: Call, filter: ListOptions, stream: EventStream, line: Line): string {
  const { apiserver, client, target, query } = call;
  let resourceVersion = query.get("resourceVersion") ?? "";
  if (resourceVersion === "" || resourceVersion === "0" || sendsInitialEvents(call)) {
    const list = apiserver.list(target.info.key, filter);
    resourceVersion = list.resourceVersion;
    stream.begin(batches(call, list.items, line));
  }
  const stop = client.watch(target.info.key, { ...filter, resourceVersion }, (event) =>
    guarded(call, stream, () => tell(stream, event, line)),
  );
  stream.whenOver(stop);
  return resourceVersion;
}

const sendsInitialEvents = ({ query }: Call): boolean => query.get("sendInitialEvents") === "true";

/** What goes wrong is told within the stream, which then ends. */
function guarded(call: Call, stream: EventStream, run: () => void): void {
  try {
    run();
  } catch (error) {
    tell(stream, failure(call, error), jsonLine);
  }
}

const failure = ({ request }: Call, error: unknown): Event => ({
  type: "ERROR",
  object: statusOf(request, error),
});

function tell(stream: EventStream, event: Event, line: Line): void {
  if (event.type === "ERROR" || event.type === "BOOKMARK") line = jsonLine;
  stream.send(line === jsonLine ? sharedBytes(event) : utf8(line(event)));
  if (event.type === "ERROR") stream.end();
}

function endInTime({ apiserver: { clock } }: Call, stream: EventStream, seconds: number): void {
  const end = () => {
    stream.end();
    if (!stream.over) clock.schedule(LINGER, () => stream.cut(), { background: true });
  };
  stream.whenOver(clock.schedule(seconds * 1000, end, { background: true }));
}

/** Bookmarks tell a quiet watcher how far it is, so that it need not list again after a break. */
function bookmarks(call: Call, stream: EventStream, begunAt: string): void {
  const { clock } = call.apiserver;
  const { kind, apiVersion } = call.target.info;
  const bookmark = (metadata: { resourceVersion: string; annotations?: Record<string, string> }) =>
    tell(stream, { type: "BOOKMARK", object: { kind, apiVersion, metadata } }, jsonLine);
  if (sendsInitialEvents(call))
    bookmark({
      resourceVersion: begunAt,
      annotations: { "k8s.io/initial-events-end": "true" },
    });
  let cancel = () => {};
  const again = () => {
    cancel = clock.schedule(BOOKMARK_EVERY, next, { background: true });
  };
  const next = () => {
    bookmark({ resourceVersion: call.apiserver.progress(call.target.info.key) });
    again();
  };
  again();
  stream.whenOver(() => cancel());
}

// ---- lines --------------------------------------------------------------------------------------

const jsonLine: Line = ({ type, object }) =>
  `{"type":"${type}","object":${JSON.stringify(object)}}\n`;

/** In the version that is asked for. */
function linesOf({ target: { info } }: Call): Line {
  if (kindInfo(info.key) === info) return jsonLine;
  return ({ type, object }) =>
    jsonLine({ type, object: converted(object as KubeObject, info) } as Event);
}

/** Rows; only the first names its columns. */
function tableLines({ apiserver, query, target }: Call): Line {
  const include = includeObject(query);
  let named = false;
  return ({ type, object }) => {
    const { metadata } = object as KubeObject;
    const resourceVersion = metadata.resourceVersion!;
    const now = apiserver.clock.now();
    const rows = table(target.info, [object as KubeObject], now, include, { resourceVersion });
    const shown = named ? { ...rows, columnDefinitions: null } : rows;
    named = true;
    return `{"type":"${type}","object":${JSON.stringify(shown)}}\n`;
  };
}

/** The last event that was written: a thousand watchers hear of each, one after the other. */
let last: { type: string; object: unknown; bytes: Uint8Array } | undefined;

function sharedBytes(event: Event): Uint8Array {
  if (last?.object !== event.object || last.type !== event.type)
    last = { ...event, bytes: utf8(jsonLine(event)) };
  return last.bytes;
}

/** In pieces. An object that cannot be written as asked is an error, which ends them. */
function* batches(call: Call, items: readonly KubeObject[], line: Line): Generator<Uint8Array> {
  let text = "";
  try {
    for (const object of items) {
      text += line({ type: "ADDED", object });
      if (text.length < BATCH) continue;
      yield utf8(text);
      text = "";
    }
  } catch (error) {
    text += jsonLine(failure(call, error));
  }
  if (text) yield utf8(text);
}
