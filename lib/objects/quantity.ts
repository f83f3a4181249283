/**
 * Quantities of resources: "500m" is 0.5, "64Mi" is 67108864. (k8s.io/apimachinery:
 * pkg/api/resource/quantity.go)
 */

/** More characters than any amount needs. */
const maxLength = 100;

/**
 * A number in groups that cannot match the same digits in two ways, so that a long text costs what
 * its length is: sign and digits, then a unit or an exponent.
 */
const pattern = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([KMGTPE]i|[numkMGTPE])|([eE][+-]?\d+))?$/;

const units: ReadonlyMap<string, number> = new Map([
  ["n", 1e-9],
  ["u", 1e-6],
  ["m", 1e-3],
  ["", 1],
  ["k", 1e3],
  ["M", 1e6],
  ["G", 1e9],
  ["T", 1e12],
  ["P", 1e15],
  ["E", 1e18],
  ["Ki", 2 ** 10],
  ["Mi", 2 ** 20],
  ["Gi", 2 ** 30],
  ["Ti", 2 ** 40],
  ["Pi", 2 ** 50],
  ["Ei", 2 ** 60],
]);

export const isQuantity = (text: string): boolean => text.length <= maxLength && pattern.test(text);

/** Kubernetes holds larger ones for this. */
const largest = 2 ** 63 - 1;

/** A quantity as a number; NaN where it is none. */
export function quantity(value: string | number): number {
  const text = String(value);
  if (text.length > maxLength) return Number.NaN;
  const [, number, unit = "", exponent = ""] = pattern.exec(text) ?? [];
  const amount = Number(`${number}${exponent}`) * units.get(unit)!;
  return Math.max(-largest, Math.min(amount, largest));
}

const binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

/** Known ones: a few amounts stand in ten thousands of Pods. */
const canonicals = new Map<string, string>();
const maxCanonicals = 1000;

/**
 * The text that Kubernetes keeps of an amount in a list of resources: "0.5" is "500m", "1024Ki" is
 * "1Mi". (pkg/apis/core/v1/defaults.go, SetDefaults_ResourceList; CanonicalizeBytes)
 */
export function canonical(text: string): string {
  let known = canonicals.get(text);
  if (known === undefined) {
    if (canonicals.size > maxCanonicals) canonicals.clear();
    canonicals.set(text, (known = canonicalOf(text)));
  }
  return known;
}

function canonicalOf(text: string): string {
  const [, number = "", unit = "", exponent = ""] = pattern.exec(text) ?? [];
  if (number === "" || exponent.length > 4) return text;
  const [whole = "", fraction = ""] = number.replace(/^[+-]/, "").split(".");
  const step = binary.indexOf(unit);
  const power = step > 0 ? 0 : 3 * (decimal.indexOf(unit) - 3) + Number(exponent.slice(1) || 0);
  const digits = BigInt(whole + fraction || "0") * 1024n ** BigInt(step > 0 ? step : 0);
  const milli = inMilli(digits, power - fraction.length);
  const sign = number.startsWith("-") && milli > 0n ? "-" : "";
  const isBinary = step > 0 && milli % 1000n === 0n && milli >= 1024_000n;
  return sign + (isBinary ? shortest(milli / 1000n, 1024n, binary) : inDecimal(milli, exponent));
}

/** Thousandths, rounded up. */
function inMilli(digits: bigint, power: number): bigint {
  const scale = power + 3;
  if (scale >= 0) return digits * 10n ** BigInt(scale);
  const divisor = 10n ** BigInt(-scale);
  return (digits + divisor - 1n) / divisor;
}

function inDecimal(milli: bigint, exponent: string): string {
  if (exponent === "") return shortest(milli, 1000n, decimal.slice(2));
  const powers = ["e-3", "", "e3", "e6", "e9", "e12", "e15", "e18"];
  return shortest(milli, 1000n, powers);
}

/** The whole number with the largest of the units that loses nothing. */
function shortest(number: bigint, factor: bigint, units: readonly string[]): string {
  let place = 0;
  while (number !== 0n && number % factor === 0n && place < units.length - 1) {
    number /= factor;
    place++;
  }
  return number === 0n ? "0" : `${number}${units[place]}`;
}
