// Requests that the API server passes on to Pods, Services and nodes: over HTTP to a server of this
// process, and from there as packets of a cluster in virtual time.
import { request as ask } from "node:http";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createCluster, images } from "stopover";
import type { Status } from "stopover/internal/api/client";
import { serve, type Serving } from "stopover/internal/doors/serve/http";
import { kubeletsOf } from "stopover/internal/doors/serve/kubelets";
import type { Passage } from "stopover/internal/doors/serve/passage";
import { withLinks } from "stopover/internal/doors/serve/proxied-links";

const test = suite("proxied");
const cluster = createCluster({ nodes: 2 });
let serving: Serving;
let moves: NodeJS.Timeout;

const pod = (name: string, image: string, more = {}, labels = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels },
  spec: { containers: [{ name: "it", image, ...more }] },
});
const service = (name: string, ports: object[], selector: object) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector, ports },
});

test.before(async () => {
  // tells what it is asked, and answers with the headers and the body that it is asked for
  images.add("mirror:1", (request) => {
    const { query } = request;
    const said = JSON.stringify({ ...request, query: undefined, client: request.client.address });
    return {
      status: Number(query.get("status") ?? 200),
      headers: query
        .getAll("header")
        .map((one) => one.split(/=(.*)/s).slice(0, 2) as [string, string]),
      body: query.get("body") ?? said,
    };
  });
  for (const object of [
    pod("mirror", "mirror:1", { ports: [{ containerPort: 8080 }] }, { app: "mirror" }),
    pod("idle", "busybox", { command: ["sleep", "1000"] }, { app: "idle" }),
    pod("lost", "mirror:1", {}, { app: "mirror" }),
    service("web", [{ name: "http", port: 80, targetPort: 8080 }], { app: "mirror" }),
    service("none", [{ port: 80 }], { app: "nobody" }),
  ])
    cluster.apply(object);
  cluster.settle();
  // of a Service, and not one of the Pods that are there any more
  cluster.delete("Pod", "lost");
  cluster.settle();
  const kubelets = kubeletsOf(cluster);
  serving = await serve({ apiserver: cluster.apiserver, kubelets, port: 0 });
  moves = setInterval(() => cluster.settle(), 2);
});
test.after(async () => {
  clearInterval(moves);
  images.remove("mirror:1");
  await serving.close();
});

interface Answer {
  code: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** `path`: below /api/v1/namespaces/default, or from the root on. */
function asked(
  path: string,
  {
    method = "GET",
    headers = {},
    body = "",
  }: { method?: string; headers?: object; body?: string } = {},
): Promise<Answer> {
  const whole = path.startsWith("/") ? path : `/api/v1/namespaces/default/${path}`;
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(serving.url);
    const options = { hostname, port, path: whole, method, headers: { ...headers } };
    const request = ask(options, (response) => {
      let text = "";
      response.setEncoding("latin1").on("data", (chunk) => (text += String(chunk)));
      response.on("end", () =>
        resolve({ code: response.statusCode!, headers: response.headers, text }),
      );
    });
    request.on("error", reject).end(body);
  });
}

const mirrored = async (...args: Parameters<typeof asked>) => {
  const { code, text } = await asked(...args);
  assert.is(code, 200, text);
  return JSON.parse(Buffer.from(text, "latin1").toString()) as {
    method: string;
    target: string;
    headers: [string, string][];
    body: string;
    client: string;
  };
};

for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
  test(`a Pod hears ${method}, what is below the path, and the query`, async () => {
    const { target, method: heard } = await mirrored("pods/mirror/proxy/a/b?x=1&y=2", { method });
    assert.equal([heard, target], [method, "/a/b?x=1&y=2"]);
  });

test("HEAD has the headers of a GET and no body", async () => {
  const { code, text, headers } = await asked("pods/mirror/proxy/?body=hello", { method: "HEAD" });
  assert.equal([code, text, headers["content-length"]], [200, "", "5"]);
});

