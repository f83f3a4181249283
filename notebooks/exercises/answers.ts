/** What readers write, understood in several spellings: for the judges of all chapters. */
import type { Cluster, Journey } from "stopover";
import type { Typed } from "stopover/internal/journey/network";
import type { Verdict } from "./exercise.js";

export const right = (say: string): Verdict => ({ right: true, say });
export const hint = (say: string): Verdict => ({ right: false, say });

const words = [
  "zero",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
];

/** 3, "3", "three", "1/3", "33.3 %", "1,000"; undefined where it is no number. */
export function numberOf(answer: unknown): number | undefined {
  if (typeof answer === "number") return answer;
  const text = String(answer)
    .trim()
    .toLowerCase()
    .replace(/(\d),(?=\d{3}\b)/g, "$1")
    .replace(/^no(ne)?$/, "zero");
  if (words.includes(text)) return words.indexOf(text);
  const [, top, bottom, percent] =
    /^([\d.]+)(?:\s*\/\s*([\d.]+))?\s*(%|percent|per cent)?$/.exec(text) ?? [];
  return top === undefined ? undefined : Number(top) / Number(bottom ?? 1) / (percent ? 100 : 1);
}

/** Whether the answer is this number; a rounded one counts: 0.33 and "33 %" are 1/3. */
export function isNumber(answer: unknown, wanted: number): boolean {
  const given = numberOf(answer);
  return (
    given !== undefined &&
    (Number.isInteger(wanted) ? given === wanted : Math.abs(given - wanted) < 0.005)
  );
}

/** Letters and digits only: "kube-proxy", "Kube Proxy" and "kubeproxy" are one. */
const bare = (text: unknown): string =>
  String(text)
    .toLowerCase()
    .replace(/^(the|an?) /, "")
    .replace(/[^a-z0-9]/g, "");

/** Whether the answer is one of these texts, whatever its case, spaces, hyphens and article. */
export const isText = (answer: unknown, ...spellings: string[]): boolean =>
  spellings.some((each) => bare(each) === bare(answer));

/** The letter of a multiple choice: "b", "(b)", "B", "b) a rolling update". */
export const letter = (answer: unknown): string =>
  String(answer)
    .trim()
    .toLowerCase()
    .replace(/^\(?([a-z])\)?(\W.*)?$/s, "$1");

/** A list that holds just these texts, in any order; a text with commas is a list too. */
export function isList(answer: unknown, wanted: readonly string[]): boolean {
  const given = Array.isArray(answer) ? answer : String(answer).split(/[,;]|\band\b/);
  const [a, b] = [given, wanted].map((list) =>
    [...new Set(list.map(bare).filter(Boolean))].sort().join(),
  );
  return a === b;
}

export const isJourney = (answer: unknown): answer is Journey =>
  typeof answer === "object" && answer !== null && "hops" in answer && "disposition" in answer;

export const isCluster = (answer: unknown): answer is Cluster =>
  typeof answer === "object" && answer !== null && "apiserver" in answer && "list" in answer;

/** What somebody found out in a cluster's shells, and the lines that they typed there. */
export interface Found {
  cluster: Cluster;
  found: string;
  typed: readonly Typed[];
}

/** Judges what was found out by typing: `check("03.6", { cluster, found: "…" })`. */
export function discovery(answer: unknown, judge: (found: Found) => Verdict): Verdict {
  const { cluster, found = "?" } = (answer ?? {}) as { cluster?: unknown; found?: unknown };
  if (!isCluster(cluster))
    return hint("Hand in both, as it stands there: the cluster and what you found in it.");
  const text = String(found).trim();
  if (text === "?" || text === "")
    return hint("Put what you found in place of the question mark and run the cell again.");
  const typed = cluster.network.typed ?? [];
  if (typed.length === 0)
    return hint(
      'Nobody has typed anything in this cluster yet. Open a terminal on its map, or run await cluster.node("node-a").sh("…").',
    );
  return judge({ cluster, found: text, typed });
}

/** The right thing, and nothing that was typed has shown it. */
export const unseen = (where: string): Verdict =>
  hint(`That is it; but how do you know? Nothing that you typed has shown it. Look ${where}.`);

/** The address of "10.1.2.2", "10.1.2.2:80" or "10.2.1.1/32". */
export const addressIn = (found: string): string => found.replace(/(:|\/)\d+$/, "");
