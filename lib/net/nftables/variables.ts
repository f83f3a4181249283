/**
 * Variables of a file for `nft -f`: `define web = 10.0.0.7`, and `$web` wherever it stands. Lines
 * keep their numbers. (src/scanner.l, src/parser_bison.y, symbol_expr)
 */
import { RulesError } from "../rules-error.js";

/** A comment, a text in quotation marks, a definition up to its end, or a use. */
const pattern =
  /#[^\n]*|"[^"\n]*"|\b(?:re)?define[ \t]+(\w+)[ \t]*=[ \t]*(\{[^}]*\}|(?:\\\n|[^\n;#])*)|\$(\w+)/g;

/** The text with what its variables stand for. Throws a RulesError where one is not defined. */
export function withVariables(text: string): string {
  if (!text.includes("$") && !/\bdefine[ \t]/.test(text)) return text;
  const known = new Map<string, string>();
  const valueOf = (name: string, at: number): string => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const line = text.slice(0, at).split("\n").length;
    throw new RulesError(line, `$${name} is not defined; write define ${name} = VALUE before it`);
  };
  const told = (
    whole: string,
    name?: string,
    value?: string,
    used?: string,
    at?: number,
  ): string => {
    if (used !== undefined) return valueOf(used, at!);
    if (name === undefined) return whole;
    const said = value!.replace(/\$(\w+)/g, (_, other: string) => valueOf(other, at!));
    known.set(name, said.replace(/\\?\n/g, " ").trim());
    return whole.replace(/[^\n]/g, " ");
  };
  return text.replace(pattern, told);
}
