/** agnhost's smaller servers: porter, serve-hostname, test-webserver, liveness, guestbook. */
import { sleep, type Act } from "../../machinery/act.js";
import type { Listener } from "../../node/socket.js";
import { FileError } from "../../shell/files.js";
import type { Request, Response } from "../../shell/network/http.js";
import type { Place } from "../../shell/place.js";
import { overTls } from "../../shell/network/tls.js";
import { addressOf, getOf } from "./dial.js";
import { failed, flag, http, portOf, text, type Given, type Servers } from "./given.js";

/** SERVE_PORT_80 in the environment says what is answered at port 80. (porter.go) */
export const porter: Servers = (given) => {
  const all = new Map<string, Listener>();
  for (const [name, value = ""] of Object.entries(given.env)) {
    const [, kind, port] = /^SERVE_(TLS_)?PORT_(\d+)$/.exec(name) ?? [];
    if (port === undefined) continue;
    const server = http(given, ({ method }) => ported(given, method, value));
    all.set(`TCP ${port}`, kind ? overTls(server) : server);
  }
  return all;
};

const ported = (given: Given, method: string, value: string): Response =>
  (flag(given, "json-response") ?? "false") === "false"
    ? text(value)
    : {
        ...text(JSON.stringify({ Method: method, Body: value })),
        headers: [["Content-Type", "application/json"]],
      };

/** (serve_hostname.go) */
export const serveHostname: Servers = (given) => {
  const { hostname, log } = given;
  const port = portOf(given, "port", 9376);
  const is = (name: string, usual: string): boolean => (flag(given, name) ?? usual) !== "false";
  const all = new Map<string, Listener>();
  const client = ({ address, port: from }: { address: string; port: number }): string =>
    `${address}:${from}`;
  if (is("http", "true"))
    all.set(
      `TCP ${port}`,
      http(given, (request) => {
        log(`HTTP request from ${client(request.client)}`);
        return text(hostname, 200, is("close", "false") ? [["Connection", "close"]] : []);
      }),
    );
  else if (is("tcp", "false"))
    all.set(`TCP ${port}`, {
      *accept({ output, peer }) {
        log(`TCP request from ${client(peer)}`);
        yield* output.write(hostname);
      },
    });
  if (is("udp", "false"))
    all.set(`UDP ${port}`, {
      *answer(_, { peer }) {
        log(`UDP request from ${client(peer)}`);
        return hostname;
      },
    });
  log(`Serving on port ${port}.`);
  return all;
};

/** Serves the container's files, as Go's FileServer does. (test-webserver.go) */
export const testWebserver: Servers = (given) =>
  new Map([
    [`TCP ${portOf(given, "port", 80)}`, http(given, ({ path }) => file(given.place(), path))],
  ]);

function file({ files }: Place, path: string): Response {
  try {
    const entry = files.at(path);
    if (entry.kind !== "folder")
      return {
        ...text(""),
        headers: [["Content-Type", "text/plain; charset=utf-8"]],
        body: files.read(path),
      };
    const names = [...entry.entries]
      .map(([name, { kind }]) => (kind === "folder" ? `${name}/` : name))
      .sort();
    const links = names.map((name) => `<a href="${name}">${name}</a>\n`).join("");
    return {
      status: 200,
      headers: [["Content-Type", "text/html; charset=utf-8"]],
      body: `<pre>\n${links}</pre>\n`,
    };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return failed("404 page not found", 404);
  }
}

/** Milliseconds for which it says that it is well. (liveness/server.go) */
const WELL = 10_000;

export const liveness: Servers = (given) => {
  const seconds = (): number => (given.clock.now() - given.began) / 1000;
  const isWell = (): boolean => flag(given, "skip-healthz") === "true" || seconds() * 1000 <= WELL;
  const answer = ({ path, query }: Request): Response => {
    if (path === "/started") return text(`${seconds()}s`);
    if (path === "/healthz") return isWell() ? text("ok") : text(`error: ${seconds()}`, 500);
    if (path === "/redirect")
      return { status: 302, headers: [["Location", query.get("loc") ?? ""]], body: "" };
    return failed("404 page not found", 404);
  };
  return new Map([[`TCP ${portOf(given, "port", 8080)}`, http(given, answer)]]);
};

