import type {
  Deployment,
  EndpointSlice,
  Event,
  Journey,
  KubeObject,
  Node,
  Pod,
  ReplicaSet,
  Service,
} from "stopover";
import { printable, printableLines } from "stopover/internal/net/printable";
import type { Table } from "./picture.js";
import { endsOf } from "./film.js";
import { aligned, fraction, html } from "./text.js";

/** How a table is laid out. */
export interface TableOptions {
  title?: string;
  /**
   * Which columns, in which order. Default: every key of every row, in the order in which they turn
   * up.
   */
  columns?: string[];
  /**
   * Columns in a font of equal widths: rules, addresses. Default: those called "rule", "change",
   * "source", "destination".
   */
  code?: string[];
  /** More rows than this are counted, not shown. Default 100. */
  limit?: number;
}

/**
 * Rows of anything: `table([{ name: "node-a", ready: true }])`. Numbers are rounded to four places,
 * shares of where requests end ("default/nginx-…": 0.3333) are fractions, values that are objects
 * are printed as JSON; nothing is shown for undefined and null.
 */
export function table(
  rows: readonly object[],
  {
    title = "",
    columns,
    code = ["rule", "change", "source", "destination"],
    limit = 100,
  }: TableOptions = {},
): Table {
  const ends = new Set(endsOf(rows));
  const names = columns ?? inOrder([...new Set(rows.flatMap((row) => Object.keys(row)))], ends);
  const cells = rows.slice(0, limit).map((row) =>
    names.map((name) => {
      const value = (row as Record<string, unknown>)[name];
      return ends.has(name) && typeof value === "number" ? shareText(value) : cellText(value);
    }),
  );
  const more =
    rows.length > limit ? `… and ${(rows.length - limit).toLocaleString("en-US")} more` : "";
  const left = 'style="text-align:left;vertical-align:top"';
  const shown = (cell: string, column: number, tag: string) =>
    (tag === "td" && cell && code.includes(names[column]!)
      ? `<code>${html(cell)}</code>`
      : html(cell)
    ).replaceAll("\n", "<br>");
  const line = (tag: "th" | "td", row: string[]) =>
    `<tr>${row.map((cell, column) => `<${tag} ${left}>${shown(cell, column, tag)}</${tag}>`).join("")}</tr>`;
  return {
    kind: "table",
    title,
    html: `<table>${title && `<caption ${left}>${html(title)}</caption>`}<thead>${line("th", names.map(printable))}</thead><tbody>${cells.map((row) => line("td", row)).join("")}</tbody></table>${more && `<p>${more}</p>`}`,
    text: [
      printable(title),
      aligned([names, ...cells].map((row) => row.map((cell) => cell.replaceAll("\n", " ")))),
      more,
    ]
      .filter(Boolean)
      .join("\n"),
  };
}

/** Ends of requests stand together: Pods first, after them what went wrong. */
function inOrder(names: readonly string[], ends: ReadonlySet<string>): string[] {
  const first = names.findIndex((name) => ends.has(name));
  const others = names.filter((name) => !ends.has(name));
  const before = names.slice(0, Math.max(0, first));
  return [...before, ...ends, ...others.filter((name) => !before.includes(name))];
}

function shareText(share: number): string {
  return share === 0 || share === 1 ? String(share) : fraction(share);
}

/** One value; what came from outside may break lines and do nothing else. */
const cellText = (value: unknown): string => printableLines(textOf(value));

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number" && !Number.isInteger(value))
    return String(Number(value.toFixed(4)));
  if (Array.isArray(value) && value.every((item) => typeof item !== "object"))
    return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Objects as `kubectl get -o wide` would list them, one kind or several. */
export function objects(list: readonly KubeObject[], options: TableOptions = {}): Table {
  const kinds = new Set(list.map(({ kind }) => kind));
  const rows = list.map((object) => ({
    ...(kinds.size > 1 ? { KIND: object.kind } : {}),
    ...(object.kind === "Event" ? {} : { NAME: object.metadata.name }),
    ...(columnsOf[object.kind]?.(object as never) ?? { NAMESPACE: object.metadata.namespace }),
  }));
  return table(rows, { title: [...kinds].join(", "), ...options });
}

