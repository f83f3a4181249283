/** The names of files that a field with `*`, `?` or `[…]` stands for. (bash, pathexp.c) */
import { absolute, type Entry } from "../files.js";
import type { Field } from "./fields.js";
import { isWild, matches, patternOf } from "./pattern.js";
import type { Shell } from "./shell.js";

export function filesOf(shell: Shell, { text, pattern, mayBeWild }: Field): string[] {
  if (!mayBeWild || shell.options.has("noglob")) return [text];
  const found = glob(shell, pattern);
  return found.length > 0 ? found : [text];
}

/** The paths that are as the pattern says, in order. */
function glob(shell: Shell, pattern: string): string[] {
  const isAbsolute = pattern.startsWith("/");
  let bases: string[] = [isAbsolute ? "/" : ""];
  const parts = pattern.split("/").filter((part) => part !== "");
  for (const [i, part] of parts.entries()) {
    const wanted = patternOf(part);
    const isLast = i === parts.length - 1;
    bases = bases.flatMap((base) => {
      const at = shell.place.files.find(absolute(base === "" ? "." : base, shell.process.folder));
      if (at?.kind !== "folder") return [];
      if (!isWild(wanted)) {
        const name = wanted.map((token) => (token.kind === "char" ? token.char : "")).join("");
        const there = name === "." || name === ".." || at.entries.has(name);
        return there ? [join(base, name)] : [];
      }
      return [...at.entries]
        .filter(([name, entry]) => isWanted(part, name, entry, isLast) && matches(wanted, name))
        .map(([name]) => join(base, name));
    });
  }
  return bases.sort();
}

const isWanted = (part: string, name: string, entry: Entry, isLast: boolean): boolean =>
  (!name.startsWith(".") || part.startsWith(".")) &&
  (isLast || entry.kind === "folder" || entry.kind === "link");

const join = (base: string, name: string): string =>
  base === "" || base.endsWith("/") ? `${base}${name}` : `${base}/${name}`;
