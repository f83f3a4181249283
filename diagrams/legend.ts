import type { Mermaid } from "./picture.js";
import { Flow } from "./flow.js";
import { roles, type Role } from "./theme.js";

/** What the shapes, colours and arrows mean in all pictures: shown once, in the first chapter. */
export function legend(): Mermaid {
  const flow = new Flow("LR", 24);
  const shown = (Object.keys(roles) as Role[]).filter((role) => role !== "cluster");
  shown.forEach((role, i) => {
    flow.node(role, role, [roles[role].means]);
    if (i % 3) flow.order(shown[i - 1]!, role);
  });
  for (const [kind, ...means] of [
    ["path", "a request,", "or who acts"],
    ["reply", "an answer,", "or who is told"],
    ["plain", "the one leads", "to the other"],
  ] as const)
    flow
      .node(`${kind} from`, "cluster", ["one"])
      .node(`${kind} to`, "cluster", ["other"])
      .edge(`${kind} from`, `${kind} to`, { [kind]: true, label: means });
  return flow.picture("What the colours, shapes and arrows mean");
}
