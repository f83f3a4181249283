/**
 * Rules that draw lots one after the other, as those do that choose one of several goals: who asks
 * for every way need not try them one by one.
 */
import type { Chance } from "../choice.js";
import type { Rule } from "./rule.js";

/** Of a list of rules, by place: the chances of the rules from there on that only draw. */
export type Draws = ReadonlyMap<number, readonly Chance[]>;

const known = new WeakMap<readonly Rule[], { draws: Draws | undefined }>();

/** undefined: no two rules after one another draw. */
export function drawsAmong(rules: readonly Rule[]): Draws | undefined {
  let found = known.get(rules);
  if (!found) known.set(rules, (found = { draws: findAll(rules) }));
  return found.draws;
}

function findAll(rules: readonly Rule[]): Draws | undefined {
  const draws = new Map<number, readonly Chance[]>();
  for (let i = 0; i < rules.length; i++) {
    const chances = find(rules, i);
    if (!chances) continue;
    draws.set(i, chances);
    i += chances.length - 1;
  }
  return draws.size > 0 ? draws : undefined;
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
