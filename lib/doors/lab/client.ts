/**
 * The client's process, run in its namespace: asks the DNS server for a name, sends one HTTP
 * request, prints what came of it. Its only argument is a Question, as JSON.
 */
import { Resolver } from "node:dns/promises";
import { request } from "node:http";
import { pathToFileURL } from "node:url";

export interface Question {
  url: string;
  server: string;
  /** The names to ask for, in this order; an address is not asked for. */
  lookups: readonly string[];
  /** Families that the client has an address of. */
  families: readonly (4 | 6)[];
}

export interface Answer {
  /** What the name resolved to. */
  resolved: string[];
  /** The client's socket: "IP:PORT" as Node writes both. */
  from?: { address: string; port: number } | undefined;
  status?: number;
  body?: string;
  /** Node's code: ENOTFOUND, ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ECONNRESET, … */
  error?: string;
}

/**
 * Milliseconds until the client gives up. Linux sends a lost SYN again after one second, and this
 * client does not wait for more.
 */
const patience = 2500;

async function resolve({ url, server, lookups, families }: Question): Promise<string[]> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  if (/^[\d.]+$|:/.test(host)) return [host];
  const resolver = new Resolver({ timeout: 1000, tries: 2 });
  resolver.setServers([server]);
  for (const name of lookups) {
    const found = (
      await Promise.all(
        families.map((family) =>
          resolver[family === 4 ? "resolve4" : "resolve6"](name).catch(() => []),
        ),
      )
    ).flat();
    if (found.length > 0) return found;
  }
  return [];
}

function ask(url: string, host: string): Promise<Omit<Answer, "resolved">> {
  const { pathname, search, port, host: name } = new URL(url);
  return new Promise((done) => {
    let from: Answer["from"];
    const call = request(
      {
        host,
        port: port || 80,
        path: pathname + search,
        headers: { Host: name },
        agent: false,
        timeout: patience,
      },
      (response) => {
        let body = "";
        response
          .setEncoding("utf8")
          .on("data", (text: string) => (body += text))
          .on("end", () => done({ from, status: response.statusCode!, body }));
      },
    );
    call.on("socket", (socket) =>
      socket.once(
        "connect",
        () => (from = { address: socket.localAddress!, port: socket.localPort! }),
      ),
    );
    call.on("timeout", () => call.destroy(Object.assign(new Error(), { code: "ETIMEDOUT" })));
    call.on("error", (error: NodeJS.ErrnoException) =>
      done({ from, error: error.code ?? error.message }),
    );
    call.end();
  });
}

export async function answer(question: Question): Promise<Answer> {
  const resolved = await resolve(question);
  return {
    resolved,
    ...(resolved.length > 0 ? await ask(question.url, resolved[0]!) : { error: "ENOTFOUND" }),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  process.stdout.write(JSON.stringify(await answer(JSON.parse(process.argv[2]!) as Question)));
