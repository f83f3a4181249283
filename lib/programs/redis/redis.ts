/**
 * redis and valkey: strings and numbers under keys, some of which expire. Other types are not
 * modelled: their commands say so.
 * (redis.io/docs/reference/protocol-spec: inline commands and RESP2)
 */
import type { Act } from "../../machinery/act.js";
import type { Listener, Stream } from "../../node/socket.js";
import { beganIn } from "../../shell/given.js";
import { know, programsOf } from "../images.js";
import { commands } from "./commands.js";
import { Database } from "./database.js";
import { error, OK } from "./replies.js";
import { redisCli } from "./cli.js";

const names = ["redis", "valkey"];
const MOST_WAITING = 1_000_000;

programsOf(names, { "redis-cli": redisCli, "valkey-cli": redisCli });

/** What a container's process holds: it is gone with the process. */
const databases = new WeakMap<object, Database>();

know(names, (reached) => {
  if (reached.protocol !== "TCP") return undefined;
  const { sandbox, container } = reached;
  const run = beganIn(sandbox, container.name) ?? sandbox;
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
      yield* output.write(answered(database, taken.words, client));
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

function answered(database: Database, words: readonly string[], client: Client): string {
  const [called = "", ...args] = words;
  const name = called.toUpperCase();
  database.processed++;
  if (name === "AUTH") return authenticated(database, args, client);
  if (name === "QUIT") return OK;
  if (!client.isKnown) return error("NOAUTH Authentication required.");
  const known = commands[name];
  if (known) {
    const [least, most] = known.takes;
    if (args.length < least || args.length > most)
      return error(`ERR wrong number of arguments for '${called.toLowerCase()}' command`);
    return known.run(database, args);
  }
  if (others.test(name))
    return error(`ERR stopover: the command ${name} of redis is not modelled here`);
  const told = args.map((arg) => `'${arg}' `).join("");
  return error(`ERR unknown command '${called}', with args beginning with: ${told}`);
}

function authenticated(database: Database, args: readonly string[], client: Client): string {
  if (database.password === undefined)
    return error(
      "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
    );
  if (args.at(-1) !== database.password || (args.length === 2 && args[0] !== "default"))
    return error("WRONGPASS invalid username-password pair or user is disabled.");
  client.isKnown = true;
  return OK;
}