const columnsOf: Record<string, (object: never) => Record<string, unknown>> = {
  Event: (event: Event) => ({
    TYPE: event.type,
    REASON: event.reason,
    FROM: event.source?.component ?? event.reportingComponent,
    OBJECT: `${event.involvedObject.kind} ${event.involvedObject.name}`,
    MESSAGE: event.message,
    COUNT: event.count ?? 1,
  }),
  Service: ({ spec, status }: Service) => ({
    TYPE: spec.type,
    "CLUSTER-IP": spec.clusterIP ?? "<none>",
    "EXTERNAL-IP":
      status?.loadBalancer?.ingress?.map(({ hostname, ip }) => hostname ?? ip).join(",") ??
      (spec.type === "LoadBalancer" ? "<pending>" : "<none>"),
    "PORT(S)": spec.ports
      ?.map(
        ({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ""}/${protocol}`,
      )
      .join(","),
    SELECTOR: pairs(spec.selector),
  }),
  Pod: ({ spec, status, metadata }: Pod) => ({
    READY: `${status?.containerStatuses?.filter(({ ready }) => ready).length ?? 0}/${spec.containers.length}`,
    STATUS: metadata.deletionTimestamp ? "Terminating" : (status?.phase ?? "Pending"),
    IP: status?.podIP ?? "<none>",
    NODE: spec.nodeName ?? "<none>",
  }),
  Node: ({ status, spec }: Node) => ({
    STATUS: status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")
      ? "Ready"
      : "NotReady",
    "INTERNAL-IP": status?.addresses?.find(({ type }) => type === "InternalIP")?.address,
    "POD-CIDR": spec.podCIDR,
    TAINTS: spec.taints?.map(({ key, effect }) => `${key}:${effect}`),
  }),
  EndpointSlice: ({ addressType, ports, endpoints }: EndpointSlice) => ({
    ADDRESSTYPE: addressType,
    PORTS: ports?.map(({ port }) => port),
    ENDPOINTS: endpoints.flatMap(({ addresses, conditions }) =>
      addresses.map(
        (address) =>
          address +
          (conditions?.terminating
            ? " (terminating)"
            : conditions?.ready === false
              ? " (not ready)"
              : ""),
      ),
    ),
  }),
  Deployment: ({ spec, status }: Deployment) => ({
    READY: `${status?.readyReplicas ?? 0}/${spec.replicas ?? 1}`,
    "UP-TO-DATE": status?.updatedReplicas ?? 0,
    AVAILABLE: status?.availableReplicas ?? 0,
    SELECTOR: pairs(spec.selector?.matchLabels),
  }),
  ReplicaSet: ({ spec, status }: ReplicaSet) => ({
    DESIRED: spec.replicas ?? 1,
    CURRENT: status?.replicas ?? 0,
    READY: status?.readyReplicas ?? 0,
  }),
};
function pairs(labels: Record<string, string> | undefined): string {
  return (
    Object.entries(labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(",") || "<none>"
  );
}

/** Several journeys, a line each: where from, where to, and how they ended. */
export function journeys(trips: readonly Journey[], options: TableOptions = {}): Table {
  return table(
    trips.map(({ request, disposition, reason }) => ({
      url: request.url,
      from: request.from,
      disposition,
      reason,
    })),
    options,
  );
}

/**
 * A journey step by step: where, what was done, by which rule, for which object, and what it made
 * of the addresses. `reply`: the way back too.
 */
export function steps(
  trip: Journey,
  { reply = false, ...options }: TableOptions & { reply?: boolean } = {},
): Table {
  const hops = [...trip.hops, ...(reply ? trip.reply : [])];
  const rows = hops.flatMap((hop): object[] => {
    const where = `${hop.stop ? `stop-over ${hop.stop}: ` : ""}${hop.name}`;
    if (!hop.steps.length)
      return [
        { where, action: hop.kind === "client" ? "send" : "pass", rule: "", why: "", change: "" },
      ];
    return hop.steps.map(({ action, table, chain, rule, object, note, before, after }, i) => ({
      where: i ? "" : where,
      action,
      rule: [[table, chain].filter(Boolean).join(" "), rule].filter(Boolean).join(": "),
      why: object ?? note,
      change: before && after && before !== after ? `${before} → ${after}` : "",
    }));
  });
  return table(rows, {
    title: `${trip.request.url} from ${trip.request.from}: ${trip.disposition}. ${trip.reason}`,
    ...options,
  });
}

/** Rules as text, numbered, for a rule set or a part of it. */
export function ruleList(
  rules: readonly { table?: string; chain: string; rule: string; object?: string; note?: string }[],
  options: TableOptions = {},
): Table {
  return table(
    rules.map(({ table, chain, rule, object, note }, i): object => ({
      "#": i + 1,
      chain: [table, chain].filter(Boolean).join(" "),
      rule,
      "because of": [object, note].filter(Boolean).join(": "),
    })),
    { title: "rules", ...options },
  );
}
