/** What of a packet a statement looks at. */
import type { Expression, Statement } from "./ruleset.js";

export type Payload = Extract<Expression, { kind: "payload" }>;

export const payloadsIn = (statement: Statement): Payload[] =>
  expressionsIn(statement).flatMap(parts);

export function expressionsIn(statement: Statement): Expression[] {
  switch (statement.kind) {
    case "match":
      return [statement.left];
    case "vmap":
    case "update":
    case "add":
    case "delete":
      return [statement.key];
    case "set":
      return [statement.to];
    case "dnat":
    case "snat":
      return [statement.address, statement.port].filter((each) => each !== undefined);
    default:
      return [];
  }
}

function parts(expression: Expression): Payload[] {
  switch (expression.kind) {
    case "payload":
      return [expression];
    case "concat":
      return expression.parts.flatMap(parts);
    case "map":
      return parts(expression.key);
    case "bitwise":
      return parts(expression.left);
    default:
      return [];
  }
}
