/**
 * Rules that draw lots one after the other, as those do that choose one of several goals: who asks
 * for every way need not try them one by one.
 */
import type { Chance } from "../choice.js";
import type { Rule } from "./rule.js";

/** By list of rules, and by the place of the first that draws. */
const known = new WeakMap<readonly Rule[], Map<number, readonly Chance[] | undefined>>();

/** The chances of the rules from `start` on that only draw; undefined for fewer than two. */
export function drawsFrom(rules: readonly Rule[], start: number): readonly Chance[] | undefined {
  if (!chanceOf(rules[start])) return undefined;
  const places = known.get(rules) ?? new Map<number, readonly Chance[] | undefined>();
  known.set(rules, places);
  if (!places.has(start)) places.set(start, find(rules, start));
  return places.get(start);
}

function find(rules: readonly Rule[], start: number): readonly Chance[] | undefined {
  const chances: Chance[] = [];
  for (let i = start; i < rules.length; i++) {
    const chance = chanceOf(rules[i]);
    if (!chance) break;
    chances.push(chance);
  }
  return chances.length > 1 ? chances : undefined;
}

/** What a rule draws that asks for nothing else. */
function chanceOf(rule: Rule | undefined): Chance | undefined {
  let chance: Chance | undefined;
  for (const match of rule?.matches ?? []) {
    if (match.kind === "comment") continue;
    if (match.kind !== "statistic" || chance) return undefined;
    chance = match;
  }
  return chance;
}
