import { columnsOf as columnNames } from "../../objects/columns.js";
import type { KindInfo } from "../../objects/kinds.js";
import { age, few, labelText, since, type Column } from "./cells.js";
import { otherCells } from "./other-cells.js";
import { selectorText } from "../../objects/selectors.js";
import type {
  Deployment,
  Endpoints,
  EndpointSlice,
  Event,
  KubeObject,
  Lease,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
  Service,
} from "../../objects/types.js";

/**
 * What `kubectl get` prints: the server makes the rows, so that every client prints the same.
 * (kubernetes: pkg/printers/internalversion/printers.go; KEP-0555)
 */
export interface Table {
  kind: "Table";
  apiVersion: "meta.k8s.io/v1";
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  columnDefinitions: readonly Column[];
  rows: Row[];
}

export interface Row {
  cells: (string | number)[];
  object: unknown;
}

/** A row's cells, one for each of the kind's columns. */
type Cells<T> = (object: T, now: number) => (string | number)[];

const cells = <T>(of: Cells<T>): Cells<never> => of;

/** A kind's columns; of a kind that is not Kubernetes' own, what any object has. */
function columnsOf({ kind, type, columns }: KindInfo): readonly Column[] {
  const names =
    columns?.map((each) => `${each.name}:${each.type}`) ??
    (type ? (columnNames(kind) ?? bare(kind)) : ["Name", "Age"]);
  return names.map((text): Column => {
    const [name = "", type = "string"] = text.replace("+", "").split(/:(\w+)$/);
    return {
      name,
      type: type as Column["type"],
      format: name === "Name" ? "name" : "",
      description: descriptions[name] ?? "",
      priority: text.startsWith("+") ? 1 : 0,
    };
  });
}

/** Kinds for which kube-apiserver has no printer of its own. */
const bare = (kind: string): string[] =>
  kind === "APIService" ? ["Name", "Service", "Available", "Age"] : ["Name", "Created At"];

const descriptions: Record<string, string> = {
  Name: "The object's name, unique among its kind in its namespace.",
  Age: "How long ago the object was created.",
  Selector: "The labels that it selects Pods by.",
};

const none = "<none>";

