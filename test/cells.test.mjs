// The runner of the book's living cells, without a page: cells behave as in tslab.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Kernel, NeedsMachine } from "../notebooks/kit/book/live/kernel.mjs";

const test = suite("cells that live");

/** @param {string} name */
const load = (name) => {
  if (name.startsWith("node:")) throw new NeedsMachine(name);
  return { default: "the default", one: 1, double: (/** @type {number} */ n) => 2 * n };
};

/**
 * What cells print and how they end, run one after the other by one kernel.
 * @param {...string} cells
 */
async function ran(...cells) {
  const kernel = new Kernel(load);
  const results = [];
  for (const source of cells) {
    let printed = "";
    const ended = await kernel.run(source, (output) => {
      if ("text" in output) printed += output.text;
      if ("error" in output) printed += `${output.error.name}: ${output.error.message}\n`;
    });
    results.push(ended === "good" ? printed : `${ended}: ${printed}`);
  }
  return results;
}

/** What a reader writes, and what the last cell prints. @type {[string, string[], string][]} */
const table = [
  ["the last value is printed", ["1 + 1"], "2\n"],
  ["a string is printed as console.log prints it", ["'a' + 'b'"], "ab\n"],
  [
    "an object is printed two levels deep",
    ["({ a: { b: { c: { d: 1 } } } })"],
    "{ a: { b: { c: [Object] } } }\n",
  ],
  ["undefined is not printed", ["undefined"], ""],
  ["null is not printed", ["null"], ""],
  ["a statement prints nothing", ["const a = 1;"], ""],
  [
    "types are stripped",
    ["const n: number = 1; interface Pod { name: string }\n(n as number)"],
    "1\n",
  ],
  ["names outlive their cell", ["const a = 1, b = 2;", "a + b"], "3\n"],
  [
    "names may be declared again",
    ["const a = 1; let b = 1;", "const a = 2; let b = 3; a + b"],
    "5\n",
  ],
  [
    "a function of an earlier cell sees a later value",
    ["let n = 1; const tell = () => n;", "n = 2; tell()"],
    "2\n",
  ],
  [
    "functions and classes outlive their cell",
    ["function f() { return 1 }\nclass A { x = f() }", "new A().x + f()"],
    "2\n",
  ],
  [
    "a function may be called above its declaration",
    ["const one = f(); function f() { return 1 }", "one"],
    "1\n",
  ],
  [
    "patterns declare",
    ["const { a, b: [c, ...d], ...e } = { a: 1, b: [2, 3], f: 4 };", "[a, c, d, e]"],
    "[ 1, 2, [ 3 ], { f: 4 } ]\n",
  ],
  ["let without a value is undefined", ["let x = 1;", "let x; console.log(x)"], "undefined\n"],
  ["no semicolon is needed", ["const a = [1]\nconst b = [2]\na.concat(b)"], "[ 1, 2 ]\n"],
  ["await stands at the top level", ["const a = await Promise.resolve(3);", "a"], "3\n"],
  [
    "imports are looked up",
    [
      'import it, { one, double as twice } from "x";\nimport * as all from "x";',
      "[it, one, twice(2), all.one]",
    ],
    "[ 'the default', 1, 4, 1 ]\n",
  ],
  ["import(…) is, too", ['(await import("x")).one'], "1\n"],
  ["an import of types asks for nothing", ['import type { A } from "node:none"; 1'], "1\n"],
  ["what is unknown is an error", ["nobody"], "failed: ReferenceError: nobody is not defined\n"],
  ["typeof may ask for what is unknown", ["typeof nobody"], "undefined\n"],
  ["console.log prints several", ["console.log('a', 1, { b: 2 }); 3"], "a 1 { b: 2 }\n3\n"],
  ["what is thrown is told", ["throw 7"], "failed: Error: the cell threw 7\n"],
  ["after an error the next cell runs", ["throw 7", "1"], "1\n"],
  ["what needs a machine says so", ['import { x } from "node:net";'], "needs the machine: "],
  [
    "and so does what uses it",
    ['import { x } from "node:net";', "const y = x;", "y + 1"],
    "needs the machine: ",
  ],
  ["until the name is given anew", ['import { x } from "node:net";', "const x = 1;", "x"], "1\n"],
  [
    "names of the runner are free",
    ["const load = 1, print = 2, scope = 3, world = 4;", "load + print + scope + world"],
    "10\n",
  ],
];
for (const [sentence, cells, printed] of table) {
  test(sentence, async () => assert.is((await ran(...cells)).at(-1), printed));
}

test("what does not compile says where", async () => {
  const [said = ""] = await ran("const = 1");
  assert.match(said, /^failed: SyntaxError: Unexpected token \(1:7\)/);
});

test("a cell exports nothing", async () => {
  const [said = ""] = await ran("export const a = 1");
  assert.match(said, /^failed: SyntaxError: a cell exports nothing/);
});

test.run();
