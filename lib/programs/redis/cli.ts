/**
 * redis-cli: one command from its arguments, or one from each line. What it prints depends on
 * whether somebody reads it at a terminal. (redis: src/redis-cli.c, cliFormatReplyRaw and
 * cliFormatReplyTTY)
 */
import type { Act } from "../../machinery/act.js";
import { readAddress } from "../../net/ip.js";
import { allOf, Lines, optionsOf, refuse } from "../../shell/commands/common.js";
import { resolved } from "../../shell/commands/names.js";
import type { Connection } from "../../shell/network/connection.js";
import { refusals } from "../../shell/network/refusals.js";
import type { Context } from "../../shell/place.js";

/** What a server answers. (RESP2) */
type Reply = string | number | undefined | { status: string } | { error: string } | Reply[];

export function* redisCli(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "h:p:a:n:r:i:xevu:",
    long: { raw: "raw", "no-raw": "no-raw", "no-auth-warning": "quiet", version: "v", pass: "a:" },
    stopsAtWord: true,
  });
  if (flags.has("v")) {
    yield* context.out("redis-cli 7.0.15\n");
    return 0;
  }
  if (flags.has("u"))
    return yield* refuse(context, 1, "stopover: -u is not modelled; say -h and -p");
  const [host, port] = [flags.get("h") ?? "127.0.0.1", Number(flags.get("p") ?? 6379)];
  const opened = yield* connected(context, host, port);
  if (!opened) return 1;
  const isShown = context.process.fds.get(1)?.isTerminal ?? false;
  const session = new Session(
    context,
    opened,
    !flags.has("raw") && (isShown || flags.has("no-raw")),
  );
  try {
    return yield* session.begin(flags, words, `${host}:${port}`);
  } finally {
    opened.close();
  }
}

function* connected(context: Context, host: string, port: number): Act<Connection | undefined> {
  const where = `Could not connect to Redis at ${host}:${port}`;
  const found = readAddress(host) ? [host] : yield* resolved(context, host);
  const address = Array.isArray(found) ? found[0] : undefined;
  if (address === undefined) {
    yield* context.err(`${where}: Name or service not known\n`);
    return undefined;
  }
  const opened = yield* context.place.network.connect({ address, port });
  if (!("failed" in opened)) return opened;
  yield* context.err(`${where}: ${refusals[opened.failed]}\n`);
  return undefined;
}

class Session {
  #unread = "";
  /** An error ends it with 1. */
  #isStrict = false;

  constructor(
    private readonly context: Context,
    private readonly connection: Connection,
    private readonly isForPeople: boolean,
  ) {}

