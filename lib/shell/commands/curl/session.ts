/** One run of curl: requests, redirects, retries, what is shown of them. */
import { sleep as pause, within, type Act } from "../../../machinery/act.js";
import { FileError } from "../../files.js";
import type { Connection } from "../../network/connection.js";
import { headerOf, type Head } from "../../network/http.js";
import type { Context } from "../../place.js";
import { Connections, type Kept } from "./connections.js";
import type { Wish } from "./options.js";
import { requestFor, type CurlRequest } from "./request.js";
import { CurlError, targetOf, type Target } from "./target.js";
import { writtenOut, type Info } from "./write-out.js";

export class Session {
  readonly #connections: Connections;

  constructor(
    private readonly context: Context,
    private readonly wish: Wish,
  ) {
    this.#connections = new Connections(context, wish, (text) => this.#say(text));
  }

  get #clock() {
    return this.context.place.acts.clock;
  }

  close(): void {
    this.#connections.close();
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
          yield* this.#say(
            `* ${error.message}\n* Closing connection ${this.#connections.count++}\n`,
          );
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
      if (!this.#isAway(info) || !wish.flags.has("location")) return;
      if (left === 0) throw new CurlError(47, `Maximum (${wish.mostRedirects}) redirects followed`);
      const location = headerOf(head.headers, "location")!;
      url = new URL(location, `${target.scheme}://${target.name}${target.path}`).href;
      info.url = url;
    }
  }

  *#exchange(target: Target, info: Info): Act<Head> {
    const { wish } = this;
    const kept = yield* this.#connections.to(target, info);
    info.connection = kept.connection;
    const request = requestFor(wish, target);
    yield* this.#send(kept.connection, request);
    const head = yield* this.#headOf(kept, target);
    info.code = /^HTTP\/\S+ (\d{3})/.exec(head.first)?.[1] ?? "000";
    info.head = head;
    if (wish.flags.has("verbose")) yield* this.#say(marked("<", head.text));
    const hasFailed = Number(info.code) >= 400;
    const error = `The requested URL returned error: ${info.code}`;
    if (hasFailed && wish.flags.has("fail")) throw new CurlError(22, error);
    const hasNone = request.method === "HEAD" || /^(1\d\d|204|304)$/.test(info.code);
    const isClosing =
      /close/i.test(headerOf(head.headers, "connection") ?? "") || /^HTTP\/1\.0/.test(head.first);
    const isOpenEnded = isClosing || headerOf(head.headers, "content-length") === undefined;
    const answer = hasNone ? "" : yield* kept.reader.body(head, isOpenEnded);
    if (answer === undefined)
      throw new CurlError(18, "transfer closed with outstanding read data remaining");
    info.size = answer.length;
    if (answer !== "") yield* this.#say(this.#progress("{", answer.length));
    const shown = wish.flags.has("include") || wish.flags.has("head") ? head.text : "";
    const isAway = wish.flags.has("location") && this.#isAway(info);
    // what is no terminal's is written when all is there
    const { isTerminal } = this.context.process.fds.get(1) ?? {};
    const output = this.#output(shown + (isAway ? "" : answer), target);
    if (isTerminal) yield* output;
    yield* this.#leave(kept, target, isClosing);
    if (!isTerminal) yield* output;
    if (hasFailed && wish.flags.has("fail-with-body")) throw new CurlError(22, error);
    return head;
  }

  *#send(connection: Connection, { head, body }: CurlRequest): Act<void> {
    if (this.wish.flags.has("verbose")) yield* this.#say(marked(">", head));
    if (!(yield* connection.send(head + (body ?? ""))))
      throw connection.wasReset
        ? new CurlError(56, "Recv failure: Connection reset by peer")
        : new CurlError(28, "Send failure: Connection timed out");
    if (body !== undefined) yield* this.#say(this.#progress("}", body.length));
  }

  *#headOf({ connection, reader }: Kept, target: Target): Act<Head> {
    const head = yield* reader.head();
    if (head === undefined) {
      if (connection.wasReset) throw new CurlError(56, "Recv failure: Connection reset by peer");
      this.#connections.forget(target);
      throw new CurlError(52, "Empty reply from server");
    }
    if (head === "broken" || !/^HTTP\/\d/.test(head.first)) {
      yield* this.#say("* Received HTTP/0.9 when not allowed\n");
      throw new CurlError(1, "Received HTTP/0.9 when not allowed");
    }
    return head;
  }

  /** Whether the answer says that what is asked for is elsewhere. */
  #isAway({ code, head }: Info): boolean {
    return /^30[12378]$/.test(code) && headerOf(head?.headers ?? [], "location") !== undefined;
  }

  *#leave({ connection, number }: Kept, target: Target, isClosing: boolean): Act<void> {
    if (!isClosing)
      return yield* this.#say(`* Connection #${number} to host ${target.host} left intact\n`);
    yield* this.#say(`* Closing connection ${number}\n`);
    connection.close();
    this.#connections.forget(target);
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

  *#writeOut(info: Info): Act<void> {
    const { writeOut } = this.wish;
    if (writeOut === undefined) return;
    const now = this.#clock.now();
    yield* this.context.out(writtenOut(writeOut, info, now, this.#connections.count));
  }
}

/** Each line of a head behind a sign, as -v shows it. */
const marked = (sign: ">" | "<", text: string): string =>
  `${text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => `${sign} ${line}\r\n`)
    .join("")}${sign} \r\n`;
