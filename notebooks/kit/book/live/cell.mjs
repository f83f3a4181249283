// One cell's TypeScript as JavaScript with the habits of tslab: types are stripped, not checked;
// imports are looked up in a table; names of the top level outlive the cell and may be declared
// again; `await` stands anywhere; the last expression's value is what the cell answers.
//
//     compile(`const n: number = 1; n + 1`)
//     // -> `;(n = 1); ;__print(n + 1)`, to be run where `n` is looked up on the chapter's scope

import { parse } from "acorn";
import { transform } from "sucrase";

/** @typedef {import("acorn").AnyNode} Node */
/** @typedef {import("acorn").Pattern} Pattern */

/**
 * The body of an asynchronous function of `__scope`, `__load` and `__print`, and the names that it
 * declares. Throws a SyntaxError.
 * @param {string} source
 * @returns {{ code: string, declares: string[] }}
 */
export function compile(source) {
  const { code, tree } = parsed(source);
  const out = new Edited(code);
  const declares = tree.body.flatMap((node) => rewritten(node, out));
  dynamicImports(tree, out);
  const last = tree.body.at(-1);
  if (last?.type === "ExpressionStatement") {
    out.insert(last.start, ";__print(");
    out.insert(code[last.end - 1] === ";" ? last.end - 1 : last.end, ")");
  }
  return { code: out.toString(), declares };
}

/** A cell's JavaScript, and its tree. @param {string} source */
export function parsed(source) {
  const { code } = transform(source, {
    transforms: ["typescript"],
    disableESTransforms: true,
    keepUnusedImports: true,
  });
  const tree = parse(code, {
    ecmaVersion: 2022,
    sourceType: "module",
    allowAwaitOutsideFunction: true,
  });
  return { code, tree };
}

/**
 * Makes of a declaration what leaves its names on the scope.
 * @param {import("acorn").Program["body"][number]} node
 * @param {Edited} out
 * @returns {string[]} the names
 */
function rewritten(node, out) {
  switch (node.type) {
    case "ImportDeclaration":
      out.replace(node.start, node.end, importing(node));
      return node.specifiers.map(({ local }) => local.name);
    case "VariableDeclaration":
      return assigning(node, out);
    case "FunctionDeclaration":
    case "ClassDeclaration":
      out.insert(node.end, ` __scope.${node.id.name} = ${node.id.name};`);
      return [node.id.name];
    case "ExportNamedDeclaration":
    case "ExportDefaultDeclaration":
    case "ExportAllDeclaration":
      throw new SyntaxError("a cell exports nothing: the cells below see its names as they are");
    default:
      return [];
  }
}

/** @param {import("acorn").ImportDeclaration} node */
function importing(node) {
  const taken = node.specifiers.map((specifier) => {
    const of =
      specifier.type === "ImportNamespaceSpecifier"
        ? ""
        : `[${JSON.stringify(specifier.type === "ImportSpecifier" ? nameOf(specifier.imported) : "default")}]`;
    return `__scope.${specifier.local.name} = it${of};`;
  });
  return `{ const it = await __load(${JSON.stringify(node.source.value)}); ${taken.join(" ")} }`;
}

/** @param {import("acorn").Identifier | import("acorn").Literal} node */
const nameOf = (node) => (node.type === "Identifier" ? node.name : (node.raw ?? "").slice(1, -1));

/**
 * `const { a, b } = x` becomes `;({ a, b } = x)`: it may be said again.
 * @param {import("acorn").VariableDeclaration} node
 * @param {Edited} out
 */
function assigning(node, out) {
  const [first, last] = [node.declarations[0], node.declarations.at(-1)];
  if (!first || !last) return [];
  out.replace(node.start, first.start, ";(");
  for (const each of node.declarations) if (!each.init) out.insert(each.end, " = undefined");
  out.insert(last.end, ")");
  return node.declarations.flatMap(({ id }) => namesIn(id));
}

/** The names that a pattern declares. @param {Pattern} pattern @returns {string[]} */
export function namesIn(pattern) {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((each) =>
        namesIn(each.type === "RestElement" ? each.argument : each.value),
      );
    case "ArrayPattern":
      return pattern.elements.flatMap((each) => (each ? namesIn(each) : []));
    case "AssignmentPattern":
      return namesIn(pattern.left);
    case "RestElement":
      return namesIn(pattern.argument);
    default:
      return [];
  }
}

/**
 * A page from the disk may import nothing: `import(…)` asks the table, too.
 * @param {unknown} node
 * @param {Edited} out
 */
function dynamicImports(node, out) {
  if (typeof node !== "object" || node === null) return;
  if (Array.isArray(node)) return node.forEach((each) => dynamicImports(each, out));
  const { type, start } = /** @type {Node} */ (node);
  if (type === "ImportExpression") out.replace(start, start + "import".length, "__load");
  for (const value of Object.values(node)) dynamicImports(value, out);
}

/** What is inserted at a place comes before what replaces what begins there. */
const inOrder = (
  /** @type {{ start: number, end: number }} */ a,
  /** @type {{ start: number, end: number }} */ b,
) => a.start - b.start || a.end - b.end;

/** A text and what is to be changed in it, told by places in the text as it was. */
class Edited {
  /** @type {{ start: number, end: number, text: string }[]} */
  #edits = [];

  constructor(/** @type {string} */ text) {
    this.text = text;
  }

  /** @param {number} start @param {number} end @param {string} text */
  replace(start, end, text) {
    this.#edits.push({ start, end, text });
  }

  /** Of several at one place the first comes first. @param {number} at @param {string} text */
  insert(at, text) {
    this.replace(at, at, text);
  }

  toString() {
    let [done, at] = ["", 0];
    for (const { start, end, text } of this.#edits.sort(inOrder)) {
      done += this.text.slice(at, start) + text;
      at = end;
    }
    return done + this.text.slice(at);
  }
}
