/** curl, as 7.88 prints. (curl.se/docs/manpage.html) */
import { sleep as pause, within, type Act } from "../../machinery/act.js";
import { hash } from "../../machinery/random.js";
import { endpoint } from "../../net/ip.js";
import { printable } from "../../net/printable.js";
import { FileError } from "../files.js";
import { headerOf, MessageReader, messageText, type Head } from "../network/http.js";
import { refusals, type Failed } from "../network/refusals.js";
import type { Connection } from "../network/connection.js";
import type { Context } from "../place.js";
import { Exit } from "../process.js";
import { allOf } from "./common.js";
import { interfacesOf } from "./interfaces.js";
import { resolved } from "./names.js";

interface Wish {
  urls: string[];
  method: string | undefined;
  headers: [string, string][];
  data: string[];
  isGet: boolean;
  output: string | undefined;
  names: boolean;
  flags: Set<string>;
  user: string | undefined;
  writeOut: string | undefined;
  connectMs: number | undefined;
  maxMs: number | undefined;
  retries: number;
  retryMs: number;
  agent: string;
  resolve: Map<string, string>;
  family: "IPv4" | "IPv6" | undefined;
  sourcePort: number | undefined;
  /** An address of its own, or a device. */
  source: string | undefined;
  mostRedirects: number;
}

/** Those of its options that take a value, by letter. */
const letters: Readonly<Record<string, string>> = {
  X: "request",
  H: "header",
  d: "data",
  o: "output",
  w: "write-out",
  m: "max-time",
  A: "user-agent",
  u: "user",
  b: "cookie",
  e: "referer",
  x: "proxy",
  T: "upload-file",
  c: "cookie-jar",
  D: "dump-header",
  F: "form",
};
const values = new Set([
  ...Object.values(letters),
  "connect-timeout",
  "retry",
  "retry-delay",
  "retry-max-time",
  "resolve",
  "connect-to",
  "data-raw",
  "data-binary",
  "data-urlencode",
  "interface",
  "local-port",
  "max-redirs",
  "url",
  "cacert",
  "noproxy",
]);
const switches: Readonly<Record<string, string>> = {
  s: "silent",
  S: "show-error",
  v: "verbose",
  i: "include",
  I: "head",
  f: "fail",
  L: "location",
  k: "insecure",
  g: "globoff",
  G: "get",
  O: "remote-name",
  "4": "ipv4",
  "6": "ipv6",
  "0": "http1.0",
  N: "no-buffer",
  "#": "progress-bar",
  q: "disable",
};
const switchNames = new Set([
  ...Object.values(switches),
  "http1.1",
  "http2",
  "compressed",
  "fail-with-body",
  "retry-connrefused",
  "no-progress-meter",
  "no-keepalive",
  "path-as-is",
  "version",
]);

/** Ends it with a code of its own. */
class CurlError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

function* wishOf(context: Context): Act<Wish> {
  const wish: Wish = {
    urls: [],
    method: undefined,
    headers: [],
    data: [],
    isGet: false,
    output: undefined,
    names: false,
    flags: new Set(),
    user: undefined,
    writeOut: undefined,
    connectMs: undefined,
    maxMs: undefined,
    retries: 0,
    retryMs: 0,
    agent: "curl/7.88.1",
    resolve: new Map(),
    family: undefined,
    sourcePort: undefined,
    source: undefined,
    mostRedirects: 50,
  };
  const args = [...context.args];
  const take = function* (option: string): Act<string> {
    const value = args.shift();
    if (value !== undefined) return value;
    return yield* wrong(context, `option ${option}: requires parameter`);
  };
  while (args.length > 0) {
    const word = args.shift()!;
    if (word === "-" || !word.startsWith("-")) wish.urls.push(word);
    else if (word.startsWith("--")) {
      const name = word.slice(2);
      if (values.has(name)) yield* set(context, wish, name, yield* take(word));
      else if (switchNames.has(name)) turnOn(wish, name);
      else return yield* wrong(context, `option ${word}: is unknown`);
    } else
      for (let i = 1; i < word.length; i++) {
        const letter = word[i]!;
        const name = letters[letter];
        if (name !== undefined) {
          yield* set(context, wish, name, word.slice(i + 1) || (yield* take(`-${letter}`)));
          break;
        }
        const known = switches[letter];
        if (known === undefined) return yield* wrong(context, `option ${word}: is unknown`);
        turnOn(wish, known);
      }
  }
  if (wish.urls.length === 0 && !wish.flags.has("version"))
    return yield* wrong(context, "no URL specified!", "");
  return wish;
}

