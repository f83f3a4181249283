/** `x=1`, `x+=1`, `x[2]=1`, `x=(a b)`. (bash, subst.c: do_assignment) */
import { parse, type ArrayValue, type Assignment } from "unbash";
import type { Act } from "../../machinery/act.js";
import { keyOf, valueOf } from "./arithmetic.js";
import type { Shell } from "./shell.js";
import { aroundOf, fieldsOf, textOf } from "./words.js";

/** An array of a declaration's, kept until its variable is made; answers under which name. */
export function keepArray(shell: Shell, argument: Assignment): string {
  const key = `\0array ${shell.arrays.size}`;
  shell.arrays.set(key, argument);
  return key;
}

export function* assign(shell: Shell, { name, value, append, index }: Assignment): Act<void> {
  const { variables } = shell;
  if (value.type === "ArrayValue") {
    const before = append ? new Map(variables.elements(name)) : new Map<string, string>();
    variables.setArray(name, yield* elementsOf(shell, name, value, before));
    return;
  }
  const text = yield* textOf(shell, value);
  if (index) {
    const key = yield* keyOf(aroundOf(shell), name, yield* textOf(shell, index));
    const before = variables.elements(name).find(([each]) => each === key)?.[1];
    variables.setElement(name, key, append ? (before ?? "") + text : text);
  } else yield* setText(shell, name, text, append ?? false);
}

/** `x=text`, `x+=text`; of a whole number its value. */
export function* setText(shell: Shell, name: string, text: string, append: boolean): Act<void> {
  const before = shell.variables.get(name) ?? "";
  if (shell.variables.find(name)?.isInteger) {
    const value = yield* valueOf(aroundOf(shell), append ? `${before || 0} + ${text}` : text);
    shell.variables.set(name, String(value));
  } else shell.variables.set(name, append ? before + text : text);
  if (shell.options.has("allexport")) shell.variables.declare(name).isExported = true;
}

/** `x=(a b [5]=c)`. */
export function* elementsOf(
  shell: Shell,
  name: string,
  { elements }: ArrayValue,
  before: Map<string, string>,
): Act<Map<string, string>> {
  const values = new Map(before);
  const isNamed = shell.variables.find(name)?.isNamed ?? false;
  let next = values.size === 0 || isNamed ? 0 : Math.max(...[...values.keys()].map(Number)) + 1;
  for (const element of elements) {
    const keyed = /^\[([^\]]+)\]=/.exec(element.text);
    if (keyed) {
      const command = parse(`x=${element.text.slice(keyed[0].length)}`).commands[0]?.command;
      const assignment = command?.type === "Command" ? command.prefix[0] : undefined;
      const value =
        assignment?.type === "Assignment" && assignment.value.type === "Word"
          ? yield* textOf(shell, assignment.value)
          : "";
      const key = yield* keyOf(aroundOf(shell), name, keyed[1]!);
      values.set(key, value);
      next = isNamed ? next : Number(key) + 1;
    } else for (const field of yield* fieldsOf(shell, [element])) values.set(String(next++), field);
  }
  return values;
}
