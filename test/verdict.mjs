// What one uvu file came to, read from what it printed.

/**
 * Reads the counts that uvu prints. uvu exits 0 also where a file forgets `test.run()` (it prints
 * no counts then) and where a `before` throws (it passed fewer than there are), and a skipped test
 * leaves no trace of its reason: each of these is a failure here.
 * @param {string} output
 * @param {number | null} code
 * @param {boolean} [late] whether it was stopped because it took too long
 */
export function verdict(output, code, late) {
  const count = (/** @type {string} */ label) =>
    Number(output.match(new RegExp(`^  ${label}: +(\\d+)$`, "m"))?.[1] ?? NaN);
  const [total, passed, skipped] = [count("Total"), count("Passed"), count("Skipped")];
  // what test/seed.ts says; a new one each time where CI is set
  const seeds = process.env["CI"] ? (output.match(/^seed \d+$/gm) ?? []) : [];
  const reasons = [...output.matchAll(/\bskip: (.+?): (.*)$/gm)];
  const problems = [
    late && "stopped: it took too long",
    Number.isNaN(total) && "no suite ran: does the file end with test.run()?",
    total + skipped === 0 && "the file queued no test",
    passed < total &&
      `${total - passed} of ${total} tests failed or never ran (a failing \`before\` runs none)`,
    code !== 0 && !late && `exit code ${code}`,
    skipped > reasons.length &&
      `${skipped} skipped, but ${reasons.length} reasons given: print a line "skip: what: why" for each (is an .only left?)`,
  ].filter(Boolean);
  const failed = problems.length ? Math.max(1, (total || 0) - (passed || 0)) : 0;
  return {
    passed: passed || 0,
    failed,
    skipped: skipped || 0,
    notes: [...seeds, ...skips(reasons), ...(failed ? [...problems, output.trim()] : [])].join(
      "\n",
    ),
  };
}

/**
 * A line for each reason; many tests may share one.
 * @param {RegExpExecArray[]} skipped
 */
function skips(skipped) {
  /** @type {Map<string, string[]>} */
  const tests = new Map();
  for (const [, test = "", reason = ""] of skipped)
    tests.set(reason, [...(tests.get(reason) ?? []), test]);
  return [...tests].map(
    ([reason, names]) =>
      `skipped: ${names.length === 1 ? names[0] : `${names.length} tests`}: ${reason}`,
  );
}
