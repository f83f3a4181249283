// What the chapters promise their readers: answers out of sight, a journey to play, no program in
// an output, and a table that leads to where things are told.

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { chapters, readNotebook } from "../notebooks/kit/ipynb.mjs";

/** @typedef {import("../notebooks/kit/ipynb.mjs").Cell} Cell */

const books = chapters().map((file) => ({
  name: basename(file, ".ipynb"),
  cells: readNotebook(file).cells,
}));
const htmlOf = (/** @type {Cell} */ { outputs = [] }) =>
  outputs.map(({ data }) => String(data?.["text/html"] ?? ""));
const proseOf = (/** @type {string} */ number) =>
  books
    .find(({ name }) => name.startsWith(number))
    ?.cells.filter(({ cell_type }) => cell_type === "markdown")
    .map(({ source }) => source)
    .join("\n") ?? "";

for (const { name, cells } of books)
  test(`${name}: the answer to each question lies folded, and waits for a guess`, () => {
    cells.forEach(({ cell_type, source }, i) => {
      if (cell_type !== "markdown" || !source.includes("__Predict first:__")) return;
      assert.match(cells[i + 1]?.source ?? "", /^predict\("\?"\);\n/, source);
    });
    for (const { metadata, outputs = [], source } of cells) {
      const isAnswer = metadata.tags?.includes("predict") ?? false;
      const { jupyter } = /** @type {{ jupyter?: { outputs_hidden?: boolean } }} */ (metadata);
      assert.is(jupyter?.outputs_hidden ?? false, isAnswer && outputs.length > 0, source);
    }
  });

test("the index opens with a journey to play, and each chapter from 03 on has one", () => {
  const first = books
    .find(({ name }) => name === "index")
    ?.cells.find(({ cell_type }) => cell_type === "code");
  assert.match(first ? htmlOf(first).join() : "", /data-stopover="play"/);
  const without = books.filter(
    ({ name, cells }) =>
      name >= "03" && !cells.some((cell) => htmlOf(cell).join().includes('data-stopover="play"')),
  );
  assert.equal(
    without.map(({ name }) => name),
    [],
  );
});

test("no output holds a program: it asks for the engine where the page is served", () => {
  for (const { name, cells } of books)
    for (const html of cells.flatMap(htmlOf))
      for (const [, code] of html.matchAll(/<script>([^]*?)<\/script>/g))
        assert.ok((code ?? "").length < 800, `${name}: ${code?.length} bytes of script`);
});

/**
 * What a chapter says of a line of chapter 14's table: line -> words.
 * @type {[number, RegExp][]}
 */
const told = [
  [1, /30000-32768/],
  [3, /"service controller" in the KCM/],
  [4, /Surely/],
  [5, /maps a single IP/],
  [6, /matches the selector/],
  [7, /opens up some ports/],
  [8, /KCM/],
  [9, /the nodes' addresses/],
  [10, /Persistent Storage/],
  [11, /directly talks to the cloud/],
  [12, /"static"/],
  [13, /domain name is also provided/],
  [14, /myngix-app/],
  [15, /hand the packet on|hands the packet on|hands it on/],
  [16, /NodeIP -> Cluster IP/],
  [17, /comes to an end/],
  [18, /configured worker node/],
  [19, /resolves to the latest/],
  [20, /[Ll]eader election/],
  [21, /One component, the KCM/],
  [22, /creates the ReplicaSet \*and\* the Pods/],
  [23, /no cloud/],
  [24, /10\.1\.1\.0/],
];
const lines = new Map(
  [...proseOf("14").matchAll(/^\| (\d+) \|.*\| ([\d, ]+) \|$/gm)].map(([, number, where]) => [
    Number(number),
    (where ?? "").split(", "),
  ]),
);
for (const [line, words] of told)
  test(`line ${line} of the article's table leads to chapters that tell of it`, () => {
    const where = lines.get(line) ?? [];
    assert.ok(where.length, "the line names a chapter");
    for (const number of where) assert.match(proseOf(number), words, `chapter ${number}`);
  });

test("chapter 17 shows the figures that npm run bench:kernel measured", () => {
  const { costs } = JSON.parse(
    readFileSync(new URL("bench/kernel-cost.json", import.meta.url), "utf8"),
  );
  const cell = books
    .find(({ name }) => name.startsWith("17"))
    ?.cells.find(({ source }) => source.includes("const inKernel = ["));
  const shown = [...(cell?.source ?? "").matchAll(/\{ services: ([\d_]+), (.*) \}/g)].map(
    ([, services, more]) => `${Number(services?.replace("_", ""))} ${more}`,
  );
  const measured = costs.map(
    (/** @type {Record<string, number>} */ { services, iptables, nftables }) =>
      `${services} iptables: ${iptables}, nftables: ${nftables}`,
  );
  assert.equal(shown, measured);
});

test("the ladder says what a user sees and what a NodePort says, and both are true", () => {
  const ladder = proseOf("13");
  assert.match(ladder, /\| The user sees \| A node's NodePort says \| Rung \|/);
  for (const rung of ["5 the selector", "6 readiness", "7 the port"]) {
    const row = ladder.split("\n").find((each) => each.includes(`| ${rung} |`)) ?? "";
    assert.not.match(row.split("|")[1] ?? "", /refused/, "a user meets the load balancer first");
    assert.match(row.split("|")[2] ?? "", /refused/);
  }
});

test.run();
