/** What redis answers, in RESP2's form. (redis.io/docs/reference/protocol-spec) */

export const simple = (text: string): string => `+${text}\r\n`;
export const error = (text: string): string => `-${text}\r\n`;
export const integer = (number: number | bigint): string => `:${number}\r\n`;
export const bulk = (text: string | undefined): string =>
  text === undefined ? "$-1\r\n" : `$${text.length}\r\n${text}\r\n`;
export const array = (items: readonly string[]): string => `*${items.length}\r\n${items.join("")}`;
export const OK = simple("OK");
export const SYNTAX = error("ERR syntax error");
export const NO_INTEGER = error("ERR value is not an integer or out of range");

export const FULL = error("OOM command not allowed when used memory > 'maxmemory'.");

/** A number of 64 bits, as redis takes one; undefined: it is none. */
export function whole(text: string): bigint | undefined {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
  const number = BigInt(text);
  return BigInt.asIntN(64, number) === number ? number : undefined;
}
