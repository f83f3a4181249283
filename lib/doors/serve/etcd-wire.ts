/** What goes to etcd and comes from it: its gRPC gateway's JSON. (etcd: rpc.proto) */
import { internal, serviceUnavailable, tooLarge } from "../../api/errors.js";
import { CompactedError } from "../../store/store.js";

export interface Written {
  revision: number;
  responses?: NonNullable<TxnResponse["responses"]>;
}

export interface Failed {
  message?: string;
  error?: string;
}

export interface ResponseHeader {
  revision: string;
}

export interface KeyValue {
  key: string;
  value?: string;
  create_revision: string;
  mod_revision: string;
  version: string;
}

export interface RangeResponse {
  header: ResponseHeader;
  kvs?: KeyValue[];
  more?: boolean;
  count?: string;
}

export interface TxnResponse {
  header: ResponseHeader;
  succeeded?: boolean;
  responses?: {
    response_range?: RangeResponse;
    response_delete_range?: { prev_kvs?: KeyValue[] };
  }[];
}

export interface WatchResponse {
  header: ResponseHeader;
  /** Set when the watch asked for revisions that are gone. */
  compact_revision?: string;
  canceled?: boolean;
  events?: WatchEvent[];
}

export interface WatchEvent {
  type?: "PUT" | "DELETE";
  kv: Partial<KeyValue>;
  prev_kv?: KeyValue;
}

export const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** etcd leaves out what is empty. */
export const text = (encoded = ""): string => Buffer.from(encoded, "base64").toString("utf8");

/** The first key after all that begin with the prefix. */
export const prefixEnd = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);

export const isAt = (key: string, revision: number) => ({
  key: base64(key),
  target: "MOD",
  result: "EQUAL",
  mod_revision: String(revision),
});

export const exists = (key: string) => ({
  key: base64(key),
  target: "VERSION",
  result: "GREATER",
  version: "0",
});

export function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** etcd: api/v3rpc/rpctypes/error.go */
export function failure(status: number, message: string): Error {
  if (/has been compacted/.test(message)) return new CompactedError();
  if (/future revision/.test(message)) return new RangeError(message);
  if (/is too large/.test(message)) return tooLarge(message);
  const isAway = status >= 500 || status < 400 || /space exceeded|too many requests/.test(message);
  return isAway ? serviceUnavailable(`etcd: ${message}`) : internal(`etcd: ${message}`);
}
