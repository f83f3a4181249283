import type { Hop, Journey } from "stopover";
import type { Mermaid } from "./picture.js";
import { addresses, answerOf, askedFor, titleOf, translations } from "./journey.js";
import { label, labels, hostLines, shorten, wrap } from "./text.js";
import { look } from "./theme.js";

/**
 * A sequence diagram under construction: participants in the order in which they are named, then
 * what they say.
 */
export class Talk {
  private readonly ids = new Map<string, string>();
  private readonly head: string[] = [];
  private readonly lines: string[] = [];

  who(key: string, ...name: string[]): this {
    if (!this.ids.has(key)) {
      this.ids.set(key, `p${this.ids.size}`);
      this.head.push(`participant ${this.ids.get(key)} as ${labels(...name)}`);
    }
    return this;
  }
  says(from: string, to: string, text: string[], options: { answer?: boolean } = {}): this {
    this.lines.push(
      `${this.ids.get(from)}${options.answer ? "-->>" : "->>"}${this.ids.get(to)}: ${labels(...text)}`,
    );
    return this;
  }
  note(over: string, ...text: string[]): this {
    this.lines.push(`Note over ${this.ids.get(over)}: ${labels(...text)}`);
    return this;
  }
  /** A note that hides no number: those stand on the line of who speaks. */
  beside(whom: string, text: string): this {
    this.lines.push(`Note right of ${this.ids.get(whom)}: ${labels(text)}`);
    return this;
  }
  /**
   * The messages lie on a white card, for mermaid writes them in ink on whatever colour the page
   * has.
   */
  picture(title: string): Mermaid {
    // a long one names its participants below as well (and mermaid ends their lines at 2,000 pixels
    // if it does not)
    const mirrorActors = this.lines.length > 24;
    return {
      kind: "mermaid",
      title,
      source:
        [
          look({ mirrorActors }),
          "sequenceDiagram",
          `accTitle: ${label(title)}`,
          "autonumber",
          ...this.head,
          "rect rgb(255,255,255)",
          ...this.lines,
          "end",
        ].join("\n") + "\n",
    };
  }
}

/**
 * The request and its answer as messages between machines, in order; what rules make of the
 * addresses as notes.
 */
export function sequence(trip: Journey): Mermaid {
  const talk = new Talk();
  const machines = trip.hops.map((hop, i) =>
    hop.kind === "cluster-ip" ? (trip.hops[i - 1] ?? hop) : hop,
  ); // rules are no machine: they are where the packet is
  machines.forEach((hop) => talk.who(machineOf(hop), ...nameOf(hop)));
  let at = machines[0];
  trip.hops.forEach((hop, i) => {
    const machine = machines[i]!;
    if (hop.kind === "dns" && at)
      talk
        .says(machineOf(at), machineOf(hop), [`who is ${askedFor(hop)}?`])
        .says(machineOf(hop), machineOf(at), [answerOf(hop) ?? "no such name"], { answer: true });
    else if (at && machineOf(at) !== machineOf(machine))
      talk.says(machineOf(at), machineOf(machine), addresses(hop.in));
    if (hop.kind !== "dns") at = machine;
    const changes = translations(hop.steps);
    if (changes.length)
      talk.note(
        machineOf(machine),
        ...(hop.kind === "cluster-ip" ? ["Stop-over 3: ClusterIP"] : []),
        ...changes,
      );
  });
  if (trip.disposition !== "delivered" && at)
    talk.note(machineOf(at), trip.disposition.toUpperCase(), ...wrap(trip.reason, 40));
  trip.reply.forEach((hop, i) => {
    const next = trip.reply[i + 1];
    talk.who(machineOf(hop), ...nameOf(hop));
    const changes = translations(hop.steps);
    if (changes.length) talk.note(machineOf(hop), ...changes);
    if (next)
      talk
        .who(machineOf(next), ...nameOf(next))
        .says(machineOf(hop), machineOf(next), addresses(hop.out), { answer: true });
  });
  return talk.picture(`The request ${trip.request.url} and its answer, message by message`);
}

function machineOf({ kind, name }: Hop): string {
  return `${kind} ${name}`;
}
function nameOf(hop: Hop): string[] {
  if (hop.kind === "load-balancer") return ["Stop-over 1", ...hostLines(hop.name, 18)];
  if (hop.kind === "node")
    return [...(hop.stop === 2 ? ["Stop-over 2"] : []), shorten(hop.name, 18)];
  if (hop.kind === "pod") return ["Pod", shorten(hop.name.replace(/^.*\//, ""), 18)];
  return [shorten(titleOf(hop), 22)];
}
