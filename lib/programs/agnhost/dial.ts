/** What agnhost's netexec and guestbook ask others. (netexec.go, dialHandler; guestbook.go) */
import { within, type Act } from "../../machinery/act.js";
import { endpoint, readAddress } from "../../net/ip.js";
import type { Response } from "../../shell/network/http.js";
import { exchange } from "../../shell/network/http-exchange.js";
import type { Refusal } from "../../shell/network/refusals.js";
import type { Place } from "../../shell/place.js";
import { failed, text } from "./given.js";

/** So long it waits for an answer: milliseconds. */
const PATIENCE = 5_000;
/** So often it may be asked to ask. */
const MOST_TRIES = 1_000;

export type Answer = { body: string } | { failed: string };

/** Where a host is; undefined: nobody knows. */
export const addressOf = (place: Place, host: string): string | undefined =>
  readAddress(host)?.text ?? place.network.lookUp(host).addresses[0];

/** In the words of Go's syscall.Errno. */
export const errors: Readonly<Record<Refusal, string>> = {
  ECONNREFUSED: "connection refused",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  unknown: "what decides is not modelled",
};

/** Asks somebody else, so often: `{"errors":["…"],"responses":["…"]}`. */
export function* dial(place: Place, query: URLSearchParams): Act<Response> {
  const [host, port, request] = ["host", "port", "request"].map((name) => query.get(name) ?? "");
  const protocol = (query.get("protocol") || "http").toLowerCase();
  const asked = query.get("tries") || "1";
  const tries = /^[+-]?\d+$/.test(asked) ? Number(asked) : NaN;
  if (Number.isNaN(tries))
    return failed(
      `tries parameter is invalid. strconv.Atoi: parsing ${JSON.stringify(asked)}: invalid syntax`,
      400,
    );
  if (!request) return failed("request parameter not specified. <nil>", 400);
  if (!["http", "udp"].includes(protocol)) return failed(`unsupported protocol. ${protocol}`, 400);
  const address = addressOf(place, host!);
  if (address === undefined)
    return failed(`host and/or port param are invalid. lookup ${host}: no such host`, 400);
  if (!(Number(port) > 0 && Number(port) < 65_536))
    return failed(`host and/or port param are invalid. address ${port}: invalid port`, 400);
  const responses: string[] = [];
  const problems: string[] = [];
  let last = "";
  for (let i = 0; i < Math.min(tries, MOST_TRIES); i++) {
    const to = { address, port: Number(port) };
    const answer = yield* protocol === "http"
      ? getOf(place, to, request)
      : overUdp(place, to, request);
    last = "failed" in answer ? "" : answer.body;
    if ("failed" in answer) problems.push(answer.failed);
    else responses.push(answer.body);
  }
  return text(
    JSON.stringify({
      ...(problems.length > 0 && { errors: problems }),
      ...(last !== "" && { responses }),
    }),
  );
}

/** GET http://ADDRESS/ASKED, as Go's client does. */
export function* getOf(
  place: Place,
  to: { address: string; port: number },
  asked: string,
): Act<Answer> {
  const name = endpoint(to.address, to.port);
  const url = `http://${name}/${asked}`;
  const answer = yield* within(place.acts.clock, PATIENCE, get(place, to, name, asked));
  const why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
  if (answer === undefined) return { failed: `Get ${JSON.stringify(url)}: ${why}` };
  return "failed" in answer ? { failed: `Get ${JSON.stringify(url)}: ${answer.failed}` } : answer;
}

function* get(
  place: Place,
  to: { address: string; port: number },
  host: string,
  asked: string,
): Act<Answer> {
  const target = `/${asked}`;
  const url = `http://${host}${target}`;
  const opened = yield* place.network.connect(to, { url, host, path: target });
  if ("failed" in opened) return { failed: `dial tcp ${host}: connect: ${errors[opened.failed]}` };
  try {
    const headers = [
      ["Host", host],
      ["User-Agent", "Go-http-client/1.1"],
      ["Accept-Encoding", "gzip"],
    ] as const;
    const answer = yield* exchange(opened, { method: "GET", target, headers });
    return typeof answer === "string" ? { failed: answer } : { body: answer.body };
  } finally {
    opened.close();
  }
}

function* overUdp(place: Place, to: { address: string; port: number }, asked: string): Act<Answer> {
  const from = place.network.sourceFor(to.address) ?? "";
  const name = `read udp ${from}->${endpoint(to.address, to.port)}`;
  const notRead = (why: string): Answer => ({
    failed: `reading from udp connection failed. err:'${name}: ${why}'`,
  });
  const answer = yield* within(place.acts.clock, PATIENCE, place.network.ask(to, asked));
  if (answer && "failed" in answer) return notRead(`read: ${errors[answer.failed]}`);
  if (answer?.answer !== undefined) return { body: answer.answer };
  return notRead("i/o timeout");
}
