import type { KindInfo } from "../../objects/kinds.js";
import type { ApiAnswer, ApiRequest, Beginning } from "./exchange.js";

/** What the front says to the API server's thread. `id` is the request's. */
export type ToApi =
  | { say: "ask"; id: number; request: ApiRequest }
  | { say: "cancel"; id: number }
  /** So many chunks of these streams have left for their clients. */
  | { say: "sent"; counts: [id: number, chunks: number][] }
  /** What the client of a WebSocket says. */
  | { say: "hear"; id: number; message: Uint8Array }
  /** Gives up its leases, and ends. */
  | { say: "stop" };

/** What that thread says to the front. */
export type ToFront =
  /** It answers from now on. */
  | { say: "ready" }
  /** It could not start. */
  | { say: "failed"; message: string }
  | { say: "answer"; id: number; answer: ApiAnswer }
  | { say: "begin"; id: number; how: Beginning }
  /** Its answer takes its time: it waits for somebody behind the API server. */
  | { say: "later"; id: number }
  /** Each chunk with the streams that it goes to. */
  | { say: "chunks"; chunks: [bytes: Uint8Array, ids: number[]][] }
  | { say: "end"; id: number }
  | { say: "cut"; id: number }
  /** A CustomResourceDefinition has made these known. */
  | { say: "kinds"; kinds: readonly KindInfo[] }
  /** That CustomResourceDefinition is gone, and what it had made known. */
  | { say: "forget"; definition: string }
  | { say: "stopped" };
