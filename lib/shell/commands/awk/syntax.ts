/** An awk program as a tree: patterns, actions, statements, expressions. (awk.1p) */

export type Expression =
  | { kind: "number"; value: number }
  | { kind: "string"; value: string }
  | { kind: "regexp"; source: string }
  | { kind: "variable"; name: string }
  | { kind: "field"; of: Expression }
  | { kind: "element"; name: string; keys: Expression[] }
  | { kind: "in"; keys: Expression[]; name: string }
  | { kind: "assign"; operator: string; to: Expression; value: Expression }
  | { kind: "step"; by: 1 | -1; to: Expression; isAfter: boolean }
  | { kind: "unary"; operator: string; of: Expression }
  | { kind: "binary"; operator: string; left: Expression; right: Expression }
  | { kind: "choice"; test: Expression; then: Expression; else: Expression }
  | { kind: "call"; name: string; args: Expression[] };

export type AwkStatement =
  | { kind: "expression"; of: Expression }
  | {
      kind: "print";
      name: "print" | "printf";
      args: Expression[];
      to?: { append: boolean; file: Expression };
    }
  | { kind: "block"; of: AwkStatement[] }
  | { kind: "if"; test: Expression; then: AwkStatement; else?: AwkStatement }
  | { kind: "while"; test: Expression; body: AwkStatement; first: boolean }
  | {
      kind: "for";
      begin?: AwkStatement;
      test?: Expression;
      step?: AwkStatement;
      body: AwkStatement;
    }
  | { kind: "each"; variable: string; name: string; body: AwkStatement }
  | { kind: "delete"; name: string; keys: Expression[] }
  | { kind: "leave"; what: "next" | "break" | "continue" }
  | { kind: "exit"; code?: Expression };

export interface AwkRule {
  when: "BEGIN" | "END" | Expression | [Expression, Expression] | undefined;
  /** Undefined: the line is printed. */
  action: AwkStatement | undefined;
}

export class AwkError extends Error {}

/** Functions that there are, and how many arguments they take at most. */
export const functions: Readonly<Record<string, number>> = {
  length: 1,
  substr: 3,
  index: 2,
  split: 3,
  sub: 3,
  gsub: 3,
  match: 2,
  sprintf: 99,
  tolower: 1,
  toupper: 1,
  int: 1,
  sqrt: 1,
  exp: 1,
  log: 1,
  sin: 1,
  cos: 1,
  atan2: 2,
  rand: 0,
  srand: 1,
  systime: 0,
  close: 1,
  fflush: 1,
};
