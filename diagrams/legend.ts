import type { Mermaid } from "./picture.js";
import { Flow } from "./flow.js";
import { roles, type Role } from "./theme.js";

/** What the shapes, colours and arrows mean in all pictures: shown once, in the first chapter. */
export function legend(): Mermaid {
  const flow = new Flow("LR", 40),
    shown = (Object.keys(roles) as Role[]).filter(
      (role) => !["cluster", "stop2box"].includes(role),
    );
  shown.forEach((role, i) => {
    flow.node(role, role, [roles[role].means]);
    if (i % 3) flow.order(shown[i - 1]!, role);
  });
  for (const [kind, from, to] of [
    ["path", "a request's way,", "or who acts"],
    ["reply", "an answer's way,", "or who is told"],
    ["plain", "this one", "leads there"],
  ])
    flow
      .node(`${kind} from`, "cluster", [from])
      .node(`${kind} to`, "cluster", [to])
      .edge(`${kind} from`, `${kind} to`, { [kind!]: true });
  return flow.picture("What the colours, shapes and arrows mean");
}
