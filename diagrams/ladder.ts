/** What `why` found: the doors of a Service as a picture, and as a table with what to change. */
import type { Diagnosis, Door } from "stopover";
import { Flow } from "./flow.js";
import type { Mermaid, Table } from "./picture.js";
import { table, type TableOptions } from "./table.js";
import type { Role } from "./theme.js";

const kinds: readonly { door: Door["door"]; role: Role; says: string }[] = [
  { door: "name", role: "dns", says: "name" },
  { door: "load-balancer", role: "stop1", says: "load balancer" },
  { door: "node-port", role: "stop2", says: "NodePort" },
  { door: "cluster-ip", role: "stop3", says: "ClusterIP" },
  { door: "pod", role: "pod", says: "Pod" },
];

/** So many doors of one kind and one end are named. */
const mostNamed = 3;

/** The doors of a Service, those that say the same in one box, and what is in the way of each. */
export function ladder({ service, doors }: Diagnosis): Mermaid {
  const flow = new Flow("LR").node("client", "client", ["who asks"]);
  for (const { door, role, says } of kinds) {
    const own = doors.filter((each) => each.door === door);
    alike(own).forEach((group, i) => {
      const [first] = group as [Door, ...Door[]];
      const key = `${door} ${i}`;
      const isSound = first.disposition === "delivered";
      flow.node(key, role, [says, ...named(group)], { faint: !first.shouldAnswer });
      flow.edge("client", key, { path: isSound, label: isSound ? [] : [first.disposition] });
      if (first.cause) drawCause(flow, key, first);
    });
  }
  return flow.picture(`The doors of Service ${service}, and what is in the way`);
}

/** One box for each cause, whichever doors it closes. */
function drawCause(flow: Flow, door: string, { cause }: Door): void {
  const { object, field, value } = cause!;
  const key = `cause ${object} ${field}`;
  if (!flow.has(key))
    flow.node(key, "ending", [object, field, value === null ? "" : String(value)]);
  flow.edge(door, key, { reply: true });
}

function alike(doors: readonly Door[]): Door[][] {
  const groups = new Map<string, Door[]>();
  for (const each of doors) {
    const key = `${each.disposition} ${each.shouldAnswer} ${each.cause?.object} ${each.cause?.field}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

function named(group: readonly Door[]): string[] {
  const names = group.slice(0, mostNamed).map(({ name }) => name);
  const more = group.length - names.length;
  return more > 0 ? [...names, `and ${more} more`] : names;
}

/** The doors of a Service, a row for those that are alike: what is wrong, and what to change. */
export function doors({ service, doors }: Diagnosis, options: TableOptions = {}): Table {
  const rows = kinds.flatMap(({ door, says }) =>
    alike(doors.filter((each) => each.door === door)).map((group) => {
      const [{ disposition, share, cause, change, kubectl }] = group as [Door, ...Door[]];
      return {
        door: says,
        which: named(group).join(", "),
        disposition,
        works: share,
        cause: cause?.sentence,
        change: change ? `${change.object}, ${change.field}: ${String(change.value)}` : undefined,
        kubectl: kubectl ?? undefined,
      };
    }),
  );
  return table(rows, { title: `The doors of Service ${service}`, code: ["kubectl"], ...options });
}

export const isDiagnosis = (what: object): what is Diagnosis =>
  "doors" in what && "service" in what && Array.isArray(what.doors);