const rowsOf: Record<string, Cells<never>> = {
  Namespace: cells<Namespace>((one, now) => [
    one.metadata.name,
    one.status?.phase ?? "",
    age(one, now),
  ]),
  Node: cells<Node>((one, now) => {
    const info = one.status?.nodeInfo ?? {};
    const address = (type: string) =>
      one.status?.addresses?.find((other) => other.type === type)?.address ?? none;
    const unknown = (text: string | undefined) => text || "<unknown>";
    return [
      one.metadata.name,
      nodeStatus(one),
      nodeRoles(one),
      age(one, now),
      info["kubeletVersion"] ?? "",
      address("InternalIP"),
      address("ExternalIP"),
      unknown(info["osImage"]),
      unknown(info["kernelVersion"]),
      unknown(info["containerRuntimeVersion"]),
    ];
  }),
  Pod: cells<Pod>((one, now) => {
    const sidecars = (one.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
    const statuses = [
      ...(one.status?.containerStatuses ?? []),
      ...(one.status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.includes(name)),
    ];
    const ready = statuses.filter((status) => status.ready && status.state?.running).length;
    return [
      one.metadata.name,
      `${ready}/${one.spec.containers.length + sidecars.length}`,
      podReason(one),
      restarts(one, now),
      age(one, now),
      one.status?.podIP ?? none,
      one.spec.nodeName || none,
      none,
      readinessGates(one),
    ];
  }),
  Deployment: cells<Deployment>((one, now) => {
    const { readyReplicas = 0, updatedReplicas = 0, availableReplicas = 0 } = one.status ?? {};
    return [
      one.metadata.name,
      `${readyReplicas}/${one.spec.replicas}`,
      updatedReplicas,
      availableReplicas,
      age(one, now),
      ...namesAndImages(one.spec),
      selectorText(one.spec.selector) || none,
    ];
  }),
  ReplicaSet: cells<ReplicaSet>((one, now) => [
    one.metadata.name,
    one.spec.replicas ?? 0,
    one.status?.replicas ?? 0,
    one.status?.readyReplicas ?? 0,
    age(one, now),
    ...namesAndImages(one.spec),
    selectorText(one.spec.selector) || none,
  ]),
  Service: cells<Service>((one, now) => [
    one.metadata.name,
    one.spec.type ?? "",
    one.spec.clusterIPs?.[0] ?? none,
    externalIP(one),
    portsOf(one),
    age(one, now),
    labelText(one.spec.selector),
  ]),
  Endpoints: cells<Endpoints>((one, now) => [one.metadata.name, endpointsText(one), age(one, now)]),
  EndpointSlice: cells<EndpointSlice>((one, now) => [
    one.metadata.name,
    one.addressType,
    few(
      (one.ports ?? []).map(({ port }) => (port === undefined ? "*" : String(port))),
      "<unset>",
    ),
    few(
      (one.endpoints ?? []).flatMap(({ addresses }) => addresses),
      "<unset>",
    ),
    age(one, now),
  ]),
  Event: cells<Event>((one, now) => {
    const { kind = "", name = "", fieldPath = "" } = one.involvedObject;
    const source = [
      one.source?.component ?? one.reportingComponent,
      one.source?.host ?? one.reportingInstance,
    ]
      .filter(Boolean)
      .join(", ");
    const series = one.series as { count?: number; lastObservedTime?: string } | undefined;
    const first = one.firstTimestamp ?? one.eventTime;
    return [
      since(series?.lastObservedTime ?? one.lastTimestamp ?? first, now),
      one.type,
      one.reason,
      `${kind.toLowerCase()}/${name}`,
      fieldPath,
      source,
      (one.message ?? "").trim(),
      since(first, now),
      series?.count ?? one.count ?? 1,
      one.metadata.name,
    ];
  }),
  Lease: cells<Lease>((one, now) => [
    one.metadata.name,
    one.spec?.holderIdentity ?? "",
    age(one, now),
  ]),
};

/**
 * `include`: how much of each object goes with its row (kubectl asks for its metadata). `now`:
 * milliseconds, for the ages.
 */
export function table(
  info: KindInfo,
  objects: readonly KubeObject[],
  now: number,
  include: "None" | "Metadata" | "Object" = "Metadata",
  list: Partial<Table["metadata"]> = {},
): Table {
  const columns = columnsOf(info);
  const own = info.isModelled ? rowsOf[info.kind] : undefined;
  const cellsOf = own ?? ((object: KubeObject) => otherCells(info, columns, object, now));
  const rows = objects.map((object): Row => ({
    cells: cellsOf(object as never, now),
    object:
      include === "Object"
        ? object
        : include === "Metadata"
          ? {
              kind: "PartialObjectMetadata",
              apiVersion: "meta.k8s.io/v1",
              metadata: object.metadata,
            }
          : undefined,
  }));
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: list,
    columnDefinitions: columns,
    rows,
  };
}

export const namesAndImages = ({
  template,
}: {
  template: { spec: Pod["spec"] };
}): [string, string] => [
  template.spec.containers.map(({ name }) => name).join(","),
  template.spec.containers.map(({ image }) => image ?? "").join(","),
];

function nodeStatus(node: Node): string {
  const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
  const words = [
    ready ? (ready.status === "True" ? "Ready" : "NotReady") : "Unknown",
    ...(node.spec?.unschedulable ? ["SchedulingDisabled"] : []),
  ];
  return words.join(",");
}

function nodeRoles({ metadata }: Node): string {
  const prefix = "node-role.kubernetes.io/";
  return (
    Object.keys(metadata.labels ?? {})
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length))
      .sort()
      .join(",") || none
  );
}

