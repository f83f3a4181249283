// `npm start` refuses what it cannot do before it sets anything up, and the pages it serves without
// Jupyter are all that it serves.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { servePages } from "../notebooks/kit/book.mjs";
import { chapterOf, layout } from "../notebooks/kit/book/page.mjs";
import { cellsOf } from "../notebooks/kit/author.mjs";
import { notebook } from "../notebooks/kit/ipynb.mjs";
import { root } from "../notebooks/kit/project.mjs";
import { freePorts } from "./free-ports.mjs";

const starting = suite("npm start");
/** @param {string[]} args */
const start = (...args) => {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    [join(root, "notebooks/kit/start.mjs"), ...args],
    { encoding: "utf8" },
  );
  assert.is(stdout, "", "nothing is set up");
  return { status, stderr };
};
for (const [args, complaint] of /** @type {[string[], RegExp][]} */ ([
  [["--nope"], /^stopover: Unknown option '--nope'/],
  [["chapter"], /^stopover: Unexpected argument 'chapter'/],
  [["--port", "70000"], /^stopover: --port 70000 is no port/],
  [["--port", "eighty"], /^stopover: --port eighty is no port/],
])) {
  starting(`refuses ${args.join(" ")}, and says what is right`, () => {
    const { status, stderr } = start(...args);
    assert.is(status, 2);
    assert.match(stderr, complaint);
    assert.match(stderr, /usage: npm start \[-- --no-browser\] \[-- --port N\]/);
  });
}
starting("refuses a port that is taken", async () => {
  const other = createServer();
  await new Promise((done) => other.listen(0, "127.0.0.1", () => done(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (other.address());
  const { status, stderr } = start("--port", String(port));
  other.close();
  assert.is(status, 1);
  assert.match(stderr, new RegExp(`port ${port} is taken`));
});
starting.run();

const serving = suite("the served pages");
mkdirSync(join(root, ".cache"), { recursive: true });
const folder = mkdtempSync(join(root, ".cache/pages-"));
mkdirSync(join(folder, "site"));
writeFileSync(join(folder, "secret.html"), "secret");
writeFileSync(join(folder, "site/index.html"), "the first page");
const [port = 0] = await freePorts(1);
/** @type {import("../notebooks/kit/start.mjs").Server} */
let server;
serving.before(async () => {
  server = servePages(join(folder, "site"), port);
  await server.url;
});
serving.after(async () => {
  server.stop();
  await server.ended;
  rmSync(folder, { recursive: true });
});

/**
 * Sends a request as it stands: fetch would tidy the path up.
 * @param {string} path
 * @returns {Promise<string>}
 */
const get = (path) =>
  new Promise((done) => {
    let reply = "";
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
    );
    socket
      .setEncoding("utf8")
      .on("data", (/** @type {string} */ chunk) => (reply += chunk))
      .on("close", () => done(reply));
  });
serving("begin at /", async () =>
  assert.match(await get("/"), /^HTTP\/1.1 200 OK[^]*text\/html[^]*the first page/),
);
for (const path of [
  "/../secret.html",
  "/%2e%2e/secret.html",
  "/..%2fsecret.html",
  "/..%5csecret.html",
  "//../secret.html",
  "/%00",
  "/%",
  "/none.html",
]) {
  serving(`do not give ${path} away`, async () => {
    const reply = await get(path);
    assert.match(reply, /^HTTP\/1.1 404/);
    assert.not.match(reply, /secret\n?$/);
  });
}
serving.run();

const page = suite("a page of the book");
const files = {
  picture: () => "assets/1.png",
  link: (/** @type {string} */ href) => href.replace(".ipynb", ".html"),
};
const made = (
  /** @type {string} */ text,
  /** @type {import("../notebooks/kit/ipynb.mjs").Output[]} */ outputs = [],
) => {
  const cells = cellsOf(text);
  for (const cell of cells) if (cell.cell_type === "code") cell.outputs = outputs;
  return chapterOf("00-x.ipynb", notebook(cells), files);
};
page("shows what a cell printed as text, whatever it holds", () => {
  const { body } = made("# T\n```ts\n1 < 2\n```\n", [
    { output_type: "stream", name: "stdout", text: "<script>alert(1)</script>" },
  ]);
  assert.match(body, /<pre class="stdout">&#60;script&#62;/);
  assert.not.match(body, /<script>/);
});
page("shows a picture by its title, and its mermaid source on demand", () => {
  const { body } = made("# T\n```ts\nx\n```\n", [
    {
      output_type: "display_data",
      data: {
        "image/png": "AAAA",
        "text/vnd.mermaid": 'flowchart "a"',
        "text/plain": 'The "title"\nmore',
      },
      metadata: { "image/png": { width: 300.4, height: 20 } },
    },
  ]);
  assert.match(body, /<img src="assets\/1.png" alt="The &#34;title&#34;" width="300" height="20">/);
  assert.match(body, /<details>.*flowchart &#34;a&#34;/);
});
page("leads from heading to heading and from chapter to chapter", () => {
  const chapter = made(
    "# The title\n[next](01-y.ipynb#there)\n\n## A `b` c\ntext\n\n## A `b` c\nmore\n",
  );
  assert.is(chapter.title, "The title");
  assert.equal(
    chapter.headings.map(({ id }) => id),
    ["the-title", "a-b-c", "a-b-c-"],
  );
  assert.equal(
    chapter.sections.map(({ id, heading }) => [id, heading]),
    [
      ["00-x.html#the-title", "The title"],
      ["00-x.html#a-b-c", "A b c"],
      ["00-x.html#a-b-c-", "A b c"],
    ],
  );
  assert.match(chapter.body, /href="01-y.html#there"/);
  assert.match(
    layout(chapter, [chapter, { ...chapter, page: "more/00-x.html", name: "more/00-x.ipynb" }]),
    /rel="next" href="more\/00-x.html"/,
  );
});
page.run();
