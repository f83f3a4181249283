/**
 * redis and valkey: strings and numbers under keys, some of which expire. Other types are real ones'
 * business: their commands say that they are not modelled.
 * (redis.io/docs/reference/protocol-spec: inline commands and RESP2)
 */
import type { Act } from "../machinery/act.js";
import { expanded } from "../node/kubelet/containers/expansion.js";
import type { Listener, Stream } from "../node/socket.js";
import { know, programsOf, type Reached } from "./images.js";
import { redisCli } from "./redis-cli.js";

const names = ["redis", "valkey"];
const MOST_KEYS = 10_000;
const MOST_WAITING = 1_000_000;

programsOf(names, { "redis-cli": redisCli, "valkey-cli": redisCli });

/** What a container's process holds: it is gone with the process. */
const databases = new WeakMap<object, Database>();

know(names, (reached) => {
  if (reached.protocol !== "TCP") return undefined;
  const { sandbox, container } = reached;
  const run = sandbox.began.get(container.name) ?? sandbox;
  const database = databases.get(run) ?? new Database(reached);
  databases.set(run, database);
  const listener: Listener = { accept: (stream) => serve(database, stream) };
  return listener;
});

function* serve(database: Database, { input, output }: Stream): Act<void> {
  const client: Client = { isKnown: database.password === undefined };
  let rest = "";
  for (;;) {
    const bytes = yield* input.read();
    if (bytes === "") return;
    rest += bytes;
    for (;;) {
      const taken = commandIn(rest);
      if (!taken) break;
      rest = rest.slice(taken.length);
      if (taken.words.length === 0) continue;
      yield* output.write(database.answer(taken.words, client));
      if (taken.words[0]!.toUpperCase() === "QUIT") return;
    }
    if (rest.length > MOST_WAITING) return;
  }
}

function commandIn(text: string): { words: string[]; length: number } | undefined {
  const line = /^([^\n]*?)\r?\n/.exec(text);
  if (!line) return undefined;
  const count = /^\*(\d+)$/.exec(line[1]!);
  if (!count) return { words: line[1]!.split(/\s+/).filter(Boolean), length: line[0].length };
  let at = line[0].length;
  const words: string[] = [];
  for (let i = 0; i < Number(count[1]); i++) {
    const head = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (!head) return undefined;
    const length = Number(head[1]);
    at += head[0].length;
    if (text.length < at + length + 2) return undefined;
    words.push(text.slice(at, at + length));
    at += length + 2;
  }
  return { words, length: at };
}

// ---- what it answers

interface Client {
  /** It has said the password, or there is none. */
  isKnown: boolean;
}

const simple = (text: string): string => `+${text}\r\n`;
const error = (text: string): string => `-${text}\r\n`;
const integer = (number: number | bigint): string => `:${number}\r\n`;
const bulk = (text: string | undefined): string =>
  text === undefined ? "$-1\r\n" : `$${text.length}\r\n${text}\r\n`;
const array = (items: readonly string[]): string => `*${items.length}\r\n${items.join("")}`;
const OK = simple("OK");
const SYNTAX = error("ERR syntax error");
const NO_INTEGER = error("ERR value is not an integer or out of range");

/** Commands of real ones that are not modelled, by what their names begin with. */
const others =
  /^(?:ACL|APPEND|B[LRZ]|BIT|CLIENT|CLUSTER|CONFIG|COPY|DEBUG|DISCARD|DUMP|EVAL|EXEC|EXPIREAT|FAILOVER|FCALL|FUNCTION|GEO|GETBIT|GETEX|GETRANGE|GETSET|H[DEGIKLMRSTV]|HELLO|INCRBYFLOAT|L[ILMPRST]|LATENCY|MEMORY|MIGRATE|MODULE|MONITOR|MSETNX|MULTI|OBJECT|PERSIST|PEXPIRE|PF|PSETEX|PSUB|PSYNC|PUB|PUNSUB|R[PE]|REPLICAOF|ROLE|S[ADIMRUT]|SAVE|BGSAVE|BGREWRITEAOF|SCAN|SCARD|SCRIPT|SETBIT|SETRANGE|SHUTDOWN|SLAVEOF|SLOWLOG|SUNION|SWAPDB|SYNC|TIME|TOUCH|UNSUB|UNWATCH|WAIT|WATCH|X[A-Z]|Z[A-Z])/;

