import type { Header, Hop, Journey, Step } from "stopover";
import { hopKinds } from "stopover/internal/journey/hops";
import type { Mermaid } from "./picture.js";
import type { Role } from "./theme.js";
import { Flow } from "./flow.js";
import { hostLines, shorten, wrap } from "./text.js";

/**
 * The article's fourth figure: the request's run and the answer's way back (dotted). What happens
 * in one machine stands in one box. The packet's addresses stand on the arrows, where they are new;
 * what a stop-over made of them stands in its box.
 *
 * `step`: only as far as the nth hop (1 is the client); the rest is drawn pale. Out of range it is
 * the nearest that there is.
 */
export function journey(trip: Journey, { step = Infinity }: { step?: number } = {}): Mermaid {
  const flow = new Flow("TB", 36);
  const reached = (hop: Hop) => trip.hops.indexOf(hop) < Math.max(1, step);
  const draw = (hop: Hop): void => {
    if (flow.has(keyOf(hop))) return; // a place that is passed twice
    const visits = trip.hops.filter((other) => keyOf(other) === keyOf(hop));
    const details = visits.flatMap((each) => detailsOf(each));
    flow.node(keyOf(hop), roleOf(hop), [titleOf(hop), ...new Set(details)], {
      path: reached(hop) && hop.kind !== "dns",
      faint: !reached(hop),
    });
  };
  for (const { machine, hops } of machinesOf(trip)) {
    if (machine === undefined) hops.forEach(draw);
    else
      flow.group(`machine ${machine}`, "node", [shorten(machine)], () => hops.forEach(draw), {
        faint: !hops.some(reached),
      });
  }
  const places = trip.hops.filter(({ kind }) => kind !== "dns");
  for (const [i, hop] of places.entries()) {
    const next = places[i + 1];
    if (next)
      flow.edge(keyOf(hop), keyOf(next), {
        label: places[i - 1] && sameHeader(next.in, hop.in) ? [] : addresses(next.in),
        path: reached(next),
        faint: !reached(next),
      });
  }
  for (const [i, dns] of trip.hops.entries()) {
    if (dns.kind !== "dns") continue;
    const asker = keyOf(trip.hops.findLast((hop, j) => j < i && hop.kind !== "dns")!);
    flow
      .edge(asker, keyOf(dns), { faint: !reached(dns) })
      .edge(keyOf(dns), asker, { reply: true, faint: !reached(dns) });
  }
  if (step >= trip.hops.length) drawEnd(flow, trip);
  return flow.picture(`The journey of ${trip.request.url || "a packet"}: ${trip.disposition}`);
}

/** The hops of each machine, in the order in which it was first met; undefined: outside. */
function machinesOf({ hops, pod, node }: Journey): { machine: string | undefined; hops: Hop[] }[] {
  const machines: { machine: string | undefined; hops: Hop[] }[] = [];
  let here: string | undefined;
  for (const hop of hops) {
    if (hop.kind === "node") here = hop.name;
    else if (hop.kind === "pod" && hop.name === pod) here = node;
    else if (!["cluster-ip", "pod", "proxy"].includes(hop.kind)) here = undefined;
    const known = here === undefined ? undefined : machines.find(({ machine }) => machine === here);
    if (known) known.hops.push(hop);
    else machines.push({ machine: here, hops: [hop] });
  }
  return machines;
}

function sameHeader(one: Header, other: Header): boolean {
  return one.source === other.source && one.destination === other.destination;
}

function drawEnd(flow: Flow, trip: Journey): void {
  if (trip.disposition !== "delivered") {
    flow.node("end", "ending", [trip.disposition.toUpperCase(), ...wrap(trip.reason, 44)], {
      path: true,
    });
    const last = trip.hops.at(-1);
    if (last) flow.edge(keyOf(last), "end", { path: true });
  }
  for (const [i, hop] of trip.reply.entries()) {
    const from = placeOf(flow, trip, hop),
      next = trip.reply[i + 1];
    if (next)
      flow.edge(from, placeOf(flow, trip, next), {
        label: i > 0 && sameHeader(hop.in, hop.out) ? [] : addresses(hop.out),
        reply: true,
      });
  }
}

/**
 * The box of an answer's hop: the last one that the request met there, for a node does its rules
 * and its routing in one place.
 */
function placeOf(flow: Flow, trip: Journey, hop: Hop): string {
  if (flow.has(keyOf(hop))) {
    const at = trip.hops.findIndex((place) => keyOf(place) === keyOf(hop)),
      after = trip.hops[at + 1];
    return hop.kind === "node" && after?.kind === "cluster-ip" ? keyOf(after) : keyOf(hop);
  }
  flow.node(keyOf(hop), roleOf(hop), [titleOf(hop), ...detailsOf(hop)]);
  return keyOf(hop);
}

function keyOf({ kind, name }: Hop): string {
  return `${kind} ${name}`;
}

export function roleOf({ kind, stop }: Hop): Role {
  return stop ? `stop${stop}` : (hopKinds[kind].role as Role);
}

/** "Stop-over 2: NodePort on node-a", "Pod nginx-…", "node-b". */
export function titleOf({ stop, kind, name }: Hop): string {
  const place = shorten(name.replace(/^default\//, "")),
    over = stop ? `Stop-over ${stop}: ` : "";
  if (kind === "node") return stop === 2 ? `${over}NodePort on ${place}` : `routing on ${place}`;
  return over + hopKinds[kind].title(place);
}

function detailsOf(hop: Hop): (string | undefined)[] {
  switch (hop.kind) {
    case "dns":
      return answerOf(hop)
        ? [`${shorten(askedFor(hop), 40)} is`, ...aliasesOf(hop), answerOf(hop)]
        : ["knows no", shorten(askedFor(hop), 40)];
    case "load-balancer":
      return hostLines(hop.name, 36);
    case "proxy":
    case "pod":
      return [hop.in.destination];
    default:
      return translations(hop.steps);
  }
}

/**
 * "destination 192.168.0.1:30519 becomes 10.1.2.2:80", one line a translation. A proxy's forwarding
 * is no translation.
 */
export function translations(steps: readonly Step[]): string[] {
  return steps
    .filter(
      ({ action, before, after }) => (action === "dnat" || action === "snat") && before && after,
    )
    .flatMap(({ action, before, after }) => [
      `${action === "dnat" ? "destination" : "source"} ${before}`,
      `becomes ${after}`,
    ]);
}

export function addresses({ source, destination }: Header): string[] {
  return [source, `to ${destination}`];
}

/**
 * What DNS answered: the address that the client then connects to; undefined where it knew the name
 * not.
 */
export function answerOf({ out, steps }: Hop): string | undefined {
  const answer = out.destination.replace(/:\d*$/, ""),
    records = steps.filter(({ action }) => action === "resolve");
  return /^[\d.]+$|^\[.*:.*\]$/.test(answer) && records.length ? answer : undefined;
}

/** The name that was looked up. */
export function askedFor({ in: { destination } }: Hop): string {
  return destination.replace(/:\d+$/, "");
}

/** The names that its name stood for, on the way to the address. */
function aliasesOf({ steps }: Hop): string[] {
  return steps
    .flatMap(({ rule }) => / CNAME (\S+)/.exec(rule ?? "")?.slice(1) ?? [])
    .map((name) => `${shorten(name, 40)},`);
}
