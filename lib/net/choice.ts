/**
 * Everything random that happens to a packet asks a Chooser. There are three:
 *
 *     seeded(random)      one way, drawn from a generator of numbers in [0, 1)
 *     forced(decisions)   the way that somebody else saw, e.g. a real kernel's
 *     everyWay(run)       all ways, each with its exact probability
 */

/** Something that happens with probability numerator/denominator. */
export interface Chance {
  readonly numerator: number;
  readonly denominator: number;
}

export interface Chooser {
  /** Whether something of probability numerator/denominator happens. */
  chance(numerator: number, denominator: number): boolean;
  /** One of 0 … n-1, each as likely. */
  pick(n: number): number;
  /**
   * Asks these chances in turn, and answers the place of the first that happens, or their number
   * where none does. Only who has an answer to all of them at once has it; it is asked with the
   * same array again and again.
   */
  first?(chances: readonly Chance[]): number;
  /**
   * A port for a translated source. Nobody's outcome hangs on it, so `everyWay` does not branch
   * here.
   */
  port(low: number, high: number): number;
}

export function seeded(random: () => number): Chooser {
  return {
    chance: (numerator, denominator) => random() * denominator < numerator,
    pick: (n) => Math.floor(random() * n),
    port: (low, high) => low + Math.floor(random() * (high - low + 1)),
  };
}

/**
 * Takes `decisions` in order (booleans for `chance`, numbers for `pick`), then asks `otherwise`;
 * without it, running out is an error.
 */
export function forced(decisions: readonly (boolean | number)[], otherwise?: Chooser): Chooser {
  let next = 0;
  const taken = (question: string): boolean | number => {
    if (next < decisions.length) return decisions[next++]!;
    throw new Error(
      `all ${decisions.length} forced decisions are used up, and ${question} asks for one more`,
    );
  };
  const spent = (): Chooser | undefined => (next < decisions.length ? undefined : otherwise);
  let ports = 0;
  return {
    chance: (numerator, denominator) =>
      spent()?.chance(numerator, denominator) ??
      Boolean(taken(`a chance of ${numerator}/${denominator}`)),
    pick: (n) => spent()?.pick(n) ?? Number(taken(`a choice among ${n}`)),
    port: (low, high) => otherwise?.port(low, high) ?? low + (ports++ % (high - low + 1)),
  };
}

/** An exact probability. */
export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const toNumber = ({ numerator, denominator }: Fraction): number => {
  // keeps more digits than a double holds, whatever the size of both numbers
  const scale = 10n ** 20n;
  return Number((numerator * scale) / denominator) / Number(scale);
};

export const add = (x: Fraction, y: Fraction): Fraction =>
  reduced(x.numerator * y.denominator + y.numerator * x.denominator, x.denominator * y.denominator);

/** Adds to what has been added up for this key. */
export function addTo<K>(sums: Map<K, Fraction>, key: K, more: Fraction): void {
  const before = sums.get(key);
  sums.set(key, before ? add(before, more) : more);
}

export const multiply = (x: Fraction, y: Fraction): Fraction => {
  if (x === one) return y;
  if (y === one) return x;
  return reduced(x.numerator * y.numerator, x.denominator * y.denominator);
};

const one: Fraction = { numerator: 1n, denominator: 1n };

/** Numbers beyond this are left as they are: to shorten them costs more than it saves. */
const longest = 1n << 4096n;

const reduced = (numerator: bigint, denominator: bigint): Fraction => {
  const divisor = denominator > longest ? 1n : gcd(numerator, denominator);
  return divisor === 1n
    ? { numerator, denominator }
    : { numerator: numerator / divisor, denominator: denominator / divisor };
};

/** A loop: numbers of a thousand decimals would take more calls than fit on a stack. */
function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

/** The options of a decision with their probabilities, which sum to 1. */
type Options = readonly Fraction[];

interface Decision {
  taken: number;
  options: Options;
}

