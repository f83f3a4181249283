/**
 * A policy engine that knows no iptables: it remembers who may talk to whom, and looks at packets
 * that a node forwards. A second user of the seam in net/dataplane.ts; nothing else knows of it.
 */
import { priority, type Dataplane, type HookFunction } from "stopover/internal/net/dataplane";
import type { ShownRule, Stop } from "stopover/internal/net/dataplane";
import type { Passage } from "stopover/internal/net/passage";

/** `to` is closed to all sources but these. */
export interface Policy {
  name: string;
  to: string;
  from: ReadonlySet<string>;
}

export class PolicyEngine implements Dataplane {
  readonly name = "policies";
  readonly policies: Policy[] = [];
  looked = 0;
  /** Beside iptables' filter table, and before it. */
  readonly #functions: readonly HookFunction[] = [
    { hook: "FORWARD", priority: priority.filter - 1, look: (passage) => this.#look(passage) },
  ];

  functions(): readonly HookFunction[] {
    return this.#functions;
  }

  #look(passage: Passage): Stop | undefined {
    this.looked++;
    const established = passage.tracked !== undefined && passage.tracked.state !== "NEW";
    const closed = this.policies.find(
      ({ to, from }) => passage.destination.text === to && !from.has(passage.source.text),
    );
    if (closed === undefined || established) return undefined;
    const rule = shown(closed);
    if (passage.recorded) passage.record("drop", { table: this.name, rule });
    return { kind: "drop", packet: passage.packet, why: "a policy drops it", rule };
  }
}

const shown = ({ name, to, from }: Policy): ShownRule => ({
  text: () => `only ${[...from].join(", ") || "nobody"} to ${to}`,
  comment: name,
  purpose: { object: `Policy ${name}` },
});