function* wrong(context: Context, message: string, before = "curl: "): Act<never> {
  yield* context.err(
    `${before === "" ? "curl: " : before}${message}\ncurl: try 'curl --help' or 'curl --manual' for more information\n`,
  );
  throw new Exit(2);
}

function turnOn(wish: Wish, name: string): void {
  wish.flags.add(name);
  if (name === "ipv4") wish.family = "IPv4";
  if (name === "ipv6") wish.family = "IPv6";
  if (name === "get") wish.isGet = true;
  if (name === "remote-name") wish.names = true;
}

function* set(context: Context, wish: Wish, name: string, value: string): Act<void> {
  const seconds = (): number => 1000 * Number(value);
  switch (name) {
    case "request":
      wish.method = value;
      return;
    case "header": {
      const at = value.indexOf(":");
      if (at > 0) wish.headers.push([value.slice(0, at), value.slice(at + 1).trim()]);
      return;
    }
    case "data":
    case "data-binary":
    case "data-raw":
    case "data-urlencode":
      wish.data.push(yield* dataOf(context, name, value));
      return;
    case "output":
      wish.output = value;
      return;
    case "write-out":
      wish.writeOut = value;
      return;
    case "max-time":
    case "connect-timeout":
    case "retry-delay":
      if (!(Number(value) >= 0))
        return yield* wrong(context, `option --${name}: expected a proper numerical parameter`);
      if (name === "max-time") wish.maxMs = seconds() || undefined;
      else if (name === "connect-timeout") wish.connectMs = seconds() || undefined;
      else wish.retryMs = seconds();
      return;
    case "retry":
      wish.retries = Number(value);
      return;
    case "user-agent":
      wish.agent = value;
      return;
    case "user":
      wish.user = value;
      return;
    case "cookie":
      wish.headers.push(["Cookie", value]);
      return;
    case "referer":
      wish.headers.push(["Referer", value]);
      return;
    case "local-port":
      wish.sourcePort = Number(value.split("-")[0]);
      return;
    case "interface":
      wish.source = value.replace(/^(if|host)!/, "");
      return;
    case "max-redirs":
      wish.mostRedirects = Number(value);
      return;
    case "url":
      wish.urls.push(value);
      return;
    case "resolve": {
      const [host = "", port = "", ...address] = value.split(":");
      wish.resolve.set(`${host}:${port}`, address.join(":").replace(/^\[|\]$/g, ""));
      return;
    }
    case "proxy":
    case "upload-file":
    case "form":
    case "connect-to":
    case "dump-header":
      return yield* wrong(context, `option --${name}: is not modelled here`);
  }
}

function* dataOf(context: Context, name: string, value: string): Act<string> {
  if (name === "data-urlencode") {
    const [key, text] = value.includes("=") ? value.split(/=(.*)/s, 2) : ["", value];
    return `${key === "" ? "" : `${key}=`}${encodeURIComponent(text ?? "")}`;
  }
  if (!value.startsWith("@") || name === "data-raw") return value;
  try {
    const text =
      value === "@-"
        ? yield* allOf(context, context.input)
        : context.place.files.read(context.path(value.slice(1)));
    return name === "data" ? text.replace(/[\r\n]/g, "") : text;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return "";
  }
}

export function* curl(context: Context): Act<number> {
  const wish = yield* wishOf(context);
  if (wish.flags.has("version")) {
    yield* context.out("curl 7.88.1 (x86_64-pc-linux-gnu)\n");
    return 0;
  }
  const session = new Session(context, wish);
  let status = 0;
  for (const url of wish.urls) status = yield* session.fetch(url);
  session.close();
  return status;
}

interface Target {
  scheme: string;
  host: string;
  port: number;
  path: string;
  /** As the header says it. */
  name: string;
}

/** One run: its connections are kept open between URLs. */
class Session {
  readonly #open = new Map<
    string,
    { connection: Connection; reader: MessageReader; number: number }
  >();
  #number = 0;

  constructor(
    private readonly context: Context,
    private readonly wish: Wish,
  ) {}

