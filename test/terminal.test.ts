/**
 * What came from outside cannot command a terminal: names in a dump, comments in rules, URLs and
 * words of the command line hold every kind of character that could, and no door lets one through.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  ApiError,
  createCluster,
  openRules,
  openSnapshot,
  parse,
  type Journey,
  type KubeObject,
} from "stopover";
import * as diagrams from "@stopover/diagrams";
import { textOf } from "@stopover/diagrams/internal/show";
import { labText } from "stopover/internal/doors/lab/text";
import { journeyText, outcomesText } from "stopover/internal/journey/text";
import { hidden, odd } from "./odd-characters.js";

const command = fileURLToPath(new URL("../../lib/cli.mjs", import.meta.url));

const evil = `x${Object.values(odd).join("y")}z`;

function safe(text: string, what: string): void {
  const found = hidden.exec(text);
  assert.is(found, null, `${what}: ${JSON.stringify(text.slice(found?.index ?? 0).slice(0, 80))}`);
}
/** It is there, escaped, and did not begin a line of its own. */
function shown(text: string, what: string): void {
  safe(text, what);
  assert.match(text, "\\u001b[2J", what);
  assert.not.match(text, /^y/m, what);
}

const name = `w${evil}`;
const node = `n${evil}`;
const selector = { app: "w" };
const items: readonly (KubeObject & Record<string, unknown>)[] = [
  {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: node },
    spec: { podCIDR: "10.1.1.0/24" },
    status: { addresses: [{ type: "InternalIP", address: "192.168.0.1" }] },
  },
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: evil, labels: selector },
    spec: {
      nodeName: node,
      containers: [{ name: evil, image: evil, ports: [{ containerPort: 80 }] }],
    },
    status: { phase: "Running", podIP: "10.1.1.5", podIPs: [{ ip: "10.1.1.5" }] },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: evil },
    spec: {
      type: "NodePort",
      clusterIP: "10.2.1.1",
      clusterIPs: ["10.2.1.1"],
      ipFamilies: ["IPv4"],
      selector,
      ports: [{ name: evil, port: 80, targetPort: 80, nodePort: 30519, protocol: "TCP" }],
    },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace: evil, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: [
      {
        addresses: ["10.1.1.5"],
        conditions: { ready: true },
        nodeName: node,
        targetRef: { kind: "Pod", name, namespace: evil },
      },
    ],
    ports: [{ name: evil, port: 80, protocol: "TCP" }],
  },
];
const dump = JSON.stringify({ apiVersion: "v1", kind: "List", items });
const url = "http://192.168.0.1:30519/";

const cli = suite("the command");
const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [command, ...args], {
    encoding: "utf8",
    input: dump,
    timeout: 60_000, // a server that should have refused would never end
  });
const argument = evil.replaceAll("\0", ""); // none can hold that one
const onStdout: [string, ...string[]][] = [
  ["journey", "--url", url],
  ["journey", "--url", url, "--all"],
  ["journey", "--url", url, "--output", "json"],
  ["journey", "--url", url, "--all", "--output", "json"],
  ["journey", "--url", url, "--output", "mermaid"],
  ["journey", "--url", url, "--all", "--output", "mermaid"],
];
for (const [verb, ...args] of onStdout)
  cli(`${verb} ${args.join(" ")}`, () => {
    const { status, stdout, stderr } = run(verb, "-", "--snapshot", ...args);
    assert.equal([status, stderr], [0, ""]);
    if (args.includes("mermaid")) safe(stdout, stdout);
    else shown(stdout, stdout);
    if (args.includes("json"))
      assert.ok(
        JSON.stringify(JSON.parse(stdout)).includes(JSON.stringify(node)),
        "still the name",
      );
  });
const onStderr: [string, string[], string?][] = [
  ["a command that there is not", [argument]],
  ["an option that there is not", ["journey", `--${argument}`]],
  ["a value that is not allowed", ["journey", "--output", argument]],
  ["a file that there is not", ["journey", argument]],
  ["a client that there is not", ["journey", "-", "--snapshot", "--from", `node/${argument}`]],
  ["the nodes that there are", ["journey", "-", "--snapshot", "--from", "node/nobody"]],
  [
    "an address that is none",
    ["packet", "-", "--snapshot", "--node", "x", "--from", argument, "--to", "10.0.0.1:1"],
  ],
  ["nodes for rules", ["rules", "-", "--snapshot", "--node", "nobody"]],
  ["a manifest to be applied", ["journey", "-"]],
  ["a manifest to be served", ["serve", "-", "--strict", "--port", "0"]],
  ["a store", ["serve", "--store", argument]],
];
for (const [what, args] of onStderr)
  cli(`an error about ${what}`, () => {
    const { status, stdout, stderr } = run(...args);
    assert.equal([status, stdout], [2, ""], stderr);
    shown(stderr, stderr);
    for (const line of stderr.trimEnd().split("\n"))
      assert.match(line, /^stopover: /, "a line for each document, and none of a document's own");
  });
