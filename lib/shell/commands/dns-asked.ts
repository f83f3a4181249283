/** How the tools of DNS ask, and how long they wait. */
import { type Act, sleep } from "../../machinery/act.js";
import { readAddress } from "../../net/ip.js";
import type { Answer } from "../network/dns-answers.js";
import { ask, type NoAnswer } from "../network/dns.js";
import type { Context } from "../place.js";
import { refuse } from "./common.js";
import { resolved } from "./names.js";

/** Bind's tools wait five seconds, three times; nslookup and host give up sooner. */
export const WAIT_MS = 5_000;

/** Each server in turn, so often; undefined: nobody answers. */
export function* asked(
  { place }: Context,
  servers: readonly string[],
  name: string,
  type: string,
  { tries, ms }: { tries: number; ms: number },
): Act<{ answer: Answer; server: string } | NoAnswer> {
  let last: NoAnswer = { failed: "timed out" };
  for (let i = 0; i < tries; i++)
    for (const server of servers) {
      const answer = yield* ask(place, server, name, type);
      if (!("failed" in answer)) return { answer, server };
      last = answer;
      if (answer.failed === "timed out") yield* sleep(place.acts.clock, ms);
    }
  return last;
}

export function* serverOf(context: Context, server: string): Act<string> {
  const address = readAddress(server)?.text;
  if (address !== undefined) return address;
  const found = yield* resolved(context, server);
  if (!Array.isArray(found) || found.length === 0)
    return yield* refuse(context, 10, `couldn't get address for '${server}': not found`);
  return found[0]!;
}
