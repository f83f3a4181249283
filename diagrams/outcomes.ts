import type { Hop, Outcomes } from "stopover";
import type { Mermaid } from "./picture.js";
import { roleOf, titleOf } from "./journey.js";
import { Flow } from "./flow.js";
import { fraction, shorten, wrap } from "./text.js";

/** Every way that a request can go, with the exact share of requests that takes each arrow. */
export function outcomes({ request, outcomes }: Outcomes): Mermaid {
  const flow = new Flow("LR"),
    shares = new Map<string, { from: string; to: string; share: number }>();
  for (const outcome of outcomes) {
    const way = outcome.hops.filter(({ kind }) => kind !== "dns"),
      keys = way.map((hop, i) => draw(hop, way[i - 1]));
    if (outcome.disposition !== "delivered") {
      const end = `end ${outcome.disposition}: ${outcome.reason}`;
      if (!flow.has(end))
        flow.node(end, "ending", [outcome.disposition.toUpperCase(), ...wrap(outcome.reason, 32)]);
      keys.push(end);
    }
    keys.forEach((to, i) => {
      const from = keys[i - 1];
      if (from === undefined || from === to) return;
      const arrow = shares.get(`${from} ${to}`) ?? { from, to, share: 0 };
      arrow.share += outcome.probability;
      shares.set(`${from} ${to}`, arrow);
    });
  }
  for (const { from, to, share } of shares.values())
    flow.edge(from, to, { label: [fraction(share)] });
  return flow.picture(`Every way ${request.url || "the packet"} can go, and how often`);

  /** The rules of a Service are each node's own: they stand behind the node that was entered. */
  function draw(hop: Hop, before: Hop | undefined): string {
    const node = hop.kind === "cluster-ip" ? before?.name : undefined;
    const key = `${hop.kind} ${hop.stop} ${hop.name} ${node ?? ""}`;
    const lines = titleOf(hop).split(/(?<=^Stop-over \d): |(?<=^Pod|^client:) | (?=on )/);
    if (!flow.has(key)) flow.node(key, roleOf(hop), [...lines, node && `on ${shorten(node)}`]);
    return key;
  }
}