cli("a URL that is none", () => {
  const { status, stdout } = run("journey", "-", "--snapshot", "--url", argument);
  assert.is(status, 1);
  shown(stdout, stdout);
});
cli.run();

const library = suite("the library's texts");
const snapshot = openSnapshot(parse(dump, { as: "dump" }));
const trip = snapshot.request(url);
const all = snapshot.outcomes(url);
const { rules } = snapshot.node(node);

for (const [what, text] of Object.entries({
  "a journey": journeyText(trip),
  outcomes: outcomesText(all),
  "rules to restore": rules.restoreText(),
  "rules as saved": rules.saveText(),
  "a node's rules": rules.text(),
  "a chain's rows": rules
    .of(`${evil}/${name}`)
    .map(({ rule }) => rule)
    .join("\n"),
  steps: diagrams.steps(trip, { reply: true }).text,
  journeys: diagrams.journeys([{ ...trip, reason: evil }]).text,
  objects: diagrams.objects(items).text,
  "a table": diagrams.table([{ [evil]: evil }], { title: evil }).text,
  "a table as HTML": diagrams.table([{ [name]: evil }]).html.replaceAll("<br>", " "),
  "a list of rules": diagrams.ruleList([{ chain: evil, rule: evil }]).text,
  "a chart": diagrams.spread(all, [trip]).text,
  "a lab's report": labText({
    ours: trip,
    observed: {
      kernel: "Linux",
      flows: new Map(),
      answer: {},
      disposition: "delivered",
      pod: name,
    },
    nodes: [],
    remarks: [evil],
    differences: 1,
  } as never),
}))
  library(what, () => shown(text, what));

for (const [what, picture] of Object.entries({
  "a journey": diagrams.journey(trip),
  outcomes: diagrams.outcomes(all),
  topology: diagrams.topology(snapshot, { journey: trip }),
  rules: diagrams.rules(trip),
}))
  library(`a picture's text: ${what}`, () => safe(textOf(picture), what));

library("restored rules hold the names as one comment each, and nothing more", () => {
  const text = rules.restoreText();
  const again = openRules(text);
  assert.ok(again, "it is read back");
  assert.not.match(text, /^(?!-|:|\*|COMMIT$|$)/m);
});
library.run();

const errors = suite("errors");
const cluster = createCluster({ nodes: 1 });
const service = (metadata: KubeObject["metadata"]) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata,
  spec: { ports: [{ port: 80 }] },
});
const thrown: [string, () => unknown][] = [
  ["a name that is not allowed", () => parse(JSON.stringify(service({ name: evil })))],
  [
    "a field that there is not",
    () => parse(JSON.stringify({ ...service({ name: "a" }), [evil]: 1 })),
  ],
  ["a source", () => parse("a: [", { source: evil })],
  ["an object that there is not", () => cluster.as("me").get("Service", evil)],
  ["an object that is not valid", () => cluster.as("me").create(service({ name: evil }))],
  ["a node that there is not", () => snapshot.node(evil)],
  ["a Pod that there is not", () => cluster.pod(evil)],
  ["who asks", () => snapshot.request(url, { from: `node/${evil}` })],
  ["where a packet goes", () => snapshot.packet({ node, from: "10.0.0.1", to: evil })],
  ["the nodes of a dump", () => snapshot.packet({ node: "x", from: "10.0.0.1", to: "10.0.0.1:1" })],
  ["a rule", () => openRules("*nat\n-A PREROUTING --dport x\u001b[2J\u202e -j ACCEPT\nCOMMIT\n")],
  ["a picture of a Service", () => diagrams.topology(snapshot, { service: "nobody" })],
];
for (const [what, act] of thrown)
  errors(what, () => {
    let message = "";
    try {
      act();
    } catch (error) {
      message = (error as Error).message;
      if (error instanceof ApiError)
        for (const { field = "", message: cause = "" } of error.status.details?.causes ?? [])
          safe(field + cause, "a cause");
    }
    shown(message, what);
  });
errors.run();

// The journeys of hostile names are journeys like others.
const whole = suite("a hostile dump");
whole("is traced", () => assert.is((trip satisfies Journey).disposition, "delivered"));
whole.run();
