/**
 * redis and valkey: strings and numbers under keys, some of which expire. Other types are not
 * modelled: their commands say so.
 * (redis.io/docs/reference/protocol-spec: inline commands and RESP2)
 */
import type { Act } from "../machinery/act.js";
import { expanded } from "../node/kubelet/containers/expansion.js";
import type { Listener, Stream } from "../node/socket.js";
import { know, programsOf, type Reached } from "./images.js";
import { bulk, commands, error, FULL, integer, NO_INTEGER, OK, whole } from "./redis-commands.js";
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

/** Commands of real ones that are not modelled, by what their names begin with. */
const others =
  /^(?:ACL|APPEND|B[LRZ]|BIT|CLIENT|CLUSTER|CONFIG|COPY|DEBUG|DISCARD|DUMP|EVAL|EXEC|EXPIREAT|FAILOVER|FCALL|FUNCTION|GEO|GETBIT|GETEX|GETRANGE|GETSET|H[DEGIKLMRSTV]|HELLO|INCRBYFLOAT|L[ILMPRST]|LATENCY|MEMORY|MIGRATE|MODULE|MONITOR|MSETNX|MULTI|OBJECT|PERSIST|PEXPIRE|PF|PSETEX|PSUB|PSYNC|PUB|PUNSUB|R[PE]|REPLICAOF|ROLE|S[ADIMRUT]|SAVE|BGSAVE|BGREWRITEAOF|SCAN|SCARD|SCRIPT|SETBIT|SETRANGE|SHUTDOWN|SLAVEOF|SLOWLOG|SUNION|SWAPDB|SYNC|TIME|TOUCH|UNSUB|UNWATCH|WAIT|WATCH|X[A-Z]|Z[A-Z])/;

export class Database {
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
    if (next === undefined) return NO_INTEGER;
    if (whole(String(next + by)) === undefined)
      return error("ERR increment or decrement would overflow");
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
