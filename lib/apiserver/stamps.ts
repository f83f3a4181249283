import type { Clock } from "../api/clock.js";
import { stamp } from "../api/time.js";

/** "00" to "ff" */
const hexOf = Array.from({ length: 256 }, (_, byte) => (0x100 + byte).toString(16).slice(1));

const hex16 = (bits: number): string => hexOf[bits >>> 8]! + hexOf[bits & 255]!;

/** What the API server marks new objects with: the time, a uid, the end of a generated name. */
export class Stamps {
  /** `random`: numbers in [0, 1). */
  constructor(
    private readonly clock: Clock,
    private readonly random: () => number,
  ) {}

  /** Kubernetes' time: UTC, whole seconds. What is made in the same second shares the text. */
  now(secondsFromNow = 0): string {
    return stamp(this.clock.now() + secondsFromNow * 1_000);
  }

  /** A version 4 UUID. (RFC 9562) */
  uid(): string {
    const [a, b, c, d] = [this.#word(), this.#word(), this.#word(), this.#word()];
    // join makes one flat string; a template would keep its pieces alive beside it.
    return [
      hex16(a >>> 16) + hex16(a & 0xffff),
      hex16(b >>> 16),
      hex16(0x4000 | (b & 0x0fff)), // the version
      hex16(0x8000 | ((c >>> 16) & 0x3fff)), // the variant
      hex16(c & 0xffff) + hex16(d >>> 16) + hex16(d & 0xffff),
    ].join("-");
  }

  /** 32 bits, as the engine keeps them without an object: the highest is the sign. */
  #word(): number {
    return (this.random() * 0x1_0000_0000) | 0;
  }

  /**
   * Five characters without vowels, so that no word appears by chance. (k8s.io/apimachinery:
   * pkg/util/rand)
   */
  suffix(): string {
    const alphabet = "bcdfghjklmnpqrstvwxz2456789";
    return Array.from(
      { length: 5 },
      () => alphabet[Math.floor(this.random() * alphabet.length)],
    ).join("");
  }
}
