/**
 * agnhost, the image of Kubernetes' own tests: its sub-commands that answer over the network.
 * (kubernetes/test/images/agnhost: netexec, serve-hostname, test-webserver, porter)
 */
import { within, type Act } from "../machinery/act.js";
import { readAddress } from "../net/ip.js";
import type { Listener } from "../node/socket.js";
import { FileError } from "../shell/files.js";
import { exchange } from "../shell/http-exchange.js";
import type { Request, Response } from "../shell/http.js";
import { execute } from "../shell/index.js";
import type { Place } from "../shell/place.js";
import { Sink } from "../shell/streams.js";
import { httpServer, type Handler } from "./http-server.js";
import { know, type Reached } from "./images.js";

know(["agnhost"], (reached) => {
  const [subcommand = "pause"] = reached.words.filter((word) => !/(^|\/)agnhost$/.test(word));
  const { clock, protocol, hostname } = reached;
  const http = (handler: Handler): Listener | undefined =>
    protocol === "TCP" ? httpServer(handler, { clock }) : undefined;
  switch (subcommand) {
    case "netexec":
      return protocol === "TCP" ? http((request) => netexec(reached, request)) : datagrams(reached);
    case "serve-hostname":
      return serveHostname(reached);
    case "test-webserver":
      return http(({ path }) => file(reached.place(), path));
    case "porter":
      return http(() => text(porterText(reached)));
    case "net":
    case "nettest":
    case "guestbook":
    case "liveness":
      return http(() => text(`${hostname}\n`));
    default:
      return undefined;
  }
});

const text = (body: string, status = 200): Response => ({ status, body });

const flag = ({ words }: Reached, name: string): string | undefined => {
  const at = words.findIndex((word) => word.replace(/=.*$/s, "") === `--${name}`);
  if (at < 0) return undefined;
  return words[at]!.includes("=") ? words[at]!.split(/=(.*)/s)[1] : words[at + 1];
};

/** SERVE_PORT_80 in the environment says what is answered at port 80. */
function porterText({ container, port }: Reached): string {
  const env = (container.env ?? []) as { name: string; value?: string }[];
  return env.find(({ name }) => name === `SERVE_PORT_${port}`)?.value ?? "";
}

function serveHostname(reached: Reached): Listener {
  const { clock, hostname, protocol } = reached;
  if (protocol === "UDP")
    return {
      *answer() {
        return hostname;
      },
    };
  const isPlain = flag(reached, "tcp") !== undefined && flag(reached, "http") === "false";
  if (!isPlain) return httpServer(() => text(hostname), { clock });
  return {
    *accept({ output }) {
      yield* output.write(hostname);
    },
  };
}

/** What netexec does with a datagram. */
const datagrams = ({ hostname }: Reached): Listener => ({
  *answer(datagram, { peer }) {
    const [, word = "", rest = ""] = /^(\S*)\s*([^]*)$/.exec(datagram) ?? [];
    switch (word.toLowerCase()) {
      case "hostname":
        return hostname;
      case "echo":
        return rest;
      case "clientip":
        return `${peer.address}:${peer.port}`;
      default:
        return `unknown command: ${datagram}`;
    }
  },
});

/** Whether `/shutdown` and `/exit` have been asked for. */
function netexec(reached: Reached, request: Request): Response | Act<Response> {
  const { hostname } = reached;
  const { path, query, client, host } = request;
  switch (path) {
    case "/":
      return text(`NOW: ${new Date(reached.clock.now()).toISOString()}`);
    case "/hostname":
    case "/hostName":
      return text(hostname);
    case "/clientip":
      return text(
        `${client.address.includes(":") ? `[${client.address}]` : client.address}:${client.port}`,
      );
    case "/echo":
      return text(query.get("msg") ?? "", Number(query.get("code") ?? "200") || 400);
    case "/header": {
      const key = (query.get("key") ?? "").toLowerCase();
      return text(request.headers.find(([name]) => name.toLowerCase() === key)?.[1] ?? "");
    }
    case "/healthz":
      return text("");
    case "/redirect":
      return {
        status: Number(query.get("code") ?? "302"),
        headers: [["Location", query.get("location") ?? `http://${host}/`]],
      };
    case "/dial":
      return dial(reached.place(), query);
    case "/shell":
      return shell(reached.place(), query.get("shellCommand") ?? query.get("cmd") ?? "");
    default:
      return text("404 page not found\n", 404);
  }
}

