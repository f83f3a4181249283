/**
 * What nobody meant to bring: control characters, enormous values, bombs of anchors, other
 * encodings, archives, pages of the web. Each is read or refused in one line, which names the file,
 * the document and the field, what came and what is allowed, and holds nothing that a terminal
 * obeys.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { read } from "stopover";

const test = suite("hostile input");
const folder = mkdtempSync(join(tmpdir(), "so-hostile-"));
test.after(() => rmSync(folder, { recursive: true }));

const service = (name = "web", port = "80") =>
  `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec:\n  ports:\n  - port: ${port}\n`;
const withField = (field: string) =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: a, ${field}}\nspec: {ports: [{port: 80}]}\n`;
const utf16 = (text: string) => Buffer.from(text, "utf16le");
const bytes = (hex: string) => Buffer.from(hex, "hex");
const long = "y".repeat(10_000);

/** What it is, the file's bytes, and the line; null: it is taken. */
const rows: [what: string, content: string | Buffer, says: RegExp | null][] = [
  [
    "a control character",
    service('"we\\u0007b"'),
    /document 1: Service "we\\u0007b", metadata\.name: Invalid value: "we\\u0007b": a DNS-1035 label/,
  ],
  [
    "letters that turn the line around",
    service('"we\\u202eb"'),
    /Service "we\\u202eb", metadata\.name: Invalid value/,
  ],
  [
    "an escape sequence",
    `apiVersion: v1\nkind: "Ser\\e[31mvice"\nmetadata: {name: a}\n`,
    /kind: got "Ser\\u001b\[31mvice" of "v1"/,
  ],
  [
    "a line that looks like the program's own",
    service('"a\\nstopover: all is well"'),
    /Service "a\\nstopover: all is well", metadata\.name/,
  ],
  [
    "a label of 10,000 letters",
    withField(`labels: {x: "${long}"}`),
    /metadata\.labels: Invalid value: "y{60}… \(10000 characters\)": must be no more than 63 bytes/,
  ],
  [
    "annotations of 300 kB",
    withField(`annotations: {x: "${"y".repeat(300_000)}"}`),
    /metadata\.annotations: Too long: may not be more than 262144 bytes/,
  ],
  [
    "a name of 10,000 letters",
    service(long),
    /metadata\.name: Invalid value: "y{60}… \(10000 characters\)"/,
  ],
  [
    "a kind of 10,000 letters",
    `apiVersion: v1\nkind: ${long}\nmetadata: {name: a}\n`,
    /kind: got "y{60}… \(10000 characters\)" of "v1"/,
  ],
  [
    "500 lists in each other",
    `${service()}x: ${"[".repeat(500)}${"]".repeat(500)}\n`,
    /line 8, column 103: nesting exceeded maxDepth \(100\)/,
  ],
  [
    "5,000 objects in each other, as JSON",
    `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`,
    /nesting exceeded maxDepth \(100\)/,
  ],
  [
    "a bomb of anchors",
    [..."abcdefghij"]
      .map(
        (key, i, all) =>
          `${key}: &${key} [${Array(10)
            .fill(i ? `*${all[i - 1]}` : "x")
            .join(",")}]`,
      )
      .join("\n"),
    /more than 5000000 values once its aliases are written out/,
  ],
  ["an anchor within itself", "a: &a\n  b: *a\n", /document 1: apiVersion: got nothing/],
  ["an alias of nothing", `${service()}x: *nope\n`, /line 8, column 5: unidentified alias "nope"/],
  ["UTF-16, little end first", utf16(`\ufeff${service()}`), null],
  ["UTF-16, big end first", utf16(`\ufeff${service()}`).swap16(), null],
  ["UTF-16 without a mark", utf16(service()), /every other byte is 0, as in UTF-16/],
  [
    "UTF-8 with a mark before each document",
    `\ufeff${service("a")}---\n\ufeff${service("b")}`,
    null,
  ],
  ["Windows' line ends", service().replaceAll("\n", "\r\n"), null],
  ["an old Mac's line ends", service().replaceAll("\n", "\r"), null],
  [
    "tabs",
    service().replaceAll("  ", "\t"),
    /line 4, column 1: tab characters must not be used in indentation/,
  ],
  [
    "spaces of a web page",
    service().replace("  ports", "\u00a0\u00a0ports"),
    /unknown field; it has a character that looks like a space/,
  ],
  [
    "a space without width",
    service().replace("ports", "po\u200brts"),
    /spec\.po\\u200brts: unknown field; it has a character that looks like/,
  ],
  [
    "a picture",
    bytes("89504e470d0a1a0a0000000d49484452"),
    /this is a picture \(PNG\), and no text/,
  ],
  ["a gzip archive", bytes("1f8b0800000000000003"), /this is a gzip archive/],
  ["a zip archive", bytes("504b0304140000000800"), /this is a zip archive/],
  ["a byte that is 0", service("a\0b"), /a byte is 0, and no text has one/],
  [
    "a port of infinity",
    service("a", ".inf"),
    /spec\.ports\[0\]\.port: got the number Infinity; a whole number \(32 bits\) is needed/,
  ],
  [
    "a port in quotes",
    service("a", '"80"'),
    /spec\.ports\[0\]\.port: got the text "80"; a whole number/,
  ],
  [
    "a port and a half",
    service("a", "80.5"),
    /spec\.ports\[0\]\.port: got the number 80\.5; a whole number/,
  ],
  [
    "a port below nothing",
    service("a", "-1"),
    /spec\.ports\[0\]\.port: Invalid value: -1: must be between 1 and 65535/,
  ],
  [
    "ports that are no list",
    service().replace("  - port", "    port"),
    /spec\.ports: got an object; a list of objects is needed; write a dash/,
  ],
  [
    "a field of every object's",
    `{"apiVersion":"v1","kind":"Service","metadata":{"name":"a","__proto__":{"x":1}}}`,
    /metadata\.__proto__: unknown field/,
  ],
  [
    "a name that is a number",
    service("1234"),
    /metadata\.name: got the number 1234; a text \(in quotes where/,
  ],
  [
    "a label that is a number",
    withField("labels: {version: 1.0}"),
    /metadata\.labels\.version: got the number 1; a text/,
  ],
  [
    "metadata that is a text",
    "apiVersion: v1\nkind: Service\nmetadata: web\n",
    /metadata: got the text "web"; an object \(name, generateName/,
  ],
  [
    "a List of nothing",
    "apiVersion: v1\nkind: List\nitems: null\n",
    /items: got nothing; a List holds a list of objects/,
  ],
  [
    "a List of a text",
    "apiVersion: v1\nkind: List\nitems: [a]\n",
    /items\[0\]: got the text "a"; an object is needed/,
  ],
  [
    "a list in brackets",
    `[${JSON.stringify({ apiVersion: "v1", kind: "Service" })}]`,
    /got a list; it holds manifests: as a List/,
  ],
  [
    "another program's type",
    "!!python/object:os.system [ls]\n",
    /line 1, column 1: unknown sequence tag/,
  ],
  [
    "a misspelt kind",
    service().replace("Service", "Servcie"),
    /kind: got "Servcie" of "v1", which Kubernetes does not know; did you mean "Service"\?$/,
  ],
  ["a kind's plural", service().replace("Service", "services"), /did you mean "Service"\?$/],
  ["a kind's short name", service().replace("Service", "deploy"), /did you mean "Deployment"\?$/],
  [
    "a kind that is like no other",
    service().replace("Service", "Frobnicator"),
    /which Kubernetes does not know; kubectl api-resources lists the kinds of a cluster$/,
  ],
  [
    "a kind of another group",
    service().replace("Service", "Ingress"),
    /apiVersion: got "v1"; for an Ingress it is "networking\.k8s\.io\/v1"$/,
  ],
  ["a template", service("{{ .Release.Name }}"), /line 4 is a Helm template's, and no manifest/],
  [
    "kubectl describe",
    "Name:   web\nNamespace:  default\n",
    /this is what kubectl describe prints for people/,
  ],
  [
    "kubectl get",
    "NAME   TYPE        CLUSTER-IP\nweb    ClusterIP   10.0.0.1\n",
    /this is the table that kubectl get prints for people/,
  ],
  [
    "an error of kubectl's",
    'Error from server (NotFound): services "web" not found\n',
    /this is what kubectl said when it failed/,
  ],
  [
    "rules",
    "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n",
    /these are a node's rules: stopover packet --rules/,
  ],
  [
    "rules as nft prints them in JSON",
    '{ "nftables": [{ "metainfo": { "version": "1.0.6" } }] }\n',
    /this is a node's nft ruleset: stopover packet --rules/,
  ],
  [
    "a page of the web",
    "<!DOCTYPE html><html><body>404: Not Found</body></html>\n",
    /this is a web page/,
  ],
  [
    "a difference of files",
    "--- a/x.yaml\n+++ b/x.yaml\n@@ -1 +1 @@\n-kind: Service\n+kind: Pod\n",
    /this is a difference of two files/,
  ],
  ["Markdown", `\`\`\`yaml\n${service()}\`\`\`\n`, /this is a Markdown text/],
  ["Docker Compose", "services:\n  web:\n    image: nginx\n", /this is a file of Docker Compose/],
];

// eslint-disable-next-line no-control-regex -- what a terminal obeys
const obeyed = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e]/;

for (const [i, [what, content, says]] of rows.entries())
  test(what, () => {
    const file = join(folder, `${i}.yaml`);
    writeFileSync(file, content);
    const { manifests, notices = [] } = read(file, { partial: true });
    if (says === null) {
      assert.equal(notices, []);
      assert.ok(manifests.length > 0);
      return;
    }
    assert.is(manifests.length, 0);
    assert.is(notices.length, 1);
    const { text, what: became } = notices[0]!;
    assert.is(became, "refused");
    assert.ok(text.startsWith(file), text);
    assert.match(text, says);
    assert.not.match(text, obeyed);
    assert.ok(text.length < 800, `${text.length} characters`);
  });

test.run();
