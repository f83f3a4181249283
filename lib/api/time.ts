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

/** As `stamp`, to the microsecond: what Leases carry. */
export const stampMicro = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 23)}000Z`;
