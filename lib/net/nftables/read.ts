/**
 * Rules as people have them at hand: what `nft list ruleset` or `nft -j list ruleset` printed, a
 * file for `nft -f`; with a prompt before it. What is left out is said.
 */
import { first, isJSON } from "./looks.js";
import { parseNftables } from "./parse.js";
import type { RuleSet } from "./ruleset.js";

export interface ReadRules {
  readonly rules: RuleSet;
  readonly warnings: readonly string[];
}

/** Throws RulesError. */
export function readNftables(text: string): ReadRules {
  if (isJSON.test(text)) return { rules: parseNftables(text), warnings: [] };
  const start = text.search(first);
  const before = text.slice(0, Math.max(0, start)).split("\n").slice(0, -1);
  const skipped = before.flatMap((line, i) => (/^\s*(#.*)?$/.test(line) ? [] : [i + 1]));
  // lines keep their numbers
  const kept = before.map((line) => (/^\s*#/.test(line) ? line : "")).join("\n");
  const rest = start > 0 ? `${before.length > 0 ? `${kept}\n` : ""}${text.slice(start)}` : text;
  const warnings = skipped.length > 0 ? [`line ${skipped[0]} is no rule, and is left out`] : [];
  return { rules: parseNftables(rest), warnings };
}
