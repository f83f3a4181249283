/** agnhost netexec: HTTP and UDP servers that tell of themselves. (netexec.go) */
import { sleep, type Act } from "../../machinery/act.js";
import { duration } from "../../machinery/duration.js";
import { endpoint } from "../../net/ip.js";
import type { Listener } from "../../node/socket.js";
import type { Headers, Request, Response } from "../../shell/network/http.js";
import { execute } from "../../shell/index.js";
import type { Place } from "../../shell/place.js";
import { Sink } from "../../shell/streams.js";
import { overTls } from "../../shell/network/tls.js";
import { dial } from "./dial.js";
import { flag, formOf, http, portOf, text, type Given, type Servers } from "./given.js";

export const netexec: Servers = (given) => {
  const ports = {
    http: portOf(given, "http-port", 8080),
    udp: portOf(given, "udp-port", 8081),
    sctp: portOf(given, "sctp-port", -1),
  };
  given.log(`Started HTTP server on port ${ports.http}`);
  const plain = http(given, (request) => answerOf(given, overridden(given, request), ports));
  const server = flag(given, "tls-cert-file") ? overTls(plain) : plain;
  const all: [string, Listener][] = [[`TCP ${ports.http}`, server]];
  if (ports.udp !== -1) {
    given.log(`Started UDP server on port  ${ports.udp}`);
    all.push([`UDP ${ports.udp}`, datagrams(given, ports.udp)]);
  }
  return new Map(all);
};

/** Whatever is asked, this is answered (--http-override). */
function overridden(given: Given, request: Request): Request {
  const asked = flag(given, "http-override");
  if (asked === undefined) return request;
  const [path = "/", query] = asked.split(/\?(.*)/s, 2);
  return { ...request, method: "GET", path, query: new URLSearchParams(query ?? "") };
}

interface Ports {
  http: number;
  udp: number;
}

function answerOf(given: Given, request: Request, ports: Ports): Response | Act<Response> {
  const { hostname, log } = given;
  const { path, client, headers } = request;
  const form = formOf(request);
  const of = (name: string): string => form.get(name) ?? "";
  switch (path) {
    case "/hostname":
    case "/hostName":
      log(`GET ${path}`);
      return text(hostname);
    case "/clientip":
      log("GET /clientip");
      return text(endpoint(client.address, client.port));
    case "/serverport":
      log("GET /serverport");
      return text(String(ports.http));
    case "/echo":
      return echo(given, of("msg"), of("code"));
    case "/header":
      return header(given, headers, of("key"));
    case "/healthz":
      log("GET /healthz");
      return text("", ports.udp === -1 ? 412 : 200);
    case "/readyz":
      log("GET /readyz");
      if (given.isEnding()) return text("shutting down", 503);
      return ports.udp === -1 ? text("", 412) : text("ok");
    case "/redirect":
      return redirect(given, request, of("location"), of("code"));
    case "/dial":
      log(
        `GET /dial?host=${of("host")}&protocol=${of("protocol")}&port=${of("port")}&request=${of("request")}&tries=${of("tries")}`,
      );
      return dial(given.place(), request.query);
    case "/shell":
      log(`GET /shell?cmd=${of("shellCommand") || of("cmd")}`);
      return shell(given.place(), of("shellCommand") || of("cmd"));
    case "/exit":
      log(`GET /exit?code=${of("code")}&timeout=${of("timeout")}&wait=${of("wait")}`);
      return exit(given, of("wait"), of("code"));
    case "/shutdown":
      log("GET /shutdown");
      return exit(given, "", "0");
    case "/upload":
      return text("stopover: netexec's /upload is not modelled\n", 501);
    default:
      log("GET /");
      return text(`NOW: ${goTime(given.clock.now())}`);
  }
}

/** (Go: time.Time.String) */
const goTime = (now: number): string =>
  `${new Date(now).toISOString().replace("T", " ").replace("Z", "000000")} +0000 UTC`;

const isWhole = (given: string): boolean => /^[+-]?\d+$/.test(given);

const notWhole = (code: string): Response =>
  text(`argument 'code' must be an integer or empty, got ${JSON.stringify(code)}\n`);

function echo({ log }: Given, msg: string, code: string): Response {
  log(`GET /echo?msg=${msg}&code=${code}`);
  if (code !== "" && !isWhole(code)) return notWhole(code);
  return text(msg, code === "" ? 200 : Number(code));
}

function header({ log }: Given, headers: Headers, key: string): Response {
  const canonical = (name: string): string =>
    name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
  log(key === "" ? "GET /header" : `GET /header?key=${key}`);
  const all: Record<string, string[]> = {};
  for (const [name, value] of headers)
    if (canonical(name) !== "Host") (all[canonical(name)] ??= []).push(value);
  if (key !== "") return text(all[canonical(key)]?.[0] ?? "");
  return text(JSON.stringify(Object.fromEntries(Object.entries(all).sort())));
}

/** (net/http, Redirect) */
function redirect({ log }: Given, { method }: Request, location: string, code: string): Response {
  log(`${method} /redirect?msg=${location}&code=${code}`);
  if (code !== "" && !isWhole(code)) return notWhole(code);
  const status = code === "" ? 302 : Number(code);
  const target = /^([a-z][a-z\d+.-]*:|\/)/i.test(location) ? location : `/${location}`;
  const link = method === "GET" ? `<a href="${target}">Found</a>.\n\n` : "";
  return {
    status,
    headers: [
      ["Content-Type", "text/html; charset=utf-8"],
      ["Location", target],
    ],
    body: link,
  };
}

/** Its process ends while the client waits: the connection breaks off. */
function* exit(given: Given, wait: string, code: string): Act<Response> {
  if (code !== "" && !isWhole(code)) return notWhole(code);
  if (wait !== "") yield* sleep(given.clock, duration(wait));
  given.exit(Number(code || "0"));
  return text("");
}

/** Runs a command in the Pod: `{"error":"…","output":"…"}`. */
function* shell(place: Place, script: string): Act<Response> {
  const sink = new Sink(100_000);
  const process = execute(place, ["sh", "-c", script], { stdout: sink, background: true });
  const status = yield* process.wait();
  return {
    ...text(""),
    headers: [["Content-Type", "text/plain; charset=utf-8"]],
    body: JSON.stringify({
      ...(status !== 0 && { error: `exit status ${status}` }),
      ...(sink.bytes !== "" && { output: sink.bytes }),
    }),
  };
}

/** The UDP server: nothing is said to who says what it does not know. */
const datagrams = ({ hostname, log }: Given, port: number): Listener => ({
  *answer(datagram, { peer }) {
    const said = datagram.trim().toLowerCase();
    const client = endpoint(peer.address, peer.port);
    if (said === "hostname") {
      log("Sending udp hostName response");
      return hostname;
    }
    if (said.startsWith("echo ")) {
      log(`Echoing ${said.slice("echo ".length)} to UDP client ${client}`);
      return said.slice("echo ".length);
    }
    if (said === "clientip") {
      log(`Sending clientip back to UDP client ${client}`);
      return client;
    }
    if (said === "serverport") {
      log(`Sending server port to UDP client ${port}`);
      return String(port);
    }
    if (said !== "") log(`Unknown UDP command received from ${client}: ${said}`);
    return undefined;
  },
});
