/** The options of a shell: `set -e -o pipefail`. (bash, builtins/set.def) */
import type { Act } from "../../machinery/act.js";
import { say } from "./builtin.js";
import type { Shell } from "./shell.js";
import { shellQuoted } from "./values.js";

const optionLetters: Readonly<Record<string, string>> = {
  a: "allexport",
  e: "errexit",
  f: "noglob",
  n: "noexec",
  u: "nounset",
  v: "verbose",
  x: "xtrace",
};

const optionNames = [
  ...Object.values(optionLetters),
  "pipefail",
  "posix",
  "monitor",
  "emacs",
  "vi",
];

/** `set -e -o pipefail`: answers how many arguments were options; undefined: one is none. */
export function setOptions(shell: Shell, args: readonly string[]): number | undefined {
  let i = 0;
  for (; i < args.length; i++) {
    const word = args[i]!;
    if (word === "--" || word === "-") return i + 1;
    if (!/^[-+]./.test(word)) break;
    for (const letter of word.slice(1)) {
      const name = letter === "o" ? args[++i] : (optionLetters[letter] ?? "");
      if (name === undefined) return i;
      if ("bhmtBCEHPT".includes(letter)) continue;
      if (!optionNames.includes(name)) return undefined;
      if (word.startsWith("-")) shell.options.add(name);
      else shell.options.delete(name);
    }
  }
  return i;
}

export function* set(shell: Shell, args: readonly string[]): Act<number> {
  if (args.length === 0) {
    for (const [name, { value }] of shell.variables.all())
      if (typeof value === "string")
        yield* shell.write(
          1,
          `${name}=${/^[\w@%+=:,./-]*$/.test(value) ? value : shellQuoted(value)}\n`,
        );
    return 0;
  }
  const taken = setOptions(shell, args);
  if (taken === undefined) return yield* say(shell, "set", `${args.join(" ")}: invalid option`, 2);
  if (taken < args.length || args.includes("--")) shell.positional = args.slice(taken);
  return 0;
}
