// Which names a cell makes and which it takes from others, so that what hangs on a changed cell can
// run again. What a method changes inside of a value (`cluster.scale(…)`) is no name and not seen.

import { namesIn, parsed } from "./cell.mjs";

/** @typedef {import("acorn").AnyNode} Node */
/** @typedef {{ makes: Set<string>, takes: Set<string> }} Names */

/**
 * Which cells use what the cell above them makes, also by way of each other.
 * @param {string} maker
 * @param {string[]} cells those below it, in order
 * @returns {number[]} their places in the list
 */
export function usersOf(maker, cells) {
  const changed = new Set(namesOf(maker).makes);
  return cells.flatMap((source, at) => {
    const { makes, takes } = namesOf(source);
    const isUser = [...takes].some((name) => changed.has(name));
    for (const name of makes) isUser ? changed.add(name) : changed.delete(name);
    return isUser ? [at] : [];
  });
}

/** @param {string} source @returns {Names} */
export function namesOf(source) {
  /** @type {Names} */
  const names = { makes: new Set(), takes: new Set() };
  for (const statement of statementsOf(source)) {
    const { made, from } = givenBy(statement);
    for (const name of identifiersIn(from)) if (!names.makes.has(name)) names.takes.add(name);
    made.forEach((name) => names.makes.add(name));
  }
  return names;
}

/**
 * Those of a cell that does not parse are none: it will say so when it runs.
 * @param {string} source
 */
function statementsOf(source) {
  try {
    return parsed(source).tree.body;
  } catch {
    return [];
  }
}

/**
 * The names that a statement of the top level gives a value, and the code that the values are from.
 * @param {import("acorn").Program["body"][number]} statement
 * @returns {{ made: string[], from: unknown }}
 */
function givenBy(statement) {
  switch (statement.type) {
    case "ImportDeclaration":
      return { made: statement.specifiers.map(({ local }) => local.name), from: [] };
    case "VariableDeclaration":
      return {
        made: statement.declarations.flatMap(({ id }) => namesIn(id)),
        from: statement.declarations.map(({ init }) => init),
      };
    case "FunctionDeclaration":
    case "ClassDeclaration":
      return { made: [statement.id.name], from: statement.body };
    default:
      return assigned(statement) ?? { made: [], from: statement };
  }
}

/** @param {import("acorn").Program["body"][number]} statement */
function assigned(statement) {
  if (statement.type !== "ExpressionStatement") return undefined;
  const { expression } = statement;
  if (expression.type !== "AssignmentExpression" || expression.operator !== "=") return undefined;
  const { left, right } = expression;
  return left.type === "Identifier" ? { made: [left.name], from: right } : undefined;
}

/**
 * Every name in a piece of code that may be one of the chapter's. A name of its own that is spelt
 * like one of them counts too: a cell then runs once more than it must.
 * @param {unknown} node
 * @returns {string[]}
 */
function identifiersIn(node) {
  if (typeof node !== "object" || node === null) return [];
  if (Array.isArray(node)) return node.flatMap(identifiersIn);
  const each = /** @type {Node} */ (node);
  switch (each.type) {
    case "Identifier":
      return [each.name];
    case "MemberExpression":
      return [
        ...identifiersIn(each.object),
        ...(each.computed ? identifiersIn(each.property) : []),
      ];
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition":
      return [...(each.computed ? identifiersIn(each.key) : []), ...identifiersIn(each.value)];
    default:
      return Object.values(each).flatMap(identifiersIn);
  }
}
