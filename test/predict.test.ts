/** A guess is kept, and stands above what happened. */
import { guesses, predict } from "@stopover/exercises";
import { test } from "uvu";
import * as assert from "uvu/assert";

/** What it prints meanwhile. */
function printed(work: () => void): string {
  const lines: string[] = [];
  const log = console.log;
  console.log = (line: string) => void lines.push(line);
  try {
    work();
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

for (const none of ["?", " ? ", "", undefined])
  test(`${JSON.stringify(none)} is no guess: nothing is printed, nothing kept`, () => {
    const before = guesses().length;
    assert.is(
      printed(() => predict(none)),
      "",
    );
    assert.is(guesses().length, before);
  });

for (const [guess, words] of [
  ["three", "three"],
  [" a third ", "a third"],
  [3, "3"],
  [false, "false"],
  [["a", 1], '["a",1]'],
] as const)
  test(`${JSON.stringify(guess)} is kept and printed`, () => {
    assert.is(
      printed(() => predict(guess)),
      `Your guess: ${words}\nWhat happened:`,
    );
    assert.is(guesses().at(-1), words);
  });

test("nobody changes what was guessed", () => {
  (guesses() as string[]).push("I knew it all along");
  assert.not.ok(guesses().includes("I knew it all along"));
});

test.run();
