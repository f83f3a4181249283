/** Looks at something every now and then while time passes. */
import type { Clock } from "./api/clock.js";
import { duration } from "./machinery/duration.js";

/** Answers what it saw first and each time it saw something else. Throws RangeError. */
export function film<T extends object>(
  cluster: { readonly clock: Clock; advance(ms: number): void },
  look: () => T,
  time: string | number,
  every: string | number,
): ({ seconds: number } & T)[] {
  const { clock } = cluster;
  const start = clock.now(),
    end = start + duration(time),
    step = duration(every);
  if (step <= 0)
    throw new RangeError(
      `every is ${JSON.stringify(every)}; it must be longer than nothing, for example "100ms"`,
    );
  const seen: ({ seconds: number } & T)[] = [];
  let last = "";
  for (;;) {
    const sight = look(),
      text = JSON.stringify(sight);
    if (text !== last) seen.push({ seconds: (clock.now() - start) / 1000, ...sight });
    last = text;
    if (clock.now() >= end) return seen;
    cluster.advance(Math.min(step, end - clock.now()));
  }
}
