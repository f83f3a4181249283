let last = { second: NaN, text: "" };

/**
 * A time as the API writes it: whole seconds, UTC. The same second gives the same string, so that a
 * million objects share it.
 */
export function stamp(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1_000);
  if (second !== last.second)
    last = { second, text: `${new Date(second * 1_000).toISOString().slice(0, 19)}Z` };
  return last.text;
}

let lastMicro = { milliseconds: NaN, text: "" };

/** As `stamp`, to the microsecond: what Leases carry. */
export function stampMicro(milliseconds: number): string {
  if (milliseconds !== lastMicro.milliseconds) {
    const text = `${new Date(milliseconds).toISOString().slice(0, 23)}000Z`;
    lastMicro = { milliseconds, text };
  }
  return lastMicro.text;
}