function optionsOf({ numerator, denominator }: Chance): Options {
  const [x, y] = [BigInt(numerator), BigInt(denominator)];
  return [reduced(x, y), reduced(y - x, y)];
}

/**
 * What a chain of chances comes to: 1/3, then 1/2, then all that is left are a third each. The last
 * option: none of them.
 */
function optionsInTurn(chances: readonly Chance[]): Options {
  const options: Fraction[] = [];
  let left = one;
  for (const chance of chances) {
    const [happens, not] = optionsOf(chance);
    options.push(multiply(left, happens!));
    left = multiply(left, not!);
  }
  return [...options, left];
}

const inTurn = new WeakMap<readonly Chance[], Options>();
function rememberedInTurn(chances: readonly Chance[]): Options {
  let options = inTurn.get(chances);
  if (!options) inTurn.set(chances, (options = optionsInTurn(chances)));
  return options;
}

/** How many decisions all ways together may take; a choice of one in 4,000 takes 8 million. */
const mostDecisions = 20_000_000;
/** How many one way may take: the bigint of its probability has a few bits for each. */
const longestWay = 5_000;

/**
 * Runs `run` once for each way that its decisions can go, and answers every result with its
 * probability; they sum to exactly 1. `run` must behave the same for the same decisions, and leave
 * no trace behind (see Walk.undo). Options of probability 0 are not run. Throws where there are
 * more than `limit` ways (default 100,000), or ways too long, so that it ends.
 */
export function everyWay<T>(
  run: (choose: Chooser) => T,
  limit = 100_000,
): { probability: Fraction; result: T }[] {
  const ways: { probability: Fraction; result: T }[] = [];
  forEveryWay(run, (result, probability) => ways.push({ probability, result }), limit);
  return ways;
}

/** The same, without keeping the results: `visit` gets each as it comes. */
export function forEveryWay<T>(
  run: (choose: Chooser) => T,
  visit: (result: T, probability: Fraction) => void,
  limit: number,
): void {
  let ways = 0;
  // the decisions of the current way; the next way changes the last one that has options left
  const path: Decision[] = [];
  let decisions = 0;
  do {
    if (ways >= limit || decisions > mostDecisions)
      throw new Error(
        `there are more than ${ways} ways for this to go; ask for fewer endpoints or follow one way`,
      );
    const result = run(replay(path));
    decisions += path.length;
    const probability = path.reduce(
      (product, { options, taken }) => multiply(product, options[taken]!),
      one,
    );
    ways++;
    visit(result, probability);
  } while (advance(path));
}

/**
 * A chooser that repeats the decisions of `path`, and then appends the first possible option of
 * each new one.
 */
function replay(path: Decision[]): Chooser {
  let next = 0;
  let ports = 0;
  const decide = (options: () => Options): number => {
    if (next === longestWay)
      throw new Error(
        `one way for this to go takes more than ${longestWay} decisions; follow a single one instead`,
      );
    if (next === path.length) {
      const all = options();
      path.push({ taken: possibleFrom(all, 0), options: all });
    }
    return path[next++]!.taken;
  };
  return {
    chance: (numerator, denominator) => decide(() => optionsOf({ numerator, denominator })) === 0,
    pick: (n) => decide(() => Array<Fraction>(n).fill(reduced(1n, BigInt(n)))),
    first: (chances) => decide(() => rememberedInTurn(chances)),
    port: (low, high) => low + (ports++ % (high - low + 1)),
  };
}

/** The first option from `start` on that can happen; -1 where none can. */
function possibleFrom(options: Options, start: number): number {
  for (let i = start; i < options.length; i++) if (options[i]!.numerator > 0n) return i;
  return -1;
}

/** Turns `path` into the beginning of the next way; false if there is none. */
function advance(path: Decision[]): boolean {
  for (let last = path.pop(); last !== undefined; last = path.pop()) {
    const taken = possibleFrom(last.options, last.taken + 1);
    if (taken >= 0) {
      path.push({ taken, options: last.options });
      return true;
    }
  }
  return false;
}