test("other methods are not passed on", async () => {
  const { code, headers } = await asked("pods/mirror/proxy/", { method: "LOCK" });
  assert.is(code, 405);
  assert.match(String(headers["allow"]), /OPTIONS/);
});

test("a body comes whole, byte by byte", async () => {
  const body = "\u00e9\0\r\n".repeat(20_000);
  const said = await mirrored("pods/mirror/proxy/", { method: "POST", body });
  // (a difference of such texts takes long to print)
  assert.ok(said.body === Buffer.from(body).toString("latin1"));
});

test("who asks, by which name and path, is said in headers; a token is not", async () => {
  const headers = { "user-agent": "me/1", authorization: "Bearer x", "x-own": "1", te: "trailers" };
  const { headers: heard, client } = await mirrored("pods/mirror/proxy/a/", { headers });
  const host = new URL(serving.url).host;
  assert.equal(heard, [
    ["Host", host],
    ["User-Agent", "me/1"],
    ["X-Forwarded-For", "127.0.0.1"],
    ["X-Forwarded-Uri", "/api/v1/namespaces/default/pods/mirror/proxy/a/"],
    ["X-Own", "1"],
  ]);
  assert.is(client, "192.168.0.254", "the packets come from where the API server stands");
});

for (const [path, target] of [
  ["/", "/"],
  ["/a/", "/a/"],
  ["/a//b/./c/../d", "/a/b/d"],
  ["/a%20b%2Fc", "/a%20b/c"],
  ["/%C3%A9(1)", "/%C3%A9%281%29"],
] as const)
  test(`the path ${path} is asked for as ${target}`, async () => {
    assert.is((await mirrored(`pods/mirror/proxy${path}`)).target, target);
  });

test("nothing below the path: a GET is sent to the slash, others go there", async () => {
  const to = "/api/v1/namespaces/default/pods/mirror/proxy/?x=1";
  const { code, headers } = await asked("pods/mirror/proxy?x=1");
  assert.equal([code, headers["location"]], [301, to]);
  assert.is((await mirrored("pods/mirror/proxy?x=1", { method: "PUT" })).target, "/?x=1");
});

for (const name of ["web:http", "web:80", "http:web:http", "http:web:80"])
  test(`a Service is asked for as ${name}`, async () => {
    assert.is((await mirrored(`services/${name}/proxy/x`)).target, "/x");
  });

for (const [says, path, code, message] of [
  [
    "a port that no Service has",
    "services/web:81/proxy/",
    503,
    'no service port 81 found for service "web"',
  ],
  [
    "a port's name that no Service has",
    "services/web:other/proxy/",
    503,
    'no endpoints available for service "web:other"',
  ],
  [
    "a port with a name, asked for without one",
    "services/web/proxy/",
    503,
    'no endpoints available for service "web"',
  ],
  [
    "a Service without endpoints",
    "services/none/proxy/",
    503,
    'no endpoints available for service "none"',
  ],
  ["no such Pod", "pods/nobody/proxy/", 404, 'pods "nobody" not found'],
  ["no such Service", "services/nobody:80/proxy/", 404, 'services "nobody" not found'],
  ["no such node", "/api/v1/nodes/nobody/proxy/", 404, 'nodes "nobody" not found'],
  ["another scheme", "pods/ftp:mirror:80/proxy/", 400, 'invalid pod request "ftp:mirror:80"'],
  [
    "a port where nobody listens",
    "pods/idle:81/proxy/",
    503,
    /^error trying to reach service: dial tcp 10\.1\.\d\.\d+:81: connect: connection refused$/,
  ],
  [
    "https where HTTP is spoken",
    "pods/https:mirror:8080/proxy/",
    503,
    "error trying to reach service: http: server gave HTTP response to HTTPS client",
  ],
  [
    "a port that is none",
    "pods/mirror:70000/proxy/",
    503,
    "error trying to reach service: dial tcp: address 70000: invalid port",
  ],
] as const)
  test(`${says}: ${code}`, async () => {
    const answer = await asked(path);
    const { message: said } = JSON.parse(answer.text) as Status;
    assert.is(answer.code, code);
    if (message instanceof RegExp) assert.match(said!, message);
    else assert.is(said, message);
  });

