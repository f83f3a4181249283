/** How long failed work waits before it is tried again: doubled each time. Milliseconds. */
export interface BackOff {
  base: number;
  max: number;
}

/** A controller's: client-go's DefaultTypedControllerRateLimiter: 5 ms, 10 ms, … 1000 s. */
export const controllerBackOff: BackOff = { base: 5, max: 1_000_000 };

/**
 * Everybody else's. The longest wait is a reflector's (client-go: tools/cache/reflector.go), so
 * that whatever was away for long is noticed half a minute after it is back.
 */
export const componentBackOff: BackOff = { base: 5, max: 30_000 };

/**
 * Nobody waits for a retry that is further ahead than this: it is background work. Milliseconds.
 * A conflict is solved by a retry or two; what fails for longer waits for something else to change.
 */
const PATIENCE_MS = 1_000;

/** The wait after so many failures in a row, and whether somebody waits for its end. */
export function waitAfter(
  failures: number,
  { base, max }: BackOff,
): { delay: number; background: boolean } {
  const delay = Math.min(base * 2 ** (failures - 1), max);
  return { delay, background: delay > PATIENCE_MS };
}
