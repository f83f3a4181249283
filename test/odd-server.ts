/**
 * HTTP servers that misbehave, each in a thread of its own, for clients that hold theirs while they
 * wait.
 */
import { createServer as createHttps, type ServerOptions } from "node:https";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const behaviours = {
  /** An object, at once. */
  well: (_, response) => void response.end('{"kind":"Service","metadata":{"name":"a"}}'),
  /** Takes what comes and says nothing, not even that it lives. */
  silent: () => {},
  /** Lives, and is slow. */
  slow: ({ url }, response) =>
    void setTimeout(() => response.end('{"kind":"Service"}'), url === "/livez" ? 0 : 3_000),
  /** Ends in the middle of an answer. */
  half: (_, response) => {
    response.writeHead(200, { "Content-Length": 100 });
    response.write('{"kind":"Serv');
    setTimeout(() => response.socket!.destroy(), 20);
  },
  /** Ends without an answer. */
  none: ({ socket }) => void socket.destroy(),
  /** A proxy that finds nobody behind it. */
  proxy: (_, response) => void response.writeHead(502).end("<h1>Bad Gateway</h1>"),
  /** No object. */
  text: (_, response) => void response.end("hello"),
  /** As kube-apiserver: null for empty lists, and items that leave their kind to the list. */
  nulls: ({ url = "" }, response) => {
    const slice = { metadata: { name: "a", resourceVersion: "5" }, addressType: "IPv4" };
    const rest = { endpoints: null, ports: null };
    const header = { kind: "EndpointSlice", apiVersion: "discovery.k8s.io/v1" };
    const object = { ...header, ...slice, ...rest };
    const items = url.includes("/pods") ? null : [{ ...slice, ...rest }];
    const answer = url.includes("watch=true")
      ? { type: "MODIFIED", object }
      : /\/(endpointslices|pods)(\?|$)/.test(url)
        ? { kind: "List", metadata: { resourceVersion: "7" }, items }
        : object;
    const text = `${JSON.stringify(answer)}\n`;
    if (url.includes("watch=true")) response.write(text);
    else response.end(text);
  },
  /** What it was sent. */
  echo: ({ headers, url }, response) =>
    void response.end(JSON.stringify({ kind: "Service", metadata: { name: "a" }, headers, url })),
} satisfies Record<string, RequestListener>;

export type Behaviour = keyof typeof behaviours;

export interface OddServer {
  url: string;
  /** "GET /path" of all that came, without what only asks whether it lives. */
  heard(): Promise<string[]>;
  behave(behaviour: Behaviour): void;
  end(): Promise<number>;
}

/** `tls`: the server's key and certificate, and the CA of the clients that it lets in. */
export function oddServer(
  behaviour: Behaviour,
  tls?: { key: string; cert: string; ca?: string; requestCert?: boolean },
): Promise<OddServer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { behaviour, tls } });
    const next = <T>() => new Promise<T>((got) => worker.once("message", got));
    worker.once("error", reject);
    worker.unref(); // a test that failed leaves it running
    void next<number>().then((port) =>
      resolve({
        url: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
        heard: () => {
          const answer = next<string[]>();
          worker.postMessage("heard");
          return answer;
        },
        behave: (other) => worker.postMessage(other),
        end: () => worker.terminate(),
      }),
    );
  });
}

const orders = workerData as { behaviour?: Behaviour; tls?: ServerOptions } | null;
if (!isMainThread && orders?.behaviour) {
  const { tls } = orders;
  let { behaviour } = orders;
  const heard: string[] = [];
  const listener: RequestListener = (request, response) => {
    if (request.url !== "/livez" && request.url !== "/version")
      heard.push(`${request.method} ${request.url}`);
    behaviours[behaviour](request, response);
  };
  const server = tls ? createHttps(tls, listener) : createServer(listener);
  server.listen(0, "127.0.0.1", () =>
    parentPort!.postMessage((server.address() as AddressInfo).port),
  );
  parentPort!.on("message", (said: Behaviour | "heard") => {
    if (said === "heard") parentPort!.postMessage(heard);
    else behaviour = said;
  });
}