const through = "/api/v1/namespaces/default/pods/mirror/proxy";

for (const [says, location, seen] of [
  ["from the root", "/next?x=1", `${through}/next?x=1`],
  ["beside it", "next", "next"],
  ["elsewhere", "http://example.com/next", "http://example.com/next"],
  ["to this API server already", `${through}/next`, `${through}/next`],
] as const)
  test(`a redirect ${says} is answered as ${seen}`, async () => {
    const header = encodeURIComponent(`Location=${location}`);
    const { headers } = await asked(`pods/mirror/proxy/a/?status=302&header=${header}`);
    assert.is(headers["location"], seen);
  });

for (const [says, type, html, seen] of [
  ["in HTML", "text/html", '<a href="/x">x</a>', `<a href="${through}/x">x</a>`],
  [
    "of HTML, written otherwise",
    "text/html",
    "<IMG SRC=/x/ alt='a&amp;b'/>",
    `<img src="${through}/x/" alt="a&amp;b"/>`,
  ],
  ["beside it", "text/html", '<a href="x">x</a>', '<a href="x">x</a>'],
  ["in a comment", "text/html", '<!-- <a href="/x"> -->', '<!-- <a href="/x"> -->'],
  [
    "in a script, and its own",
    "text/html",
    `<script src="/s.js">'<a href="/x">'</script>`,
    `<script src="${through}/s.js">'<a href="/x">'</script>`,
  ],
  ["in plain text", "text/plain", '<a href="/x">x</a>', '<a href="/x">x</a>'],
] as const)
  test(`a link ${says}: ${seen}`, async () => {
    const query = new URLSearchParams({ body: html, header: `Content-Type=${type}` });
    const { text } = await asked(`pods/mirror/proxy/a/?${query.toString()}`);
    assert.is(text, seen);
  });

for (const text of ["<a ", '<a x="', "<a x='", "<!--", "<title>", "</script", '<a x="y" '])
  test(`an answer of ${text} again and again is looked through once`, () => {
    const passage = { prefix: "/p", headers: [], to: "10.1.1.2:80" } as unknown as Passage;
    const headers = [["Content-Type", "text/html"]] as const;
    const body = text.repeat(200_000);
    const started = performance.now();
    const answer = withLinks(passage, { status: 200, headers, body });
    assert.ok(performance.now() - started < 5000);
    assert.is(answer.body, body);
  });

test("headers of the connection and of CORS stay behind, others come through", async () => {
  const query = new URLSearchParams([
    ["header", "Access-Control-Allow-Origin=*"],
    ["header", "X-Own=1"],
    ["header", "Keep-Alive=5"],
  ]);
  const { headers } = await asked(`pods/mirror/proxy/a?${query.toString()}`);
  const seen = ["access-control-allow-origin", "x-own"].map((name) => headers[name]);
  assert.equal(seen, [undefined, "1"]);
  assert.is.not(headers["keep-alive"], "5");
});

test("a client that asks for a WebSocket hears what the Pod said instead", async () => {
  const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-protocol": "x" };
  const refused = await asked("pods/mirror/proxy/?status=403&body=no", { headers });
  assert.equal([refused.code, refused.text], [403, "no"]);
  const odd = await asked("pods/mirror/proxy/", { headers });
  assert.is(odd.code, 500);
  assert.match(odd.text, /invalid upgrade response: status code 200/);
});

test("a node's port is asked for at the node's own address", async () => {
  const { port } = await asked("/api/v1/nodes/node-a:81/proxy/").then(({ text }) => ({
    port: (JSON.parse(text) as Status).message!,
  }));
  assert.match(port, /dial tcp 192\.168\.0\.1:81: connect: connection refused$/);
});

test.run();
