/** The rules that a packet met, as netfilter's lanes: in a picture, and in a terminal. */
import { lanes, lanesText } from "@stopover/diagrams";
import { lanesOf, type Line } from "@stopover/diagrams/internal/lanes/lanes";
import { partsOf } from "@stopover/diagrams/internal/lanes/parts";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { boxesOf, inside, overlap, sizeOf, textsOf } from "./diagrams-map-geometry.js";
import { article, requestUntil, scenes, url, withLocalPolicy } from "./diagrams-map-scenes.js";

const trip = article().request(url);
const escape = "\u001b";
const plain = (text: string) => text.replaceAll(new RegExp(`${escape}\\[\\d+m`, "g"), "");

test("a rule's parts: comment, match, verdict", () => {
  assert.equal(
    partsOf('-p tcp -m comment --comment "default/nginx:http" -m tcp --dport 30519 -j X'),
    {
      comment: "default/nginx:http",
      match: "-p tcp -m tcp --dport 30519",
      verdict: "-j X",
    },
  );
  assert.equal(partsOf("-m comment --comment word -j DNAT --to-destination 10.1.1.2:80"), {
    comment: "word",
    match: "",
    verdict: "-j DNAT --to-destination 10.1.1.2:80",
  });
  assert.equal(partsOf('-m comment --comment "say \\"-j no\\"" -j RETURN'), {
    comment: 'say "-j no"',
    match: "",
    verdict: "-j RETURN",
  });
  assert.equal(partsOf("policy DROP"), { comment: "", match: "", verdict: "policy DROP" });
  assert.equal(partsOf('ip daddr 10.2.1.1 tcp dport 80 goto x comment "why"'), {
    comment: "why",
    match: "ip daddr 10.2.1.1 tcp dport 80",
    verdict: "goto x",
  });
});

test("hooks are lanes, in netfilter's order; chains are cards, as deep as their jumps", () => {
  const [visit] = lanesOf(trip, { node: "node-c" });
  assert.equal(
    visit!.lanes.map(({ name }) => name),
    ["PREROUTING nat", "routing", "FORWARD filter", "POSTROUTING nat"],
  );
  assert.equal(
    visit!.lanes[0]!.cards.map(
      ({ chain, depth }) => `${depth} ${chain.replace(/-[A-Z0-9]{16}$/, "")}`,
    ),
    [
      "0 PREROUTING",
      "1 KUBE-SERVICES",
      "2 KUBE-NODEPORTS",
      "3 KUBE-EXT",
      "4 KUBE-MARK-MASQ",
      "3 KUBE-EXT",
      "4 KUBE-SVC",
      "5 KUBE-SEP",
    ],
  );
});

test("every rule that the journey met is on a card, once and in order", () => {
  for (const name of [
    "the article's request",
    "hairpin",
    "a Pod asks",
    "policy Local, dropped",
    "a node asks",
  ]) {
    const journey = scenes[name]!().options.journey!;
    const met = [...journey.hops, ...journey.reply].flatMap(({ steps }) =>
      steps.flatMap(({ rule, chain }) => (chain && rule && rule !== "conntrack" ? [rule] : [])),
    );
    const shown = lanesOf(journey, { reply: true }).flatMap((visit) =>
      visit.lanes.flatMap(({ cards }) => cards.flatMap(({ lines }) => lines)),
    );
    const rules = shown.filter((line): line is Line & { kind: "rule" } => line.kind === "rule");
    assert.equal(
      rules.map(({ parts }) => parts.verdict),
      met.map((rule) => partsOf(rule).verdict),
      name,
    );
  }
});

test("rules that were looked at in vain are counted: each chain's numbers come out right", () => {
  const cluster = article();
  for (let i = 0; i < 12; i++)
    cluster.apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: `other-${i}` },
      spec: { selector: { app: "nginx" }, ports: [{ port: 80 }] },
    });
  cluster.settle();
  const [visit] = lanesOf(cluster.request(url));
  const services = visit!.lanes[0]!.cards.find(({ chain }) => chain === "KUBE-SERVICES")!;
  const [passed, rule] = services.lines;
  assert.equal(passed, { kind: "passed", count: 13 });
  assert.is(rule?.kind === "rule" && rule.number, 14);
  assert.match(lanesText(cluster.request(url)), /… 13 rules passed/);
});

test("what changes the packet stands out, and says what it was", () => {
  const { svg, text } = lanes(trip, "node-c");
  const changes = textsOf(svg)
    .map(({ is }) => is)
    .filter((words) => / becomes /.test(words));
  assert.equal(changes, [
    "mark 0x0 becomes 0x4000",
    "destination 192.168.0.3:30519 becomes 10.1.1.2:80",
    "mark 0x4000 becomes 0x0",
    "source 192.168.0.250:43215 becomes 192.168.0.3:63542",
  ]);
  for (const change of changes) assert.ok(text.includes(change), change);
});

test("a packet that is dropped ends on the card that dropped it, with the reason", () => {
  const cluster = withLocalPolicy(article(3, 1));
  const dropped = requestUntil(cluster, ({ disposition }) => disposition === "dropped");
  const last = lanesOf(dropped).at(-1)!.lanes.at(-1)!.cards.at(-1)!.lines.at(-1)!;
  assert.ok(last.kind === "rule" && last.parts.verdict === "-j DROP");
  assert.match(last.kind === "rule" ? last.why : "", /no endpoint of the Service is on this node/);
});

test("nothing overlaps and nothing is cut, in both shapes", () => {
  for (const name of ["the article's request", "hairpin", "no Pods"]) {
    const { options } = scenes[name]!();
    for (const svg of [lanes(options.journey!).svg, lanes(options.journey!).stacked]) {
      const { width, height } = sizeOf(svg);
      const [texts, boxes] = [textsOf(svg), boxesOf(svg)];
      texts.forEach((text, i) => {
        assert.ok(
          inside(text, { is: "", x: 0, y: 0, w: width, h: height }),
          `"${text.is}" leaves the page`,
        );
        for (const other of texts.slice(i + 1))
          assert.not(overlap(text, other), `"${text.is}" lies on "${other.is}"`);
        for (const box of boxes)
          assert.ok(!overlap(text, box) || inside(text, box), `"${text.is}" crosses ${box.is}`);
      });
    }
  }
});

for (const columns of [40, 80, 120, 200])
  test(`in a window of ${columns} columns no line is longer, coloured or not`, () => {
    for (const colour of [false, true]) {
      const text = lanesText(trip, { columns, colour, reply: true });
      for (const line of plain(text).split("\n"))
        assert.ok([...line].length <= columns, `${[...line].length}: ${line}`);
      assert.is(text.includes(escape), colour);
    }
    assert.is(
      plain(lanesText(trip, { columns, colour: true })),
      lanesText(trip, { columns, colour: false }),
    );
  });

test("a node that was not met is said to be not met, with those that were", () => {
  assert.throws(() => lanes(trip, "node-x"), /no rule of node-x was met on this journey.*node-c/);
});

test("a rule that somebody wrote cannot colour a terminal, nor end the picture", () => {
  const evil = structuredClone(trip);
  const rule = '-m comment --comment "\u001b[2J</text><script>" -j KUBE-SERVICES';
  evil.hops.find(({ kind }) => kind === "node")!.steps[0]!.rule = rule;
  assert.not(lanesText(evil).includes(escape));
  assert.not(lanes(evil).svg.includes(escape));
  assert.not.match(lanes(evil).svg, /<script/);
});

test.run();