const isSidecar = ({ restartPolicy }: { restartPolicy?: string }): boolean =>
  restartPolicy === "Always";

/** One word for how a Pod stands. (printPod) */
function podReason(pod: Pod): string {
  const { metadata, status } = pod;
  const initializing = isInitialized(pod) ? undefined : initReason(pod);
  const reason = initializing ?? containersReason(pod);
  if (!metadata.deletionTimestamp) return reason;
  if (status?.reason === "NodeLost") return "Unknown";
  return status?.phase === "Succeeded" || status?.phase === "Failed" ? reason : "Terminating";
}

function containersReason({ status }: Pod): string {
  let reason = status?.reason || status?.phase || "Unknown";
  const gated = status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (gated?.reason === "SchedulingGated") reason = "SchedulingGated";
  let running = false;
  for (const { state, ready } of [...(status?.containerStatuses ?? [])].reverse()) {
    if (state?.waiting?.reason) reason = state.waiting.reason;
    else if (state?.terminated)
      reason = state.terminated.reason || `ExitCode:${state.terminated.exitCode}`;
    else if (ready && state?.running) running = true;
  }
  if (reason === "Completed" && running)
    reason = status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")
      ? "Running"
      : "NotReady";
  return reason;
}

const isInitialized = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status }) => type === "Initialized" && status === "True") ??
  false;

/** "Init:1/2", "Init:Error": of the first init container that keeps the others waiting. */
function initReason({ spec, status }: Pod): string | undefined {
  const all = spec.initContainers ?? [];
  for (const [i, { name, state, started }] of (status?.initContainerStatuses ?? []).entries()) {
    const { terminated, waiting } = state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (started && all.some((one) => one.name === name && isSidecar(one))) continue;
    if (terminated) return `Init:${terminated.reason || `ExitCode:${terminated.exitCode}`}`;
    if (waiting?.reason && waiting.reason !== "PodInitializing") return `Init:${waiting.reason}`;
    return `Init:${i}/${all.length}`;
  }
  return undefined;
}

/** While it is being initialized, those of its init containers; then the others', and sidecars'. */
function restarts(pod: Pod, now: number): string {
  const { spec, status } = pod;
  const sidecars = (spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const inits = status?.initContainerStatuses ?? [];
  const statuses =
    !isInitialized(pod) && initReason(pod) !== undefined
      ? inits
      : [
          ...(status?.containerStatuses ?? []),
          ...inits.filter(({ name }) => sidecars.includes(name)),
        ];
  const count = statuses.reduce((sum, one) => sum + one.restartCount, 0);
  const last = statuses
    .map(({ lastState }) => lastState?.terminated?.finishedAt ?? "")
    .sort()
    .pop();
  return count > 0 && last ? `${count} (${since(last, now)} ago)` : String(count);
}

function readinessGates({ spec, status }: Pod): string {
  if (!spec.readinessGates?.length) return none;
  const met = spec.readinessGates.filter(({ conditionType }) =>
    status?.conditions?.some(({ type, status }) => type === conditionType && status === "True"),
  ).length;
  return `${met}/${spec.readinessGates.length}`;
}

function externalIP({ spec, status }: Service): string {
  const external = spec.externalIPs ?? [];
  if (spec.type === "ExternalName") return spec.externalName ?? "";
  if (spec.type !== "LoadBalancer") return external.join(",") || none;
  const balanced = [
    ...new Set(
      (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || ""),
    ),
  ]
    .filter(Boolean)
    .sort();
  return [...balanced, ...external].join(",") || "<pending>";
}

const portsOf = ({ spec }: Service): string =>
  (spec.ports ?? [])
    .map(({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ""}/${protocol}`)
    .join(",") || none;

function endpointsText({ subsets = [] }: Endpoints): string {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) =>
          addresses.map(({ ip }) => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`)),
        ),
  );
  return few(all, none);
}
