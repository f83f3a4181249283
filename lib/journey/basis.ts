/**
 * What verdicts rest on beside what was walked: what the input does not say and was taken for
 * granted, and what it says and nobody models. No verdict comes without it.
 */
import type { Basis, Remark } from "./types.js";

export const emptyBasis = (): Basis => ({ assumed: [], leftOut: [] });

/** All of these together, in the order in which they came; what is said of many is said once. */
export const together = (all: readonly Basis[]): Basis => ({
  assumed: distinct(all.flatMap(({ assumed }) => assumed)),
  leftOut: distinct(all.flatMap(({ leftOut }) => leftOut)),
});

/** Of somebody outside of the cluster. */
export const takenToAnswer = (name: string): Remark => ({
  object: name,
  field: "",
  sentence: "is no part of the cluster: it is taken to be reachable, and to answer",
});

/** So many objects are named one by one. */
const few = 3;

function distinct(remarks: Remark[]): Remark[] {
  if (remarks.length < 2) return remarks;
  const groups = new Map<string, Map<string, Remark>>();
  for (const remark of remarks) {
    const { object, field, sentence } = remark;
    const key = `${object.split(" ", 1)[0]}\n${field}\n${sentence}`;
    const group = groups.get(key);
    if (group) group.set(object, remark);
    else groups.set(key, new Map([[object, remark]]));
  }
  if (groups.size === remarks.length) return remarks;
  return [...groups.values()].flatMap((group) => {
    const all = [...group.values()];
    if (all.length <= few) return all;
    const object = `${all[0]!.object} and ${all.length - 1} others`;
    return [{ ...all[0]!, object }];
  });
}