class Database {
  readonly password: string | undefined;
  readonly #data = new Map<string, { value: string; until: number }>();
  readonly #began: number;
  #processed = 0;

  constructor(private readonly reached: Reached) {
    this.#began = reached.clock.now();
    const { words } = reached;
    const at = words.indexOf("--requirepass");
    const { variables } = reached.place();
    this.password =
      at < 0 ? undefined : expanded(words[at + 1] ?? "", (one) => variables?.get(one));
  }

  answer(words: readonly string[], client: Client): string {
    const [called = "", ...args] = words;
    const name = called.toUpperCase();
    this.#processed++;
    if (name === "AUTH") return this.#authenticated(args, client);
    if (name === "QUIT") return OK;
    if (!client.isKnown) return error("NOAUTH Authentication required.");
    const known = commands[name];
    if (known) {
      const [least, most] = known.takes;
      if (args.length < least || args.length > most)
        return error(`ERR wrong number of arguments for '${called.toLowerCase()}' command`);
      return known.run(this, args);
    }
    if (others.test(name))
      return error(`ERR stopover: the command ${name} of redis is not modelled here`);
    const told = args.map((arg) => `'${arg}' `).join("");
    return error(`ERR unknown command '${called}', with args beginning with: ${told}`);
  }

  #authenticated(args: readonly string[], client: Client): string {
    if (this.password === undefined)
      return error(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
      );
    if (args.at(-1) !== this.password || (args.length === 2 && args[0] !== "default"))
      return error("WRONGPASS invalid username-password pair or user is disabled.");
    client.isKnown = true;
    return OK;
  }

  get now(): number {
    return this.reached.clock.now();
  }

  get(key: string): { value: string; until: number } | undefined {
    const found = this.#data.get(key);
    if (!found || found.until > this.now) return found;
    this.#data.delete(key);
    return undefined;
  }

  /** False: there is no room for another. */
  set(key: string, value: string, until = Infinity): boolean {
    if (this.#data.size >= MOST_KEYS && !this.#data.has(key)) return false;
    this.#data.set(key, { value, until });
    return true;
  }

  delete(key: string): boolean {
    return this.get(key) !== undefined && this.#data.delete(key);
  }

  clear(): void {
    this.#data.clear();
  }

  keys(): string[] {
    return [...this.#data.keys()].filter((key) => this.get(key) !== undefined);
  }

  add(key: string, by: bigint): string {
    const found = this.get(key);
    const next = whole(found?.value ?? "0");
    if (next === undefined || whole(String(next + by)) === undefined) return NO_INTEGER;
    if (!this.set(key, String(next + by), found?.until)) return FULL;
    return integer(next + by);
  }

  /** What is known of a process that is none: what it would be told by its machine is left out. */
  info(sections: readonly string[]): string {
    const seconds = Math.floor((this.now - this.#began) / 1000);
    const keys = this.keys();
    const expires = keys.filter((key) => this.get(key)!.until !== Infinity).length;
    const all: Record<string, string[]> = {
      Server: [
        "redis_version:7.0.15",
        "redis_mode:standalone",
        `tcp_port:${this.reached.port}`,
        `uptime_in_seconds:${seconds}`,
        `uptime_in_days:${Math.floor(seconds / 86_400)}`,
      ],
      Stats: [`total_commands_processed:${this.#processed}`],
      Replication: ["role:master", "connected_slaves:0"],
      Keyspace: keys.length > 0 ? [`db0:keys=${keys.length},expires=${expires},avg_ttl=0`] : [],
    };
    const isAll = sections.length === 0 || sections.some((one) => /^(all|default)$/i.test(one));
    const wanted = Object.entries(all).filter(
      ([title]) => isAll || sections.some((one) => one.toLowerCase() === title.toLowerCase()),
    );
    return bulk(
      wanted.map(([title, lines]) => [`# ${title}`, ...lines, ""].join("\r\n")).join("\r\n"),
    );
  }
}

const FULL = error("OOM command not allowed when used memory > 'maxmemory'.");

/** A number of 64 bits, as redis takes one; undefined: it is none. */
function whole(text: string): bigint | undefined {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
  const number = BigInt(text);
  return BigInt.asIntN(64, number) === number ? number : undefined;
}

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

const commands: Readonly<Record<string, Known>> = {
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