  *begin(
    flags: ReadonlyMap<string, string>,
    words: readonly string[],
    server: string,
  ): Act<number> {
    const { context } = this;
    const password = flags.get("a") ?? context.process.env["REDISCLI_AUTH"];
    if (flags.has("a") && !flags.has("quiet"))
      yield* context.err(
        "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n",
      );
    if (password !== undefined) {
      const answer = yield* this.#ask(["AUTH", password]);
      if (answer && isError(answer.reply))
        yield* context.err(`AUTH failed: ${answer.reply.error}\n`);
    }
    this.#isStrict = flags.has("e");
    if (flags.has("n")) yield* this.#ask(["SELECT", flags.get("n")!]);
    if (words.length === 0) return yield* this.#lines(server);
    const last = flags.has("x") ? [yield* allOf(context, context.input)] : [];
    const times = Number(flags.get("r") ?? 1);
    for (let i = 0; i < times || times < 0; i++)
      if (!(yield* this.#show([...words, ...last]))) return 1;
    return 0;
  }

  *#lines(server: string): Act<number> {
    const { context } = this;
    const prompt = context.input.isTerminal ? `${server}> ` : "";
    const lines = new Lines(context, context.input);
    for (;;) {
      if (prompt !== "") yield* context.out(prompt);
      const line = yield* lines.next();
      if (line === undefined) return 0;
      const words = wordsOf(line);
      if (!words) yield* context.out("Invalid argument(s)\n");
      if (!words || words.length === 0) continue;
      if (/^(quit|exit)$/i.test(words[0]!)) return 0;
      if (!(yield* this.#show(words))) return 1;
    }
  }

  /** False: the server has gone, or it said no and that is the end. */
  *#show(words: readonly string[]): Act<boolean> {
    const answer = yield* this.#ask(words);
    if (!answer) {
      yield* this.context.err("Error: Server closed the connection\n");
      return false;
    }
    const { reply } = answer;
    if (this.#isStrict && isError(reply)) {
      yield* this.context.err(`${reply.error}\n`);
      return false;
    }
    const isText = /^info$/i.test(words[0]!);
    const bare = isText ? raw(reply) : `${raw(reply)}\n`;
    const text = this.isForPeople && !isText ? shown(reply, "") : bare;
    yield* this.context.out(text);
    return true;
  }

  /** Undefined: the server has gone. */
  *#ask(words: readonly string[]): Act<{ reply: Reply } | undefined> {
    const { connection } = this;
    const parts = words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
    if (!(yield* connection.send(`*${words.length}\r\n${parts}`))) return undefined;
    for (;;) {
      const read = replyIn(this.#unread, 0);
      if (read) {
        this.#unread = this.#unread.slice(read.end);
        return read;
      }
      const bytes = yield* connection.input.read();
      if (bytes === "") return undefined;
      this.#unread += bytes;
    }
  }
}

const isError = (reply: Reply): reply is { error: string } =>
  typeof reply === "object" && "error" in reply;

/** Undefined: not all of it has come. */
function replyIn(text: string, at: number): { reply: Reply; end: number } | undefined {
  const newline = text.indexOf("\r\n", at);
  if (newline < 0) return undefined;
  const [kind, line, end] = [text[at], text.slice(at + 1, newline), newline + 2];
  if (kind === "+") return { reply: { status: line }, end };
  if (kind === "-") return { reply: { error: line }, end };
  if (kind === ":") return { reply: Number(line), end };
  const length = Number(line);
  if (length < 0) return { reply: undefined, end };
  if (kind === "$") {
    if (text.length < end + length + 2) return undefined;
    return { reply: text.slice(end, end + length), end: end + length + 2 };
  }
  const items: Reply[] = [];
  let next = end;
  for (let i = 0; i < length; i++) {
    const item = replyIn(text, next);
    if (!item) return undefined;
    items.push(item.reply);
    next = item.end;
  }
  return { reply: items, end: next };
}

function raw(reply: Reply): string {
  if (reply === undefined) return "";
  if (typeof reply !== "object") return String(reply);
  if (Array.isArray(reply)) return reply.map(raw).join("\n");
  return "error" in reply ? `${reply.error}\n` : reply.status;
}

function shown(reply: Reply, indent: string): string {
  if (reply === undefined) return "(nil)\n";
  if (typeof reply === "number") return `(integer) ${reply}\n`;
  if (typeof reply === "string") return `${quoted(reply)}\n`;
  if (!Array.isArray(reply))
    return "error" in reply ? `(error) ${reply.error}\n` : `${reply.status}\n`;
  if (reply.length === 0) return "(empty array)\n";
  const width = String(reply.length).length;
  const inner = `${indent}${" ".repeat(width + 2)}`;
  return reply
    .map((item, i) => {
      const number = `${String(i + 1).padStart(width)}) `;
      return `${i === 0 ? "" : indent}${number}${shown(item, inner)}`;
    })
    .join("");
}

const short: Readonly<Record<string, string>> = {
  ...{ "\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r" },
  ...{ "\t": "\\t", "\x07": "\\a", "\b": "\\b" },
};

/** (sds.c, sdscatrepr) */
const quoted = (bytes: string): string =>
  `"${bytes.replace(
    /[\\"]|[^ -~]/g,
    (one) => short[one] ?? `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`,
  )}"`;

/** Undefined: a quote is not closed. (sds.c, sdssplitargs) */
function wordsOf(line: string): string[] | undefined {
  const words: string[] = [];
  let rest = line.trim();
  while (rest !== "") {
    const found =
      /^"((?:[^"\\]|\\[^])*)"(?=\s|$)/.exec(rest) ??
      /^'((?:[^'\\]|\\[^])*)'(?=\s|$)/.exec(rest) ??
      /^([^\s"']+)(?=\s|$)/.exec(rest);
    if (!found) return undefined;
    const [all, word = ""] = found;
    words.push(rest.startsWith('"') ? unescaped(word) : word.replaceAll("\\'", "'"));
    rest = rest.slice(all.length).trimStart();
  }
  return words;
}

const unescaped = (text: string): string =>
  text.replace(/\\(?:x([\da-f]{2})|([^]))/gi, (_, hex?: string, one = "") =>
    hex === undefined
      ? (({ n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" } as Record<string, string>)[
          one as string
        ] ?? (one as string))
      : String.fromCharCode(parseInt(hex, 16)),
  );
