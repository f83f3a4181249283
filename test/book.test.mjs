// The living book without a browser: what its scripts weigh, what its pages may do, and what a link
// may carry.

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { deflateSync } from "fflate";
import { read } from "stopover";
import * as clouds from "stopover/clouds";
import * as lab from "stopover/lab";
import * as nftables from "stopover/nftables";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  fragmentOf,
  longestLink,
  mostBytes,
  questionIn,
  questionOf,
} from "../notebooks/kit/book/live/carry-link.mjs";
import {
  bundled,
  later,
  partScript,
  parts,
  quoted,
  terminalScript,
  workerScript,
} from "../notebooks/kit/book/live/bundle.mjs";
import { looksDumped, looksLikeRules, wordsOfThePage } from "../notebooks/kit/book/live/looks.mjs";
import { chapterOf, layout } from "../notebooks/kit/book/page.mjs";
import { chapters, readNotebook } from "../notebooks/kit/ipynb.mjs";
import { notebooksFolder } from "../notebooks/kit/project.mjs";
import { yourCluster } from "../notebooks/kit/book/your-cluster.mjs";

const weight = suite("a page's own code");
const zipped = (/** @type {string | Buffer} */ text) => gzipSync(text, { level: 9 }).length;
const own = (/** @type {string} */ file) =>
  readFileSync(new URL(`../notebooks/kit/book/${file}`, import.meta.url));
for (const entry of ["live.mjs", "your-cluster.mjs"]) {
  weight(`${entry}, the thread and the look have less than 500 kB, zipped`, async () => {
    const scripts = [await bundled(entry), quoted(await workerScript())];
    const all = [...scripts, own("book.js"), own("book.css")].map(zipped);
    const sum = all.reduce((a, b) => a + b);
    assert.ok(sum < 500 * 1024, `${sum} bytes: ${all.join(" + ")}`);
  });
}
for (const part of Object.keys(parts)) {
  const bound = part === "nftables" ? 30 : 10; // its texts are read there, too
  weight(`what few chapters need (${part}) has less than ${bound} kB`, async () => {
    const weighs = zipped(quoted(await partScript(part)));
    assert.ok(weighs < bound * 1024, `${weighs} bytes`);
  });
}
weight("the shell, which comes when it is asked for, has less than 150 kB", async () => {
  assert.equal(Object.keys(later), ["shell"]);
  assert.ok(zipped(quoted(await partScript("shell"))) < 150 * 1024);
});
weight("the terminal, which comes with the first click, has less than 110 kB", async () => {
  assert.ok(zipped(await terminalScript()) < 110 * 1024);
});

/**
 * The thread of a page, as a page has it: what it says goes to `hear`, and `tell` gives it an
 * order.
 */
async function threadOf(/** @type {(report: any) => void} */ hear = () => {}) {
  /** @type {(event: { data: object }) => void} */
  let tell = () => {};
  const thread = createContext({
    ...{ TextDecoder, TextEncoder, URL, Blob, atob, btoa, setTimeout, structuredClone },
    ...{ performance, console: { log() {}, error() {} }, postMessage: hear },
    addEventListener: (/** @type {string} */ _name, /** @type {typeof tell} */ listener) => {
      tell = listener;
    },
  });
  runInContext(`globalThis.self = globalThis; ${await workerScript()}`, thread);
  return { thread, tell: (/** @type {object} */ data) => tell({ data }) };
}

