// How much CPU this process and all that it started have used: what a wait is made of, whoever else
// uses the machine. Linux alone (proc(5)).

import { readFileSync, readdirSync } from "node:fs";

/** proc(5): times are in clock ticks; every Linux of today has 100 of them in a second. */
const ticksInASecond = 100;

/** @typedef {{ id: number, parent: number, seconds: number }} Process */

/** @returns {number | undefined} seconds so far */
export function cpuOfAll() {
  const all = processes();
  const ours = new Set([process.pid]);
  // a child is listed before its parent where numbers began anew
  for (let before = 0; before !== ours.size;) {
    before = ours.size;
    for (const { id, parent } of all) if (ours.has(parent)) ours.add(id);
  }
  if (!all.length) return undefined;
  return all.reduce((sum, { id, seconds }) => (ours.has(id) ? sum + seconds : sum), 0);
}

/** @returns {Process[]} */
function processes() {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((id) => {
      try {
        return [processOf(Number(id), readFileSync(`/proc/${id}/stat`, "utf8"))];
      } catch {
        return []; // it has ended meanwhile
      }
    });
}

/** The command's name, in brackets, may hold anything. @param {number} id @param {string} stat */
function processOf(id, stat) {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [parent, user, system] = [1, 11, 12].map((at) => Number(fields[at]));
  return { id, parent: parent ?? 0, seconds: ((user ?? 0) + (system ?? 0)) / ticksInASecond };
}
