/** wget. (busybox, networking/wget.c) */
import { type Act, within } from "../../machinery/act.js";
import { endpoint } from "../../net/ip.js";
import { FileError } from "../files.js";
import { headerOf, MessageReader, messageText } from "../network/http.js";
import { refusals } from "../network/refusals.js";
import type { Context } from "../place.js";
import { optionsOf, refuse } from "./common.js";
import { resolved } from "./names.js";

export function* wget(context: Context): Act<number> {
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
