/**
 * Other words for those of a dump: each word of a name has one, always the same, so that names
 * which share a word still do (a Deployment and its Pods, a Service and its host name). What is
 * nearly the same stays nearly the same, since `why` finds typing errors by that.
 */
import { createHmac } from "node:crypto";
import { distance, isNear } from "../../why/near.js";

const consonants = "bcdfghjklmnprstvwz";
const vowels = "aeiou";
const length = 8;
/** So many words are looked through for one that is nearly the same. */
const mostNear = 1500;

export class Words {
  readonly #of = new Map<string, string>();
  readonly #taken = new Set<string>();
  /** Words of which others may be misspellings. */
  readonly #models: string[] = [];

  constructor(private readonly key: string) {}

  /** Another word for this one. `isModel`: others may be meant for it. */
  of(word: string, isModel = false): string {
    const small = word.toLowerCase();
    const found = this.#of.get(small) ?? this.#make(small);
    if (isModel && this.#models.length < mostNear && !this.#models.includes(small))
      this.#models.push(small);
    if (word === small) return found;
    return word === word.toUpperCase() ? found.toUpperCase() : capital(found);
  }

  #make(word: string): string {
    const made = this.#nearly(word) ?? this.#free(word);
    this.#of.set(word, made);
    this.#taken.add(made);
    return made;
  }

  #free(word: string): string {
    for (let again = 0; ; again++) {
      const made = this.#drawn(`${word} ${again}`);
      if (!this.#taken.has(made) && !this.#of.has(made)) return made;
    }
  }

  #drawn(text: string, letters = length): string {
    const bytes = createHmac("sha256", this.key).update(text).digest();
    return Array.from({ length: letters }, (_, i) => {
      const among = i % 2 === 0 ? consonants : vowels;
      return among[bytes[i]! % among.length]!;
    }).join("");
  }

  /** A word that is nearly another one, or holds it. */
  #nearly(word: string): string | undefined {
    const model = this.#models.find((each) => each.length > 2 && isNear(word, each));
    if (model === undefined) return undefined;
    const other = this.#of.get(model)!;
    const slips = distance(word, model);
    for (let again = 0; again < 20; again++) {
      const drawn = this.#drawn(`${word} near ${again}`, Math.min(slips, length));
      const made = word.includes(model) ? drawn + other : misspelt(other, drawn);
      if (!this.#taken.has(made)) return made;
    }
    return undefined;
  }
}

const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1);

/** Its last letters are others: no more than two. */
const misspelt = (word: string, letters: string): string =>
  word.slice(0, -Math.min(2, letters.length)) + letters.slice(0, 2);
