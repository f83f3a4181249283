/**
 * Sums and comparisons of quantities, exact as Kubernetes' are: thousandths in whole numbers.
 * (k8s.io/apimachinery: pkg/api/resource/quantity.go)
 */
import { combined, type AmountsOf, type Sums } from "./pod-resources.js";
import { canonical } from "./quantity.js";

/** Names of resources, and how much of each: { cpu: "500m", pods: "2" }. */
export type ResourceList = AmountsOf<string>;

const factors: ReadonlyMap<string, bigint> = new Map(
  ["", "k", "M", "G", "T", "P", "E"].map((unit, i) => [unit, 1000n ** BigInt(i + 1)]),
);
const binary: ReadonlyMap<string, bigint> = new Map(
  ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((unit, i) => [unit, 1000n * 1024n ** BigInt(i + 1)]),
);

/** In thousandths, rounded up. */
export function inMilli(text: string): bigint {
  const [, digits = "0", unit = ""] = /^(-?\d+)(\D*)/.exec(plain(text)) ?? [];
  const factor = unit === "m" ? 1n : (factors.get(unit) ?? binary.get(unit) ?? 1000n);
  return BigInt(digits) * factor;
}

/** Without an exponent. */
function plain(text: string): string {
  const [, digits, power] = /^(-?\d+)e(-?\d+)$/.exec(canonical(text)) ?? [];
  if (digits === undefined) return canonical(text);
  return power === "-3" ? `${digits}m` : digits + "0".repeat(Number(power));
}

const isBinary = (text: string): boolean => /[KMGTPE]i$/.test(text);

/** The text of so many thousandths; `like`: in whose way it is written. */
function written(milli: bigint, like: string): string {
  const bytes = milli / 1000n;
  const fits = isBinary(like) && milli % 1_024_000n === 0n;
  if (fits) return canonical(`${bytes / 1024n}Ki`);
  return isBinary(like) && milli % 1000n === 0n ? String(bytes) : canonical(`${milli}m`);
}

/** (Quantity.Add: a sum is written as its first part, or as the second where that is nothing) */
export const sumOf = (a: string, b: string): string =>
  written(inMilli(a) + inMilli(b), inMilli(a) === 0n ? b : a);

const differenceOf = (a: string, b: string): string =>
  written(inMilli(a) - inMilli(b), inMilli(a) === 0n ? b : a);

export const isMore = (a: string, b: string): boolean => inMilli(a) > inMilli(b);

/** Exact, and written as Kubernetes writes them. */
export const exact: Sums<string> = {
  read: canonical,
  sum: sumOf,
  larger: (a, b) => (isMore(b, a) ? b : a),
};

/** Of each resource that one of them has. */
export const added = (a: ResourceList, b: ResourceList): ResourceList => combined(a, b, sumOf);

/** `a` without `b`, and no less than nothing. */
export function lessened(a: ResourceList, b: ResourceList): ResourceList {
  const left = (name: string, amount: string) => {
    const rest = differenceOf(amount, b[name] ?? "0");
    return inMilli(rest) < 0n ? "0" : rest;
  };
  return Object.fromEntries(
    Object.entries(a).map(([name, amount]) => [name, left(name, amount)] as const),
  );
}

export const only = (list: ResourceList, names: ReadonlySet<string>): ResourceList =>
  Object.fromEntries(Object.entries(list).filter(([name]) => names.has(name)));
