/**
 * The Warning headers of an answer: each text once, and no more of them than a client's limit for
 * headers bears. (apiserver: pkg/endpoints/filters/warning.go; apimachinery: pkg/util/net/http.go,
 * NewWarningHeader)
 */
export class Warnings {
  readonly #texts = new Set<string>();

  add(text: string): void {
    this.#texts.add(text);
  }

  get any(): boolean {
    return this.#texts.size > 0;
  }

  /** As header values. Where all of them are too long together, each is cut short. */
  headers(): string[] {
    const all = [...this.#texts].map((text) => [...escaped(text)]);
    if (lengthOf(all) <= totalRunes) return all.map(header);
    const short = all.map((runes) => runes.slice(0, itemRunes));
    return short.slice(0, Math.floor(totalRunes / itemRunes)).map(header);
  }
}

// characters (upstream: truncateAtTotalRunes, truncateItemRunes)
const totalRunes = 4096;
const itemRunes = 256;

const lengthOf = (all: readonly string[][]): number =>
  all.reduce((sum, runes) => sum + runes.length, 0);

/** Control characters as \u000a: a header must not hold them. */
const escaped = (text: string): string =>
  text.replace(
    /\p{Cc}/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/**
 * RFC 7234, 5.5: code, agent, quoted text. Letters go as the bytes of UTF-8, as Go sends them; Node
 * takes a header's text as bytes.
 */
function header(runes: readonly string[]): string {
  const quoted = runes.join("").replace(/["\\]/g, "\\$&");
  return Buffer.from(`299 - "${quoted}"`, "utf8").toString("latin1");
}
