import type { Clock } from "../api/clock.js";
import { stamp } from "../api/time.js";

/** The codes of the two digits of each byte, "00" to "ff". */
const hexOf = Uint16Array.from({ length: 256 }, (_, byte) => {
  const text = (0x100 + byte).toString(16);
  return text.charCodeAt(1) * 256 + text.charCodeAt(2);
});
const hyphen = "-".charCodeAt(0);

/** The codes of a UUID's 32 digits, without its hyphens. */
const uidDigits = new Uint8Array(32);

/** Writes the eight digits of 32 bits. */
function digits(at: number, bits: number): void {
  for (let shift = 24; shift >= 0; shift -= 8) {
    const two = hexOf[(bits >>> shift) & 255]!;
    uidDigits[at++] = two >>> 8;
    uidDigits[at++] = two & 255;
  }
}

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
    digits(0, this.#word());
    digits(8, (this.#word() & 0xffff_0fff) | 0x4000); // the version
    digits(16, (this.#word() & 0x3fff_ffff) | 0x8000_0000); // the variant
    digits(24, this.#word());
    // one flat string, made at once: every object has one
    const d = uidDigits;
    // prettier-ignore
    return String.fromCharCode(
      d[0]!, d[1]!, d[2]!, d[3]!, d[4]!, d[5]!, d[6]!, d[7]!, hyphen,
      d[8]!, d[9]!, d[10]!, d[11]!, hyphen, d[12]!, d[13]!, d[14]!, d[15]!, hyphen,
      d[16]!, d[17]!, d[18]!, d[19]!, hyphen, d[20]!, d[21]!, d[22]!, d[23]!,
      d[24]!, d[25]!, d[26]!, d[27]!, d[28]!, d[29]!, d[30]!, d[31]!,
    );
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
    let text = "";
    while (text.length < 5) text += alphabet[Math.floor(this.random() * alphabet.length)];
    return text;
  }
}
