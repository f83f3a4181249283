/** `getopts`. (bash, builtins/getopt.c) */
import type { Act } from "../../machinery/act.js";
import type { Shell } from "./shell.js";

export function* getopts(
  shell: Shell,
  [options = "", name = "", ...given]: readonly string[],
): Act<number> {
  const { variables } = shell;
  const args = given.length > 0 ? given : shell.positional;
  let index = Number(variables.get("OPTIND") ?? "1");
  if (index <= 1 && shell.optionAt > 1) shell.optionAt = 1;
  const word = args[index - 1];
  if (word === undefined || !/^-./.test(word) || word === "--") {
    if (word === "--") variables.set("OPTIND", String(index + 1));
    variables.set(name, "?");
    return 1;
  }
  const letter = word[shell.optionAt]!;
  const at = options.replace(/^:/, "").indexOf(letter);
  const takes = at >= 0 && options.replace(/^:/, "")[at + 1] === ":";
  const isQuiet = options.startsWith(":");
  shell.optionAt++;
  const isLast = shell.optionAt >= word.length;
  variables.unset("OPTARG");
  if (at < 0 || letter === ":") {
    if (!isQuiet) yield* shell.write(2, `${shell.name}: illegal option -- ${letter}\n`);
    else variables.set("OPTARG", letter);
    variables.set(name, "?");
  } else if (takes) {
    const value = isLast ? args[index++] : word.slice(shell.optionAt);
    shell.optionAt = word.length;
    if (value === undefined) {
      if (!isQuiet)
        yield* shell.write(2, `${shell.name}: option requires an argument -- ${letter}\n`);
      else variables.set("OPTARG", letter);
      variables.set(name, isQuiet ? ":" : "?");
    } else {
      variables.set("OPTARG", value);
      variables.set(name, letter);
    }
  } else variables.set(name, letter);
  if (shell.optionAt >= word.length) {
    index++;
    shell.optionAt = 1;
  }
  variables.set("OPTIND", String(index));
  return 0;
}
