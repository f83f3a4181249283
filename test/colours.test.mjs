// The colours of a cell's editor: which words are what.

import { classHighlighter, highlightTree } from "@lezer/highlight";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { typescript } from "../notebooks/kit/book/live/colours.mjs";

/** @param {string} code */
function coloured(code) {
  /** @type {string[]} */
  const pieces = [];
  highlightTree(typescript.parser.parse(code), classHighlighter, (from, to, classes) =>
    pieces.push(`${classes.replaceAll("tok-", "")}: ${code.slice(from, to)}`),
  );
  return pieces.filter((piece) => !/^(variableName|operator):/.test(piece)).join("; ");
}

const test = suite("colours of code");
for (const [code, told] of [
  ["const n = 12.5e3;", "keyword: const; variableName definition: n; number: 12.5e3"],
  ['f("a \\" b", \'c\')', 'string: "a \\" b"; string: \'c\''],
  ["a // const", "comment: // const"],
  ["a /* b\nc */ return", "comment: /* b; comment: c */; keyword: return"],
  ["`a\n${b} \\` c` true", "string: `a; string: ${b} \\` c`; bool: true"],
  ["a.delete({ new: 1 })", "propertyName: delete; propertyName: new; number: 1"],
  ["new Map() as Kinds", "keyword: new; typeName: Map; keyword: as; typeName: Kinds"],
  ["constant lettered", ""],
  ['"open', 'string: "open'],
])
  test(code ?? "", () => assert.is(coloured(code ?? ""), told));
test.run();
