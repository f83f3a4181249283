import { test } from "uvu";
import * as assert from "uvu/assert";
import fc from "fast-check";
import { check, svg } from "@stopover/diagrams";
import {
  aligned,
  hostLines,
  html,
  label,
  labels,
  scriptJson,
  shorten,
  wrap,
} from "@stopover/diagrams/internal/text";
import { seed } from "./seed.js";

const flowchart = (text: string) =>
  `flowchart LR\nn0["${labels(text)}"] -->|"${labels(text)}"| n1["after"]\nsubgraph n2["${labels(text)}"]\nn1\nend\n`;
const sequence = (text: string) =>
  `sequenceDiagram\nparticipant p0 as ${labels(text)}\nparticipant p1 as after\np0->>p1: ${labels(text)}\nNote over p1: ${labels(text)}\n`;
/** What a reader sees: a text's words, without the difference between kinds of space. */
const visible = (text: string) => text.replace(/[\s\p{C}]+/gu, "");
const textsOf = (drawn: string) =>
  [...drawn.matchAll(/<text[^>]*>(.*?)<\/text>/gs)].map(([, inside]) =>
    visible(
      inside!
        .replace(/<[^>]*>/g, "")
        .replace(/&(?:#(\d+)|(\w+));/g, (_, code, name) =>
          code
            ? String.fromCodePoint(Number(code))
            : ({ lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" }[name as string] ?? _),
        ),
    ),
  );

const nasty = [
  'x"]; click n0 href "javascript:alert(1)"',
  '%%{init: {"theme":"dark"}}%%',
  "%% a comment",
  "1. one",
  "- two",
  "* three",
  "# four",
  "`five`",
  "_six_ **seven**",
  "https://example.com/?a=b&c=d",
  "www.example.com",
  "<script>alert(1)</script>",
  "<br/>",
  "end",
  "End; end",
  "wrap: me",
  "style x fill:#f00;",
  "classDef a fill:#f00;b",
  "a-->b",
  "A & B",
  "#quot;",
  "&#34;",
  "$$x^2$$",
  "[link](javascript:alert(1))",
  "\\n",
  "|pipe|",
  "{{a}}",
  "x\ny\tz",
  "‮rtl",
  "日本語",
  "🚀 rocket",
  "fa:fa-car",
  "::icon(x)",
  "graph TD",
  "subgraph",
  "linkStyle 0",
  "a@b.c",
  "~~~",
  "---",
  "===",
  "   ",
  "",
  "\u0000",
  "\u2028",
  "constructor",
  "__proto__",
];

for (const text of nasty) {
  test(`${JSON.stringify(text)} is text like any other`, () => {
    for (const source of [flowchart(text), sequence(text)]) {
      const drawn = svg({ kind: "mermaid", title: "", source });
      assert.ok(textsOf(drawn).includes("after"), "what follows it is still there");
      assert.ok(
        textsOf(drawn).filter((shown) => shown === visible(text)).length >= 2,
        `it reads ${JSON.stringify(visible(text))}, not ${JSON.stringify(textsOf(drawn))}`,
      );
      assert.not.match(
        drawn,
        /<a[ >]|<script|<iframe|<image|onclick/i,
        "nothing can be clicked, run or loaded",
      );
    }
  });
}

test("no text breaks a diagram", () => {
  const alphabet = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(..."\"'`#;%&<>[](){}|\\/-=~*_:.$@!?\n\t 0aZ") },
    { weight: 1, arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("end", "click ", "style ", "%%{", "-->", "<br>", "subgraph "),
    },
  );
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 30 }), (parts) => {
      const text = parts.join("");
      check(flowchart(text));
      check(sequence(text));
    }),
    { seed, numRuns: 150 },
  );
});

test("a label keeps what names and addresses are made of readable in the source", () => {
  assert.is(label("default/nginx:http -> 10.1.2.2:80"), "default/nginx:http -#62; 10.1.2.2:80");
  assert.is(labels("one", undefined, "", "two"), "one<br/>two");
});

test("lines break at spaces, and long words only when they must", () => {
  assert.equal(wrap("the quick brown fox", 9), ["the quick", "brown fox"]);
  assert.equal(wrap("", 9), []);
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 40 }), (text, width) => {
      assert.is(wrap(text, width).join("").replace(/\s/g, ""), text.replace(/\s/g, ""));
      assert.ok(wrap(text, width).every((line) => line.length <= width * 2));
    }),
    { seed },
  );
});

test("long names lose their middle, long host names break at dots", () => {
  assert.is(shorten("nginx", 10), "nginx");
  assert.is(shorten("abcdefghijklmnop", 9), "abcd…mnop");
  assert.equal(hostLines("1234.ap-south-1.elb.amazonaws.com"), [
    "1234.ap-south-1.elb.",
    "amazonaws.com",
  ]);
  assert.ok(hostLines("x".repeat(300)).every((line) => line.length <= 20));
});

test("nothing in HTML or in a script ends what it stands in", () => {
  assert.is(html(`<b a="1">'&`), "&lt;b a=&quot;1&quot;&gt;&#39;&amp;");
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.not.match(scriptJson({ text }), /[<>\u2028\u2029]/);
      assert.equal(JSON.parse(scriptJson({ text })), { text });
    }),
    { seed },
  );
  assert.not.match(scriptJson("</script><!--"), /<\/script|<!--/);
});

test("columns line up and carry no trailing space", () => {
  assert.is(
    aligned([
      ["NAME", "AGE"],
      ["nginx", "1"],
      ["a-longer-name", ""],
    ]),
    "NAME           AGE\nnginx          1\na-longer-name",
  );
});

test.run();
