/**
 * `predict("three")` keeps a guess: it stands above the answer of its cell once that runs, so that
 * nobody can say afterwards that they knew it all along.
 */
const kept: string[] = [];

/** Keeps a guess and prints it; a question mark is no guess yet, and prints nothing. */
export function predict(guess: unknown): void {
  const words = typeof guess === "string" ? guess.trim() : JSON.stringify(guess);
  if (words === undefined || words === "" || words === "?") return;
  kept.push(words);
  console.log(`Your guess: ${words}\nWhat happened:`);
}

/** All guesses so far, in order. */
export function guesses(): readonly string[] {
  return [...kept];
}