weight("a thread loads its shell when a cell first asks for one, and goes on without", async () => {
  const script = await partScript("shell");
  /** @type {string[]} */
  const said = [];
  /** @type {(ended: string) => void} */
  let done = () => {};
  let given = /** @type {string | undefined} */ (undefined);
  const { tell } = await threadOf((report) => {
    if (report.wants) setTimeout(() => tell({ part: report.wants, script: given }));
    if (report.wants) said.push(`wants ${report.wants}`);
    if (report.output) said.push(report.output.text ?? report.output.error?.message);
    if (report.ended) done(report.ended);
  });
  tell({ files: Object.fromEntries([["a.yaml", "{}"]]) });
  const run = (/** @type {string} */ source) =>
    new Promise((ended) => {
      done = ended;
      tell({ id: 1, source });
    });
  const make = `import { createCluster } from "stopover";
    const cluster = createCluster({ nodes: 1, seed: 1 }); cluster.settle();`;
  assert.is(await run(make), "good");
  const ask = `(await cluster.node("node-a").sh("hostname; cat /etc/hostname | wc -l")).stdout`;
  assert.is(await run(ask), "failed");
  given = script;
  assert.is(await run(ask), "good");
  assert.is(await run(ask), "good");
  const lines = "node-a\n1\n\n";
  assert.equal(said, [
    ...["wants shell", "this copy of the book has no shell"],
    ...["wants shell", lines, lines],
  ]);
});
weight("a thread that goes on with its parts has what the library has", async () => {
  const { thread: page } = await threadOf();
  assert.is(runInContext("globalThis.stopoverParts", page), undefined);
  const mode = `stopoverCore["node/proxy/modes.js"].proxyMode("nftables").mode`;
  assert.throws(() => runInContext(`${mode}()`, page), /nftables comes with the pages that use it/);
  for (const part of Object.keys(parts)) runInContext(await partScript(part), page);
  assert.not.match(runInContext(`String(${mode})`, page), /throw/);
  for (const [part, module] of Object.entries({ clouds, lab, nftables }))
    assert.equal(
      [...runInContext(`Object.keys(stopoverParts.${part})`, page)].sort(),
      Object.keys(module).sort(),
    );
  const manifests = JSON.stringify(read(`${notebooksFolder}/manifests`));
  const options = `{ url: "http://mynginx-app.com:8080/", clouds: ["metallb-l2"] }`;
  const [row] = runInContext(`stopoverParts.clouds.compareClouds(${manifests}, ${options})`, page);
  assert.is(row.clientSeenByPod.join(), "192.168.0.1");
  const judged = runInContext(`stopoverCore["check.js"].verdict("16.4", "no")`, page);
  assert.ok(judged.right, "the checks that it brings are known to the thread's own check");
});
weight("a chapter's page names the parts that its cells need", () => {
  const needed = Object.fromEntries(
    chapters().map((file) => {
      const name = basename(file, ".ipynb");
      const files = { picture: () => "", link: (/** @type {string} */ href) => href };
      return [name.slice(0, 2), chapterOf(name, readNotebook(file), files).parts];
    }),
  );
  assert.equal(
    [needed["08"], needed["12"], needed["16"], needed["17"]],
    [
      ["exercises/08.js"],
      ["lab.js", "exercises/12.js"],
      ["clouds.js", "exercises/16.js"],
      ["nftables.js", "exercises/17.js"],
    ],
  );
  assert.equal(yourCluster.parts, ["nftables.js"]);
  const named = new Set(Object.keys(parts).map((part) => `${part}.js`));
  for (const part of Object.values(needed).flat()) assert.ok(named.has(part ?? ""), part);
});
weight.run();

