/** What is wrong with options that somebody wrote by hand: what came, and what is allowed. */

/** A sentence for each key that means nothing. `at`: where they stand, "" or "nodes[0].". */
export function* unknownKeys(
  at: string,
  options: object,
  allowed: readonly string[],
): Generator<string> {
  for (const key of Object.keys(options))
    if (!allowed.includes(key))
      yield `there is no option ${at}${key}; allowed are ${allowed.map((each) => at + each).join(", ")}`;
}

/** A value as an error shows it, in short. */
export function shown(value: unknown): string {
  if (typeof value === "function") return value.name ? `the function ${value.name}` : "a function";
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
