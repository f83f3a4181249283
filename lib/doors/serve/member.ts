import * as http from "node:http";
import * as https from "node:https";
import { TLSSocket } from "node:tls";
import { authorization, type Asked, type Failure, type Remote, type Reply } from "./remote.js";

export type OnLine = (line: string, status: number) => void;

// Milliseconds. An idle connection is given up before the server may do so (Node.js' own servers
// after 5 s): else a request could meet its end, and nobody knows whether it was processed.
const IDLE_MS = 3_000;

/** Why a request has no answer; `unknown`: it may have been processed all the same. */
export class NoAnswer extends Error implements Failure {
  constructor(
    readonly failure: string,
    readonly unknown: boolean,
  ) {
    super(failure);
  }
}

/** One address of a server. */
export class Member {
  /** Nothing at all is heard from it: it is not asked until it says something. */
  silent = false;
  readonly #agent: http.Agent;
  readonly #request: typeof http.request;

  constructor(
    readonly url: string,
    private readonly remote: Remote,
  ) {
    const { ca, cert, key, serverName, insecureSkipTLSVerify } = remote;
    const secure = new URL(url).protocol === "https:";
    this.#request = secure ? https.request : http.request;
    const idle = { keepAlive: true, timeout: IDLE_MS };
    this.#agent = secure
      ? new https.Agent({
          ...idle,
          ...(ca !== undefined && { ca }),
          ...(cert !== undefined && { cert }),
          ...(key !== undefined && { key }),
          ...(serverName !== undefined && { servername: serverName }),
          rejectUnauthorized: !insecureSkipTLSVerify,
        })
      : new http.Agent(idle);
  }

  /** The whole answer. @throws NoAnswer */
  async exchange(asked: Asked, signal: AbortSignal): Promise<Reply> {
    const { response, failed } = await this.#send(asked, signal);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch (error) {
      throw failed(error as Error);
    }
    return { status: response.statusCode!, body: Buffer.concat(chunks).toString("utf8") };
  }

  /** An answer that comes line by line, and ends when the server has enough. @throws NoAnswer */
  async lines(asked: Asked, signal: AbortSignal, onLine: OnLine): Promise<void> {
    const { response, failed } = await this.#send(asked, signal);
    const status = response.statusCode!;
    let rest = "";
    response.setEncoding("utf8");
    try {
      for await (const chunk of response) {
        const whole = (rest + (chunk as string)).split("\n");
        rest = whole.pop()!;
        for (const line of whole) if (line) onLine(line, status);
      }
    } catch (error) {
      throw failed(error as Error);
    }
    if (rest) onLine(rest, status);
  }

  /** Whether it answers anything at all. */
  isAlive(path: string, signal: AbortSignal): Promise<boolean> {
    return this.exchange({ method: "GET", path, repeatable: true }, signal).then(
      () => true,
      () => false,
    );
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Resolves when the answer begins. */
  #send(
    { method, path, headers, body }: Asked,
    signal: AbortSignal,
  ): Promise<{ response: http.IncomingMessage; failed: (error: Error) => NoAnswer }> {
    return new Promise((resolve, reject) => {
      let connected = false;
      const failed = (error: Error) => new NoAnswer(reasonOf(error), connected);
      try {
        const sent = this.#request(this.url.replace(/\/+$/, "") + path, {
          method,
          headers: this.#headers(headers, body),
          agent: this.#agent,
          signal,
        });
        sent.on("socket", (socket) => {
          if (!socket.connecting) connected = true;
          else
            socket.once(socket instanceof TLSSocket ? "secureConnect" : "connect", () => {
              connected = true;
            });
        });
        sent.on("response", (response) => resolve({ response, failed }));
        sent.on("error", (error) => reject(failed(error)));
        sent.end(body);
      } catch (error) {
        reject(failed(error as Error)); // a header that cannot be sent, a token that cannot be read
      }
    });
  }

  #headers(headers: Asked["headers"], body: string | undefined): http.OutgoingHttpHeaders {
    const credentials = authorization(this.remote);
    return {
      ...headers,
      ...(credentials !== undefined && { Authorization: credentials }),
      ...(body !== undefined && { "Content-Length": Buffer.byteLength(body) }),
    };
  }
}

/** A host with several addresses fails with one error for each of them. */
const reasonOf = (error: Error): string =>
  error instanceof AggregateError
    ? error.errors.map((one: Error) => one.message).join(", ")
    : error.message.trim();
