/**
 * How long rules are followed before a walk gives up and says so.
 *
 * A kernel has no such bound. It refuses circles, and jumps more than 16 deep, when rules are
 * loaded; but fourteen chains of four jumps each keep it busy for 67 million jumps with every
 * packet (net/netfilter/nf_tables_core.c, nft_do_chain). Here somebody waits for the answer.
 */

/** What may be spent: rules to look at, and steps to record, which is what costs memory. */
export interface Allowance {
  rules: number;
  steps: number;
}

/**
 * For one packet at one kernel: far more than any honest packet needs (large rule sets have 100,000
 * rules), and gone in about a quarter of a second.
 */
const onePacket: Allowance = { rules: 10_000_000, steps: 10_000 };
/** For all the ways of one question: 100,000 ways of 20,000 rules each. */
const allWays: Allowance = { rules: 2_000_000_000, steps: 2_000_000 };

export class Budget {
  readonly #allowed: Allowance;
  #rules: number;
  #steps: number;

  /** `whole`: what this is a part of, and draws on as well. */
  constructor(
    readonly whole?: Budget,
    allowed = onePacket,
  ) {
    this.#allowed = allowed;
    this.#rules = allowed.rules;
    this.#steps = allowed.steps;
  }

  static forAllWays(): Budget {
    return new Budget(undefined, allWays);
  }

  takeRules(count: number): void {
    this.#rules -= count;
    this.whole?.takeRules(count);
  }

  takeStep(): void {
    this.#steps--;
    this.whole?.takeStep();
  }

  get spent(): boolean {
    return this.#rules <= 0 || this.#steps <= 0 || (this.whole?.spent ?? false);
  }

  /** What was spent: "10,000,000 rules". */
  get text(): string {
    const { rules, steps } = this.#allowed;
    if (this.#rules <= 0) return `${rules.toLocaleString("en")} rules`;
    if (this.#steps <= 0) return `${steps.toLocaleString("en")} steps`;
    return `${this.whole?.text} on all ways together`;
  }
}
