import type { MessagePort } from "node:worker_threads";
import { Members } from "./members.js";
import type { Asked, Failure, Manners, Remote, Reply } from "./remote.js";
import { answering } from "./sync-worker-side.js";

/** The thread behind SyncHttp: sends what it is told to and reports what comes. */
type Order =
  | { do: "begin"; lines: MessagePort }
  | { do: "open"; id: number; remote: Remote; manners: Manners }
  | { do: "ask"; server: number; asked: Asked; since: number }
  | { do: "stream"; server: number; id: number; asked: Asked }
  | { do: "stop"; id: number }
  | { do: "close"; id: number };

export type StreamMessage =
  { id: number; line: string; status: number } | { id: number; end: string | undefined };

const servers = new Map<number, Members>();
const streams = new Map<number, () => void>();
let lines: MessagePort;

answering((order: Order): Promise<Reply | Failure> | void => {
  switch (order.do) {
    case "begin":
      lines = order.lines;
      return;
    case "open":
      servers.set(order.id, new Members(order.remote, order.manners));
      return;
    case "ask":
      return servers.get(order.server)!.request(order.asked, order.since);
    case "stream":
      return begin(order);
    case "stop":
      streams.get(order.id)?.();
      return;
    case "close":
      servers.get(order.id)?.close();
      servers.delete(order.id);
  }
});

function begin({ server, id, asked }: Extract<Order, { do: "stream" }>): void {
  const stop = servers.get(server)!.stream(
    asked,
    (line, status) => lines.postMessage({ id, line, status } satisfies StreamMessage),
    (end) => {
      streams.delete(id);
      lines.postMessage({ id, end } satisfies StreamMessage);
    },
  );
  streams.set(id, stop);
}
