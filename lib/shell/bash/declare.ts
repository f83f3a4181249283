/** `declare`, `export`, `local`, `readonly`. (bash, builtins/declare.def, setattr.def) */
import type { Act } from "../../machinery/act.js";
import { elementsOf, setText } from "./assignments.js";
import { type Builtin, say } from "./builtin.js";
import type { Shell } from "./shell.js";

/** `declare`, `export`, `local`, `readonly`. */
export const declare = (name: string): Builtin =>
  function* (shell, args) {
    const flags = args.filter((word) => /^[-+][aAfFgilnprtux]+$/.test(word)).join("");
    const words = args.filter((word) => !/^[-+][aAfFgilnprtux]+$/.test(word) && word !== "--");
    if (name === "local" && !shell.variables.isLocal)
      return yield* say(shell, "local", "can only be used in a function");
    const isLocal =
      shell.variables.isLocal && (name === "local" || name === "declare" || name === "typeset");
    if (words.length === 0 || /p/.test(flags)) return yield* list(shell, name, words);
    if (/[fF]/.test(flags)) return words.every((word) => shell.functions.has(word)) ? 0 : 1;
    for (const word of words) {
      const [, base, appends, , value] = /^([A-Za-z_]\w*)(\+?)(=(.*))?$/s.exec(word) ?? [];
      if (base === undefined) {
        const shown = word.replace(/=.*$/s, "");
        return yield* say(shell, name, `\`${shown}': not a valid identifier`);
      }
      const variable = shell.variables.declare(base, isLocal && !/g/.test(flags));
      if (/A/.test(flags)) {
        variable.isNamed = true;
        if (!(variable.value instanceof Map)) variable.value = new Map();
      }
      if (/-\w*a/.test(flags) && !(variable.value instanceof Map)) variable.value = new Map();
      if (/-\w*i/.test(flags)) variable.isInteger = true;
      if (value !== undefined) yield* setDeclared(shell, base, value, appends === "+");
      if (name === "export" || /-\w*x/.test(flags)) variable.isExported = !/n/.test(flags);
      if (/\+\w*x/.test(flags)) variable.isExported = false;
      if (name === "readonly" || /-\w*r/.test(flags)) variable.isReadonly = true;
    }
    return 0;
  };

function* setDeclared(shell: Shell, name: string, value: string, appends: boolean): Act<void> {
  const kept = shell.arrays.get(value);
  if (kept?.value.type === "ArrayValue") {
    shell.arrays.delete(value);
    const before = new Map(appends ? shell.variables.elements(name) : []);
    shell.variables.setArray(name, yield* elementsOf(shell, name, kept.value, before));
  } else yield* setText(shell, name, value, appends);
}

function* list(shell: Shell, name: string, wanted: readonly string[]): Act<number> {
  let status = 0;
  const all = shell.variables.all();
  for (const each of wanted)
    if (!all.some(([one]) => one === each)) status = yield* say(shell, name, `${each}: not found`);
  for (const [each, variable] of all) {
    if (wanted.length > 0 ? !wanted.includes(each) : name === "export" && !variable.isExported)
      continue;
    if (name === "readonly" && !variable.isReadonly) continue;
    const flags = [
      variable.value instanceof Map && (variable.isNamed ? "A" : "a"),
      variable.isInteger && "i",
      variable.isReadonly && "r",
      variable.isExported && "x",
    ];
    const quoted = (text: string): string => `"${text.replace(/["\\$`]/g, "\\$&")}"`;
    const value =
      variable.value instanceof Map
        ? `=(${shell.variables
            .elements(each)
            .map(([key, text]) => `[${key}]=${quoted(text)}`)
            .join(" ")})`
        : variable.value === undefined
          ? ""
          : `=${quoted(variable.value)}`;
    yield* shell.write(1, `declare -${flags.filter(Boolean).join("") || "-"} ${each}${value}\n`);
  }
  return status;
}
