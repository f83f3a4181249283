/** conntrack: the connections that the kernel of the place tracks. In a Pod's, nothing is. */
import type { Act } from "../../machinery/act.js";
import { conntrackText, type Connection as Tracked } from "../../net/conntrack.js";
import { familyOf } from "../../net/ip.js";
import type { Command, Context } from "../place.js";
import { optionsOf, refuse } from "./common.js";
import { watchConnections } from "./conntrack-events.js";
import { machineOf } from "./interfaces.js";

const known = ["tcp", "udp", "icmp", "icmpv6", "sctp", "dccp", "gre", "udplite"];

function* conntrack(context: Context): Act<number> {
  const { flags } = yield* optionsOf(
    context,
    {
      letters: "LCDFEGp:s:d:f:o:r:q:e:",
      long: {
        proto: "p:",
        "orig-src": "s:",
        src: "s:",
        "orig-dst": "d:",
        dst: "d:",
        sport: "sport:",
        dport: "dport:",
        "orig-port-src": "sport:",
        "orig-port-dst": "dport:",
        "reply-src": "r:",
        "reply-dst": "q:",
        family: "f:",
        output: "o:",
        state: "state:",
        "event-mask": "e:",
        dump: "L",
        delete: "D",
        flush: "F",
        count: "C",
        event: "E",
      },
    },
    2,
  );
  const tool = "conntrack v1.4.7 (conntrack-tools):";
  const protocol = flags.get("p");
  if (protocol !== undefined && !known.includes(protocol.toLowerCase())) {
    yield* context.err(
      `${tool} \`${protocol}' unsupported protocol\nTry \`conntrack -h' or 'conntrack --help' for more information.\n`,
    );
    return 2;
  }
  const isExtended = (flags.get("o") ?? "").split(",").includes("extended");
  const familyText = ({ original }: Tracked): string =>
    familyOf(original.source) === "IPv4" ? "ipv4     2 " : "ipv6     10 ";
  const table = machineOf(context)?.kernel.conntrack;
  const now = context.place.acts.clock.now();
  const wanted = ({ original, reply, tcp }: Tracked): boolean => {
    const checks: [string, string | undefined][] = [
      ["p", original.protocol.toLowerCase()],
      ["s", original.source],
      ["d", original.destination],
      ["sport", String(original.sourcePort)],
      ["dport", String(original.destinationPort)],
      ["r", reply.source],
      ["q", reply.destination],
      ["state", tcp],
      ["f", familyOf(original.source) === "IPv4" ? "ipv4" : "ipv6"],
    ];
    return checks.every(
      ([flag, value]) =>
        !flags.has(flag) || flags.get(flag)!.toLowerCase() === value?.toLowerCase(),
    );
  };
  const all = [...(table?.connections() ?? [])].filter(({ expires }) => expires > now);
  const found = all.filter(wanted);
  const told = (what: string): string =>
    `${tool} ${found.length} flow entries have been ${what}.\n`;
  if (flags.has("C")) yield* context.out(`${all.length}\n`);
  else if (flags.has("F")) {
    for (const each of all) table!.delete(each);
    yield* context.err(`${tool} connection tracking table has been emptied.\n`);
  } else if (flags.has("L") || flags.has("D")) {
    for (const each of found) {
      yield* context.out(`${isExtended ? familyText(each) : ""}${conntrackText(each, now)}\n`);
      if (flags.has("D")) table!.delete(each);
    }
    yield* context.err(told(flags.has("D") ? "deleted" : "shown"));
    if (flags.has("D") && found.length === 0) return 1;
  } else if (flags.has("E")) {
    const masks = (flags.get("e") ?? "").split(",").filter((each) => each !== "" && each !== "ALL");
    const hasTime = (flags.get("o") ?? "").split(",").includes("timestamp");
    const told = yield* watchConnections(context, wanted, masks, hasTime);
    yield* context.err(`${tool} ${told} flow events have been shown.\n`);
  } else return yield* refuse(context, 2, "-L, -C, -D, -E and -F are modelled here");
  return 0;
}

export const connections: Readonly<Record<string, Command>> = { conntrack };
