/**
 * ping (iputils), nc and wget (busybox's). nc has the words of OpenBSD's and, at the end of its
 * input, does as busybox's: it shuts its side of the connection.
 */
import { Signal, sleep, within, type Act } from "../../machinery/act.js";
import { endpoint, familyOf, readAddress } from "../../net/ip.js";
import { FileError } from "../files.js";
import { headerOf, MessageReader, messageText } from "../network/http.js";
import { isSwallowed, refusals, type Failed } from "../network/refusals.js";
import type { Connection } from "../network/connection.js";
import type { Command, Context } from "../place.js";
import { optionsOf, refuse } from "./common.js";
import { resolved } from "./names.js";

// ---- ping

function* ping(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(
    context,
    { letters: "c:i:W:w:qns:t:46I:D", stopsAtWord: false },
    2,
  );
  const { place } = context;
  const { clock } = place.acts;
  const [target] = words;
  if (target === undefined)
    return yield* refuse(context, 1, "usage error: Destination address required");
  const family =
    context.name === "ping6" || flags.has("6") ? "IPv6" : flags.has("4") ? "IPv4" : undefined;
  const found = yield* resolved(context, target, family);
  if (!Array.isArray(found) || found.length === 0)
    return yield* refuse(context, 2, `${target}: Name or service not known`);
  const address = found[0]!;
  for (const letter of ["c", "s", "i", "W", "w"])
    if (flags.has(letter) && !/^\d+(\.\d+)?$/.test(flags.get(letter)!))
      return yield* refuse(context, 1, `invalid argument: '${flags.get(letter)}'`);
  const count = Number(flags.get("c") ?? Infinity);
  const interval = 1000 * Number(flags.get("i") ?? 1);
  const patience = 1000 * Number(flags.get("W") ?? 10);
  const deadline = flags.has("w") ? clock.now() + 1000 * Number(flags.get("w")) : Infinity;
  const size = Number(flags.get("s") ?? 56);
  const isName = readAddress(target) === undefined;
  const shown = isName ? `${target} (${address})` : address;
  const bytes =
    familyOf(address) === "IPv6" ? `${size} data bytes` : `${size}(${size + 28}) bytes of data.`;
  yield* context.out(`PING ${target} (${address}) ${bytes}\n`);
  const began = clock.now();
  const times: number[] = [];
  const errors: string[] = [];
  let sent = 0;
  let isStopped = false;
  const before = context.process.onSignal;
  const stopping = new Signal();
  context.process.onSignal = (signal) => {
    if (signal !== 2) return before?.(signal) ?? false;
    isStopped = true;
    stopping.fire();
    return true;
  };
  while (sent < count && clock.now() < deadline && !isStopped) {
    sent++;
    const packet = place.network.packetTo("ICMP", { address, port: 0 });
    const echo = {
      kind: "echo",
      reply: false,
      id: context.process.pid,
      seq: sent,
      size: size + 8,
    } as const;
    const journey =
      packet && place.network.travel(packet, { url: `icmp://${address}` }, true, echo);
    if (!journey) return yield* refuse(context, 2, "connect: Network is unreachable");
    if (journey.disposition === "delivered") {
      const routers = journey.reply.filter(({ kind }) => kind === "node").length;
      const ownHops = [place.network.origin.kind, journey.served?.party.kind].filter(
        (kind) => kind === "node",
      ).length;
      const isSelf = journey.reply.length === 0;
      const ttl = 64 - (isSelf ? 0 : Math.max(0, routers - ownHops));
      const time = roundTrip(journey.hops.length, place.random);
      times.push(time);
      if (!flags.has("q"))
        yield* context.out(
          `${size + 8} bytes from ${shown}: icmp_seq=${sent} ttl=${ttl} time=${time.toFixed(time < 1 ? 3 : time < 10 ? 2 : 1)} ms\n`,
        );
    } else if (journey.disposition === "unknown") {
      return yield* refuse(context, 2, `not modelled: ${journey.reason}`);
    } else if (journey.disposition === "rejected" || /route/.test(journey.disposition)) {
      if (!isSwallowed(journey, place.network.origin)) {
        const why =
          journey.disposition === "rejected"
            ? "Destination Port Unreachable"
            : "Destination Host Unreachable";
        errors.push(why);
        yield* context.out(`From ${place.network.sourceFor(address)} icmp_seq=${sent} ${why}\n`);
      }
    }
    const isLast = sent >= count;
    const wait = isLast ? (journey.disposition === "delivered" ? 0 : patience) : interval;
    if (wait > 0 && !isStopped)
      yield* within(
        clock,
        Math.min(wait, deadline - clock.now()),
        (function* (): Act<void> {
          while (!isStopped) yield stopping.wait;
        })(),
      );
  }
  const lost = sent === 0 ? 0 : (100 * (sent - times.length)) / sent;
  const ms = clock.now() - began;
  const some = errors.length > 0 ? `, +${errors.length} errors` : "";
  yield* context.out(
    `\n--- ${target} ping statistics ---\n${sent} packets transmitted, ${times.length} received${some}, ${Number(lost.toFixed(4))}% packet loss, time ${ms}ms\n`,
  );
  if (times.length > 0) {
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const spread = Math.sqrt(
      Math.max(0, times.reduce((sum, time) => sum + time * time, 0) / times.length - mean * mean),
    );
    const all = [Math.min(...times), mean, Math.max(...times), spread].map((time) =>
      time.toFixed(3),
    );
    yield* context.out(`rtt min/avg/max/mdev = ${all.join("/")} ms\n`);
  } else yield* context.out("\n");
  return times.length > 0 ? 0 : 1;
}

