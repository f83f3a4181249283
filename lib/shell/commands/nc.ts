/**
 * nc: it has the words of OpenBSD's and, at the end of its input, does as busybox's: it shuts its
 * side of the connection.
 */
import { type Act, Signal, sleep, within } from "../../machinery/act.js";
import { endpoint, readAddress } from "../../net/ip.js";
import type { Connection } from "../network/connection.js";
import { type Failed, refusals } from "../network/refusals.js";
import type { Context } from "../place.js";
import { optionsOf, refuse } from "./common.js";
import { resolved } from "./names.js";

export function* nc(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "zvw:uln46p:q:Nkti:s:d",
  });
  const { place } = context;
  const { clock } = place.acts;
  const isUdp = flags.has("u");
  const protocol = isUdp ? "udp" : "tcp";
  if (flags.has("l")) return yield* listen(context, Number(flags.get("p") ?? words.at(-1)), flags);
  const [host, ports] = words;
  if (host === undefined || ports === undefined)
    return yield* refuse(context, 1, "missing port number");
  const wait = flags.has("w") ? 1000 * Number(flags.get("w")) : undefined;
  const found = yield* resolved(
    context,
    host,
    flags.has("6") ? "IPv6" : flags.has("4") ? "IPv4" : undefined,
  );
  if (!Array.isArray(found) || found.length === 0) {
    yield* context.err(
      `nc: getaddrinfo for host "${host}" port ${ports}: Name or service not known\n`,
    );
    return 1;
  }
  const address = found[0]!;
  const [low, high = low] = ports.split("-").map(Number);
  if (!(low! >= 1) || !(high! <= 65_535))
    return yield* refuse(context, 1, `port number invalid: ${ports}`);
  const isName = readAddress(host) === undefined;
  let status = 1;
  for (let port = low!; port <= high!; port++) {
    const service = `[${protocol}/${serviceNames[port] ?? "*"}]`;
    const shown = isName ? `${host} (${address}) ${port}` : `${host} ${port}`;
    const succeeded = `Connection to ${shown} port ${service} succeeded!\n`;
    if (isUdp) {
      // -z sends a byte, to hear whether somebody says that nobody listens
      const heard = flags.has("z") ? yield* place.network.ask({ address, port }, "X") : undefined;
      if (heard && "failed" in heard) continue;
      if (flags.has("v")) yield* context.err(succeeded);
      if (heard) status = 0;
      else status = yield* talkUdp(context, address, port, wait);
      continue;
    }
    const connecting = place.network.connect(
      { address, port },
      { url: `tcp://${endpoint(address, port)}` },
    );
    const opened = wait === undefined ? yield* connecting : yield* within(clock, wait, connecting);
    if (opened === undefined || "failed" in opened) {
      if (flags.has("v") || opened !== undefined)
        yield* context.err(whyNot(isName ? host : address, address, port, opened, isName));
      continue;
    }
    if (flags.has("v")) yield* context.err(succeeded);
    if (flags.has("z")) opened.close();
    else yield* talk(context, opened, wait);
    status = 0;
  }
  return status;
}

function whyNot(
  host: string,
  address: string,
  port: number,
  failed: Failed | undefined,
  isName: boolean,
): string {
  const shown = isName ? `${host} (${address})` : host;
  if (failed === undefined)
    return `nc: connect to ${shown} port ${port} (tcp) timed out: Operation now in progress\n`;
  const words =
    failed.failed === "unknown" ? `not modelled: ${failed.why}` : refusals[failed.failed];
  return `nc: connect to ${shown} port ${port} (tcp) failed: ${words}\n`;
}

/** Some of /etc/services. */
const serviceNames: Readonly<Record<number, string>> = {
  22: "ssh",
  53: "domain",
  80: "http",
  443: "https",
  6379: "redis",
  8080: "http-alt",
};

/** Standard input goes there, what comes is written; ends when the other side has said all. */
function* talk(context: Context, connection: Connection, wait: number | undefined): Act<void> {
  const { acts } = context.place;
  const sending = acts.begin(
    (function* (): Act<void> {
      for (
        let bytes = yield* context.input.read();
        bytes !== "";
        bytes = yield* context.input.read()
      )
        if (!(yield* connection.send(bytes))) return;
      connection.shut();
    })(),
    () => {},
    context.process.background,
  );
  try {
    for (;;) {
      const reading = connection.input.read();
      const bytes = wait === undefined ? yield* reading : yield* within(acts.clock, wait, reading);
      if (bytes === undefined || bytes === "") return;
      yield* context.out(bytes);
    }
  } finally {
    sending.stop();
    connection.close();
  }
}

function* talkUdp(
  context: Context,
  address: string,
  port: number,
  wait: number | undefined,
): Act<number> {
  for (;;) {
    const bytes = yield* context.input.read(1_400);
    if (bytes === "") break;
    const answer = yield* context.place.network.ask({ address, port }, bytes);
    if ("failed" in answer) {
      // the error comes with the next call
      yield* context.err(
        `nc: read: ${answer.failed === "unknown" ? answer.why : refusals[answer.failed]}\n`,
      );
      return 1;
    }
    if (answer.answer !== undefined) yield* context.out(answer.answer);
  }
  if (wait !== undefined) yield* sleep(context.place.acts.clock, wait);
  return 0;
}

/** `nc -l`: takes one connection (-k: one after the other), or datagrams. */
function* listen(context: Context, port: number, flags: ReadonlyMap<string, string>): Act<number> {
  const { place } = context;
  if (!(port >= 1 && port <= 65_535)) return yield* refuse(context, 1, "missing port number");
  const isUdp = flags.has("u");
  const done = new Signal();
  let isBusy = false;
  let isDone = false;
  const close = place.network.listen(isUdp ? "UDP" : "TCP", port, {
    *accept({ input, output, peer }) {
      if (isBusy || isDone) return;
      isBusy = true;
      if (flags.has("v"))
        yield* context.err(`Connection received on ${peer.address} ${peer.port}\n`);
      const own = (yield* allHere(context)) ?? "";
      if (own !== "") yield* output.write(own);
      if (!context.input.isTerminal) output.end();
      for (let bytes = yield* input.read(); bytes !== ""; bytes = yield* input.read())
        yield* context.out(bytes);
      isBusy = false;
      if (!flags.has("k")) isDone = true;
      done.fire();
    },
    *answer(datagram) {
      yield* context.out(datagram);
      return undefined;
    },
  });
  if (!close) return yield* refuse(context, 1, "Address already in use");
  try {
    while (!isDone) yield done.wait;
  } finally {
    close();
  }
  return 0;
}

/** What standard input has; a terminal's is not waited for. */
function* allHere(context: Context): Act<string | undefined> {
  if (context.input.isTerminal) return undefined;
  let all = "";
  for (let bytes = yield* context.input.read(); bytes !== ""; bytes = yield* context.input.read())
    all += bytes;
  return all;
}
