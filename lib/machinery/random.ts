/**
 * A seeded generator (sfc32, Chris Doty-Humphrey's small fast counter): the same seed gives the
 * same numbers on every machine. Components take a `fork` each, so that one drawing more numbers
 * does not disturb the others.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(private readonly seed: number | string) {
    this.#a = hash(`${seed}/a`);
    this.#b = hash(`${seed}/b`);
    this.#c = hash(`${seed}/c`);
    for (let i = 0; i < 12; i++) this.next(); // mixes the seed in, as sfc32 asks
  }

  /**
   * A generator of its own for `label`: it depends on the seed and the label alone, not on what was
   * drawn before.
   */
  fork(label: string): Random {
    return new Random(`${this.seed}/${label}`);
  }

  /** Lets go of so many numbers. */
  skip(count: number): this {
    for (let i = 0; i < count; i++) this.next();
    return this;
  }

  /** From 0 up to, but not including, 1. */
  next = (): number => this.#uint32() / 2 ** 32;

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** `length` characters out of `alphabet`. */
  text(length: number, alphabet: string): string {
    let text = "";
    while (text.length < length) text += alphabet[this.between(0, alphabet.length - 1)];
    return text;
  }

  #uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}

/** So many names get a generator of their own, and so long ones: names may come from outside. */
const STREAMS = 20_000;
const NAME_LENGTH = 100;

/**
 * A generator for each name, made from the seed and the name: whoever draws more, or comes new,
 * disturbs nobody else.
 */
export class Streams {
  readonly #streams = new Map<string, Random>();
  readonly #rest: Random;

  /** `make`: how a name's generator is made; default: a fork of `random` for the name. */
  constructor(
    random: Random,
    private readonly make: (name: string) => Random = (name) => random.fork(name),
  ) {
    this.#rest = random.fork("all others");
  }

  /** The same one whenever it is asked for. */
  of(name: string): Random {
    const known = this.#streams.get(name);
    if (known) return known;
    if (name.length > NAME_LENGTH || this.#streams.size >= STREAMS) return this.#rest;
    const stream = this.make(name);
    this.#streams.set(name, stream);
    return stream;
  }
}

/** FNV-1a, 32 bits: turns text into a number that differs for different texts. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