/** What a ping takes: the more places it passes, the longer. Milliseconds, drawn. */
const roundTrip = (hops: number, random: () => number): number =>
  Number((0.02 + 0.03 * hops * (0.7 + 0.6 * random())).toFixed(3));

// ---- nc

function* nc(context: Context): Act<number> {
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

// ---- wget

function* wget(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "qO:T:t:SscvU:P:Y:",
    long: {
      "output-document": "O:",
      quiet: "q",
      timeout: "T:",
      tries: "t:",
      spider: "spider",
      "server-response": "S",
      header: "header:",
      "post-data": "post:",
      "user-agent": "U:",
      "no-check-certificate": "n",
      "no-verbose": "q",
    },
  });
  const { place } = context;
  const { clock } = place.acts;
  const isQuiet = flags.has("q");
  const patience = 1000 * Number(flags.get("T") ?? 900);
  if (words.length === 0) return yield* refuse(context, 1, "missing URL");
  for (const word of words) {
    let url = /^[a-z]+:\/\//.test(word) ? word : `http://${word}`;
    for (let redirects = 5; ; redirects--) {
      if (!URL.canParse(url)) return yield* refuse(context, 1, `bad address '${word}'`);
      const { protocol, hostname, port, host: name, pathname, search } = new URL(url);
      if (protocol !== "http:") return yield* refuse(context, 1, `not an http or ftp url: ${url}`);
      const host = hostname.replace(/^\[|\]$/g, "");
      const found = yield* resolved(context, host);
      if ("unknown" in found)
        return yield* refuse(context, 1, `bad address '${name}': ${found.unknown}`);
      if (!Array.isArray(found) || found.length === 0)
        return yield* refuse(context, 1, `bad address '${name}'`);
      const address = found[0]!;
      const number = port === "" ? 80 : Number(port);
      if (!isQuiet) yield* context.err(`Connecting to ${name} (${endpoint(address, number)})\n`);
      const connecting = place.network.connect(
        { address, port: number },
        { url, host: name, path: pathname + search },
      );
      const opened = yield* within(clock, patience, connecting);
      if (opened === undefined) return yield* refuse(context, 1, "download timed out");
      if ("failed" in opened) {
        const why =
          opened.failed === "unknown" ? `not modelled: ${opened.why}` : refusals[opened.failed];
        return yield* refuse(context, 1, `can't connect to remote host (${address}): ${why}`);
      }
      const body = flags.get("post");
      const own = flags.get("header");
      const at = own?.indexOf(":") ?? -1;
      const headers = [
        ["Host", name],
        ["User-Agent", flags.get("U") ?? "Wget"],
        ["Connection", "close"],
        ...(own !== undefined && at > 0
          ? [[own.slice(0, at), own.slice(at + 1).trim()] as const]
          : []),
        ...(body === undefined ? [] : [["Content-Length", String(body.length)] as const]),
      ] as const;
      const method = flags.has("spider") ? "HEAD" : body === undefined ? "GET" : "POST";
      yield* opened.send(
        messageText(`${method} ${pathname}${search} HTTP/1.1`, headers, body ?? ""),
      );
      const reader = new MessageReader(opened.input);
      const head = yield* within(clock, patience, reader.head());
      if (head === undefined || head === "broken") {
        opened.close();
        return yield* refuse(context, 1, "error getting response");
      }
      if (flags.has("S"))
        for (const line of head.text.trimEnd().split(/\r?\n/)) yield* context.err(`  ${line}\n`);
      const code = Number(/^HTTP\/\S+ (\d+)/.exec(head.first)?.[1]);
      const location = headerOf(head.headers, "location");
      if (code >= 300 && code < 400 && location !== undefined && redirects > 0) {
        opened.close();
        url = new URL(location, url).href;
        continue;
      }
      if (code >= 400) {
        opened.close();
        return yield* refuse(context, 1, `server returned error: ${head.first}`);
      }
      if (flags.has("spider")) {
        if (!isQuiet) yield* context.err("remote file exists\n");
        opened.close();
        break;
      }
      const answer = (yield* reader.body(head, true)) ?? "";
      opened.close();
      const file = flags.get("O") ?? (pathname.split("/").at(-1) || "index.html");
      if (file === "-") {
        if (!isQuiet) yield* context.err(`writing to stdout\n${progressLine(file, answer.length)}`);
        yield* context.out(answer);
        if (!isQuiet) yield* context.err("written to stdout\n");
      } else {
        if (!isQuiet) yield* context.err(`saving to '${file}'\n`);
        try {
          place.files.write(context.path(file), answer);
        } catch (error) {
          if (!(error instanceof FileError)) throw error;
          return yield* refuse(context, 1, `can't open '${file}': ${error.message}`);
        }
        if (!isQuiet) yield* context.err(`${progressLine(file, answer.length)}'${file}' saved\n`);
      }
      break;
    }
  }
  return 0;
}

/** busybox's bar, once all is there. (libbb/progress.c) */
const progressLine = (file: string, size: number): string =>
  `${file.slice(0, 20).padEnd(20)} 100% |${"*".repeat(32)}| ${String(size).padStart(5)}  0:00:00 ETA\n`;

export const reach: Readonly<Record<string, Command>> = {
  ping,
  ping6: ping,
  nc,
  netcat: nc,
  ncat: nc,
  wget,
};