/** Runs a command in the Pod: `{"output":"…"}`. */
function* shell(place: Place, script: string): Act<Response> {
  const sink = new Sink(100_000);
  const process = execute(place, ["sh", "-c", script], { stdout: sink, background: true });
  const status = yield* process.wait();
  const said = { ...(status !== 0 && { error: `exit status ${status}` }), output: sink.bytes };
  return text(JSON.stringify(said));
}

/** So long a dial waits for an answer: milliseconds. */
const dialMs = 5_000;

/** Asks somebody else, so often: `{"responses":["…"],"errors":["…"]}`. */
function* dial(place: Place, query: URLSearchParams): Act<Response> {
  const host = query.get("host") ?? "";
  const port = Number(query.get("port"));
  const asked = query.get("request") ?? "";
  const protocol = query.get("protocol") ?? "";
  const tries = Math.min(Number(query.get("tries") ?? "1") || 1, 1_000);
  if (host === "") return text("host parameter is missing", 400);
  if (!port) return text("port parameter is missing", 400);
  if (protocol !== "http" && protocol !== "udp")
    return text(`unsupported protocol: ${protocol}`, 400);
  const responses: string[] = [];
  const errors: string[] = [];
  for (let i = 0; i < tries; i++) {
    const asks =
      protocol === "http" ? overHttp(place, host, port, asked) : overUdp(place, host, port, asked);
    const answer = yield* within(place.acts.clock, dialMs, asks);
    if (answer === undefined) errors.push(`dial ${host}:${port}: i/o timeout`);
    else if ("failed" in answer) errors.push(answer.failed);
    else responses.push(answer.body);
  }
  return text(JSON.stringify({ responses, ...(errors.length > 0 && { errors }) }));
}

type Answer = { body: string } | { failed: string };

const addressOf = (place: Place, host: string): string | undefined =>
  readAddress(host)?.text ?? place.network.lookUp(host).addresses[0];

function* overHttp(place: Place, host: string, port: number, asked: string): Act<Answer> {
  const address = addressOf(place, host);
  if (address === undefined) return { failed: `lookup ${host}: no such host` };
  const name = address.includes(":") ? `[${address}]:${port}` : `${host}:${port}`;
  const url = `http://${name}/${asked}`;
  const opened = yield* place.network.connect(
    { address, port },
    { url, host: name, path: `/${asked}` },
  );
  if ("failed" in opened) return { failed: `dial tcp ${name}: connect: ${opened.failed}` };
  try {
    const headers = [
      ["Host", name],
      ["User-Agent", "Go-http-client/1.1"],
      ["Connection", "close"],
    ] as const;
    const answer = yield* exchange(opened, { method: "GET", target: `/${asked}`, headers });
    return typeof answer === "string" ? { failed: answer } : { body: answer.body.trim() };
  } finally {
    opened.close();
  }
}

function* overUdp(place: Place, host: string, port: number, asked: string): Act<Answer> {
  const address = addressOf(place, host);
  if (address === undefined) return { failed: `lookup ${host}: no such host` };
  const answer = yield* place.network.ask({ address, port }, asked);
  if ("failed" in answer) return { failed: `read udp: ${answer.failed}` };
  return answer.answer === undefined
    ? { failed: `read udp ${host}:${port}: i/o timeout` }
    : { body: answer.answer };
}

/** Serves the container's files, as Go's FileServer does. */
function file({ files }: Place, path: string): Response {
  try {
    const entry = files.at(path);
    if (entry.kind !== "folder")
      return {
        ...text(files.read(path)),
        headers: [["Content-Type", "text/plain; charset=utf-8"]],
      };
    const names = [...entry.entries]
      .map(([name, { kind }]) => (kind === "folder" ? `${name}/` : name))
      .sort();
    return {
      status: 200,
      headers: [["Content-Type", "text/html; charset=utf-8"]],
      body: `<pre>\n${names.map((name) => `<a href="${name}">${name}</a>\n`).join("")}</pre>\n`,
    };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return text("404 page not found\n", 404);
  }
}