/** Nothing is modelled of these but that they answer. */
export const nettest: Servers = (given) =>
  new Map([[`TCP ${portOf(given, "port", 8080)}`, http(given, () => text(`${given.hostname}\n`))]]);

// ---- guestbook ----------------------------------------------------------------------------------

/** Its primary keeps what its front ends are told, and tells its replicas. (guestbook.go) */
export const guestbook: Servers = (given) => {
  const book = new Guestbook(given);
  const primary = flag(given, "replicaof");
  if (primary !== undefined) given.place().acts.begin(book.joins(primary), () => {}, true);
  const server = http(given, (request) => book.answer(request));
  return new Map([[`TCP ${flag(given, "http-port") ?? "80"}`, server]]);
};

/** Milliseconds: how long a replica looks for its primary, and how often. */
const JOINS_FOR = 15_000;
const AGAIN = 1_000;

class Guestbook {
  readonly #store = new Map<string, unknown>();
  readonly #replicas: string[] = [];
  readonly #backend: number;

  constructor(private readonly given: Given) {
    this.#backend = portOf(given, "backend-port", 6379);
  }

  answer({ path, query, target }: Request): Response | Act<Response> {
    this.given.log(`GET ${target}`);
    const [key, value] = [query.get("key") ?? "", query.get("value") ?? ""];
    switch (path) {
      case "/register": {
        const data = { data: Object.fromEntries(this.#store) };
        this.#replicas.push(query.get("host") ?? "");
        return text(JSON.stringify(data));
      }
      case "/get": {
        const data = key === "" ? Object.fromEntries(this.#store) : (this.#store.get(key) ?? "");
        return text(JSON.stringify({ data }));
      }
      case "/set":
        return this.#set(key, value);
      case "/guestbook":
        return this.#passOn((query.get("cmd") ?? "").toLowerCase(), key, value);
      default:
        return failed("404 page not found", 404);
    }
  }

  /** Asks for a while, until there is one. */
  *joins(primary: string): Act<void> {
    const { clock } = this.given;
    const end = clock.now() + JOINS_FOR;
    while (clock.now() < end) {
      if (yield* this.#register(primary)) return;
      yield* sleep(clock, AGAIN);
    }
    this.given.log("Timed out while registering to primary.");
    this.given.exit(1);
  }

  /** Asks the primary for what it knows; whether there was one. */
  *#register(primary: string): Act<boolean> {
    const place = this.given.place();
    const address = addressOf(place, primary);
    const own = address === undefined ? undefined : place.network.sourceFor(address);
    if (address === undefined || own === undefined) return false;
    const to = { address, port: this.#backend };
    const answer = yield* getOf(place, to, `register?host=${own}`);
    if ("failed" in answer) return false;
    const { data } = JSON.parse(answer.body) as { data: Record<string, unknown> };
    for (const [key, value] of Object.entries(data)) this.#store.set(key, value);
    this.given.log(`Registered to node: ${primary}`);
    return true;
  }

  *#set(key: string, value: string): Act<Response> {
    if (key === "") return failed("cannot set with empty key.", 400);
    this.#store.set(key, value);
    for (const address of this.#replicas) {
      const asked = `set?key=${encodeURIComponent(key)}&value=${encodeURIComponent(value)}`;
      const answer = yield* getOf(this.given.place(), { address, port: this.#backend }, asked);
      if ("failed" in answer)
        return failed(
          `encountered error while propagating to replica '${address}': ${answer.failed}`,
          417,
        );
    }
    return text(JSON.stringify({ message: "Updated" }));
  }

  *#passOn(command: string, key: string, value: string): Act<Response> {
    if (command !== "get" && command !== "set") return failed(`unsupported cmd: '${command}'`, 400);
    if (command === "set" && key === "") return failed("cannot set with empty key.", 400);
    const place = this.given.place();
    const host = command === "get" ? "agnhost-replica" : "agnhost-primary";
    const address = addressOf(place, host);
    if (address === undefined)
      return failed(`host and/or port param are invalid. lookup ${host}: no such host`, 400);
    const asked = `${command}?key=${encodeURIComponent(key)}&value=${encodeURIComponent(value)}`;
    const answer = yield* getOf(place, { address, port: this.#backend }, asked);
    return "failed" in answer
      ? failed(`encountered error: ${answer.failed}`, 417)
      : text(answer.body);
  }
}
