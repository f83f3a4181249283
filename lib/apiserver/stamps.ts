import type { Clock } from "../api/clock.js";
import { stamp } from "../api/time.js";

/** "00" to "ff" */
const hexOf = Array.from({ length: 256 }, (_, byte) => (0x100 + byte).toString(16).slice(1));

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

  /** A version 4 UUID. */
  uid(): string {
    const hex = this.#word() + this.#word() + this.#word() + this.#word();
    const variant = "89ab"[parseInt(hex[16]!, 16) & 3];
    // join makes one flat string; a template would keep its pieces alive beside it.
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      variant + hex.slice(17, 20),
      hex.slice(20),
    ].join("-");
  }

  #word(): string {
    const bits = (this.random() * 0x1_0000_0000) >>> 0;
    return (
      hexOf[bits >>> 24]! +
      hexOf[(bits >>> 16) & 255]! +
      hexOf[(bits >>> 8) & 255]! +
      hexOf[bits & 255]!
    );
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
