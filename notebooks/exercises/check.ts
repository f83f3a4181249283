/**
 * `check("06.1", answer)` says whether an answer is right and why, or gives a hint. It prints, so
 * that the verdict stands below the cell.
 */
import type { Exercise, Verdict } from "./exercise.js";
import { exercises } from "./exercises.js";

/**
 * Judges an answer and prints the verdict; answers whether it was right. Throws where there is no
 * such exercise.
 */
export function check(id: string, answer: unknown): void {
  const { say, right } = verdict(id, answer);
  console.log(`${right ? "Right." : "Not yet."} ${say}`);
}

/** A page of the book has the exercises of its own chapter alone, which come after this file. */
const brought: Exercise[] = [];
export const bring = (more: readonly Exercise[]): void => void brought.push(...more);

/** The verdict without the printing: for tests. */
export function verdict(id: string, answer: unknown): Verdict {
  const all = [...exercises, ...brought];
  const exercise = all.find((each) => each.id === id);
  if (!exercise)
    throw new Error(
      `there is no exercise "${id}"; there are ${all.map((each) => each.id).join(", ")}`,
    );
  if (answer === undefined || answer === null || answer === "" || answer === "?")
    return {
      right: false,
      say: "Put your answer in place of the question mark and run the cell again.",
    };
  return exercise.judge(answer);
}
