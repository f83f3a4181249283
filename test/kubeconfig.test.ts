/** The client for an API server elsewhere: https, credentials, kubeconfigs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HttpClient } from "stopover/internal/doors/serve/http-client";
import { fromKubeconfig } from "stopover/internal/doors/serve/kubeconfig";
import { RealClock } from "stopover/internal/machinery/real-clock";
import { refusal } from "./apiserver-harness.js";
import { authority } from "./certificates.js";
import { oddServer } from "./odd-server.js";

const SECRET = "t0ps3cr3t";
const test = suite("kubeconfig");
const ca = authority("Test CA");
const stranger = authority("Another CA");
const server = ca.issue("api.test", [[127, 0, 0, 1]]);
const elsewhere = ca.issue("elsewhere.test");
const me = ca.issue("me");

const folder = mkdtempSync(join(tmpdir(), "stopover-kubeconfig-"));
mkdirSync(join(folder, "pki"));
const inFolder = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return name;
};
const base64 = (text: string) => Buffer.from(text).toString("base64");

/** A kubeconfig of one cluster and one user, as JSON, which is YAML. */
function kubeconfig(cluster: object, user?: object): string {
  const text = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "one",
    contexts: [
      { name: "one", context: { cluster: "c", ...(user && { user: "u" }) } },
      { name: "two", context: { cluster: "gone", user: "u" } },
    ],
    clusters: [{ name: "c", cluster }],
    ...(user && { users: [{ name: "u", user }] }),
  });
  return join(folder, inFolder("config", text));
}

/** What the server hears of a client that reads this kubeconfig. */
function heard(path: string): Record<string, string> {
  const client = new HttpClient({
    ...fromKubeconfig(path),
    who: "test",
    clock: new RealClock(),
  });
  try {
    assert.not.match(inspect(client, { depth: 9, showHidden: true }), SECRET);
    const { headers } = client.get("Service", "a") as unknown as {
      headers: Record<string, string>;
    };
    return headers;
  } finally {
    client.close();
  }
}

const files = {
  ca: inFolder("pki/ca.crt", ca.cert),
  cert: inFolder("pki/me.crt", me.cert),
  key: inFolder("pki/me.key", me.key),
  token: inFolder("token", `${SECRET}\n`),
};

test("a server's certificate must be by a CA that is trusted, for the name that is asked for", async () => {
  const [good, other] = await Promise.all([
    oddServer("echo", server),
    oddServer("echo", elsewhere),
  ]);
  const fine: [string, object][] = [
    ["CA inline", { server: good.url, "certificate-authority-data": base64(ca.cert) }],
    ["CA in a file beside it", { server: good.url, "certificate-authority": files.ca }],
    ["anybody", { server: good.url, "insecure-skip-tls-verify": true }],
    [
      "another name",
      {
        server: other.url,
        "certificate-authority-data": base64(ca.cert),
        "tls-server-name": "elsewhere.test",
      },
    ],
  ];
  for (const [what, cluster] of fine) assert.ok(heard(kubeconfig(cluster))["host"], what);
  const refused: [string, object, RegExp][] = [
    ["no CA", { server: good.url }, /unable to verify|issuer certificate/],
    [
      "another CA",
      { server: good.url, "certificate-authority-data": base64(stranger.cert) },
      /unable to verify|issuer certificate|signature failure/,
    ],
    [
      "a certificate for somebody else",
      { server: other.url, "certificate-authority-data": base64(ca.cert) },
      /does not match certificate/,
    ],
    ["no TLS", { server: good.url.replace("https", "http") }, /socket hang up|ECONNRESET/],
  ];
  for (const [what, cluster, why] of refused) {
    const error = refusal(() => heard(kubeconfig(cluster, { token: SECRET })));
    assert.is(error.code, 503, what);
    assert.match(error.message, why, what);
    assert.not.match(error.message, SECRET);
  }
  await Promise.all([good.end(), other.end()]);
});

