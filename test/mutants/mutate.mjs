// Where a compiled file can be changed by one small step, and to what: each answer is a place in
// its text and the text that takes its place.

import ts from "typescript";

/**
 * @typedef {{ file: string, start: number, end: number, to: string, what: string, once: boolean }}
 *   Mutation `once`: the place is outside of all functions, and executed when the file is loaded.
 */

const { SyntaxKind: Kind } = ts;
/** @type {Readonly<Record<number, readonly string[]>>} */
const others = {
  [Kind.LessThanToken]: ["<="],
  [Kind.LessThanEqualsToken]: ["<"],
  [Kind.GreaterThanToken]: [">="],
  [Kind.GreaterThanEqualsToken]: [">"],
  [Kind.EqualsEqualsEqualsToken]: ["!=="],
  [Kind.ExclamationEqualsEqualsToken]: ["==="],
  [Kind.AmpersandAmpersandToken]: ["||"],
  [Kind.BarBarToken]: ["&&"],
  [Kind.PlusToken]: ["-"],
  [Kind.MinusToken]: ["+"],
  [Kind.AsteriskToken]: ["/"],
  [Kind.AmpersandToken]: ["|"],
  [Kind.BarToken]: ["&"],
  [Kind.GreaterThanGreaterThanGreaterThanToken]: ["<<"],
  [Kind.LessThanLessThanToken]: [">>>"],
};

/**
 * Every mutation of one file.
 * @param {string} file
 * @param {string} text
 */
export function mutationsOf(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  /** @type {Mutation[]} */
  const found = [];
  /** @param {ts.Node} node @param {string} to */
  const change = (node, to) => {
    const [start, end] = [node.getStart(source), node.getEnd()];
    const from = text.slice(start, end);
    const what = `${brief(from)} -> ${brief(to)}`;
    const once = !ts.findAncestor(node, ts.isFunctionLike);
    if (from !== to) found.push({ file, start, end, to, what, once });
  };
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isBinaryExpression(node) && !joinsText(node))
      for (const to of others[node.operatorToken.kind] ?? []) change(node.operatorToken, to);
    if (ts.isNumericLiteral(node)) change(node, `(${node.text} + 1)`);
    if (node.kind === Kind.TrueKeyword) change(node, "false");
    if (node.kind === Kind.FalseKeyword) change(node, "true");
    if (ts.isPrefixUnaryExpression(node) && node.operator === Kind.ExclamationToken)
      change(node, `(${node.operand.getText(source)})`);
    if (ts.isConditionalExpression(node)) {
      change(node.condition, "true");
      change(node.condition, "false");
    }
    if (ts.isIfStatement(node)) change(node.expression, "false");
    if (ts.isExpressionStatement(node) && !isSuper(node)) change(node, ";");
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/**
 * "a" - "b" is no number: whoever writes that sees it at once. @param {ts.BinaryExpression} node
 */
function joinsText({ operatorToken, left, right }) {
  const isText = (/** @type {ts.Node} */ each) =>
    ts.isStringLiteralLike(each) || ts.isTemplateExpression(each);
  return operatorToken.kind === Kind.PlusToken && (isText(left) || isText(right));
}

/** @param {ts.ExpressionStatement} node */
function isSuper({ expression }) {
  return ts.isCallExpression(expression) && expression.expression.kind === Kind.SuperKeyword;
}

/** @param {string} text */
function brief(text) {
  const line = text.replace(/\s+/g, " ");
  return line.length > 50 ? `${line.slice(0, 49)}…` : line;
}