const rights = suite("a page's rights");
rights("a page asks no network", () => {
  const [, policy] = /Content-Security-Policy" content="([^"]*)"/.exec(
    layout(yourCluster, [yourCluster]),
  ) ?? ["", ""];
  assert.match(policy, /default-src 'none'/);
  assert.not.match(policy, /connect-src|https?:|\*/);
});
rights("a link of the kit's own pages leads nowhere else", () => {
  assert.not.match(layout(yourCluster, [yourCluster]), /(src|href)="(https?:)?\/\//);
});
rights.run();

const looks = suite("what somebody pastes into Your cluster");
looks("a dump is known in each of kubectl's forms, and a manifest is none", () => {
  const pod = { kind: "Pod", status: { podIP: "10.1.1.2", phase: "Running" } };
  for (const dump of [
    JSON.stringify({ items: [pod] }),
    JSON.stringify({ items: [pod] }, null, 2),
    "kind: Pod\nstatus:\n  podIP: 10.1.1.2\n",
    "kind: Pod\nstatus: { phase: Running, podIP: 10.1.1.2 }\n",
    "kind: Node\nstatus:\n  nodeInfo:\n    kubeletVersion: v1.35.0\n",
  ])
    assert.ok(looksDumped(dump), dump);
  for (const file of ["deployment.yaml", "service.yaml"])
    assert.not.ok(looksDumped(readFileSync(join(notebooksFolder, "manifests", file), "utf8")));
  assert.not.ok(looksDumped("valueFrom: { fieldRef: { fieldPath: status.podIP } }"));
});
looks("rules are known, of iptables and of nft, as text and as JSON", () => {
  for (const rules of [
    readFileSync(join(notebooksFolder, "dumps/worker-2.rules"), "utf8"),
    "table ip kube-proxy {\n}\n",
    '{ "nftables": [] }',
  ])
    assert.ok(looksLikeRules(rules), rules.slice(0, 40));
  assert.not.ok(looksLikeRules("kind: ConfigMap\ndata: { a: table }"));
  const carrying = "kind: ConfigMap\ndata:\n  rules.nft: |\n    table ip filter {\n    }\n";
  assert.not.ok(looksLikeRules(carrying));
});
looks("the page names its boxes where the library names an option", () => {
  assert.is(
    wordsOfThePage("no Service is among the objects (1 Pod); say --url"),
    "no Service is among the objects (1 Pod); write a URL into its box",
  );
  assert.throws(
    () => read([join(notebooksFolder, "dumps/worker-2.rules")]),
    (/** @type {Error} */ { message }) =>
      wordsOfThePage(message).endsWith(
        "these are a node's rules: paste them into the box for a node's rules",
      ),
  );
});
looks.run();

const link = suite("a link that carries a question");
const question = {
  files: [{ name: "a.yaml", text: "kind: Service # ünï" }],
  snapshot: true,
  url: "http://x/",
  seed: 7,
};
link("gives back what went in", () => {
  assert.equal(questionIn(fragmentOf(question)), question);
});
link("there is none in other fragments", () => {
  for (const fragment of ["", "#", "#chapter", "#q=", "#q=%%"]) {
    assert.is(questionIn(fragment), undefined, fragment);
  }
});
link("100 kB of rules fit", () => {
  const rules = Array.from({ length: 2000 }, (_, n) => `-A KUBE-SVC -d 10.2.${n >> 8}.${n & 255}`);
  const fragment = fragmentOf({ files: [], rules: rules.join("\n") });
  assert.ok(fragment.length < longestLink, String(fragment.length));
});
link("a damaged one is refused in one sentence", () => {
  const whole = fragmentOf(question);
  for (const damaged of [whole.slice(0, -6), `#q=AAAA${whole.slice(7)}`, "#q=_"]) {
    assert.throws(() => questionIn(damaged), /^(the link is damaged|the link holds no question)/);
  }
});
link("one that unpacks to too much is refused before it is all unpacked", () => {
  const bomb = Buffer.from(deflateSync(new Uint8Array(4 * mostBytes), { level: 9 }));
  const fragment = `#q=${bomb.toString("base64url")}`;
  assert.ok(fragment.length < longestLink, String(fragment.length));
  assert.throws(() => questionIn(fragment), /more than \d+ bytes/);
});
link("one that is too long is not opened", () => {
  assert.throws(() => questionIn(`#q=${"A".repeat(longestLink)}`), /longer than \d+ characters/);
});
for (const [text, complaint] of /** @type {[string, RegExp][]} */ ([
  ["", /it is no JSON/],
  ["null", /it is no object/],
  ['{"files": 1}', /"files" must be a list/],
  ['{"files": [{"name": "a"}]}', /"files" must be a list/],
  ['{"url": 1}', /"url" must be a text/],
  ['{"rules": {}}', /"rules" must be a text/],
])) {
  link(`${text || "nothing"} is refused`, () => {
    assert.throws(() => questionOf(text, "the file"), complaint);
  });
}
link("nothing but the fields of a question is taken", () => {
  const text = '{"files": [], "__proto__": {"x": 1}, "evil": 1, "seed": -1, "snapshot": "yes"}';
  assert.equal(questionOf(text, "the file"), { files: [] });
});
link.run();
