/** Images that many manifests name, and what their processes answer. */
import type { Request, Response } from "../shell/network/http.js";
import "./redis/redis.js";
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
