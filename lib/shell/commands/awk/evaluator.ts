/** What an awk program's expressions come to. (awk.1p: Expressions in awk) */
import type { Place } from "../../place.js";
import type { Compiled } from "../../regexp.js";
import { call, LONGEST, type Evaluation } from "./functions.js";
import { MOST_ELEMENTS, type Memory } from "./memory.js";
import { AwkError, type Expression } from "./syntax.js";
import { arithmetic, compared, isTrue, number, Outside, text, type Value } from "./values.js";

export class Evaluator implements Evaluation {
  constructor(
    readonly place: Place,
    readonly memory: Memory,
  ) {}

  value(expression: Expression): Value {
    switch (expression.kind) {
      case "number":
      case "string":
        return expression.value;
      case "regexp":
        return this.memory.pattern(expression.source).match(this.memory.line, 0) ? 1 : 0;
      case "variable":
        return this.memory.variable(expression.name);
      case "field":
        return this.memory.field(number(this.value(expression.of)));
      case "element": {
        const array = this.memory.array(expression.name);
        const key = this.key(expression.keys);
        const found = array.get(key) ?? new Outside("");
        if (!array.has(key) && array.size < MOST_ELEMENTS) array.set(key, found);
        return found;
      }
      case "in":
        return this.memory.array(expression.name).has(this.key(expression.keys)) ? 1 : 0;
      case "assign": {
        const value = this.value(expression.value);
        if (expression.operator === "=") return this.set(expression.to, value);
        const before = number(this.value(expression.to));
        return this.set(expression.to, arithmetic(expression.operator[0]!, before, number(value)));
      }
      case "step": {
        const before = number(this.value(expression.to));
        this.set(expression.to, before + expression.by);
        return expression.isAfter ? before : before + expression.by;
      }
      case "unary": {
        const of = this.value(expression.of);
        if (expression.operator === "(") return of;
        if (expression.operator === "!") return isTrue(of) ? 0 : 1;
        return expression.operator === "-" ? -number(of) : number(of);
      }
      case "binary":
        return this.#binary(expression);
      case "choice":
        return this.value(isTrue(this.value(expression.test)) ? expression.then : expression.else);
      case "call":
        return call(this, expression.name, expression.args);
    }
  }

  #binary({ operator, left, right }: Expression & { kind: "binary" }): Value {
    const first = this.value(left);
    if (operator === "&&") return isTrue(first) && isTrue(this.value(right)) ? 1 : 0;
    if (operator === "||") return isTrue(first) || isTrue(this.value(right)) ? 1 : 0;
    if (operator === "~" || operator === "!~") {
      const isThere = this.patternOf(right).match(text(first), 0) !== undefined;
      return isThere === (operator === "~") ? 1 : 0;
    }
    const second = this.value(right);
    if (operator === " ") {
      const all = text(first) + text(second);
      if (all.length > LONGEST) throw new AwkError("out of memory");
      return all;
    }
    if (/^[-+*/%^]$/.test(operator)) return arithmetic(operator, number(first), number(second));
    const sign = compared(first, second);
    const isSo = {
      "<": sign < 0,
      "<=": sign <= 0,
      "==": sign === 0,
      "!=": sign !== 0,
      ">": sign > 0,
      ">=": sign >= 0,
    }[operator];
    return isSo ? 1 : 0;
  }

  set(to: Expression, value: Value): Value {
    if (to.kind === "variable") this.memory.setVariable(to.name, value);
    else if (to.kind === "element") this.memory.setElement(to.name, this.key(to.keys), value);
    else if (to.kind === "field") this.memory.setField(number(this.value(to.of)), value);
    return value;
  }

  key(keys: readonly Expression[]): string {
    return keys.map((each) => text(this.value(each))).join(this.memory.text("SUBSEP"));
  }

  patternOf(expression: Expression): Compiled {
    if (expression.kind === "regexp") return this.memory.pattern(expression.source);
    return this.memory.pattern(text(this.value(expression)));
  }
}
