const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** More characters than any duration needs. */
const maxLength = 100;

/**
 * "400ms", "40s", "1m30s", "5m", "2h" as milliseconds (Go's notation, with "d" for days); a bare
 * number is milliseconds already. Throws a RangeError that says what is allowed.
 */
export function duration(value: string | number): number {
  if (typeof value === "number" && value >= 0 && Number.isFinite(value)) return value;
  const parts =
    typeof value === "string" && value.length <= maxLength
      ? value.trim().match(/^(\d+(\.\d+)?(ms|s|m|h|d))+$/)
      : null;
  if (!parts)
    throw new RangeError(
      `${JSON.stringify(value)} is no duration: write a number with a unit, as "400ms", "40s", "5m" or "1h30m"`,
    );
  return [...parts[0].matchAll(/([\d.]+)(ms|s|m|h|d)/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * units[unit!]!,
    0,
  );
}
