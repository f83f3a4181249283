/** Programs that are not run here: what they are taken to do, and how that is said. */
import { sleep } from "../machinery/act.js";
import type { Command } from "../shell/place.js";

/** An init container of whose command nothing is known is taken to end well after so long. */
const INIT_MS = 1_000;

export const runsForEver = (program: string): Command =>
  function* (context) {
    yield* context.err(notRun(program, "run for ever"));
    for (;;) yield () => () => {};
  };

export const endsWell = (program: string): Command =>
  function* (context) {
    yield* context.err(notRun(program, "end well"));
    yield* sleep(context.place.acts.clock, INIT_MS);
    return 0;
  };

/** A program that a probe or a hook calls, and that is not known: it is taken to end well. */
export const isGranted: Command = function* () {
  return 0;
};

const notRun = (program: string, does: string): string =>
  `stopover: ${program} is not run here: ` +
  `it is taken to ${does}, and what it would print is not known\n`;
