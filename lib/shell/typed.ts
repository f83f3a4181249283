/** What was typed in a network's shells, and what the reader saw: for exercises that ask for it. */
import type { Network, Typed } from "../journey/network.js";

/** So many lines are kept, and of each so much of what it printed. */
const MOST_LINES = 1_000;
export const MOST_OUTPUT = 65_536;

/** A line begins; what is answered takes down how it ended. */
export function recording(
  network: Network,
  place: string,
  line: string,
): (output: string, exitCode: number) => Typed {
  const before = network.lastJourney;
  return (output, exitCode) => {
    const { lastJourney } = network;
    const journey = lastJourney === before ? undefined : lastJourney;
    const typed = { place, line, output: output.slice(0, MOST_OUTPUT), exitCode, journey };
    const all = (network.typed ??= []);
    all.push(typed);
    if (all.length > MOST_LINES) all.shift();
    return typed;
  };
}
