/** The commands of redis that are modelled, and their answers. (redis.io/docs/latest/commands) */
import type { Database } from "./database.js";
import {
  array,
  bulk,
  error,
  FULL,
  integer,
  NO_INTEGER,
  OK,
  simple,
  SYNTAX,
  whole,
} from "./replies.js";

interface Known {
  /** How many arguments. */
  takes: readonly [least: number, most: number];
  run(database: Database, args: readonly string[]): string;
}

const some = [1, Infinity] as const;
const adding = (sign: 1n | -1n): Known => ({
  takes: [2, 2],
  run(database, [key = "", by = ""]) {
    const number = whole(by);
    return number === undefined ? NO_INTEGER : database.add(key, sign * number);
  },
});

export const commands: Readonly<Record<string, Known>> = {
  PING: { takes: [0, 1], run: (_, [text]) => (text === undefined ? simple("PONG") : bulk(text)) },
  ECHO: { takes: [1, 1], run: (_, [text]) => bulk(text) },
  SELECT: {
    takes: [1, 1],
    run: (_, [index]) => (index === "0" ? OK : error("ERR stopover: there is database 0 alone")),
  },
  // what redis-cli asks for when it begins: nothing is told of the commands
  COMMAND: { takes: [0, Infinity], run: () => array([]) },
  GET: { takes: [1, 1], run: (database, [key = ""]) => bulk(database.get(key)?.value) },
  SET: { takes: [2, Infinity], run: set },
  SETNX: {
    takes: [2, 2],
    run: (database, [key = "", value = ""]) =>
      database.get(key) ? integer(0) : database.set(key, value) ? integer(1) : FULL,
  },
  SETEX: {
    takes: [3, 3],
    run: (database, [key = "", seconds = "", value = ""]) =>
      set(database, [key, value, "EX", seconds]),
  },
  GETDEL: {
    takes: [1, 1],
    run(database, [key = ""]) {
      const found = database.get(key)?.value;
      database.delete(key);
      return bulk(found);
    },
  },
  MGET: {
    takes: some,
    run: (database, keys) => array(keys.map((key) => bulk(database.get(key)?.value))),
  },
  MSET: {
    takes: [2, Infinity],
    run(database, args) {
      if (args.length % 2 === 1) return error("ERR wrong number of arguments for 'mset' command");
      for (let i = 0; i < args.length; i += 2)
        if (!database.set(args[i]!, args[i + 1]!)) return FULL;
      return OK;
    },
  },
  DEL: { takes: some, run: removed },
  UNLINK: { takes: some, run: removed },
  EXISTS: {
    takes: some,
    run: (database, keys) => integer(keys.filter((key) => database.get(key)).length),
  },
  TYPE: {
    takes: [1, 1],
    run: (database, [key = ""]) => simple(database.get(key) ? "string" : "none"),
  },
  STRLEN: {
    takes: [1, 1],
    run: (database, [key = ""]) => integer(database.get(key)?.value.length ?? 0),
  },
  INCR: { takes: [1, 1], run: (database, [key = ""]) => database.add(key, 1n) },
  DECR: { takes: [1, 1], run: (database, [key = ""]) => database.add(key, -1n) },
  INCRBY: adding(1n),
  DECRBY: adding(-1n),
  KEYS: {
    takes: [1, 1],
    run: (database, [pattern = ""]) =>
      array(
        database
          .keys()
          .filter((key) => matches(pattern, key))
          .map(bulk),
      ),
  },
  DBSIZE: { takes: [0, 0], run: (database) => integer(database.keys().length) },
  TTL: { takes: [1, 1], run: (database, [key = ""]) => left(database, key, 1000) },
  PTTL: { takes: [1, 1], run: (database, [key = ""]) => left(database, key, 1) },
  EXPIRE: {
    takes: [2, 2],
    run(database, [key = "", seconds = ""]) {
      const [found, number] = [database.get(key), whole(seconds)];
      if (number === undefined) return NO_INTEGER;
      if (!found) return integer(0);
      database.set(key, found.value, database.now + 1000 * Number(number));
      return integer(1);
    },
  },
  FLUSHALL: { takes: [0, 1], run: emptied },
  FLUSHDB: { takes: [0, 1], run: emptied },
  INFO: { takes: [0, Infinity], run: (database, sections) => database.info(sections) },
};

function set(database: Database, [key = "", value = "", ...options]: readonly string[]): string {
  let until = Infinity;
  let only: "NX" | "XX" | undefined;
  for (let i = 0; i < options.length; i++) {
    const option = options[i]!.toUpperCase();
    if (option === "NX" || option === "XX") {
      if (only) return SYNTAX;
      only = option;
      continue;
    }
    if (option === "KEEPTTL" || option === "GET")
      return error(`ERR stopover: SET … ${option} is not modelled here`);
    if ((option !== "EX" && option !== "PX") || until !== Infinity) return SYNTAX;
    const number = whole(options[++i] ?? "");
    if (i >= options.length) return SYNTAX;
    if (number === undefined) return NO_INTEGER;
    if (number <= 0n) return error("ERR invalid expire time in 'set' command");
    until = database.now + Number(number) * (option === "EX" ? 1000 : 1);
  }
  const isThere = database.get(key) !== undefined;
  if (only && isThere !== (only === "XX")) return bulk(undefined);
  return database.set(key, value, until) ? OK : FULL;
}

function removed(database: Database, keys: readonly string[]): string {
  return integer(keys.filter((key) => database.delete(key)).length);
}

function emptied(database: Database): string {
  database.clear();
  return OK;
}

/** -2: there is none; -1: it stays. */
function left(database: Database, key: string, unit: number): string {
  const found = database.get(key);
  if (!found) return integer(-2);
  return integer(found.until === Infinity ? -1 : Math.round((found.until - database.now) / unit));
}

/** `*`, `?`, `[a-c]`, and what a backslash makes plain. (util.c, stringmatchlen) */
function matches(pattern: string, key: string): boolean {
  const parts = pattern.match(/\\[^]|\[\^?[^\]]*\]?|[^]/g) ?? [];
  const plain = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  const source = parts.map((part) => {
    if (part === "*") return "[^]*";
    if (part === "?") return "[^]";
    if (!part.startsWith("[")) return plain(part.replace(/^\\(?=[^])/, ""));
    const [, no = "", inner = ""] = /^\[(\^?)([^\]]*)\]?$/.exec(part)!;
    return `[${no}${inner.replace(/[\\^[\]]/g, "\\$&")}]`;
  });
  return new RegExp(`^${source.join("")}$`).test(key);
}
