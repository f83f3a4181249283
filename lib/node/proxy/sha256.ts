/**
 * SHA-256 of a text. Node's own where there is one, which takes a third of the time: a large
 * cluster's rules have a hundred thousand names that are made of it.
 */
import { sha256 as portable } from "@noble/hashes/sha2.js";

/** A browser has no process, and Node.js before 20.16 no such question. */
interface Maybe {
  process?: { getBuiltinModule?: typeof process.getBuiltinModule };
}
const native = (globalThis as Maybe).process?.getBuiltinModule?.("node:crypto");
const utf8 = new TextEncoder();

export const sha256: (text: string) => Uint8Array = native
  ? (text) => native.hash("sha256", text, "buffer")
  : (text) => portable(utf8.encode(text));

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The first letters of base32(sha256(text)), at most 48: what makes the name of a chain. */
export function hashLetters(text: string, letters: number): string {
  const bytes = sha256(text);
  let name = "";
  for (let bit = 0; bit < letters * 5; bit += 5) {
    const pair = (bytes[bit >> 3]! << 8) | bytes[(bit >> 3) + 1]!;
    name += base32[(pair >> (11 - (bit & 7))) & 31];
  }
  return name;
}
