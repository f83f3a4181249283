/** The options of curl. (curl.se/docs/manpage.html) */
import type { Act } from "../../../machinery/act.js";
import { allOf } from "../common.js";
import { FileError } from "../../files.js";
import type { Context } from "../../place.js";
import { Exit } from "../../process.js";

/** What curl was asked for. */
export interface Wish {
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

/** Reads the command line. Throws Exit, after it has said what is wrong. */
export function* wishOf(context: Context): Act<Wish> {
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
