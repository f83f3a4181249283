/** `cluster.why(…)`: what can be asked, and in which words. */
import { printedAs } from "../api/summary.js";
import type { World } from "./types.js";
import { changesSince, type ListAt } from "./since.js";
import { whyText } from "./text.js";
import type { Diagnosis, WhyOptions } from "./types.js";
import { why } from "./why.js";

export type { ListAt };

export interface AskWhyOptions extends Pick<WhyOptions, "from"> {
  /** A revision of the store (an object's resourceVersion): what has changed since? */
  since?: number | string | undefined;
}

export interface AskWhy {
  /** All Services, failing ones first. */
  (what?: undefined, options?: AskWhyOptions): Diagnosis[];
  /** One Service ("web", "prod/web"), or the one that a URL is meant for. */
  (what: string, options?: AskWhyOptions): Diagnosis;
}

/** `world` is made anew for each question; `listAt`: where the past can be looked at. */
export function askWhy(world: () => World, listAt?: (revision: number | string) => ListAt): AskWhy {
  function ask(what?: undefined, options?: AskWhyOptions): Diagnosis[];
  function ask(what: string, options?: AskWhyOptions): Diagnosis;
  function ask(what?: string, { from, since }: AskWhyOptions = {}): Diagnosis | Diagnosis[] {
    const now = world();
    if (what === undefined) return why(now, { from }).map(readable);
    const question = what.includes("://") ? { url: what, from } : { service: what, from };
    const [found] = why(now, question);
    if (since === undefined) return readable(found!);
    if (!listAt) throw new Error("since: a dump has no past");
    return readable({ ...found!, changes: changesSince(now, listAt(since), found!.service) });
  }
  return ask;
}

/** The same, which says in a notebook what it has to say, and is plain data all the same. */
const readable = (diagnosis: Diagnosis): Diagnosis =>
  printedAs(diagnosis, () => whyText(diagnosis).trimEnd());