test("a client says who it is by a token, a file with one, a password or a certificate", async () => {
  const cluster = { "certificate-authority-data": base64(ca.cert) };
  const open = await oddServer("echo", server);
  const strict = await oddServer("echo", { ...server, ca: ca.cert, requestCert: true });
  const asks = (user: object, { url } = open) =>
    heard(kubeconfig({ ...cluster, server: url }, user))["authorization"];
  assert.is(asks({ token: SECRET }), `Bearer ${SECRET}`);
  assert.is(asks({ tokenFile: files.token }), `Bearer ${SECRET}`);
  assert.is(asks({ tokenFile: files.token, token: "older" }), `Bearer ${SECRET}`);
  assert.is(asks({ username: "me", password: SECRET }), `Basic ${base64(`me:${SECRET}`)}`);
  assert.is(asks({}), undefined);
  const inline = {
    "client-certificate-data": base64(me.cert),
    "client-key-data": base64(me.key),
  };
  const inFiles = { "client-certificate": files.cert, "client-key": files.key };
  for (const user of [inline, inFiles, { ...inFiles, ...inline }])
    assert.is(asks(user, strict), undefined);
  assert.is(refusal(() => asks({}, strict)).code, 503);
  await Promise.all([open.end(), strict.end()]);
});

test("a token's file is read again, since tokens end", async () => {
  const echo = await oddServer("echo");
  const file = join(folder, inFolder("rotating", "first"));
  const client = new HttpClient({
    ...fromKubeconfig(kubeconfig({ server: echo.url }, { tokenFile: "rotating" })),
    who: "test",
    clock: new RealClock(),
  });
  const sent = () =>
    (client.get("Service", "a") as unknown as { headers: Record<string, string> }).headers[
      "authorization"
    ];
  assert.is(sent(), "Bearer first");
  writeFileSync(file, "second\n");
  assert.is(sent(), "Bearer second");
  rmSync(file);
  assert.match(refusal(sent).message, /ENOENT/);
  client.close();
  await echo.end();
});

const url = "https://127.0.0.1:6443";
const complaints: [string, () => string, string | undefined, RegExp][] = [
  ["no file", () => join(folder, "missing"), undefined, /missing cannot be read: ENOENT/],
  [
    "no context of that name",
    () => kubeconfig({ server: url }),
    "three",
    /contexts has no "three"; there are one, two/,
  ],
  [
    "a context whose cluster is not there",
    () => kubeconfig({ server: url }, {}),
    "two",
    /clusters has no "gone"; there are c/,
  ],
  ["no server", () => kubeconfig({}), undefined, /clusters\[c\]\.server is missing/],
  [
    "a plugin",
    () => kubeconfig({ server: url }, { exec: { command: "aws" } }),
    undefined,
    /users\[u\]\.exec is set, and it asks for a program to be run; give a token/,
  ],
  [
    "somebody else's name",
    () => kubeconfig({ server: url }, { as: "admin", token: SECRET }),
    undefined,
    /users\[u\]\.as is set, and impersonation is not supported/,
  ],
  [
    "a certificate without its key",
    () => kubeconfig({ server: url }, { "client-certificate": files.cert, token: SECRET }),
    undefined,
    /users\[u\] has a client-certificate or a client-key without the other/,
  ],
  [
    "data that is no PEM",
    () => kubeconfig({ server: url, "certificate-authority-data": SECRET }),
    undefined,
    /certificate-authority-data is not the base64 of a PEM text/,
  ],
  [
    "trust in all and in one",
    () =>
      kubeconfig({
        server: url,
        "insecure-skip-tls-verify": true,
        "certificate-authority": files.ca,
      }),
    undefined,
    /insecure-skip-tls-verify is true although there is a certificate-authority/,
  ],
  [
    "a token that is a number",
    () => kubeconfig({ server: url }, { token: 17 }),
    undefined,
    /users\[u\]\.token is no text/,
  ],
  [
    "no YAML",
    () => join(folder, inFolder("broken", `users:\n- user: {token: ${SECRET}\n  x\n`)),
    undefined,
    /broken: line \d+ is no YAML: /,
  ],
  ["no object", () => join(folder, inFolder("list", "[]")), undefined, /list: is no kubeconfig/],
  [
    "another kind",
    () => join(folder, inFolder("pod", "kind: Pod")),
    undefined,
    /kind is "Pod"; "Config" is needed/,
  ],
  [
    "an empty one",
    () => join(folder, inFolder("empty", "{}")),
    undefined,
    /current-context is not set; there are none/,
  ],
];
for (const [what, path, context, why] of complaints)
  test(`${what} is refused in one sentence`, () => {
    assert.throws(
      () => fromKubeconfig(path(), context),
      (error: Error) =>
        why.test(error.message) && !error.message.includes(SECRET) && !error.message.includes("\n"),
    );
  });

test.after(() => rmSync(folder, { recursive: true }));
test.run();
