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
