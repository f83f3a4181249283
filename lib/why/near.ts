/** What is nearly the same: words with a typing error, and labels that nearly match a selector. */
import type { Pod } from "../objects/types.js";

type Labels = Readonly<Record<string, string>>;

/** How many letters have to be changed, put in or left out (Levenshtein). */
export function distance(x: string, y: string): number {
  let row = Array.from({ length: y.length + 1 }, (_, i) => i);
  for (let i = 1; i <= x.length; i++) {
    const next = [i];
    for (let j = 1; j <= y.length; j++) {
      const changed = row[j - 1]! + (x[i - 1] === y[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[y.length]!;
}

/** Two letters are changed by one slip, and one word is often a part of the other. */
export function isNear(x: string, y: string): boolean {
  const [one, other] = [x.toLowerCase(), y.toLowerCase()];
  if (one === other) return true;
  const isPart = one.length > 1 && other.length > 1 && (one.includes(other) || other.includes(one));
  return isPart || distance(one, other) <= Math.min(2, Math.floor(other.length / 3));
}

/** The nearest of some words; undefined where none is near. */
export const nearest = (word: string, among: readonly string[]): string | undefined =>
  among
    .filter((each) => isNear(each, word))
    .sort((a, b) => distance(a, word) - distance(b, word))[0];

/** Pods that a selector nearly matches, and the labels by which they do. */
export interface NearMiss {
  pods: Pod[];
  /** "app=shop" */
  labels: string;
}

/** Less than this and nobody meant these Pods. */
const enough = 2;

/** The Pods that a selector which matches none probably means; undefined where there are none. */
export function nearMiss(selector: Labels, pods: readonly Pod[]): NearMiss | undefined {
  let [best, found]: [number, Pod[]] = [0, []];
  for (const pod of pods) {
    const score = scoreOf(selector, pod);
    if (score < enough || score < best) continue;
    if (score > best) [best, found] = [score, []];
    found.push(pod);
  }
  const [first] = found;
  return first && { pods: found, labels: likeLabels(selector, first) };
}

const scoreOf = (selector: Labels, { metadata }: Pod): number =>
  Object.entries(selector).reduce(
    (sum, [key, value]) => sum + pairScore(key, value, metadata.labels ?? {}, metadata.name),
    0,
  );

function pairScore(key: string, value: string, labels: Labels, name: string): number {
  if (labels[key] === value) return 4;
  if (labels[key] !== undefined && isNear(labels[key], value)) return 3;
  if (Object.values(labels).includes(value)) return 3;
  return name === value || name.startsWith(`${value}-`) ? 2 : 0;
}

/** The labels that a selector probably means: of the same key, or of the same value. */
function likeLabels(selector: Labels, { metadata: { labels = {} } }: Pod): string {
  const like = Object.entries(labels).filter(
    ([key, value]) => selector[key] !== undefined || Object.values(selector).includes(value),
  );
  return labelsText(Object.fromEntries(like));
}

/** "app=web,tier=frontend" */
export const labelsText = (labels: Labels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
