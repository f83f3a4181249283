/**
 * What Go's regexp/syntax says of an expression that is none: of its most frequent faults. One that
 * JavaScript refuses for a reason of its own is not told of. (RE2 knows no look-around and no
 * back-references.)
 */
export function goExpressionError(pattern: string): string | undefined {
  const perl = /\(\?(?![:imsU-]|P?<[A-Za-z])[^)]{0,2}/.exec(pattern);
  if (perl) return `invalid or unsupported Perl syntax: \`${perl[0].slice(0, 3)}\``;
  const back = /(?<!\\)(?:\\\\)*(\\[1-9])/.exec(pattern);
  if (back) return `invalid escape sequence: \`${back[1]}\``;
  try {
    new RegExp(pattern, "u");
    return undefined;
  } catch (error) {
    return inGo((error as Error).message, pattern);
  }
}

function inGo(message: string, pattern: string): string | undefined {
  if (/Unterminated group/.test(message)) return `missing closing ): \`${pattern}\``;
  if (/Unmatched '\)'/.test(message)) return `unexpected ): \`${pattern}\``;
  if (/Unterminated character class/.test(message))
    return `missing closing ]: \`${pattern.slice(pattern.lastIndexOf("["))}\``;
  if (/Nothing to repeat/.test(message)) {
    const [, what = pattern] = /(?:^|[(|])([*+?])/.exec(pattern) ?? [];
    return `missing argument to repetition operator: \`${what}\``;
  }
  if (/\\ at end of pattern/.test(message)) return "trailing backslash at end of expression: ``";
  return undefined;
}
