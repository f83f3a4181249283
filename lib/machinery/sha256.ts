/**
 * SHA-256 of a text. Node's own where there is one: a large cluster's rules have a hundred thousand
 * names that are made of it. In a browser it is worked out here, since the browser's own answers
 * only later, and a library for it is a fiftieth of what a page loads first.
 */

/** A browser has no process, and Node.js before 20.16 no such question. */
interface Maybe {
  process?: { getBuiltinModule?: typeof process.getBuiltinModule };
}
const native = (globalThis as Maybe).process?.getBuiltinModule?.("node:crypto");
const utf8 = new TextEncoder();

/** Its 32 bytes, as the characters of a text: for Node.js, the cheapest form. */
export const sha256: (text: string) => string = native
  ? (text) => native.hash("sha256", text, "binary")
  : (text) => String.fromCharCode(...portable(utf8.encode(text)));

// ---- FIPS 180-4

const primes: number[] = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);

/** The first 32 bits of the fraction (4.2.2, 5.3.3). */
const fraction = (x: number): number => ((x % 1) * 2 ** 32) | 0;
const constants = primes.map((prime) => fraction(Math.cbrt(prime)));
const initial = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

const turned = (x: number, n: number): number => (x >>> n) | (x << (32 - n));
const turnedBy = (x: number, a: number, b: number, c: number): number =>
  turned(x, a) ^ turned(x, b) ^ turned(x, c);

/** SHA-256 without any help. */
export function portable(bytes: Uint8Array): Uint8Array {
  const padded = new DataView(new ArrayBuffer(((bytes.length + 72) >> 6) << 6));
  bytes.forEach((byte, i) => padded.setUint8(i, byte));
  padded.setUint8(bytes.length, 0x80);
  padded.setUint32(padded.byteLength - 4, bytes.length * 8);
  const state = [...initial];
  for (let block = 0; block < padded.byteLength; block += 64) compress(state, padded, block);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setInt32(i * 4, word));
  return new Uint8Array(digest.buffer);
}

/** One block into the state. (6.2.2) */
function compress(state: number[], data: DataView, block: number): void {
  const words: number[] = [];
  let [a, b, c, d, e, f, g, h] = state as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (let i = 0; i < 64; i++) {
    words[i] = i < 16 ? data.getInt32(block + i * 4) : scheduled(words, i);
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const first = h + turnedBy(e, 6, 11, 25) + choice + constants[i]! + words[i]!;
    const second = turnedBy(a, 2, 13, 22) + majority;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = (state[i]! + word) | 0));
}

function scheduled(words: readonly number[], i: number): number {
  const [old, late] = [words[i - 15]!, words[i - 2]!];
  const first = turned(old, 7) ^ turned(old, 18) ^ (old >>> 3);
  const second = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
  return (words[i - 16]! + first + words[i - 7]! + second) | 0;
}

// ---- names of chains

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The first letters of base32(sha256(text)), at most 48: what makes the name of a chain. */
export function hashLetters(text: string, letters: number): string {
  const bytes = sha256(text);
  let name = "";
  for (let bit = 0; bit < letters * 5; bit += 5) {
    const pair = (bytes.charCodeAt(bit >> 3) << 8) | bytes.charCodeAt((bit >> 3) + 1);
    name += base32[(pair >> (11 - (bit & 7))) & 31];
  }
  return name;
}
