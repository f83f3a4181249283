/** Images that many manifests name, and what their processes answer. */
import type { Act } from "../machinery/act.js";
import type { Listener, Stream } from "../node/socket.js";
import type { Request, Response } from "../shell/network/http.js";
import { know, page, serving } from "./images.js";

const heading = (text: string): string => `<h1>${text}</h1>`;
const notFound = (body: string): Response => ({
  status: 404,
  headers: [["Content-Type", "text/html"]],
  body,
});

know(
  ["nginx", "nginx-unprivileged", "nginx-slim"],
  serving(
    () => (request) =>
      isIndex(request)
        ? page("Welcome to nginx!", heading("Welcome to nginx!"))
        : notFound(
            `<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx/1.27.2</center>\r\n</body>\r\n</html>\r\n`,
          ),
    "nginx/1.27.2",
  ),
);

know(
  ["httpd"],
  serving(
    () => (request) =>
      isIndex(request)
        ? {
            status: 200,
            headers: [["Content-Type", "text/html"]],
            body: "<html><body><h1>It works!</h1></body></html>\n",
          }
        : notFound(
            "<html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n</body></html>\n",
          ),
    "Apache/2.4.62 (Unix)",
  ),
);

const isIndex = ({ path }: Request): boolean => path === "/" || path === "/index.html";

// kubernetes: test/images/nautilus and kitten, files behind agnhost's test-webserver
for (const name of ["nautilus", "kitten"])
  know(
    [name],
    serving(() => ({ path }) => {
      const json = [["Content-Type", "application/json"]] as const;
      return path === "/data.json"
        ? { status: 200, headers: json, body: `{\n  "image": "${name}.jpg"\n}\n` }
        : { status: 404, body: "404 page not found\n" };
    }),
  );

// github.com/GoogleCloudPlatform/kubernetes-engine-samples, hello-app
know(
  ["hello-app"],
  serving(({ hostname }) => () => ({
    status: 200,
    body: `Hello, world!\nVersion: 1.0.0\nHostname: ${hostname}\n`,
  })),
);

// github.com/hashicorp/http-echo
know(
  ["http-echo"],
  serving(({ words }) => {
    const at = words.findIndex((word) => /^-{1,2}text(=|$)/.test(word));
    const text = words[at]?.includes("=") ? words[at].split(/=(.*)/s)[1] : words[at + 1];
    return () => ({ status: 200, body: `${at < 0 ? "hello-world" : (text ?? "")}\n` });
  }),
);

/** What an echo server tells of a request, a line for each thing. */
const told = ({ method, target, headers, body }: Request): string =>
  [
    `${method} ${target} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    "",
    body,
  ].join("\n");

know(
  ["whoami"],
  serving(({ hostname, sandbox }) => (request) => ({
    status: 200,
    body: [
      `Hostname: ${hostname}`,
      "IP: 127.0.0.1",
      ...sandbox.ips.map((ip) => `IP: ${ip}`),
      `RemoteAddr: ${request.client.address}:${request.client.port}`,
      told(request),
    ].join("\n"),
  })),
);

know(
  ["echoserver", "echo-server", "echo"],
  serving(({ hostname }) => (request) => ({
    status: 200,
    body: `Hostname: ${hostname}\nclient_address=${request.client.address}\n\n${told(request)}\n`,
  })),
);

// ---- redis: inline commands and RESP (redis.io/docs/reference/protocol-spec)

const databases = new WeakMap<object, Map<string, string>>();

know(["redis", "valkey"], ({ sandbox, protocol }) => {
  if (protocol !== "TCP") return undefined;
  const data = databases.get(sandbox) ?? new Map<string, string>();
  databases.set(sandbox, data);
  const listener: Listener = { accept: (stream) => redis(data, stream) };
  return listener;
});

function* redis(data: Map<string, string>, { input, output }: Stream): Act<void> {
  let rest = "";
  for (;;) {
    const bytes = yield* input.read();
    if (bytes === "") return;
    rest += bytes;
    for (;;) {
      const taken = commandIn(rest);
      if (!taken) break;
      rest = rest.slice(taken.length);
      if (taken.words.length === 0) continue;
      yield* output.write(redisAnswer(data, taken.words));
      if (taken.words[0]!.toUpperCase() === "QUIT") return;
    }
    if (rest.length > 1_000_000) return;
  }
}

function commandIn(text: string): { words: string[]; length: number } | undefined {
  const line = /^([^\n]*?)\r?\n/.exec(text);
  if (!line) return undefined;
  const count = /^\*(\d+)$/.exec(line[1]!);
  if (!count) return { words: line[1]!.split(/\s+/).filter(Boolean), length: line[0].length };
  let at = line[0].length;
  const words: string[] = [];
  for (let i = 0; i < Number(count[1]); i++) {
    const head = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (!head) return undefined;
    const length = Number(head[1]);
    at += head[0].length;
    if (text.length < at + length + 2) return undefined;
    words.push(text.slice(at, at + length));
    at += length + 2;
  }
  return { words, length: at };
}

const bulk = (text: string | undefined): string =>
  text === undefined ? "$-1\r\n" : `$${text.length}\r\n${text}\r\n`;

function redisAnswer(data: Map<string, string>, words: readonly string[]): string {
  const [name = "", key = "", value = ""] = words;
  const wrongNumber = `-ERR wrong number of arguments for '${name.toLowerCase()}' command\r\n`;
  switch (name.toUpperCase()) {
    case "PING":
      return key === "" ? "+PONG\r\n" : bulk(key);
    case "ECHO":
      return bulk(key);
    case "SET":
      if (words.length < 3) return wrongNumber;
      if (data.size < 10_000) data.set(key, value);
      return "+OK\r\n";
    case "GET":
      return words.length === 2 ? bulk(data.get(key)) : wrongNumber;
    case "DEL":
      return `:${words.slice(1).filter((each) => data.delete(each)).length}\r\n`;
    case "INCR": {
      const next = Number(data.get(key) ?? "0") + 1;
      if (Number.isNaN(next)) return "-ERR value is not an integer or out of range\r\n";
      data.set(key, String(next));
      return `:${next}\r\n`;
    }
    case "QUIT":
      return "+OK\r\n";
    default:
      return `-ERR unknown command '${name}'\r\n`;
  }
}
