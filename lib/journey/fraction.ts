/**
 * A probability as people say it: "1/3", "2/9", "always"; a percentage where no small fraction
 * fits.
 */
export function fraction(probability: number): string {
  if (Math.abs(probability - 1) < 1e-9) return "always";
  for (let parts = 2; parts <= 1000; parts++) {
    const share = Math.round(probability * parts);
    if (share > 0 && Math.abs(probability - share / parts) < 1e-9) return `${share}/${parts}`;
  }
  return `${Number((probability * 100).toPrecision(3))} %`;
}
