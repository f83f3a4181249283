/**
 * Who finds causes (why/) comes after the first journey: a page loads it with given.ts. Until then
 * journeys end without a cause, and `why` says what is missing.
 */
import type { Explaining } from "./journey/data-path.js";
import type { AskWhy, askWhy, ListAt } from "./why/ask.js";
import type { causesIn } from "./why/journeys.js";
import type { World } from "./why/types.js";

export interface Diagnosing {
  askWhy: typeof askWhy;
  causesIn: typeof causesIn;
}

let diagnosing: Diagnosing | undefined;

/** From now on there is somebody who finds causes. */
export const diagnoseWith = (somebody: Diagnosing): void => void (diagnosing = somebody);

/** `why` of a cluster; `listAt`: its objects as they were. */
export const whyOf = (world: () => World, listAt?: (revision: number | string) => ListAt): AskWhy =>
  ((...question: Parameters<AskWhy>) => {
    if (!diagnosing) throw new Error("why: the part that finds causes (given.js) is not loaded");
    return diagnosing.askWhy(world, listAt)(...question);
  }) as AskWhy;

/** Journeys that end badly say why, as far as that can be found. */
export const explaining =
  (world: () => World): Explaining =>
  () =>
    diagnosing ? diagnosing.causesIn(world) : (journey) => journey;