  get #clock() {
    return this.context.place.acts.clock;
  }

  close(): void {
    for (const { connection } of this.#open.values()) connection.close();
    this.#open.clear();
  }

  *#say(text: string): Act<void> {
    if (this.wish.flags.has("verbose")) yield* this.context.err(text);
  }

  /** With retries; says what failed; answers the exit code. */
  *fetch(url: string): Act<number> {
    const { wish, context } = this;
    for (let left = wish.retries, wait = 1_000; ; left--, wait = Math.min(2 * wait, 600_000)) {
      const began = this.#clock.now();
      const info: Info = { code: "000", url, began };
      try {
        const run = this.#follow(url, info);
        const done =
          wish.maxMs === undefined
            ? (yield* run, true)
            : yield* within(
                this.#clock,
                wish.maxMs,
                (function* () {
                  yield* run;
                  return true;
                })(),
              );
        if (!done) {
          const ms = this.#clock.now() - began;
          throw new CurlError(
            28,
            info.connecting === undefined
              ? `Operation timed out after ${ms} milliseconds with 0 bytes received`
              : `Connection timed out after ${ms} milliseconds`,
          );
        }
        yield* this.#writeOut(info);
        return 0;
      } catch (error) {
        if (!(error instanceof CurlError)) throw error;
        if (error.code === 6 || error.code === 7)
          yield* this.#say(`* ${error.message}\n* Closing connection ${this.#number++}\n`);
        const again =
          left > 0 &&
          (error.code === 28 ||
            (error.code === 7 && wish.flags.has("retry-connrefused")) ||
            (error.code === 22 && /^(408|429|5\d\d)$/.test(info.code)));
        if (!again) {
          yield* this.#writeOut(info);
          const isQuiet = wish.flags.has("silent") && !wish.flags.has("show-error");
          if (!isQuiet) yield* context.err(`curl: (${error.code}) ${error.message}\n`);
          return error.code;
        }
        yield* pause(this.#clock, wish.retryMs || wait);
      }
    }
  }

  *#follow(start: string, info: Info): Act<void> {
    const { wish } = this;
    let url = start;
    for (let left = wish.mostRedirects; ; left--) {
      const target = targetOf(url);
      const head = yield* this.#exchange(target, info);
      const location = headerOf(head.headers, "location");
      const isAway = /^30[12378]$/.test(info.code) && location !== undefined;
      if (!isAway || !wish.flags.has("location")) return;
      if (left === 0) throw new CurlError(47, `Maximum (${wish.mostRedirects}) redirects followed`);
      url = new URL(location, `${target.scheme}://${target.name}${target.path}`).href;
      info.url = url;
    }
  }

  *#exchange(target: Target, info: Info): Act<Head> {
    const { wish } = this;
    const { connection, reader, number } = yield* this.#connected(target, info);
    info.connection = connection;
    const body = wish.data.length > 0 && !wish.isGet ? wish.data.join("&") : undefined;
    const method =
      wish.method ?? (wish.flags.has("head") ? "HEAD" : body === undefined ? "GET" : "POST");
    const path =
      wish.isGet && wish.data.length > 0
        ? `${target.path}${target.path.includes("?") ? "&" : "?"}${wish.data.join("&")}`
        : target.path;
    const version = wish.flags.has("http1.0") ? "1.0" : "1.1";
    const own = (name: string): boolean =>
      wish.headers.some(([each]) => each.toLowerCase() === name.toLowerCase());
    const headers: [string, string][] = [
      ...(own("host") ? [] : [["Host", target.name] as [string, string]]),
      ...(wish.user === undefined
        ? []
        : [["Authorization", `Basic ${btoa(wish.user)}`] as [string, string]]),
      ...(own("user-agent") || wish.agent === ""
        ? []
        : [["User-Agent", wish.agent] as [string, string]]),
      ...(own("accept") ? [] : [["Accept", "*/*"] as [string, string]]),
      ...wish.headers.filter(([, value]) => value !== ""),
      ...(body === undefined || own("content-length")
        ? []
        : [["Content-Length", String(body.length)] as [string, string]]),
      ...(body === undefined || own("content-type")
        ? []
        : [["Content-Type", "application/x-www-form-urlencoded"] as [string, string]]),
    ];
    const host = headers.findIndex(([name]) => name.toLowerCase() === "host");
    if (host > 0) headers.unshift(...headers.splice(host, 1));
    const request = `${method} ${path} HTTP/${version}`;
    const text = messageText(request, headers, "");
    if (wish.flags.has("verbose")) yield* this.#say(marked(">", text));
    if (!(yield* connection.send(text + (body ?? ""))))
      throw new CurlError(
        connection.wasReset ? 56 : 28,
        connection.wasReset
          ? "Recv failure: Connection reset by peer"
          : "Send failure: Connection timed out",
      );
    if (body !== undefined) yield* this.#say(this.#progress("}", body.length));
    const head = yield* reader.head();
    if (head === undefined) {
      if (connection.wasReset) throw new CurlError(56, "Recv failure: Connection reset by peer");
      this.#open.delete(keyOf(target));
      throw new CurlError(52, "Empty reply from server");
    }
    if (head === "broken" || !/^HTTP\/\d/.test(head.first)) {
      yield* this.#say("* Received HTTP/0.9 when not allowed\n");
      throw new CurlError(1, "Received HTTP/0.9 when not allowed");
    }
    info.code = /^HTTP\/\S+ (\d{3})/.exec(head.first)?.[1] ?? "000";
    info.head = head;
    if (wish.flags.has("verbose")) yield* this.#say(marked("<", head.text));
    const fails = Number(info.code) >= 400 && wish.flags.has("fail");
    const hasNone = method === "HEAD" || /^(1\d\d|204|304)$/.test(info.code);
    const isClosing =
      /close/i.test(headerOf(head.headers, "connection") ?? "") || /^HTTP\/1\.0/.test(head.first);
    if (fails) {
      throw new CurlError(22, `The requested URL returned error: ${info.code}`);
    }
    const answer = hasNone
      ? ""
      : yield* reader.body(
          head,
          isClosing || headerOf(head.headers, "content-length") === undefined,
        );
    if (answer === undefined)
      throw new CurlError(18, "transfer closed with outstanding read data remaining");
    info.size = answer.length;
    const isAway =
      wish.flags.has("location") &&
      /^30[12378]$/.test(info.code) &&
      headerOf(head.headers, "location") !== undefined;
    const shown = wish.flags.has("include") || wish.flags.has("head") ? head.text : "";
    if (answer !== "") yield* this.#say(this.#progress("{", answer.length));
    // what is no terminal's is written when all is there
    const { isTerminal } = this.context.process.fds.get(1) ?? {};
    const output = this.#output(shown + (isAway ? "" : answer), target);
    if (isTerminal) yield* output;
    if (isClosing) {
      yield* this.#say(`* Closing connection ${number}\n`);
      connection.close();
      this.#open.delete(keyOf(target));
    } else yield* this.#say(`* Connection #${number} to host ${target.host} left intact\n`);
    if (!isTerminal) yield* output;
    if (Number(info.code) >= 400 && wish.flags.has("fail-with-body"))
      throw new CurlError(22, `The requested URL returned error: ${info.code}`);
    return head;
  }

  /** That bytes came or went is said where they are not seen themselves. */
  #progress(sign: "{" | "}", size: number): string {
    return this.context.process.fds.get(1)?.isTerminal ? "" : `${sign} [${size} bytes data]\n`;
  }

  *#output(text: string, target: Target): Act<void> {
    const { wish, context } = this;
    const file =
      wish.output ?? (wish.names ? target.path.split("?")[0]!.split("/").at(-1) : undefined);
    if (file === undefined || file === "-") return yield* context.out(text);
    try {
      context.place.files.write(context.path(file), text);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new CurlError(23, `Failure writing output to destination`);
    }
  }

  *#connected(target: Target, info: Info) {
    const kept = this.#open.get(keyOf(target));
    if (kept && !kept.connection.input.readable) {
      const where = (0x5500_0000_0000 + hash(keyOf(target)) * 16).toString(16);
      yield* this.#say(
        `* Found bundle for host: 0x${where} [serially]\n* Can not multiplex, even if we wanted to\n* Re-using existing connection #${kept.number} with host ${target.host}\n`,
      );
      return kept;
    }
    const { wish, context } = this;
    const source = this.#source();
    const began = this.#clock.now();
    info.connecting = began;
    const given = wish.resolve.get(`${target.host}:${target.port}`);
    const found =
      given === undefined ? yield* resolved(context, target.host, wish.family) : [given];
    if ("unknown" in found)
      throw new CurlError(6, `Could not resolve host: ${printable(target.host)}: ${found.unknown}`);
    if ("failed" in found || found.length === 0)
      throw new CurlError(6, `Could not resolve host: ${target.host}`);
    let last: Failed | undefined;
    for (const address of found) {
      yield* this.#say(`*   Trying ${endpoint(address, target.port)}...\n`);
      const connecting = context.place.network.connect(
        { address, port: target.port },
        {
          url: `${target.scheme}://${target.name}${target.path}`,
          host: wish.headers.find(([name]) => name.toLowerCase() === "host")?.[1] ?? target.name,
          path: target.path,
          sourcePort: wish.sourcePort,
          source,
        },
      );
      const left = (wish.connectMs ?? 300_000) - (this.#clock.now() - began);
      const opened = yield* within(this.#clock, left, connecting);
      if (opened === undefined) {
        const ms = this.#clock.now() - began;
        throw new CurlError(
          28,
          `Failed to connect to ${target.host} port ${target.port} after ${ms} ms: Timeout was reached`,
        );
      }
      if (!("failed" in opened)) {
        delete info.connecting;
        info.connected = this.#clock.now();
        const number = this.#number++;
        yield* this.#say(
          `* Connected to ${target.host} (${address}) port ${target.port} (#${number})\n`,
        );
        if (target.scheme === "https") {
          opened.close();
          throw new CurlError(35, "TLS is not modelled here: ask with http");
        }
        const kept = { connection: opened, reader: new MessageReader(opened.input), number };
        this.#open.set(keyOf(target), kept);
        return kept;
      }
      last = opened;
      const words = opened.failed === "unknown" ? opened.why : refusals[opened.failed];
      yield* this.#say(`* connect to ${address} port ${target.port} failed: ${words}\n`);
    }
    const ms = this.#clock.now() - began;
    const reason =
      last?.failed === "unknown" ? `not modelled: ${last.why}` : "Couldn't connect to server";
    throw new CurlError(
      last?.failed === "ETIMEDOUT" ? 28 : 7,
      `Failed to connect to ${target.host} port ${target.port} after ${ms} ms: ${reason}`,
    );
  }

  /** The address that --interface stands for. */
  #source(): string | undefined {
    const { source } = this.wish;
    if (source === undefined) return undefined;
    const own = interfacesOf(this.context).flatMap(({ name, addresses }) =>
      addresses.map((each) => ({ name, address: each.split("/")[0] })),
    );
    const named = own.find(({ name, address }) => address === source || name === source);
    if (named) return named.address;
    throw new CurlError(45, `bind failed with errno 99: Address not available`);
  }

  *#writeOut(info: Info): Act<void> {
    const { writeOut } = this.wish;
    if (writeOut === undefined) return;
    const now = this.#clock.now();
    const seconds = (ms: number): string => (ms / 1000).toFixed(6);
    const known: Record<string, string> = {
      http_code: info.code,
      response_code: info.code,
      url_effective: info.url,
      remote_ip: info.connection?.remote.address ?? "",
      remote_port: String(info.connection?.remote.port ?? 0),
      local_ip: info.connection?.local.address ?? "",
      local_port: String(info.connection?.local.port ?? 0),
      time_total: seconds(now - info.began),
      time_connect: seconds(info.connected === undefined ? 0 : info.connected - info.began),
      size_download: String(info.size ?? 0),
      content_type: headerOf(info.head?.headers ?? [], "content-type") ?? "",
      num_connects: String(this.#number),
    };
    const text = writeOut
      .replace(/%\{(\w+)\}/g, (whole, name: string) => known[name] ?? whole)
      .replace(/\\([nrt])/g, (_all, letter: string) => ({ n: "\n", r: "\r", t: "\t" })[letter]!);
    yield* this.context.out(text);
  }
}

/** Each line of a head behind a sign, as -v shows it. */
const marked = (sign: ">" | "<", text: string): string =>
  `${text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => `${sign} ${line}\r\n`)
    .join("")}${sign} \r\n`;

interface Info {
  code: string;
  url: string;
  began: number;
  connecting?: number;
  connected?: number;
  connection?: Connection;
  head?: Head;
  size?: number;
}

const keyOf = ({ host, port }: Target): string => `${host}:${port}`;

function targetOf(text: string): Target {
  const url = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(url)) throw new CurlError(3, "URL using bad/illegal format or missing URL");
  const { protocol, hostname, port, host, pathname, search } = new URL(url);
  const scheme = protocol.slice(0, -1);
  if (scheme !== "http" && scheme !== "https")
    throw new CurlError(1, `Protocol "${scheme}" not supported or disabled in libcurl`);
  return {
    scheme,
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? (scheme === "http" ? 80 : 443) : Number(port),
    path: pathname + search,
    name: host,
  };
}
